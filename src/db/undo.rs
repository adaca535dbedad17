//! The statements of undo: whose version is it, who else holds it, what is left.
//!
//! A version of an item lives as long as one batch holds it: the batch that brought it, or one that found it unchanged. Undo
//! gives up the batch's holds, deletes the versions that nobody holds any more, and lets what is left be projected again.

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Result, Tx, items,
    raw_events::{self, Version},
    statement::sql,
    undone,
};
use crate::domain::{
    account::{ProviderName, Service},
    ids::{BatchId, StreamId},
};

/// A hold that a batch had on an item.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Hold {
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub version: Option<i64>,
}

/// A stream in which a batch still holds something.
///
/// # Errors
/// When the database refuses.
pub async fn find_stream(tx: &mut Tx, batch: BatchId) -> Result<Option<StreamId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        stream_id: StreamId,
    }
    let rows: Vec<Row> = sql("(SELECT stream_id FROM batch_items WHERE user_id = $1 AND batch_id = $2 LIMIT 1)
         UNION ALL
         (SELECT i.stream_id FROM items i WHERE i.user_id = $1 AND i.batch_id = $2 AND i.outcome = 'pending' LIMIT 1)")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .load(&mut **tx)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.stream_id))
}

/// For how many days what an undo takes away is kept to be redone; `None`: it is deleted at once.
pub type Keep = Option<i32>;

/// Gives up to `limit` of a batch's holds in a stream, and returns them.
///
/// # Errors
/// When the database refuses.
pub async fn give_up(tx: &mut Tx, batch: BatchId, stream: StreamId, limit: i64, keep: Keep) -> Result<Vec<Hold>> {
    let holds = sql(
        "WITH given AS (
             DELETE FROM batch_items WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM batch_items WHERE user_id = $1 AND batch_id = $2 AND stream_id = $3
                 ORDER BY source_id LIMIT $4 FOR UPDATE))
             RETURNING source_id, outcome, version
         ), kept AS (
             INSERT INTO undone_items (user_id, batch_id, stream_id, source_id, outcome, version, reason, purge_at)
             SELECT $1, $2, $3, given.source_id, given.outcome, given.version, i.reason, now() + make_interval(days => $5 + 1)
             FROM given LEFT JOIN LATERAL (
                 SELECT reason FROM items WHERE user_id = $1 AND stream_id = $3 AND source_id = given.source_id OFFSET 0
             ) AS i ON true
             WHERE $5 IS NOT NULL
             ON CONFLICT (user_id, batch_id, stream_id, source_id) DO UPDATE SET
                 outcome = excluded.outcome, version = excluded.version, reason = excluded.reason, purge_at = excluded.purge_at
         )
         SELECT source_id, version FROM given",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<BigInt, _>(limit)
    .bind::<Nullable<Integer>, _>(keep)
    .load(&mut **tx)
    .await?;
    Ok(holds)
}

/// What giving up some holds came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Items of which nothing is left.
    pub removed: i64,
    /// Items set back to an earlier version.
    pub restored: i64,
    /// The groups whose interactions must be projected again.
    pub groups: Vec<String>,
}

/// Deletes the versions that these given-up holds kept and nobody else holds, or sets them aside, and tells the ledger.
///
/// # Errors
/// When the database refuses.
pub async fn delete_unheld(
    tx: &mut Tx,
    provider: ProviderName,
    batch: BatchId,
    stream: StreamId,
    holds: &[Hold],
    keep: Keep,
) -> Result<Released> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        group_key: String,
        #[diesel(sql_type = diesel::sql_types::Bool)]
        removed: bool,
    }
    // Filtered, failed and gone items of which the batch stored nothing hold no version; their ledger rows stay as they are.
    let versions: Vec<&Hold> = holds.iter().filter(|hold| hold.version.is_some()).collect();
    let ids: Vec<&str> = versions.iter().map(|hold| hold.source_id.as_str()).collect();
    // Held first: another batch may just be finding one of these versions unchanged, and its hold must be seen below. It
    // also keeps each row where it is, so that the update can go by its place.
    items::lock(tx, stream, &ids).await?;
    let unheld: Vec<Version> = sql(
        "SELECT r.source_id, r.version FROM unnest($5, $6) AS hold (source_id, version)
         CROSS JOIN LATERAL (
             SELECT source_id, version FROM raw_events r
             WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = hold.source_id
                 AND (batch_id = $4 OR version = hold.version)
                 AND NOT EXISTS (
                     SELECT FROM batch_items b
                     WHERE b.user_id = $1 AND b.stream_id = $3 AND b.source_id = hold.source_id AND b.version = r.version)
             OFFSET 0
         ) AS r",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(&ids)
    .bind::<Array<Nullable<BigInt>>, _>(versions.iter().map(|hold| hold.version).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    if let Some(days) = keep {
        undone::keep_events(tx, provider, stream, &unheld, days).await?;
    }
    raw_events::delete(tx, provider, stream, &unheld).await?;
    // What is set back to a deletion keeps its time, or waits as long as after a new one. What another run still wants in a
    // newer version than is left stays wanted.
    let rows: Vec<Row> = sql(
        "WITH left_over AS (
             SELECT i.tid, r.version, r.kind, r.version IS NOT NULL AND i.is_elsewhere AS is_wanted FROM unnest($4) AS held (source_id)
             CROSS JOIN LATERAL (
                 SELECT ctid AS tid, outcome IN ('pending', 'failed') AND batch_id <> $5 AS is_elsewhere FROM items
                 WHERE user_id = $1 AND stream_id = $3 AND source_id = held.source_id OFFSET 0
             ) AS i
             LEFT JOIN LATERAL (
                 SELECT version, kind FROM raw_events
                 WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = held.source_id
                 ORDER BY version DESC LIMIT 1
             ) AS r ON true
         ), due AS (
             SELECT CASE a.deletion_policy WHEN 'mirror' THEN now()
                 WHEN 'tombstone' THEN now() + make_interval(days => a.tombstone_days) END AS at
             FROM streams s JOIN accounts a ON a.user_id = $1 AND a.account_id = s.account_id
             WHERE s.user_id = $1 AND s.stream_id = $3
         )
         UPDATE items i SET version = l.version, to_project = false,
             reason = CASE WHEN l.is_wanted THEN i.reason WHEN l.kind = 'departed' THEN coalesce(i.reason, 'outside') END,
             outcome = CASE WHEN l.is_wanted THEN i.outcome WHEN l.kind = 'item' THEN 'stored' WHEN l.kind = 'departed' THEN 'filtered'
                 WHEN l.kind IN ('gone', 'kept') THEN 'gone' ELSE 'undone' END,
             purge_at = CASE WHEN l.kind IN ('gone', 'departed') THEN coalesce(i.purge_at, due.at) END, updated_at = now()
         FROM left_over l, due
         WHERE i.ctid = l.tid AND (i.version IS DISTINCT FROM l.version OR l.version IS NULL)
         RETURNING coalesce(i.group_key, i.source_id) AS group_key, l.version IS NULL AS removed",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Array<Text>, _>(&ids)
    .bind::<SqlUuid, _>(batch.0)
    .load(&mut **tx)
    .await?;
    let removed = rows.iter().filter(|row| row.removed).count();
    let mut groups: Vec<String> = rows.iter().map(|row| row.group_key.clone()).collect();
    groups.sort_unstable();
    groups.dedup();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(Released { removed: count(removed), restored: count(rows.len() - removed), groups })
}

/// Sets up to `limit` of a batch's unfetched items back: to what is stored of them, or to undone. Returns how many.
///
/// # Errors
/// When the database refuses.
pub async fn drop_pending(tx: &mut Tx, provider: ProviderName, batch: BatchId, limit: i64) -> Result<usize> {
    let changed = sql(
        "UPDATE items i SET next_try_at = NULL, updated_at = now(), reason = CASE WHEN picked.kind = 'departed' THEN 'outside' END,
             outcome = CASE picked.kind WHEN 'item' THEN 'stored' WHEN 'departed' THEN 'filtered' WHEN 'gone' THEN 'gone' WHEN 'kept' THEN 'gone'
                 ELSE 'undone' END
         FROM (
             SELECT p.stream_id, p.source_id, (
                 SELECT r.kind FROM raw_events r
                 WHERE r.user_id = $1 AND r.provider = $4 AND r.stream_id = p.stream_id AND r.source_id = p.source_id
                 ORDER BY r.version DESC LIMIT 1
             ) AS kind
             FROM items p WHERE p.user_id = $1 AND p.batch_id = $2 AND p.outcome = 'pending' LIMIT $3
         ) AS picked
         WHERE i.user_id = $1 AND i.stream_id = picked.stream_id AND i.source_id = picked.source_id",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<BigInt, _>(limit)
    .bind::<Text, _>(provider.as_str())
    .execute(&mut **tx)
    .await?;
    Ok(changed)
}

/// What an undo would do, by service.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Forecast {
    #[diesel(sql_type = Text)]
    pub service: Service,
    /// Items that would be taken away.
    #[diesel(sql_type = BigInt)]
    pub removed: i64,
    /// Items that would be set back to an earlier version.
    #[diesel(sql_type = BigInt)]
    pub restored: i64,
    /// Items that would stay as they are, because another batch holds them too or brought something newer.
    #[diesel(sql_type = BigInt)]
    pub kept: i64,
}

/// Counts what an undo would do, without doing it.
///
/// # Errors
/// When the database refuses.
pub async fn forecast(tx: &mut Tx, provider: ProviderName, batch: BatchId) -> Result<Vec<Forecast>> {
    let rows = sql(
        "WITH fate AS (
             SELECT h.stream_id, h.source_id, r.version, r.goes FROM batch_items h
             CROSS JOIN LATERAL (
                 SELECT version, (batch_id = $3 OR version = h.version) AND NOT EXISTS (
                     SELECT FROM batch_items b
                     WHERE b.user_id = $1 AND b.stream_id = h.stream_id AND b.source_id = h.source_id
                         AND b.version = r.version AND b.batch_id <> $3 OFFSET 0) AS goes
                 FROM raw_events r
                 WHERE user_id = $1 AND provider = $2 AND stream_id = h.stream_id AND source_id = h.source_id OFFSET 0
             ) AS r
             WHERE h.user_id = $1 AND h.batch_id = $3 AND h.version IS NOT NULL
         ), items AS (
             SELECT stream_id, source_id, bool_and(goes) AS all_go,
                 (array_agg(goes ORDER BY version DESC))[1] AS newest_goes
             FROM fate GROUP BY stream_id, source_id
         )
         SELECT s.service, count(*) FILTER (WHERE all_go) AS removed,
             count(*) FILTER (WHERE newest_goes AND NOT all_go) AS restored, count(*) FILTER (WHERE NOT newest_goes) AS kept
         FROM items JOIN streams s ON s.user_id = $1 AND s.stream_id = items.stream_id
         GROUP BY s.service ORDER BY s.service DESC",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(batch.0)
    .load(&mut **tx)
    .await?;
    Ok(rows)
}
