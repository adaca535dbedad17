//! What the planner knows of the tables.

use diesel_async::RunQueryDsl;

use super::{Result, Tx, statement::sql};

/// Has PostgreSQL count anew what is in the tables that have more than doubled since it last did. For the scheduler's role.
///
/// It does so by itself, but only a minute or more later.
///
/// # Errors
/// When the database refuses.
pub async fn refresh(tx: &mut Tx) -> Result<()> {
    sql("SELECT refresh_statistics()").execute(&mut **tx).await?;
    Ok(())
}
