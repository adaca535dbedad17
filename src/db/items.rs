//! The ledger: what became of every id, and what each batch did to it.
//!
//! Statements here take whole pages and chunks as arrays (`unnest`), because a statement a row would cost more than the rows.
//! They look each id up by itself (`LATERAL`): what the database believes of how many rows a stream has is an average of
//! other people's, or nothing at all, and by that belief a join or `= ANY` walks the whole stream for every chunk.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName,
    sql_types::{Array, BigInt, Bool, Bytea, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Result, Tx, schema::items, statement::sql};
use crate::domain::{
    account::ProviderName,
    ids::{AccountId, BatchId, StreamId},
    item::{ItemOutcome, RawKind, UniversalHash},
};

/// How a page of ids meets what the ledger knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Whether what is stored must be fetched again, as what has changed must.
    pub refetch: bool,
    /// Whether what an undo took away comes back.
    pub include_undone: bool,
}

/// What a page of ids came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct Listed {
    /// Ids this batch had not met before.
    #[diesel(sql_type = BigInt)]
    pub met: i64,
    /// Of these, unknown to the ledger.
    #[diesel(sql_type = BigInt)]
    pub fresh: i64,
    /// Of these, already stored.
    #[diesel(sql_type = BigInt)]
    pub unchanged: i64,
    /// Of these, kept out because an undo took them away.
    #[diesel(sql_type = BigInt)]
    pub kept_out: i64,
}

/// Enters a page of ids, whose first has the place `first_ordinal` in the listing. Those to be fetched become pending.
///
/// # Errors
/// When the database refuses.
pub async fn enter(
    tx: &mut Tx,
    stream: StreamId,
    batch: BatchId,
    ids: &[String],
    first_ordinal: i64,
    listing: Listing,
) -> Result<Listed> {
    let Listing { refetch, include_undone } = listing;
    // The rows touched exist and are held, so that upsert only ever updates; it looks each up by the key.
    let listed = sql(
        "WITH listed AS (
             SELECT source_id, min(place) AS place FROM unnest($4) WITH ORDINALITY AS page (source_id, place) GROUP BY source_id
         ), old AS (
             SELECT i.* FROM (SELECT source_id FROM listed ORDER BY source_id) AS l CROSS JOIN LATERAL (
                 SELECT source_id, outcome, version, batch_id FROM items
                 WHERE user_id = $1 AND stream_id = $2 AND source_id = l.source_id FOR UPDATE
             ) AS i
         ), entered AS (
             INSERT INTO items (user_id, stream_id, source_id, batch_id, outcome, ordinal)
             SELECT $1, $2, l.source_id, $3, 'pending', $5 + l.place - 1
             FROM listed l LEFT JOIN old o USING (source_id)
             WHERE o.source_id IS NULL
                 OR ((o.batch_id <> $3 OR $6) AND (
                     o.outcome IN ('pending', 'filtered', 'failed', 'gone')
                     OR (o.outcome = 'stored' AND $6) OR (o.outcome = 'undone' AND $7)))
             ON CONFLICT (user_id, stream_id, source_id) DO UPDATE SET
                 batch_id = excluded.batch_id, outcome = 'pending', ordinal = excluded.ordinal, reason = NULL,
                 attempts = 0, next_try_at = NULL, updated_at = now()
         ), touched AS (
             INSERT INTO items (user_id, stream_id, source_id, batch_id, outcome)
             SELECT $1, $2, o.source_id, $3, 'pending' FROM old o
             WHERE o.batch_id <> $3 AND ((o.outcome = 'stored' AND NOT $6) OR (o.outcome = 'undone' AND NOT $7))
             ON CONFLICT (user_id, stream_id, source_id) DO UPDATE SET batch_id = excluded.batch_id
         ), held AS (
             INSERT INTO batch_items (user_id, batch_id, stream_id, source_id, outcome, version)
             SELECT $1, $3, $2, o.source_id, CASE o.outcome WHEN 'stored' THEN 'unchanged' ELSE 'filtered' END,
                 CASE o.outcome WHEN 'stored' THEN o.version END
             FROM old o
             WHERE o.batch_id <> $3 AND ((o.outcome = 'stored' AND NOT $6) OR (o.outcome = 'undone' AND NOT $7))
             ON CONFLICT DO NOTHING
         )
         SELECT count(*) FILTER (WHERE o.source_id IS NULL OR o.batch_id <> $3) AS met,
             count(*) FILTER (WHERE o.source_id IS NULL) AS fresh,
             count(*) FILTER (WHERE o.batch_id <> $3 AND o.outcome = 'stored' AND NOT $6) AS unchanged,
             count(*) FILTER (WHERE o.batch_id <> $3 AND o.outcome = 'undone' AND NOT $7) AS kept_out
         FROM listed l LEFT JOIN old o USING (source_id)",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(ids)
    .bind::<BigInt, _>(first_ordinal)
    .bind::<Bool, _>(refetch)
    .bind::<Bool, _>(include_undone)
    .get_result(&mut **tx)
    .await?;
    Ok(listed)
}

/// What earlier batches of a stream have left to be looked at, and a listing does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// Listed by a batch that ended before it fetched them.
    Unfetched,
    /// Stored, and not met by this batch: gone or moved out of sight while no cursor told of it.
    Unmet,
}

/// Takes the place in the listing from what a batch has stored: it counts as unmet until a new listing names it.
///
/// # Errors
/// When the database refuses.
pub async fn forget_places(tx: &mut Tx, stream: StreamId, batch: BatchId) -> Result<()> {
    sql("UPDATE items SET ordinal = -1 WHERE user_id = $1 AND stream_id = $2 AND batch_id = $3 AND outcome = 'stored'")
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<SqlUuid, _>(stream.0)
        .bind::<SqlUuid, _>(batch.0)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Gives up to `limit` leftovers to a batch as pending, and returns how many.
///
/// # Errors
/// When the database refuses.
pub async fn adopt(tx: &mut Tx, stream: StreamId, batch: BatchId, which: Leftover, limit: i64) -> Result<i64> {
    // A batch that is being undone drops what it has not fetched by itself.
    let picked = match which {
        Leftover::Unfetched => {
            "outcome = 'pending' AND EXISTS (
                 SELECT FROM batches b WHERE b.user_id = $1 AND b.batch_id = items.batch_id AND b.state NOT IN ('undoing', 'undone'))"
        }
        Leftover::Unmet => "outcome = 'stored'",
    };
    let elsewhere = match which {
        Leftover::Unfetched => "batch_id <> $3",
        Leftover::Unmet => "(batch_id <> $3 OR ordinal < 0)",
    };
    let changed = sql(format!(
        "WITH picked AS (
             SELECT source_id FROM items
             WHERE user_id = $1 AND stream_id = $2 AND {elsewhere} AND {picked} ORDER BY source_id LIMIT $4 FOR UPDATE
         )
         INSERT INTO items (user_id, stream_id, source_id, batch_id, outcome)
         SELECT $1, $2, source_id, $3, 'pending' FROM picked
         ON CONFLICT (user_id, stream_id, source_id) DO UPDATE SET
             batch_id = excluded.batch_id, outcome = 'pending', ordinal = excluded.ordinal, reason = NULL, attempts = 0,
             next_try_at = NULL, updated_at = now()"
    ))
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<BigInt, _>(limit)
    .execute(&mut **tx)
    .await?;
    Ok(i64::try_from(changed).unwrap_or(i64::MAX))
}

/// How many items of a stream are stored and in sight.
///
/// # Errors
/// When the database refuses.
pub async fn count_stored(tx: &mut Tx, stream: StreamId) -> Result<i64> {
    let stored = items::table
        .filter(items::user_id.eq(tx.user().0))
        .filter(items::stream_id.eq(stream.0))
        .filter(items::outcome.eq(ItemOutcome::Stored.as_str()));
    Ok(stored.count().get_result(&mut **tx).await?)
}

/// What a batch still has to fetch from a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Ids to fetch now, first in the listing first.
    pub ids: Vec<String>,
    /// When there is nothing now: when the next one may be tried again.
    pub next_try_at: Option<DateTime<Utc>>,
}

/// Up to `limit` ids that a batch still has to fetch.
///
/// # Errors
/// When the database refuses.
pub async fn pending(tx: &mut Tx, stream: StreamId, batch: BatchId, limit: i64) -> Result<Pending> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        source_id: String,
    }
    // Two questions rather than one that sorts both kinds: this one walks its index and stops, however much is pending.
    let rows: Vec<Row> = sql("SELECT source_id FROM items
         WHERE user_id = $1 AND stream_id = $2 AND outcome = 'pending' AND batch_id = $3
             AND (next_try_at IS NULL OR next_try_at <= now())
         ORDER BY ordinal LIMIT $4")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    let next_try_at = if rows.is_empty() { next_try_at(tx, stream, batch).await? } else { None };
    Ok(Pending { ids: rows.into_iter().map(|row| row.source_id).collect(), next_try_at })
}

/// When the first of a batch's pending items may be tried again.
async fn next_try_at(tx: &mut Tx, stream: StreamId, batch: BatchId) -> Result<Option<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        at: Option<DateTime<Utc>>,
    }
    let row: Row = sql("SELECT min(next_try_at) AS at FROM items
         WHERE user_id = $1 AND stream_id = $2 AND outcome = 'pending' AND batch_id = $3")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .get_result(&mut **tx)
    .await?;
    Ok(row.at)
}

/// What the ledger knows of an item.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Known {
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = Text)]
    pub outcome: ItemOutcome,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub version: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    pub group_key: Option<String>,
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    /// What its newest raw event is; `None` when nothing is stored of it.
    #[diesel(sql_type = Nullable<Text>)]
    pub newest: Option<RawKind>,
    /// Whether this batch had met it before.
    #[diesel(sql_type = Bool)]
    pub met: bool,
    /// What this batch has already counted it as.
    #[diesel(sql_type = Nullable<Text>)]
    pub counted: Option<String>,
}

/// What the ledger knows of these ids; holds the rows until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock_known(
    tx: &mut Tx,
    provider: ProviderName,
    stream: StreamId,
    batch: BatchId,
    ids: &[String],
) -> Result<Vec<Known>> {
    let known = sql("SELECT i.*, b.outcome AS counted, CASE
             WHEN i.outcome = 'stored' THEN 'item'
             WHEN i.version IS NOT NULL THEN (
                 SELECT kind FROM raw_events
                 WHERE user_id = $1 AND provider = $5 AND stream_id = $2 AND source_id = i.source_id
                 ORDER BY version DESC LIMIT 1)
             END AS newest
         FROM (SELECT DISTINCT unnest($4) AS source_id ORDER BY source_id) AS wanted
         CROSS JOIN LATERAL (
             SELECT source_id, outcome, version, group_key, attempts, batch_id = $3 AS met FROM items
             WHERE user_id = $1 AND stream_id = $2 AND source_id = wanted.source_id FOR UPDATE
         ) AS i
         LEFT JOIN LATERAL (
             SELECT outcome FROM batch_items
             WHERE user_id = $1 AND batch_id = $3 AND stream_id = $2 AND source_id = wanted.source_id OFFSET 0
         ) AS b ON true")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(ids)
    .bind::<Text, _>(provider.as_str())
    .load(&mut **tx)
    .await?;
    Ok(known)
}

/// Holds these items against every other writer until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(tx: &mut Tx, stream: StreamId, ids: &[&str]) -> Result<()> {
    sql("SELECT FROM (SELECT DISTINCT unnest($3) AS source_id ORDER BY source_id) AS wanted
         CROSS JOIN LATERAL (
             SELECT FROM items WHERE user_id = $1 AND stream_id = $2 AND source_id = wanted.source_id FOR UPDATE
         ) AS i")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Array<Text>, _>(ids)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    pub source_id: String,
    /// `Pending` for one that will be tried again.
    pub outcome: ItemOutcome,
    /// Which rule, or why.
    pub reason: Option<String>,
    pub group_key: Option<String>,
    pub version: Option<i64>,
    pub attempts: i16,
    /// Seconds until the next try of one that stays pending.
    pub retry_in_secs: Option<i32>,
    /// Whether a raw event was written, which its interactions must follow.
    pub changed: bool,
    /// Days until the older versions are deleted, where that raw event takes it out of sight; `None` means never.
    pub purge_in_days: Option<i32>,
    /// The outcome in this batch: `Stored`, `Unchanged`, `Filtered`, `Failed`, `Gone`; `None` while pending.
    pub in_batch: Option<ItemOutcome>,
    /// Of the name it came with; `None` when it came without, which leaves what is known.
    pub universal_hash: Option<UniversalHash>,
}

impl Resolution {
    /// The version that the batch holds from now on: what it brought, or found as it was.
    ///
    /// A batch that left an item out, or could not have it, holds nothing: undoing the one that brought it must take it away.
    fn held_version(&self) -> Option<i64> {
        self.version
            .filter(|_| self.changed || matches!(self.in_batch, Some(ItemOutcome::Stored | ItemOutcome::Unchanged)))
    }
}

/// Writes what became of a chunk of items, for the ledger and for the batch.
///
/// # Errors
/// When the database refuses.
pub async fn resolve(tx: &mut Tx, stream: StreamId, batch: BatchId, all: &[Resolution]) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    sql(
        "INSERT INTO items (user_id, stream_id, source_id, batch_id, outcome, reason, group_key, version, attempts, next_try_at,
             to_project, purge_at, universal_hash)
         SELECT $1, $2, r.source_id, $3, r.outcome, r.reason, r.group_key, r.version, r.attempts,
             now() + make_interval(secs => r.retry_in), r.changed, now() + make_interval(days => r.purge_in), r.universal_hash
         FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             AS r (source_id, outcome, reason, group_key, version, attempts, retry_in, changed, purge_in, universal_hash)
         ON CONFLICT (user_id, stream_id, source_id) DO UPDATE SET
             batch_id = excluded.batch_id, outcome = excluded.outcome, reason = excluded.reason,
             group_key = coalesce(excluded.group_key, items.group_key), version = coalesce(excluded.version, items.version),
             attempts = excluded.attempts, next_try_at = excluded.next_try_at,
             to_project = items.to_project OR excluded.to_project, updated_at = now(),
             purge_at = CASE WHEN excluded.outcome <> 'stored' THEN coalesce(items.purge_at, excluded.purge_at) END,
             universal_hash = coalesce(excluded.universal_hash, items.universal_hash)",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(column(all, |r| r.source_id.as_str()))
    .bind::<Array<Text>, _>(column(all, |r| r.outcome.as_str()))
    .bind::<Array<Nullable<Text>>, _>(column(all, |r| r.reason.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(all, |r| r.group_key.as_deref()))
    .bind::<Array<Nullable<BigInt>>, _>(column(all, |r| r.version))
    .bind::<Array<SmallInt>, _>(column(all, |r| r.attempts))
    .bind::<Array<Nullable<Integer>>, _>(column(all, |r| r.retry_in_secs))
    .bind::<Array<Bool>, _>(column(all, |r| r.changed))
    .bind::<Array<Nullable<Integer>>, _>(column(all, |r| r.purge_in_days))
    .bind::<Array<Nullable<Bytea>>, _>(column(all, |r| r.universal_hash.as_ref().map(|hash| hash.0.as_slice())))
    .execute(&mut **tx)
    .await?;
    let done: Vec<&Resolution> = all.iter().filter(|r| r.in_batch.is_some()).collect();
    sql("INSERT INTO batch_items (user_id, batch_id, stream_id, source_id, outcome, version)
         SELECT $1, $3, $2, r.source_id, r.outcome, r.version FROM unnest($4, $5, $6) AS r (source_id, outcome, version)
         ON CONFLICT (user_id, batch_id, stream_id, source_id) DO UPDATE SET
             outcome = CASE WHEN excluded.outcome = 'unchanged' THEN batch_items.outcome ELSE excluded.outcome END,
             version = coalesce(excluded.version, batch_items.version)")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(column(&done, |r| r.source_id.as_str()))
    .bind::<Array<Text>, _>(column(&done, |r| r.in_batch.unwrap_or(r.outcome).as_str()))
    .bind::<Array<Nullable<BigInt>>, _>(column(&done, |r| r.held_version()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn column<'a, R, T: 'a>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// An item whose interactions are behind, and the group it is projected with.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Behind {
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = Text)]
    pub group_key: String,
}

/// Up to `limit` items of a stream whose interactions are behind, held until the transaction ends: a newer version of one
/// of them is stored after this projection, not under it.
///
/// # Errors
/// When the database refuses.
pub async fn lock_behind(tx: &mut Tx, stream: StreamId, limit: i64) -> Result<Vec<Behind>> {
    let rows = sql("SELECT source_id, coalesce(group_key, source_id) AS group_key FROM items
         WHERE user_id = $1 AND stream_id = $2 AND to_project LIMIT $3 FOR UPDATE SKIP LOCKED")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    Ok(rows)
}

/// Notes that the interactions of these items, which the caller holds, have caught up.
///
/// # Errors
/// When the database refuses.
pub async fn mark_projected(tx: &mut Tx, stream: StreamId, behind: &[Behind]) -> Result<()> {
    // The rows exist, so this upsert only ever updates; it looks each up by the key, which an UPDATE may not.
    sql("INSERT INTO items (user_id, stream_id, source_id, batch_id, outcome)
         SELECT $1, $2, source_id, $2, 'pending' FROM unnest($3) AS caught_up (source_id)
         ON CONFLICT (user_id, stream_id, source_id) DO UPDATE SET to_project = false")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Array<Text>, _>(column(behind, |item| item.source_id.as_str()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// One item of a batch, for whoever asks what became of it.
#[derive(Clone, Debug, QueryableByName)]
pub struct LedgerRow {
    #[diesel(sql_type = SqlUuid)]
    pub stream_id: StreamId,
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = SqlUuid)]
    pub batch_id: BatchId,
    #[diesel(sql_type = Text)]
    pub outcome: ItemOutcome,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_try_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    pub listed_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// Which items to show.
#[derive(Clone, Debug, Default)]
pub struct LedgerFilter<'a> {
    /// Those a batch has touched, with their outcome in that batch.
    pub batch: Option<BatchId>,
    /// Those with one of these outcomes; empty means any.
    pub outcomes: Vec<&'a str>,
    /// The one with this id at the provider.
    pub source_id: Option<&'a str>,
    /// Those that came under this name.
    pub universal_hash: Option<UniversalHash>,
}

/// The key of an item, by which the ledger's pages run.
pub type LedgerPlace = (StreamId, String);

/// Up to `limit` items after one key and before another, in the order of stream and id; from the end when `backward`.
///
/// # Errors
/// When the database refuses.
pub async fn page(
    tx: &mut Tx,
    filter: &LedgerFilter<'_>,
    (after, before): (Option<LedgerPlace>, Option<LedgerPlace>),
    backward: bool,
    limit: i64,
) -> Result<Vec<LedgerRow>> {
    let order = if backward { "i.stream_id DESC, i.source_id DESC" } else { "i.stream_id, i.source_id" };
    // What bears a name is looked up first: by the order of the pages, the whole ledger would be walked for it.
    let from = match filter.universal_hash {
        Some(_) => "(SELECT * FROM items WHERE user_id = $1 AND universal_hash = $8 OFFSET 0)",
        None => "items",
    };
    let rows = sql(format!(
        "SELECT i.stream_id, i.source_id, coalesce($2, i.batch_id) AS batch_id, coalesce(b.outcome, i.outcome) AS outcome,
             i.reason, i.attempts, i.next_try_at, i.listed_at, i.updated_at
         FROM {from} i
         LEFT JOIN batch_items b ON b.user_id = $1 AND b.batch_id = $2 AND b.stream_id = i.stream_id AND b.source_id = i.source_id
         WHERE i.user_id = $1 AND ($2 IS NULL OR b.batch_id IS NOT NULL OR i.batch_id = $2)
             AND (cardinality($3) = 0 OR coalesce(b.outcome, i.outcome) = ANY($3))
             AND ($4 IS NULL OR i.source_id = $4)
             AND ($5 IS NULL OR (i.stream_id, i.source_id) > ($5, $6))
             AND ($9 IS NULL OR (i.stream_id, i.source_id) < ($9, $10))
         ORDER BY {order} LIMIT $7"
    ))
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Nullable<SqlUuid>, _>(filter.batch.map(|id| id.0))
    .bind::<Array<Text>, _>(filter.outcomes.clone())
    .bind::<Nullable<Text>, _>(filter.source_id)
    .bind::<Nullable<SqlUuid>, _>(after.as_ref().map(|(stream, _)| stream.0))
    .bind::<Nullable<Text>, _>(after.as_ref().map(|(_, source)| source.as_str()))
    .bind::<BigInt, _>(limit)
    .bind::<Nullable<Bytea>, _>(filter.universal_hash.as_ref().map(|hash| hash.0.as_slice()))
    .bind::<Nullable<SqlUuid>, _>(before.as_ref().map(|(stream, _)| stream.0))
    .bind::<Nullable<Text>, _>(before.as_ref().map(|(_, source)| source.as_str()))
    .load(&mut **tx)
    .await?;
    Ok(rows)
}

/// How many of these mail ids an undo has taken away from an account.
///
/// # Errors
/// When the database refuses.
pub async fn count_undone(tx: &mut Tx, account: AccountId, ids: &[String]) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let row: Row = sql(
        "SELECT count(*) AS n FROM streams s JOIN items i ON i.user_id = $1 AND i.stream_id = s.stream_id
         WHERE s.user_id = $1 AND s.account_id = $2 AND s.service = 'gmail' AND i.outcome = 'undone' AND i.source_id = ANY($3)",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(account.0)
    .bind::<Array<Text>, _>(ids)
    .get_result(&mut **tx)
    .await?;
    Ok(row.n)
}
