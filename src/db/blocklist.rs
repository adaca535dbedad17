//! Addresses and domains whose people are no contacts.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper,
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Result, Tx, schema::blocklist, statement::sql};

/// An entry of a person's blocklist.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = blocklist, check_for_backend(diesel::pg::Pg))]
pub struct Blocked {
    pub entry: String,
    pub created_at: DateTime<Utc>,
}

impl Blocked {
    /// Up to `limit` entries after one and before another, in the order of their texts; from the end when `backward`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page(
        tx: &mut Tx,
        after: Option<String>,
        before: Option<String>,
        backward: bool,
        limit: i64,
    ) -> Result<Vec<Self>> {
        let mut query = blocklist::table
            .filter(blocklist::user_id.eq(tx.user().0))
            .limit(limit)
            .select(Self::as_select())
            .into_boxed();
        query = if backward { query.order(blocklist::entry.desc()) } else { query.order(blocklist::entry.asc()) };
        if let Some(entry) = after {
            query = query.filter(blocklist::entry.gt(entry));
        }
        if let Some(entry) = before {
            query = query.filter(blocklist::entry.lt(entry));
        }
        Ok(query.load(&mut **tx).await?)
    }
}

/// How many entries there are.
///
/// # Errors
/// When the database refuses.
pub async fn count(tx: &mut Tx) -> Result<i64> {
    Ok(blocklist::table.filter(blocklist::user_id.eq(tx.user().0)).count().get_result(&mut **tx).await?)
}

/// Adds entries; those that are there stay as they are. Returns how many are new.
///
/// # Errors
/// When the database refuses.
pub async fn add(tx: &mut Tx, entries: &[String]) -> Result<usize> {
    let added = sql(
        "INSERT INTO blocklist (user_id, entry) SELECT $1, entry FROM unnest($2) AS new (entry) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<Text>, _>(entries)
    .execute(&mut **tx)
    .await?;
    Ok(added)
}

/// Takes entries away. Returns how many there were.
///
/// # Errors
/// When the database refuses.
pub async fn remove(tx: &mut Tx, entries: &[String]) -> Result<usize> {
    let gone = blocklist::table.filter(blocklist::user_id.eq(tx.user().0)).filter(blocklist::entry.eq_any(entries));
    Ok(diesel::delete(gone).execute(&mut **tx).await?)
}
