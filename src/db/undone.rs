//! What undos took away and redo puts back: holds, raw events, and where the streams stood. It is read by nothing else, and
//! purged when its time is over.

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Result, Tx, items, raw_events::Version, statement::sql};
use crate::domain::{
    account::ProviderName,
    ids::{BatchId, StreamId},
};

/// Notes where the streams of a batch stand, as its undo begins. Like all that is kept it goes a day after the last moment in
/// which a redo can be asked for, so that one asked for then still finds it.
///
/// # Errors
/// When the database refuses.
pub async fn note_streams(tx: &mut Tx, batch: BatchId, days: i32) -> Result<()> {
    sql("INSERT INTO undone_streams (user_id, batch_id, stream_id, cursor, listed, purge_at)
         SELECT $1, $2, stream_id, cursor, listed, now() + make_interval(days => $3 + 1) FROM streams
         WHERE user_id = $1 AND stream_id IN (SELECT stream_id FROM jobs WHERE user_id = $1 AND batch_id = $2)
         ON CONFLICT (user_id, batch_id, stream_id) DO UPDATE SET
             cursor = excluded.cursor, listed = excluded.listed, purge_at = excluded.purge_at")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Integer, _>(days)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Keeps raw events that are about to be deleted, for so many days and one.
pub(super) async fn keep_events(
    tx: &mut Tx,
    provider: ProviderName,
    stream: StreamId,
    versions: &[Version],
    days: i32,
) -> Result<()> {
    sql(
        "INSERT INTO undone_events (user_id, stream_id, source_id, version, provider, kind, group_key, batch_id, payload,
             size_bytes, fetched_at, purge_at)
         SELECT $1, $3, r.source_id, r.version, $2, r.kind, r.group_key, r.batch_id, r.payload, r.size_bytes, r.fetched_at,
             now() + make_interval(days => $6 + 1)
         FROM unnest($4, $5) AS gone (source_id, version)
         CROSS JOIN LATERAL (
             SELECT * FROM raw_events
             WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = gone.source_id AND version = gone.version
             OFFSET 0
         ) AS r
         ON CONFLICT (user_id, stream_id, source_id, version) DO UPDATE SET
             purge_at = greatest(undone_events.purge_at, excluded.purge_at)",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Array<Text>, _>(versions.iter().map(|one| one.source_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(versions.iter().map(|one| one.version).collect::<Vec<_>>())
    .bind::<Integer, _>(days)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A stream of which an undone batch has holds to get back.
///
/// # Errors
/// When the database refuses.
pub async fn find_stream(tx: &mut Tx, batch: BatchId) -> Result<Option<StreamId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        stream_id: StreamId,
    }
    let rows: Vec<Row> = sql("SELECT stream_id FROM undone_items WHERE user_id = $1 AND batch_id = $2 LIMIT 1")
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<SqlUuid, _>(batch.0)
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().next().map(|row| row.stream_id))
}

/// Puts the consent of an undone approval back in force, where no other has come meanwhile, and the cursors back where they
/// were: what has happened since will be asked for.
///
/// # Errors
/// When the database refuses.
pub async fn reinstate_consent(tx: &mut Tx, batch: BatchId) -> Result<()> {
    sql(
        "UPDATE streams s SET preview_id = b.preview_id, cursor = u.cursor, listed = u.listed
         FROM undone_streams u
         JOIN batches b ON b.user_id = $1 AND b.batch_id = $2
         JOIN accounts a ON a.user_id = $1 AND a.account_id = b.account_id AND a.state <> 'disconnected'
         WHERE u.user_id = $1 AND u.batch_id = $2 AND s.user_id = $1 AND s.stream_id = u.stream_id AND s.preview_id IS NULL",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A hold that a batch gets back.
#[derive(Clone, Debug, QueryableByName)]
pub struct Hold {
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = Text)]
    pub outcome: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub version: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
}

/// Takes out up to `limit` of a batch's kept holds on a stream.
///
/// # Errors
/// When the database refuses.
pub async fn take_holds(tx: &mut Tx, batch: BatchId, stream: StreamId, limit: i64) -> Result<Vec<Hold>> {
    let holds = sql("DELETE FROM undone_items WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM undone_items WHERE user_id = $1 AND batch_id = $2 AND stream_id = $3
             ORDER BY source_id LIMIT $4 FOR UPDATE))
         RETURNING source_id, outcome, version, reason")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    Ok(holds)
}

/// What putting some holds back came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// Items that are there again.
    pub returned: i64,
    /// Items that have the batch's version again instead of an older one.
    pub replaced: i64,
    /// The groups whose interactions must be projected again.
    pub groups: Vec<String>,
}

/// Puts holds, the raw events they keep and the ledger's words back.
///
/// # Errors
/// When the database refuses.
pub async fn put_back(
    tx: &mut Tx,
    provider: ProviderName,
    batch: BatchId,
    stream: StreamId,
    holds: &[Hold],
) -> Result<Returned> {
    let ids: Vec<&str> = holds.iter().map(|hold| hold.source_id.as_str()).collect();
    // First of all, so that whoever reads the stream at this moment either sees the items back, or has let go of them and
    // shows in `is_current`.
    items::lock(tx, stream, &ids).await?;
    put_events_back(tx, provider, batch, stream, holds).await?;
    put_holds_back(tx, provider, batch, stream, holds).await?;
    let current = is_current(tx, batch, stream).await?;
    tell_ledger(tx, provider, batch, stream, holds, current).await
}

/// Whether no run has passed news of the stream while the batch was undone. Otherwise what comes back may have changed at the
/// provider, and no cursor would ever tell: the next run fetches it again.
async fn is_current(tx: &mut Tx, batch: BatchId, stream: StreamId) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        current: bool,
    }
    let row: Row = sql("SELECT EXISTS (
             SELECT FROM streams s JOIN undone_streams u USING (user_id, stream_id)
             WHERE s.user_id = $1 AND s.stream_id = $3 AND u.batch_id = $2 AND s.cursor IS NOT DISTINCT FROM u.cursor
         ) AND NOT EXISTS (
             SELECT FROM jobs
             WHERE user_id = $1 AND stream_id = $3 AND state IN ('queued', 'running', 'waiting', 'paused')
         ) AS current")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<SqlUuid, _>(stream.0)
    .get_result(&mut **tx)
    .await?;
    Ok(row.current)
}

async fn put_events_back(
    tx: &mut Tx,
    provider: ProviderName,
    batch: BatchId,
    stream: StreamId,
    holds: &[Hold],
) -> Result<()> {
    let (ids, versions) = keys(holds);
    // A version may be there already, because another batch brought it again.
    sql(
        "WITH kept AS (
             SELECT u.* FROM unnest($4, $5) AS hold (source_id, version)
             CROSS JOIN LATERAL (
                 SELECT ctid AS tid, * FROM undone_events
                 WHERE user_id = $1 AND stream_id = $3 AND source_id = hold.source_id
                     AND (batch_id = $6 OR version = hold.version)
                 OFFSET 0
             ) AS u
         ), taken AS (
             DELETE FROM undone_events WHERE ctid = ANY (ARRAY(SELECT tid FROM kept))
         )
         INSERT INTO raw_events (user_id, provider, stream_id, source_id, version, kind, group_key, batch_id, payload, size_bytes, fetched_at)
         SELECT user_id, $2, stream_id, source_id, version, kind, group_key, batch_id, payload, size_bytes, fetched_at FROM kept
         ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Nullable<BigInt>>, _>(versions)
    .bind::<SqlUuid, _>(batch.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A hold whose raw event is nowhere any more, because it was purged meanwhile, stays away with it.
async fn put_holds_back(
    tx: &mut Tx,
    provider: ProviderName,
    batch: BatchId,
    stream: StreamId,
    holds: &[Hold],
) -> Result<()> {
    let (ids, versions) = keys(holds);
    sql("INSERT INTO batch_items (user_id, batch_id, stream_id, source_id, outcome, version)
         SELECT $1, $4, $3, hold.* FROM unnest($5, $6, $7) AS hold (source_id, outcome, version)
         WHERE hold.version IS NULL OR EXISTS (
             SELECT FROM raw_events r
             WHERE r.user_id = $1 AND r.provider = $2 AND r.stream_id = $3 AND r.source_id = hold.source_id
                 AND r.version = hold.version OFFSET 0)
         ON CONFLICT DO NOTHING")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Text>, _>(holds.iter().map(|hold| hold.outcome.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<BigInt>>, _>(versions)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The ledger says of each item what its newest raw event says; of one that may have changed meanwhile, that it must be
/// fetched again.
async fn tell_ledger(
    tx: &mut Tx,
    provider: ProviderName,
    batch: BatchId,
    stream: StreamId,
    holds: &[Hold],
    current: bool,
) -> Result<Returned> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        group_key: String,
        #[diesel(sql_type = Bool)]
        returned: bool,
    }
    let held: Vec<&Hold> = holds.iter().filter(|hold| hold.version.is_some()).collect();
    let rows: Vec<Row> = sql(
        "WITH newest AS (
             SELECT i.tid, i.was_away, i.knew, r.version, r.kind, hold.reason FROM unnest($5, $6) AS hold (source_id, reason)
             CROSS JOIN LATERAL (
                 SELECT ctid AS tid, outcome = 'undone' AS was_away, version AS knew FROM items
                 WHERE user_id = $1 AND stream_id = $3 AND source_id = hold.source_id OFFSET 0
             ) AS i
             CROSS JOIN LATERAL (
                 SELECT version, kind FROM raw_events
                 WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = hold.source_id
                 ORDER BY version DESC LIMIT 1
             ) AS r
         ), due AS (
             SELECT CASE a.deletion_policy WHEN 'mirror' THEN now()
                 WHEN 'tombstone' THEN now() + make_interval(days => a.tombstone_days) END AS at
             FROM streams s JOIN accounts a ON a.user_id = $1 AND a.account_id = s.account_id
             WHERE s.user_id = $1 AND s.stream_id = $3
         )
         UPDATE items i SET version = n.version, batch_id = $4, attempts = 0, next_try_at = NULL, to_project = false,
             updated_at = now(), purge_at = CASE WHEN n.kind IN ('gone', 'departed') THEN coalesce(i.purge_at, due.at) END,
             reason = CASE WHEN $7 AND n.kind = 'departed' THEN coalesce(n.reason, 'outside') END,
             outcome = CASE WHEN NOT $7 THEN 'pending'
                 ELSE CASE n.kind WHEN 'item' THEN 'stored' WHEN 'departed' THEN 'filtered' ELSE 'gone' END END
         FROM newest n, due
         WHERE i.ctid = n.tid AND i.outcome <> 'pending' AND (n.was_away OR n.knew IS DISTINCT FROM n.version)
         RETURNING coalesce(i.group_key, i.source_id) AS group_key, n.was_away AS returned",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(held.iter().map(|hold| hold.source_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(held.iter().map(|hold| hold.reason.as_deref()).collect::<Vec<_>>())
    .bind::<Bool, _>(current)
    .load(&mut **tx)
    .await?;
    let returned = rows.iter().filter(|row| row.returned).count();
    let mut groups: Vec<String> = rows.iter().map(|row| row.group_key.clone()).collect();
    groups.sort_unstable();
    groups.dedup();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(Returned { returned: count(returned), replaced: count(rows.len() - returned), groups })
}

/// Sets up to `limit` of the items that a batch had listed and not fetched when it was undone back to pending; the next run
/// takes them up. Returns how many.
///
/// # Errors
/// When the database refuses.
pub async fn put_pending_back(tx: &mut Tx, batch: BatchId, limit: i64) -> Result<usize> {
    let changed = sql(
        "UPDATE items SET outcome = 'pending', reason = NULL, attempts = 0, updated_at = now()
         WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM items i
             WHERE user_id = $1 AND outcome = 'undone' AND batch_id = $2
                 AND stream_id IN (SELECT stream_id FROM undone_streams WHERE user_id = $1 AND batch_id = $2)
                 AND NOT EXISTS (
                     SELECT FROM batch_items b
                     WHERE b.user_id = $1 AND b.batch_id = $2 AND b.stream_id = i.stream_id AND b.source_id = i.source_id)
             ORDER BY stream_id, source_id LIMIT $3 FOR UPDATE))",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<BigInt, _>(limit)
    .execute(&mut **tx)
    .await?;
    Ok(changed)
}

/// Forgets up to `limit` of what is kept of a batch's undo, and where its streams stood once nothing else is left. Returns
/// how many holds went.
///
/// # Errors
/// When the database refuses.
pub async fn forget(tx: &mut Tx, batch: BatchId, limit: i64) -> Result<usize> {
    let forgotten = sql("WITH gone AS (
             DELETE FROM undone_items WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM undone_items WHERE user_id = $1 AND batch_id = $2 LIMIT $3 FOR UPDATE))
             RETURNING stream_id, source_id
         ), events AS (
             DELETE FROM undone_events WHERE ctid = ANY (ARRAY(
                 SELECT e.tid FROM gone CROSS JOIN LATERAL (
                     SELECT ctid AS tid FROM undone_events
                     WHERE user_id = $1 AND stream_id = gone.stream_id AND source_id = gone.source_id
                         AND NOT EXISTS (
                             SELECT FROM undone_items o
                             WHERE o.user_id = $1 AND o.stream_id = gone.stream_id AND o.source_id = gone.source_id
                                 AND o.batch_id <> $2)
                     OFFSET 0
                 ) AS e))
         )
         SELECT FROM gone")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<BigInt, _>(limit)
    .execute(&mut **tx)
    .await?;
    if forgotten == 0 {
        sql("DELETE FROM undone_streams WHERE user_id = $1 AND batch_id = $2")
            .bind::<SqlUuid, _>(tx.user().0)
            .bind::<SqlUuid, _>(batch.0)
            .execute(&mut **tx)
            .await?;
    }
    Ok(forgotten)
}

/// Deletes what has been kept for long enough, whoever's it is. For the scheduler's role.
///
/// Of each table those rows go that were to go first, which were kept by one transaction of an undo. Returns how many went.
///
/// # Errors
/// When the database refuses.
pub async fn purge_expired(tx: &mut Tx) -> Result<usize> {
    let mut purged = 0;
    for table in ["undone_events", "undone_items", "undone_streams"] {
        let deletion =
            format!("DELETE FROM {table} WHERE purge_at = (SELECT min(purge_at) FROM {table} WHERE purge_at < now())");
        purged += sql(deletion).execute(&mut **tx).await?;
    }
    Ok(purged)
}

fn keys(holds: &[Hold]) -> (Vec<&str>, Vec<Option<i64>>) {
    holds.iter().map(|hold| (hold.source_id.as_str(), hold.version)).unzip()
}
