//! Jobs: the truth behind the queue.
//!
//! A claim raises the job's generation; every later write of the claimant goes through [`hold`], which fails once another
//! worker has taken the job over. Leases are compared by the database's clock only.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper,
    sql_types::{BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::{
    Error, Result, Tx,
    interactions::{Between, Towards},
    schema::jobs,
    statement::sql,
};
use crate::domain::{
    ids::{BatchId, JobId, StreamId, UserId},
    job::{JobKind, JobState},
};

/// A stored job.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct Job {
    pub job_id: JobId,
    pub kind: JobKind,
    pub batch_id: BatchId,
    pub stream_id: Option<StreamId>,
    pub state: JobState,
    pub attempt: i32,
    pub run_at: DateTime<Utc>,
    pub error_class: Option<String>,
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which jobs to show.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Those of one batch.
    pub batch: Option<BatchId>,
    /// Those in one of these states; empty means any.
    pub states: Vec<JobState>,
}

impl Job {
    /// The job with this id, of the transaction's user.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find(tx: &mut Tx, id: JobId) -> Result<Option<Self>> {
        let query = jobs::table.find((tx.user().0, id.0)).select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// Up to `limit` jobs from a place, between two places when both are given; the newest is the first of the list.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page(
        tx: &mut Tx,
        filter: &JobFilter,
        (after, before): Between,
        towards: Towards,
        limit: i64,
    ) -> Result<Vec<Self>> {
        // Ids begin with the time of their making.
        let mut query =
            jobs::table.filter(jobs::user_id.eq(tx.user().0)).limit(limit).select(Self::as_select()).into_boxed();
        query = match towards {
            Towards::Older => query.order(jobs::job_id.desc()),
            Towards::Newer => query.order(jobs::job_id.asc()),
        };
        if let Some(batch) = filter.batch {
            query = query.filter(jobs::batch_id.eq(batch.0));
        }
        if !filter.states.is_empty() {
            query = query.filter(jobs::state.eq_any(filter.states.iter().map(|state| state.as_str())));
        }
        if let Some((_, id)) = after {
            query = query.filter(jobs::job_id.lt(id));
        }
        if let Some((_, id)) = before {
            query = query.filter(jobs::job_id.gt(id));
        }
        Ok(query.load(&mut **tx).await?)
    }

    /// A batch's jobs, in the order of their making.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of_batch(tx: &mut Tx, batch: BatchId) -> Result<Vec<Self>> {
        Self::of_batches(tx, &[batch]).await
    }

    /// The jobs with these ids, in no order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn with_ids(tx: &mut Tx, ids: &[JobId]) -> Result<Vec<Self>> {
        let query = jobs::table
            .filter(jobs::user_id.eq(tx.user().0))
            .filter(jobs::job_id.eq_any(ids.iter().map(|id| id.0)))
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// As [`Job::of_batch`], of several.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of_batches(tx: &mut Tx, batches: &[BatchId]) -> Result<Vec<Self>> {
        let query = jobs::table
            .filter(jobs::user_id.eq(tx.user().0))
            .filter(jobs::batch_id.eq_any(batches.iter().map(|batch| batch.0)))
            .order(jobs::job_id)
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }
}

/// Makes a job, due at once or waiting for a signal.
///
/// # Errors
/// When the database refuses.
pub async fn insert(
    tx: &mut Tx,
    kind: JobKind,
    batch: BatchId,
    stream: Option<StreamId>,
    state: JobState,
) -> Result<JobId> {
    let id = JobId::generate();
    let row = (
        jobs::user_id.eq(tx.user().0),
        jobs::job_id.eq(id.0),
        jobs::kind.eq(kind.as_str()),
        jobs::batch_id.eq(batch.0),
        jobs::stream_id.eq(stream.map(|id| id.0)),
        jobs::state.eq(state.as_str()),
    );
    diesel::insert_into(jobs::table).values(row).execute(&mut **tx).await?;
    Ok(id)
}

/// A job that this worker holds until `lease_until`, unless it renews.
#[derive(Clone, Debug, QueryableByName)]
pub struct Claim {
    #[diesel(sql_type = SqlUuid)]
    pub job_id: JobId,
    #[diesel(sql_type = Text)]
    pub kind: JobKind,
    #[diesel(sql_type = SqlUuid)]
    pub batch_id: BatchId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub stream_id: Option<StreamId>,
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    #[diesel(sql_type = Integer)]
    pub generation: i32,
    #[diesel(sql_type = BigInt)]
    pub signal: i64,
    #[diesel(sql_type = Jsonb)]
    pub checkpoint: Value,
    /// Whether the claim was taken from a worker whose lease ran out: it crashed, or hung.
    #[diesel(sql_type = Bool)]
    pub taken_over: bool,
    /// The class of what the last slice ended with, when it did not end well.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_class: Option<String>,
}

/// Claims a job that is due, or whose worker is no more. `None` when it is neither, or another job works its stream.
///
/// Waits for whoever holds the row: most often it is a signal to the job, and a ring that did not wait for it would be lost.
///
/// # Errors
/// When the database refuses.
pub async fn claim(tx: &mut Tx, job: JobId, owner: &str, lease: Duration) -> Result<Option<Claim>> {
    let claimed = sql(
        "WITH before AS (
             SELECT user_id, job_id, state = 'running' AS taken_over FROM jobs
             WHERE user_id = $1 AND job_id = $2
                 AND ((state = 'queued' AND run_at <= now()) OR (state = 'running' AND lease_until < now()))
             FOR UPDATE
         )
         UPDATE jobs SET state = 'running', attempt = attempt + 1, generation = generation + 1,
             lease_owner = $3, lease_until = now() + make_interval(secs => $4)
         FROM before WHERE jobs.user_id = before.user_id AND jobs.job_id = before.job_id
         RETURNING jobs.job_id, kind, batch_id, stream_id, attempt, generation, signal, checkpoint, taken_over, error_class",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(job.0)
    .bind::<Text, _>(owner)
    .bind::<Double, _>(lease.as_secs_f64())
    .get_result(&mut **tx)
    .await
    .optional()
    .map_err(Error::from);
    match claimed {
        Err(error) if error.is_unique_violation("jobs_one_running_per_stream") => Ok(None),
        other => other,
    }
}

/// Renews the lease and moves the checkpoint; `false` when the job is no longer held and the transaction must not commit.
///
/// Where the transaction has `advanced` the work, the attempts start anew: only those in a row, without any progress
/// between them, count.
///
/// # Errors
/// When the database refuses.
pub async fn hold(
    tx: &mut Tx,
    claim: &mut Claim,
    lease: Duration,
    checkpoint: Option<&Value>,
    advanced: bool,
) -> Result<bool> {
    let changed =
        sql("UPDATE jobs SET lease_until = now() + make_interval(secs => $4), checkpoint = coalesce($5, checkpoint),
             attempt = CASE WHEN $6 THEN 0 ELSE attempt END
         WHERE user_id = $1 AND job_id = $2 AND generation = $3 AND state = 'running'")
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<SqlUuid, _>(claim.job_id.0)
        .bind::<Integer, _>(claim.generation)
        .bind::<Double, _>(lease.as_secs_f64())
        .bind::<Nullable<Jsonb>, _>(checkpoint)
        .bind::<Bool, _>(advanced)
        .execute(&mut **tx)
        .await?;
    if advanced {
        claim.attempt = 0;
    }
    Ok(changed == 1)
}

/// Says that a sync job has named everything there is to fetch.
///
/// # Errors
/// When the database refuses.
pub async fn mark_listed(tx: &mut Tx, claim: &Claim) -> Result<()> {
    let job = jobs::table.find((tx.user().0, claim.job_id.0));
    diesel::update(job).set(jobs::listed.eq(true)).execute(&mut **tx).await?;
    Ok(())
}

/// What a slice leaves the job in.
#[derive(Clone, Debug)]
pub struct Release<'a> {
    /// `Queued`, `Waiting`, `Succeeded` or `Dead`.
    pub state: JobState,
    /// How long to stay away.
    pub delay: Duration,
    /// Whether the attempts start anew.
    pub fresh: bool,
    /// The class and the text of what went wrong.
    pub error: Option<(&'a str, &'a str)>,
}

/// Lets go of a job, and returns the state it is left in; `None` when it was no longer held.
///
/// A job that would wait, but was signalled while it ran, is queued instead. Whoever signalled it did not ring, because it
/// was at work: that is left to the caller.
///
/// # Errors
/// When the database refuses.
pub async fn release(tx: &mut Tx, claim: &Claim, release: &Release<'_>) -> Result<Option<JobState>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        state: JobState,
    }
    let row: Option<Row> = sql("UPDATE jobs SET
             state = CASE WHEN $4 = 'waiting' AND signal <> $5 THEN 'queued' ELSE $4 END,
             run_at = now() + make_interval(secs => $6),
             attempt = CASE WHEN $7 THEN 0 ELSE attempt END,
             error_class = CASE WHEN $8 IS NULL AND NOT $7 THEN error_class ELSE $8 END,
             error = CASE WHEN $8 IS NULL AND NOT $7 THEN error ELSE $9 END,
             finished_at = CASE WHEN $4 IN ('succeeded', 'dead') THEN now() END,
             lease_owner = NULL, lease_until = NULL
         WHERE user_id = $1 AND job_id = $2 AND generation = $3 AND state = 'running'
         RETURNING state")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(claim.job_id.0)
    .bind::<Integer, _>(claim.generation)
    .bind::<Text, _>(release.state.as_str())
    .bind::<BigInt, _>(claim.signal)
    .bind::<Double, _>(release.delay.as_secs_f64())
    .bind::<Bool, _>(release.fresh)
    .bind::<Nullable<Text>, _>(release.error.map(|(class, _)| class))
    .bind::<Nullable<Text>, _>(release.error.map(|(_, text)| text))
    .get_result(&mut **tx)
    .await
    .optional()?;
    Ok(row.map(|row| row.state))
}

/// A job to ring: whose it is and which queue it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Due {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = SqlUuid)]
    pub job_id: JobId,
    #[diesel(sql_type = Text)]
    pub kind: JobKind,
}

/// Tells a batch's job of a kind that there is work; returns it when it wakes up by that.
///
/// # Errors
/// When the database refuses.
pub async fn signal(tx: &mut Tx, batch: BatchId, kind: JobKind) -> Result<Option<Due>> {
    let woken = sql("WITH before AS (
             SELECT user_id, job_id, state FROM jobs
             WHERE user_id = $1 AND batch_id = $2 AND kind = $3 AND state IN ('queued', 'running', 'waiting')
             FOR UPDATE
         ), woken AS (
             UPDATE jobs SET signal = signal + 1,
                 state = CASE WHEN jobs.state = 'waiting' THEN 'queued' ELSE jobs.state END,
                 run_at = CASE WHEN jobs.state = 'waiting' THEN now() ELSE run_at END
             FROM before WHERE jobs.user_id = before.user_id AND jobs.job_id = before.job_id
             RETURNING jobs.user_id, jobs.job_id, jobs.kind, before.state
         )
         SELECT user_id, job_id, kind FROM woken WHERE state = 'waiting'")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Text, _>(kind.as_str())
    .get_result(&mut **tx)
    .await
    .optional()?;
    Ok(woken)
}

/// Holds a batch's jobs against every other writer until the transaction ends; taken before the batch's own row.
///
/// # Errors
/// When the database refuses.
pub async fn lock_of_batch(tx: &mut Tx, batch: BatchId) -> Result<()> {
    let query = jobs::table
        .filter(jobs::user_id.eq(tx.user().0))
        .filter(jobs::batch_id.eq(batch.0))
        .order(jobs::job_id)
        .for_update()
        .select(jobs::job_id);
    query.execute(&mut **tx).await?;
    Ok(())
}

/// Which of a batch's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All but an undo's.
    All,
    /// Those that read a stream. The others end by themselves once these have.
    Syncs,
}

/// Cancels unfinished jobs of a batch. One that runs finds its generation moved.
///
/// # Errors
/// When the database refuses.
pub async fn cancel_of_batch(tx: &mut Tx, batch: BatchId, which: Which) -> Result<()> {
    sql("UPDATE jobs SET state = 'cancelled', generation = generation + 1, finished_at = now(),
             lease_owner = NULL, lease_until = NULL
         WHERE user_id = $1 AND batch_id = $2 AND kind <> 'undo' AND (stream_id IS NOT NULL OR NOT $3)
             AND state IN ('queued', 'running', 'waiting', 'paused')")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Bool, _>(which == Which::Syncs)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Holds a batch's sync jobs where they are. One that runs finds its generation moved, and what it has not stored is fetched
/// again later.
///
/// # Errors
/// When the database refuses.
pub async fn pause_of_batch(tx: &mut Tx, batch: BatchId) -> Result<()> {
    sql("UPDATE jobs SET state = 'paused', generation = generation + 1, lease_owner = NULL, lease_until = NULL
         WHERE user_id = $1 AND batch_id = $2 AND stream_id IS NOT NULL AND state IN ('queued', 'running')")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Lets a batch's held jobs go on, none before its time, and returns them.
///
/// # Errors
/// When the database refuses.
pub async fn resume_of_batch(tx: &mut Tx, batch: BatchId) -> Result<Vec<Due>> {
    let due = sql("UPDATE jobs SET state = 'queued' WHERE user_id = $1 AND batch_id = $2 AND state = 'paused'
         RETURNING user_id, job_id, kind")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(batch.0)
    .load(&mut **tx)
    .await?;
    Ok(due)
}

/// Queues a dead job again, as if it had never failed, and with it the normalize job that it feeds; returns them.
///
/// # Errors
/// When the database refuses.
pub async fn revive(tx: &mut Tx, job: &Job) -> Result<Vec<Due>> {
    let feeds = match job.kind {
        JobKind::GmailSync => JobKind::NormalizeMail,
        JobKind::CalendarSync => JobKind::NormalizeEvent,
        JobKind::NormalizeMail | JobKind::NormalizeEvent | JobKind::Undo | JobKind::Redo => job.kind,
    };
    let due =
        sql("UPDATE jobs SET state = 'queued', attempt = 0, run_at = now(), signal = signal + 1, finished_at = NULL,
             error_class = NULL, error = NULL
         WHERE user_id = $1 AND batch_id = $2
             AND ((job_id = $3 AND state = 'dead') OR (kind = $4 AND state IN ('waiting', 'succeeded')))
         RETURNING user_id, job_id, kind")
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<SqlUuid, _>(job.batch_id.0)
        .bind::<SqlUuid, _>(job.job_id.0)
        .bind::<Text, _>(feeds.as_str())
        .load(&mut **tx)
        .await?;
    Ok(due)
}

/// Puts a dead job aside: it stays with its error, and is no longer among the dead.
///
/// # Errors
/// When the database refuses.
pub async fn discard(tx: &mut Tx, job: JobId) -> Result<()> {
    let row = jobs::table.find((tx.user().0, job.0));
    diesel::update(row)
        .filter(jobs::state.eq(JobState::Dead.as_str()))
        .set(jobs::state.eq(JobState::Discarded.as_str()))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Jobs that are due and unclaimed, or whose worker is no more, whoever's they are; the longest due first. For the
/// scheduler's role.
///
/// # Errors
/// When the database refuses.
pub async fn due(tx: &mut Tx, limit: i64) -> Result<Vec<Due>> {
    let due = sql(
        "(SELECT user_id, job_id, kind FROM jobs WHERE state = 'queued' AND run_at <= now() ORDER BY run_at LIMIT $1)
         UNION ALL
         (SELECT user_id, job_id, kind FROM jobs WHERE state = 'running' AND lease_until < now()
          ORDER BY lease_until LIMIT $1)",
    )
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    Ok(due)
}

/// How long until the next job is due that is not due yet, whoever's it is. For the scheduler's role.
///
/// # Errors
/// When the database refuses.
pub async fn next_due_in(tx: &mut Tx) -> Result<Option<Duration>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Double>)]
        secs: Option<f64>,
    }
    let row: Row = sql(
        "SELECT extract(epoch FROM min(run_at) - now())::float8 AS secs FROM jobs WHERE state = 'queued' AND run_at > now()",
    )
    .get_result(&mut **tx)
    .await?;
    Ok(row.secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok()))
}
