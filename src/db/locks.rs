//! Locks that a transaction holds until it ends.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use super::{Result, Tx, statement::sql};
use crate::domain::ids::StreamId;

/// Waits until no other projection or undo works on a stream, and keeps them away until the transaction ends.
///
/// # Errors
/// When the database refuses, or the wait outlasts the connection's lock timeout ([`super::Error::is_lock_timeout`]).
pub async fn hold_stream(tx: &mut Tx, stream: StreamId) -> Result<()> {
    sql("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(stream.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
