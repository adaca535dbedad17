//! What a person does to a run: pause, resume, cancel; and to a job that was given up: retry, discard.
//!
//! Each fences the workers in the transaction that changes the state: a job's generation moves, and whoever worked it can
//! write nothing more. What was stored stays, and still comes onto the timeline.

use serde_json::json;

use super::{
    Caller, Error, Refusal, Result, batch, reconcile,
    work::{hint, hint_accounts},
};
use crate::{
    app::App,
    db::{
        Tx, audit,
        batches::{self, Batch},
        jobs::{self, Due, Job, Which},
    },
    domain::{
        batch::BatchState,
        ids::{BatchId, JobId},
        job::{JobKind, JobState},
    },
};

/// Holds a run: nothing is fetched until it is resumed. Asking twice is the same as asking once.
///
/// # Errors
/// Refused when there is no such batch, or it has ended.
pub async fn pause(app: &App, caller: &Caller, id: BatchId) -> Result<Batch> {
    let (mut tx, batch) = lock_live(app, caller, id).await?;
    if batch.state == BatchState::Paused {
        return Ok(batch);
    }
    jobs::pause_of_batch(&mut tx, id).await?;
    batches::pause(&mut tx, id, true).await?;
    finish(app, tx, caller, "pause", &batch, Vec::new()).await
}

/// Lets a held run go on from where it stood. Asking twice is the same as asking once.
///
/// # Errors
/// Refused when there is no such batch, or it has ended.
pub async fn resume(app: &App, caller: &Caller, id: BatchId) -> Result<Batch> {
    let (mut tx, batch) = lock_live(app, caller, id).await?;
    if batch.state != BatchState::Paused {
        return Ok(batch);
    }
    let due = jobs::resume_of_batch(&mut tx, id).await?;
    batches::pause(&mut tx, id, false).await?;
    finish(app, tx, caller, "resume", &batch, due).await
}

/// Stops a run for good. What it has stored stays, comes onto the timeline, and can be undone; the batch is cancelled once
/// that is done. Asking twice is the same as asking once.
///
/// # Errors
/// Refused when there is no such batch, or it has ended otherwise.
pub async fn cancel(app: &App, caller: &Caller, id: BatchId) -> Result<Batch> {
    let (mut tx, batch) = lock(app, caller, id).await?;
    let is_asked = Job::of_batch(&mut tx, id).await?.iter().any(|job| job.state == JobState::Cancelled);
    if batch.state == BatchState::Cancelled || (batch.state.is_live() && is_asked) {
        return Ok(batch);
    }
    if !batch.state.is_live() {
        return Err(Refusal::BatchOver.into());
    }
    let due = stop(&mut tx, &batch).await?;
    finish(app, tx, caller, "cancel", &batch, due).await
}

/// Stops a live batch whose rows the transaction holds; returns the jobs to ring.
pub(super) async fn stop(tx: &mut Tx, batch: &Batch) -> Result<Vec<Due>> {
    let id = batch.batch_id;
    jobs::cancel_of_batch(tx, id, Which::Syncs).await?;
    if batch.state == BatchState::Paused {
        batches::pause(tx, id, false).await?;
    }
    let mut due = Vec::new();
    for kind in [JobKind::NormalizeMail, JobKind::NormalizeEvent] {
        due.extend(jobs::signal(tx, id, kind).await?);
    }
    batch::finish_if_done(tx, id).await?;
    Ok(due)
}

/// Tries a job again that was given up. Its batch runs again with it.
///
/// # Errors
/// Refused when there is no such job, it was not given up, its batch was cancelled or undone meanwhile, or another batch of
/// the account is at work.
pub async fn retry(app: &App, caller: &Caller, id: JobId) -> Result<Job> {
    let (mut tx, job, batch) = lock_dead(app, caller, id).await?;
    match (job.kind, batch.state) {
        (JobKind::Undo, BatchState::Undoing) | (JobKind::Redo, BatchState::Redoing) => {}
        (JobKind::Undo | JobKind::Redo, _) => return Err(Refusal::BatchOver.into()),
        (_, state) if state.is_live() => {}
        (_, BatchState::Partial | BatchState::Failed) => {
            // Which another batch of the account's may have done first, a moment ago or long since.
            batches::reopen(&mut tx, batch.batch_id).await.map_err(|error| match error {
                error if error.is_unique_violation("batches_one_live_per_account") => Refusal::AccountBusy.into(),
                error => Error::from(error),
            })?;
        }
        _ => return Err(Refusal::BatchOver.into()),
    }
    let due = jobs::revive(&mut tx, &job).await?;
    finish(app, tx, caller, "retry", &batch, due).await?;
    found(app, caller, id).await
}

/// Puts a job aside that was given up: it is no longer among the dead. Its batch stays as it ended.
///
/// # Errors
/// Refused when there is no such job, or it was not given up.
pub async fn discard(app: &App, caller: &Caller, id: JobId) -> Result<Job> {
    let (mut tx, _, batch) = lock_dead(app, caller, id).await?;
    jobs::discard(&mut tx, id).await?;
    finish(app, tx, caller, "discard", &batch, Vec::new()).await?;
    found(app, caller, id).await
}

/// The batch, held with its jobs against every other writer.
async fn lock(app: &App, caller: &Caller, id: BatchId) -> Result<(Tx, Batch)> {
    let mut tx = app.db.begin(caller.user).await?;
    jobs::lock_of_batch(&mut tx, id).await?;
    let batch = Batch::lock(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "batch" })?;
    Ok((tx, batch))
}

async fn lock_live(app: &App, caller: &Caller, id: BatchId) -> Result<(Tx, Batch)> {
    let (tx, batch) = lock(app, caller, id).await?;
    if batch.state.is_live() { Ok((tx, batch)) } else { Err(Refusal::BatchOver.into()) }
}

/// A dead job and its batch, held with all its jobs.
async fn lock_dead(app: &App, caller: &Caller, id: JobId) -> Result<(Tx, Job, Batch)> {
    let job = found(app, caller, id).await?;
    let (mut tx, batch) = lock(app, caller, job.batch_id).await?;
    match Job::find(&mut tx, id).await? {
        Some(job) if job.state == JobState::Dead => Ok((tx, job, batch)),
        _ => Err(Refusal::JobNotDead.into()),
    }
}

async fn found(app: &App, caller: &Caller, id: JobId) -> Result<Job> {
    let mut tx = app.db.begin(caller.user).await?;
    let job = Job::find(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "job" })?;
    tx.commit().await?;
    Ok(job)
}

/// Writes the audit's entry, commits, rings, and tells those who watch.
async fn finish(
    app: &App,
    mut tx: Tx,
    caller: &Caller,
    action: &'static str,
    batch: &Batch,
    due: Vec<Due>,
) -> Result<Batch> {
    let entry = audit::Entry {
        action,
        outcome: "succeeded",
        request: Some((&caller.request_id, &caller.client)),
        account: Some(batch.account_id),
        preview: Some(batch.preview_id),
        batch: Some(batch.batch_id),
        counts: json!({}),
    };
    audit::insert(&mut tx, &entry).await?;
    let batch = Batch::find(&mut tx, batch.batch_id).await?.ok_or(Refusal::NotFound { what: "batch" })?;
    tx.commit().await?;
    reconcile::ring(app, &due).await;
    hint(app, batch.batch_id).await;
    hint_accounts(app, caller.user).await;
    Ok(batch)
}
