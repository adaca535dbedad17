//! Batches, their jobs, and how far they have come.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::{
    account::Account,
    words::{BatchOrigin, BatchState, JobKind, JobState, Service},
};
use crate::{
    db::{
        batches::{Batch as Row, Throughput as ThroughputRow},
        jobs::Job as JobRow,
        undo::Forecast,
    },
    graphql::{
        error::{app, refused, viewer},
        household::Runs,
        id::{self, Kind},
    },
    sync,
};

/// What one approval, or one later run under the same consent, brings in: the unit of progress and of undo.
#[derive(Clone)]
pub(crate) struct Batch(Arc<Row>, Runs);

impl Batch {
    /// One of a page.
    pub(crate) fn among(row: Row, runs: &Runs) -> Self {
        Self(Arc::new(row), runs.clone())
    }

    /// One by itself.
    pub(crate) fn alone(row: impl Into<Arc<Row>>) -> Self {
        let row = row.into();
        let runs = Runs::of([row.batch_id]);
        Self(row, runs)
    }
}

/// How many items of a batch have come to what. Each item counts once, under its latest outcome; once the batch has
/// finished, the outcomes add up to `listed`.
#[derive(SimpleObject)]
pub(crate) struct BatchCounts {
    /// Items the provider has named.
    listed: i32,
    /// Stored in a version not seen before.
    stored: i32,
    /// Already stored in this version.
    unchanged: i32,
    /// Kept out by the consent.
    filtered: i32,
    /// Could not be fetched or read.
    failed: i32,
    /// No longer at the provider.
    gone: i32,
    /// Items with which the timeline has caught up: what was stored is on it, and what went away is not.
    normalized: i32,
    /// Taken away by an undo, and not brought back by a redo.
    removed: i32,
    /// Set back by an undo to the version before this batch, and not brought back by a redo.
    restored: i32,
}

/// What came to an outcome in a span of time.
#[derive(SimpleObject)]
pub(crate) struct Throughput {
    /// When the span began.
    at: DateTime<Utc>,
    /// How long it is, in seconds: ten, or more for a long run.
    seconds: i32,
    /// How many items came to an outcome in it.
    settled: i32,
}

impl From<ThroughputRow> for Throughput {
    fn from(ThroughputRow { at, seconds, settled, .. }: ThroughputRow) -> Self {
        Self { at, seconds, settled: int(settled) }
    }
}

/// GraphQL integers have 32 bits.
pub(super) fn int(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// What one approval, or one later run under the same consent, brings in: the unit of progress and of undo.
#[Object]
impl Batch {
    /// The batch's id.
    pub async fn id(&self) -> ID {
        id::encode(Kind::Batch, self.0.batch_id.0)
    }

    /// The account it reads; `null` when it is no longer there.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        self.1.account(ctx, self.0.account_id).await
    }

    /// Why it exists.
    async fn origin(&self) -> BatchOrigin {
        self.0.origin.into()
    }

    /// Where it stands.
    async fn state(&self) -> BatchState {
        self.0.state.into()
    }

    /// How many items have come to what.
    async fn counts(&self) -> BatchCounts {
        let row = &self.0;
        BatchCounts {
            listed: int(row.n_listed),
            stored: int(row.n_stored),
            unchanged: int(row.n_unchanged),
            filtered: int(row.n_filtered),
            failed: int(row.n_failed),
            gone: int(row.n_gone),
            normalized: int(row.n_normalized),
            removed: int(row.n_removed),
            restored: int(row.n_restored),
        }
    }

    /// Whether everything that was there when the run began has been listed. From then on `counts.listed` rises only by what
    /// changes meanwhile.
    async fn listing_done(&self) -> bool {
        self.0.listing_done
    }

    /// Until when it waits for the minute's budget, because the provider has asked it to, or because the provider fails too
    /// often (`Account.breakers`); `null` when it does not wait. `jobs { errorClass }` says which.
    async fn throttled_until(&self) -> Option<DateTime<Utc>> {
        self.0.throttled_until
    }

    /// How long the rest will take, in seconds, by what is left and by the provider's budget as it stands now; `null` when
    /// nothing is left, it cannot be known yet, or the batch does not run.
    #[graphql(complexity = 5)]
    async fn eta_seconds(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        // On the heap, as an interaction's HTML.
        let left = Box::pin(sync::eta::eta(app(ctx)?, viewer(ctx)?, &self.0)).await;
        let left = left.map_err(|error| refused(ctx, error))?;
        Ok(left.map(|left| int(i64::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(i64::MAX))))
    }

    /// What went wrong and what to do, in English; `null` when nothing did. Of a batch that is `PAUSED` by itself, the question
    /// that `resume` or `cancel` answers: it would take much off the timeline at once.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// When it was approved or asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When a worker took it up; `null` before.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.0.started_at
    }

    /// When the run ended, well or not; `null` before. After a good end, everything is on the timeline.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// When its undo ended; `null` unless it was undone.
    async fn undone_at(&self) -> Option<DateTime<Utc>> {
        self.0.undone_at
    }

    /// Until when `redo` can bring it back; `null` when there is nothing to bring back, or it is no longer kept.
    async fn redo_until(&self) -> Option<DateTime<Utc>> {
        self.0.redo_until
    }

    /// How fast it went: spans of time, oldest first, each as long as the others, without those in which nothing was done; at most
    /// 360. It counts as 20 fields more.
    #[graphql(complexity = "20 + child_complexity")]
    async fn throughput(&self, ctx: &Context<'_>) -> Result<Vec<Throughput>> {
        Ok(self.1.throughput(ctx, self.0.batch_id).await?.into_iter().map(Into::into).collect())
    }

    /// The background work it consists of.
    #[graphql(complexity = "5 * child_complexity")]
    async fn jobs(&self, ctx: &Context<'_>) -> Result<Vec<Job>> {
        self.1.jobs(ctx, self.0.batch_id).await
    }
}

/// A piece of background work.
#[derive(Clone)]
pub(crate) struct Job(pub JobRow);

/// A piece of background work.
#[Object]
impl Job {
    /// The job's id.
    pub async fn id(&self) -> ID {
        id::encode(Kind::Job, self.0.job_id.0)
    }

    /// What it does.
    async fn kind(&self) -> JobKind {
        self.0.kind.into()
    }

    /// Where it stands.
    async fn state(&self) -> JobState {
        self.0.state.into()
    }

    /// Tries since it last went well.
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// Not to be tried before this.
    async fn run_at(&self) -> DateTime<Utc> {
        self.0.run_at
    }

    /// The class of its last failure, such as `throttled` or `needs_reauth`; `null` when it went well.
    async fn error_class(&self) -> Option<&str> {
        self.0.error_class.as_deref()
    }

    /// Its last failure in words; `null` when it went well.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// When it ended; `null` before.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }
}

/// A batch as it stands at one moment.
pub(crate) struct BatchProgress(pub Arc<Row>);

/// A batch as it stands at one moment: state, not a difference, so that who has missed one has lost nothing.
#[Object]
impl BatchProgress {
    /// Rises with every change of the batch. Give the last one you saw as `after` when you subscribe again.
    async fn seq(&self) -> i32 {
        int(self.0.seq)
    }

    /// The batch.
    async fn batch(&self) -> Batch {
        Batch::alone(self.0.clone())
    }

    /// How much of what is listed has a final outcome, 0 to 100; `null` until the listing is complete.
    async fn percent(&self) -> Option<f64> {
        if !self.0.listing_done {
            return None;
        }
        // Exact up to 2^53 items.
        #[expect(clippy::cast_precision_loss, reason = "a percentage needs no more digits than an f64 has")]
        let share = if self.0.n_listed == 0 { 1.0 } else { self.0.n_settled() as f64 / self.0.n_listed as f64 };
        Some((share * 1000.0).round() / 10.0)
    }

    /// As `Batch.etaSeconds`.
    #[graphql(complexity = 5)]
    async fn eta_seconds(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        Batch::alone(self.0.clone()).eta_seconds(ctx).await
    }
}

/// What an undo takes away, sets back and leaves, of one service.
#[derive(SimpleObject)]
pub(crate) struct UndoCount {
    /// The service.
    service: Service,
    /// Items that go away.
    removed: i32,
    /// Items that go back to the version before the batch.
    restored: i32,
    /// Items that stay as they are, because another batch brought them too or brought something newer.
    kept: i32,
}

impl From<&Forecast> for UndoCount {
    fn from(forecast: &Forecast) -> Self {
        Self {
            service: forecast.service.into(),
            removed: int(forecast.removed),
            restored: int(forecast.restored),
            kept: int(forecast.kept),
        }
    }
}
