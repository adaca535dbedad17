//! The statements of the purge: what a deletion has put out of sight is deleted when its time has come.
//!
//! What goes are the versions below the newest; the newest, which tells of the deletion, stays for ever, and so does the
//! ledger. The time is the database's.

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Result, Tx, items,
    raw_events::{self, Version},
    statement::sql,
    streams::Due,
};
use crate::domain::{account::ProviderName, ids::StreamId};

/// The streams of the `limit` items that have been due for longest, whoever's they are. For the scheduler's role.
///
/// # Errors
/// When the database refuses.
pub async fn due(tx: &mut Tx, limit: i64) -> Result<Vec<Due>> {
    let due = sql("SELECT DISTINCT user_id, stream_id FROM (
             SELECT user_id, stream_id FROM items WHERE purge_at <= now() ORDER BY purge_at LIMIT $1
         ) AS longest")
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    Ok(due)
}

/// What of a stream must go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doomed {
    /// What was looked at, held until the transaction ends.
    pub items: Vec<String>,
    /// The versions to delete. None of an item that has come back, which is due no more.
    pub versions: Vec<Version>,
    /// Exceptions of deleted series, of which these are all versions.
    pub members: Vec<String>,
}

/// Takes up to `limit` items of a stream that are due, and finds what must go.
///
/// With a deleted series go its exceptions, which providers delete along with it and do not always tell of. A series that has
/// only left the consent keeps them, or they would be missing when it comes back.
///
/// # Errors
/// When the database refuses.
pub async fn take(tx: &mut Tx, provider: ProviderName, stream: StreamId, limit: i64) -> Result<Doomed> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        version: Version,
        #[diesel(sql_type = Bool)]
        is_member: bool,
    }
    let items = due_in(tx, stream, limit).await?;
    if items.is_empty() {
        return Ok(Doomed::default());
    }
    // Looked at again once they are held: one may just have come back.
    items::lock(tx, stream, &items.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let rows: Vec<Row> = sql(
        "WITH hidden AS (
             SELECT due.source_id, newest.version, newest.kind FROM unnest($4) AS held (source_id)
             CROSS JOIN LATERAL (
                 SELECT source_id FROM items
                 WHERE user_id = $1 AND stream_id = $3 AND source_id = held.source_id AND purge_at <= now() OFFSET 0
             ) AS due
             CROSS JOIN LATERAL (
                 SELECT version, kind FROM raw_events
                 WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = due.source_id
                 ORDER BY version DESC LIMIT 1
             ) AS newest
             WHERE newest.kind IN ('gone', 'departed')
         )
         SELECT older.source_id, older.version, false AS is_member FROM hidden CROSS JOIN LATERAL (
             SELECT source_id, version FROM raw_events
             WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = hidden.source_id
                 AND version < hidden.version OFFSET 0
         ) AS older
         UNION ALL
         SELECT every.source_id, every.version, true FROM hidden CROSS JOIN LATERAL (
             SELECT source_id FROM items
             WHERE user_id = $1 AND stream_id = $3 AND group_key = hidden.source_id AND group_key IS DISTINCT FROM source_id
             OFFSET 0
         ) AS member CROSS JOIN LATERAL (
             SELECT source_id, version FROM raw_events
             WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = member.source_id OFFSET 0
         ) AS every
         WHERE hidden.kind = 'gone' AND member.source_id = ANY($4)",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Array<Text>, _>(&items)
    .load(&mut **tx)
    .await?;
    let mut members: Vec<String> =
        rows.iter().filter(|row| row.is_member).map(|row| row.version.source_id.clone()).collect();
    members.sort_unstable();
    members.dedup();
    Ok(Doomed { items, versions: rows.into_iter().map(|row| row.version).collect(), members })
}

/// Up to `limit` items of a stream that are due, and the members of the groups that bear their names.
async fn due_in(tx: &mut Tx, stream: StreamId, limit: i64) -> Result<Vec<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        source_id: String,
    }
    let rows: Vec<Row> = sql(
        "WITH due AS (
             SELECT source_id FROM items WHERE user_id = $1 AND stream_id = $2 AND purge_at <= now() ORDER BY purge_at LIMIT $3
         )
         SELECT source_id FROM due
         UNION
         SELECT member.source_id FROM due CROSS JOIN LATERAL (
             SELECT source_id FROM items
             WHERE user_id = $1 AND stream_id = $2 AND group_key = due.source_id AND group_key IS DISTINCT FROM source_id
             OFFSET 0
         ) AS member",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| row.source_id).collect())
}

/// Deletes what must go, makes the batches that held it hold nothing, and tells the ledger.
///
/// # Errors
/// When the database refuses.
pub async fn delete(tx: &mut Tx, provider: ProviderName, stream: StreamId, doomed: &Doomed) -> Result<()> {
    raw_events::delete(tx, provider, stream, &doomed.versions).await?;
    let empty_holds = sql("UPDATE batch_items b SET version = NULL FROM (
             SELECT hold.tid FROM unnest($3, $4) AS gone (source_id, version) CROSS JOIN LATERAL (
                 SELECT ctid AS tid FROM batch_items
                 WHERE user_id = $1 AND stream_id = $2 AND source_id = gone.source_id AND version = gone.version
                 FOR UPDATE
             ) AS hold
         ) AS held WHERE b.ctid = held.tid")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Array<Text>, _>(doomed.versions.iter().map(|one| one.source_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(doomed.versions.iter().map(|one| one.version).collect::<Vec<_>>());
    if !doomed.versions.is_empty() {
        empty_holds.execute(&mut **tx).await?;
    }
    // The rows are held, so that the updates can go by their places.
    let done = "SET purge_at = NULL";
    let removed =
        "SET version = NULL, outcome = CASE outcome WHEN 'stored' THEN 'gone' ELSE outcome END, updated_at = now()";
    for (change, which, ids) in [(done, "purge_at <= now()", &doomed.items), (removed, "true", &doomed.members)] {
        if ids.is_empty() {
            continue;
        }
        let update = format!(
            "UPDATE items i {change} FROM (
                 SELECT one.tid FROM unnest($3) AS told (source_id) CROSS JOIN LATERAL (
                     SELECT ctid AS tid FROM items
                     WHERE user_id = $1 AND stream_id = $2 AND source_id = told.source_id AND {which} OFFSET 0
                 ) AS one
             ) AS told WHERE i.ctid = told.tid"
        );
        sql(update)
            .bind::<SqlUuid, _>(tx.user().0)
            .bind::<SqlUuid, _>(stream.0)
            .bind::<Array<Text>, _>(ids)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
