//! Batches: their states and counters.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable,
    SelectableHelper,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    Result, Tx,
    interactions::{Between, Towards},
    schema::batches,
    statement::sql,
    undo::Keep,
};
use crate::domain::{
    batch::{BatchOrigin, BatchState},
    ids::{AccountId, BatchId, PreviewId},
    job::WAITS,
};

/// A stored batch.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = batches, check_for_backend(diesel::pg::Pg))]
pub struct Batch {
    pub batch_id: BatchId,
    pub account_id: AccountId,
    pub preview_id: PreviewId,
    pub origin: BatchOrigin,
    pub state: BatchState,
    pub generation: i32,
    pub seq: i64,
    pub idempotency_key: Option<String>,
    /// Senders and domains left out at approval.
    pub exclusions: serde_json::Value,
    pub n_listed: i64,
    pub n_stored: i64,
    pub n_unchanged: i64,
    pub n_filtered: i64,
    pub n_failed: i64,
    pub n_gone: i64,
    pub n_normalized: i64,
    pub n_removed: i64,
    pub n_restored: i64,
    pub listing_done: bool,
    pub throttled_until: Option<DateTime<Utc>>,
    pub deletions_allowed: bool,
    pub error_class: Option<String>,
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub undone_at: Option<DateTime<Utc>>,
    /// The state that redo brings it back to.
    pub undone_from: Option<BatchState>,
    pub redo_until: Option<DateTime<Utc>>,
}

impl Batch {
    /// How many of the listed items have a final outcome.
    pub const fn n_settled(&self) -> i64 {
        self.n_stored + self.n_unchanged + self.n_filtered + self.n_failed + self.n_gone
    }

    /// The batch with this id, of the transaction's user.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find(tx: &mut Tx, id: BatchId) -> Result<Option<Self>> {
        let query = batches::table.find((tx.user().0, id.0)).select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// The batches with these ids, in no order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn with_ids(tx: &mut Tx, ids: &[BatchId]) -> Result<Vec<Self>> {
        let query = batches::table
            .filter(batches::user_id.eq(tx.user().0))
            .filter(batches::batch_id.eq_any(ids.iter().map(|id| id.0)))
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// As [`Batch::find`], and holds the row against every other writer until the transaction ends.
    ///
    /// The key is not held with it. A transaction that has written one of the batch's jobs twice shares the key, by the
    /// foreign key's check: two such that both wanted it for themselves would wait for each other.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lock(tx: &mut Tx, id: BatchId) -> Result<Option<Self>> {
        let query = batches::table.find((tx.user().0, id.0)).for_no_key_update().select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// The batch that a caller's key has made, and the one that approved a preview: at most two, which may be one and the same. Both
    /// as of one moment, so an approval that commits meanwhile has either or neither.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_approved(tx: &mut Tx, key: &str, preview: PreviewId) -> Result<Vec<Self>> {
        let of_preview = batches::preview_id.eq(preview.0).and(batches::origin.eq(BatchOrigin::Approve.as_str()));
        let of_key = batches::idempotency_key.eq(key);
        let query = batches::table
            .filter(batches::user_id.eq(tx.user().0))
            .filter(of_key.or(of_preview))
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// The batch that approved a preview.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_by_preview(tx: &mut Tx, preview: PreviewId) -> Result<Option<Self>> {
        let query = batches::table
            .filter(batches::user_id.eq(tx.user().0))
            .filter(batches::preview_id.eq(preview.0))
            .filter(batches::origin.eq(BatchOrigin::Approve.as_str()))
            .select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// The batch of an account that is still queued, running or paused.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_live(tx: &mut Tx, account: AccountId) -> Result<Option<Self>> {
        let query = batches::table
            .filter(batches::user_id.eq(tx.user().0))
            .filter(batches::account_id.eq(account.0))
            .filter(batches::state.eq_any(["queued", "running", "paused"]))
            .select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// Ids of up to `limit` batches of an account of which something is left, if only to be redone, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn left_of_account(tx: &mut Tx, account: AccountId, limit: i64) -> Result<Vec<BatchId>> {
        let gone = [BatchState::Undoing.as_str(), BatchState::Undone.as_str()];
        let query = batches::table
            .filter(batches::user_id.eq(tx.user().0))
            .filter(batches::account_id.eq(account.0))
            .filter(batches::state.ne_all(gone).or(batches::redo_until.is_not_null()))
            .order((batches::created_at, batches::batch_id))
            .limit(limit)
            .select(batches::batch_id);
        Ok(query.load::<uuid::Uuid>(&mut **tx).await?.into_iter().map(BatchId).collect())
    }

    /// Up to `limit` batches from a place, between two places when both are given; the newest is the first of the list.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page(tx: &mut Tx, (after, before): Between, towards: Towards, limit: i64) -> Result<Vec<Self>> {
        use batches::dsl;
        let mut query =
            batches::table.filter(dsl::user_id.eq(tx.user().0)).limit(limit).select(Self::as_select()).into_boxed();
        query = match towards {
            Towards::Older => query.order((dsl::created_at.desc(), dsl::batch_id.desc())),
            Towards::Newer => query.order((dsl::created_at.asc(), dsl::batch_id.asc())),
        };
        if let Some((at, id)) = after {
            query = query.filter(dsl::created_at.le(at).and(dsl::created_at.lt(at).or(dsl::batch_id.lt(id))));
        }
        if let Some((at, id)) = before {
            query = query.filter(dsl::created_at.ge(at).and(dsl::created_at.gt(at).or(dsl::batch_id.gt(id))));
        }
        Ok(query.load(&mut **tx).await?)
    }

    /// Makes a queued batch.
    ///
    /// # Errors
    /// When the database refuses; a unique violation names `batches_unique_idempotency_key`,
    /// `batches_one_approval_per_preview` or `batches_one_live_per_account`.
    pub async fn insert(
        tx: &mut Tx,
        account: AccountId,
        preview: PreviewId,
        origin: BatchOrigin,
        idempotency_key: Option<&str>,
        exclusions: &serde_json::Value,
    ) -> Result<Self> {
        let row = (
            batches::user_id.eq(tx.user().0),
            batches::batch_id.eq(BatchId::generate().0),
            batches::account_id.eq(account.0),
            batches::preview_id.eq(preview.0),
            batches::origin.eq(origin.as_str()),
            batches::idempotency_key.eq(idempotency_key),
            batches::exclusions.eq(exclusions),
        );
        let query = diesel::insert_into(batches::table).values(row).returning(Self::as_returning());
        Ok(query.get_result(&mut **tx).await?)
    }
}

/// A worker's right to write under a batch: the batch's generation when the worker looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    pub batch: BatchId,
    pub generation: i32,
}

/// What one transaction adds to a batch's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub listed: i64,
    pub stored: i64,
    pub unchanged: i64,
    pub filtered: i64,
    pub failed: i64,
    pub gone: i64,
    pub normalized: i64,
}

/// What came to an outcome in a span of time.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Throughput {
    #[diesel(sql_type = SqlUuid)]
    pub batch_id: BatchId,
    /// When the span began.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// Its length.
    #[diesel(sql_type = Integer)]
    pub seconds: i32,
    #[diesel(sql_type = BigInt)]
    pub settled: i64,
}

/// How fast some batches went, oldest first: the spans in which anything was done, each of a batch as long as the others and ten
/// seconds at least, so long that a batch has `most` of them at most.
///
/// # Errors
/// When the database refuses.
pub async fn throughput(tx: &mut Tx, of: &[BatchId], most: i32) -> Result<Vec<Throughput>> {
    let query = sql(
        "WITH runs AS (
             SELECT batch_id, min(at) AS first, 10 * ceil((extract(epoch FROM max(at) - min(at)) + 10) / 10 / $3)::integer AS seconds
             FROM batch_throughput WHERE user_id = $1 AND batch_id = ANY($2) GROUP BY batch_id
         )
         SELECT batch_id, date_bin(make_interval(secs => seconds), at, first) AS at, seconds, sum(n_settled)::bigint AS settled
         FROM runs JOIN batch_throughput AS known USING (batch_id)
         WHERE user_id = $1
         GROUP BY batch_id, date_bin(make_interval(secs => seconds), known.at, first), seconds
         ORDER BY batch_id, 2",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<SqlUuid>, _>(of.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind::<Integer, _>(most);
    Ok(query.load(&mut **tx).await?)
}

/// Takes a queued batch to running.
///
/// # Errors
/// When the database refuses.
pub async fn start(tx: &mut Tx, batch: BatchId) -> Result<()> {
    sql("UPDATE batches SET state = 'running', started_at = now(), seq = seq + 1
         WHERE user_id = $1 AND batch_id = $2 AND state = 'queued'")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds to the counters and to what the last ten seconds brought; `false` when the fence has fallen and the transaction must not
/// commit.
///
/// Stated last in a transaction, so that the batch's row is held for the shortest time.
///
/// # Errors
/// When the database refuses.
pub async fn count(tx: &mut Tx, fence: Fence, counts: &Counts) -> Result<bool> {
    // One statement that several callers reach thousands of times: plain SQL with its eight sums reads better than the DSL. The
    // batch's row, held first, keeps two writers of the same ten seconds apart.
    let changed = sql(
        "WITH counted AS (
             UPDATE batches SET
                 n_listed = n_listed + $4, n_stored = n_stored + $5, n_unchanged = n_unchanged + $6,
                 n_filtered = n_filtered + $7, n_failed = n_failed + $8, n_gone = n_gone + $9,
                 n_normalized = n_normalized + $10, seq = seq + 1
             WHERE user_id = $1 AND batch_id = $2 AND generation = $3 AND state IN ('running', 'paused')
             RETURNING user_id, batch_id
         )
         INSERT INTO batch_throughput AS known (user_id, batch_id, at, n_settled)
         SELECT user_id, batch_id, date_bin('10 seconds', clock_timestamp(), 'epoch'), $5 + $6 + $7 + $8 + $9 FROM counted
         ON CONFLICT (user_id, batch_id, at) DO UPDATE SET n_settled = known.n_settled + excluded.n_settled",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(fence.batch.0)
    .bind::<Integer, _>(fence.generation)
    .bind::<BigInt, _>(counts.listed)
    .bind::<BigInt, _>(counts.stored)
    .bind::<BigInt, _>(counts.unchanged)
    .bind::<BigInt, _>(counts.filtered)
    .bind::<BigInt, _>(counts.failed)
    .bind::<BigInt, _>(counts.gone)
    .bind::<BigInt, _>(counts.normalized)
    .execute(&mut **tx)
    .await?;
    Ok(changed == 1)
}

/// Says that every id has been listed, once the last of a batch's sync jobs has said so for its stream.
///
/// # Errors
/// When the database refuses.
pub async fn mark_listed(tx: &mut Tx, fence: Fence) -> Result<()> {
    // The row is held first: of two jobs that end their listings at once, the second then sees the first.
    Batch::lock(tx, fence.batch).await?;
    sql("UPDATE batches SET seq = seq + 1, listing_done = NOT EXISTS (
             SELECT FROM jobs WHERE user_id = $1 AND batch_id = $2 AND stream_id IS NOT NULL AND NOT listed
                 AND state IN ('queued', 'running', 'waiting'))
         WHERE user_id = $1 AND batch_id = $2 AND generation = $3")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(fence.batch.0)
    .bind::<Integer, _>(fence.generation)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Says until when a batch waits, for those who watch it: until the last of its jobs that wait for the provider or for
/// the budget may go on.
///
/// # Errors
/// When the database refuses.
pub async fn note_waits(tx: &mut Tx, batch: BatchId) -> Result<()> {
    // The row is held first: of two jobs that begin to wait at once, the second then sees the first.
    Batch::lock(tx, batch).await?;
    sql("UPDATE batches SET throttled_until = waits.until, seq = seq + 1
         FROM (
             SELECT max(run_at) AS until FROM jobs
             WHERE user_id = $1 AND batch_id = $2 AND state = 'queued' AND error_class = ANY($3)
         ) AS waits
         WHERE user_id = $1 AND batch_id = $2 AND state = 'running' AND throttled_until IS DISTINCT FROM waits.until")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(WAITS.as_slice())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The class of the question whether many deletions at once shall happen.
const MASS_DELETION: &str = "mass_deletion";

/// Holds a batch until the person has answered whether many deletions at once shall happen.
///
/// # Errors
/// When the database refuses.
pub async fn ask_about_deletions(tx: &mut Tx, batch: BatchId, question: &str) -> Result<()> {
    pause(tx, batch, true).await?;
    diesel::update(batches::table.find((tx.user().0, batch.0)))
        .set((batches::error_class.eq(MASS_DELETION), batches::error.eq(question)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Holds a batch, or lets it go on from where it stood, which also answers a question it has asked.
///
/// # Errors
/// When the database refuses.
pub async fn pause(tx: &mut Tx, batch: BatchId, paused: bool) -> Result<()> {
    sql("UPDATE batches SET throttled_until = NULL, seq = seq + 1, error_class = NULL, error = NULL,
             deletions_allowed = deletions_allowed OR (NOT $3 AND coalesce(error_class = $4, false)),
             state = CASE WHEN $3 THEN 'paused' WHEN started_at IS NULL THEN 'queued' ELSE 'running' END
         WHERE user_id = $1 AND batch_id = $2 AND state IN ('queued', 'running', 'paused')")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Bool, _>(paused)
    .bind::<Text, _>(MASS_DELETION)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes a batch that ended badly back to running, because one of its jobs is tried again.
///
/// # Errors
/// When the database refuses; a unique violation names `batches_one_live_per_account`.
pub async fn reopen(tx: &mut Tx, batch: BatchId) -> Result<()> {
    sql(
        "UPDATE batches SET state = 'running', started_at = coalesce(started_at, now()), finished_at = NULL, error_class = NULL,
             error = NULL, seq = seq + 1
         WHERE user_id = $1 AND batch_id = $2 AND state IN ('partial', 'failed')",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends a running batch.
///
/// # Errors
/// When the database refuses.
pub async fn finish(
    tx: &mut Tx,
    fence: Fence,
    state: BatchState,
    class: Option<&str>,
    error: Option<&str>,
) -> Result<bool> {
    let changed =
        sql("UPDATE batches SET state = $4, error_class = $5, error = $6, finished_at = now(), throttled_until = NULL,
             listing_done = listing_done OR $7, started_at = coalesce(started_at, now()), seq = seq + 1
         WHERE user_id = $1 AND batch_id = $2 AND generation = $3 AND state IN ('queued', 'running')")
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<SqlUuid, _>(fence.batch.0)
        .bind::<Integer, _>(fence.generation)
        .bind::<Text, _>(state.as_str())
        .bind::<Nullable<Text>, _>(class)
        .bind::<Nullable<Text>, _>(error)
        .bind::<Bool, _>(state == BatchState::Succeeded)
        .execute(&mut **tx)
        .await?;
    Ok(changed == 1)
}

/// Begins an undo: no worker can write under the batch any more. With `keep`, it can be redone for so many days from now.
///
/// # Errors
/// When the database refuses.
pub async fn fence_for_undo(tx: &mut Tx, batch: BatchId, keep: Keep) -> Result<()> {
    sql(
        "UPDATE batches SET state = 'undoing', generation = generation + 1, finished_at = coalesce(finished_at, now()),
             undone_at = NULL, throttled_until = NULL, seq = seq + 1, redo_until = now() + make_interval(days => $3),
             undone_from = coalesce(undone_from,
                 CASE WHEN state IN ('succeeded', 'partial', 'failed') THEN state ELSE 'cancelled' END)
         WHERE user_id = $1 AND batch_id = $2",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Nullable<Integer>, _>(keep)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Begins a redo; `false` when the time for it is over.
///
/// # Errors
/// When the database refuses.
pub async fn fence_for_redo(tx: &mut Tx, batch: BatchId) -> Result<bool> {
    let changed =
        sql("UPDATE batches SET state = 'redoing', generation = generation + 1, undone_at = NULL, seq = seq + 1
         WHERE user_id = $1 AND batch_id = $2 AND state = 'undone' AND redo_until > now()")
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<SqlUuid, _>(batch.0)
        .execute(&mut **tx)
        .await?;
    Ok(changed == 1)
}

/// Adds to what an undo has taken away and set back.
///
/// # Errors
/// When the database refuses.
pub async fn count_undone(tx: &mut Tx, batch: BatchId, removed: i64, restored: i64) -> Result<()> {
    diesel::update(batches::table.find((tx.user().0, batch.0)))
        .filter(batches::state.eq(BatchState::Undoing.as_str()))
        .set((
            batches::n_removed.eq(batches::n_removed + removed),
            batches::n_restored.eq(batches::n_restored + restored),
            batches::seq.eq(batches::seq + 1),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes from what an undo has taken away and set back.
///
/// # Errors
/// When the database refuses.
pub async fn count_redone(tx: &mut Tx, batch: BatchId, returned: i64, replaced: i64) -> Result<()> {
    sql(
        "UPDATE batches SET n_removed = greatest(n_removed - $3, 0), n_restored = greatest(n_restored - $4, 0), seq = seq + 1
         WHERE user_id = $1 AND batch_id = $2 AND state = 'redoing'",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<BigInt, _>(returned)
    .bind::<BigInt, _>(replaced)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends a redo: the batch is again what it was before its undo. `false` when it had ended before.
///
/// # Errors
/// When the database refuses.
pub async fn mark_redone(tx: &mut Tx, batch: BatchId) -> Result<bool> {
    let changed = sql(
        "UPDATE batches SET state = undone_from, undone_from = NULL, redo_until = NULL, n_removed = 0, n_restored = 0, seq = seq + 1
         WHERE user_id = $1 AND batch_id = $2 AND state = 'redoing'",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .execute(&mut **tx)
    .await?;
    Ok(changed == 1)
}

/// Ends an undo; `false` when it had ended before.
///
/// # Errors
/// When the database refuses.
pub async fn mark_undone(tx: &mut Tx, batch: BatchId) -> Result<bool> {
    let changed = diesel::update(batches::table.find((tx.user().0, batch.0)))
        .filter(batches::state.eq(BatchState::Undoing.as_str()))
        .set((
            batches::state.eq(BatchState::Undone.as_str()),
            batches::undone_at.eq(diesel::dsl::now),
            batches::seq.eq(batches::seq + 1),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(changed == 1)
}
