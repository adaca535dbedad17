//! The people, and the sealed key of each.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use super::{Result, Tx, schema::users};

/// Makes a row for the transaction's user with this sealed data key, unless there is one.
///
/// # Errors
/// When the database refuses.
pub async fn ensure(tx: &mut Tx, data_key: &[u8], wrapping_key_id: &str) -> Result<()> {
    let row =
        (users::user_id.eq(tx.user().0), users::data_key.eq(data_key), users::wrapping_key_id.eq(wrapping_key_id));
    diesel::insert_into(users::table).values(row).on_conflict_do_nothing().execute(&mut **tx).await?;
    Ok(())
}

/// The sealed data key of the transaction's user; `None` for someone who never came or whose key was destroyed.
///
/// # Errors
/// When the database refuses.
pub async fn find_data_key(tx: &mut Tx) -> Result<Option<Vec<u8>>> {
    let query = users::table.find(tx.user().0).select(users::data_key);
    Ok(query.first(&mut **tx).await.optional()?)
}
