//! `undo`: takes a batch back.
//!
//! First the fence: one transaction raises the batch's generation, cancels its jobs and withdraws its consent, after which
//! no worker can write under it. Then, in bounded transactions that can be repeated, the batch gives up what it holds, what
//! nobody else holds is set aside for a while, or deleted, and what is left is projected again (invariant 6).

use serde_json::json;

use super::{
    Caller, Refusal, Result, normalize, reconcile,
    work::{hint, hint_accounts, hint_timeline},
};
use crate::{
    app::App,
    db::{
        Tx,
        accounts::Account,
        audit,
        batches::{self, Batch},
        jobs::{self, Claim, Due, Job},
        locks,
        streams::{self, Stream, Withdrawn},
        undo::{self, Forecast, Keep},
        undone,
    },
    domain::{
        account::ProviderName,
        batch::{BatchOrigin, BatchState},
        ids::{BatchId, UserId},
        job::{JobKind, JobState, Verdict},
    },
};

/// Items taken back in one transaction.
const CHUNK: i64 = 500;

/// What an undo would do, without doing it.
///
/// # Errors
/// Refused when there is no such batch.
pub async fn forecast(app: &App, caller: &Caller, id: BatchId) -> Result<(Batch, Vec<Forecast>)> {
    let mut tx = app.db.begin(caller.user).await?;
    let batch = Batch::find(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "batch" })?;
    let provider = provider(&mut tx, &batch).await?;
    let forecast = undo::forecast(&mut tx, provider, id).await?;
    tx.commit().await?;
    Ok((batch, forecast))
}

/// Begins to take a batch back. Asking twice is the same as asking once.
///
/// # Errors
/// Refused when there is no such batch.
pub async fn start(app: &App, caller: &Caller, id: BatchId) -> Result<Batch> {
    begin(app, caller, id, app.config.sync.undo_days).await
}

/// Begins to take a batch back and to keep nothing of it, also of one that was undone before and could be redone.
///
/// # Errors
/// Refused when there is no such batch.
pub(super) async fn erase(app: &App, caller: &Caller, id: BatchId) -> Result<Batch> {
    begin(app, caller, id, None).await
}

async fn begin(app: &App, caller: &Caller, id: BatchId, keep: Keep) -> Result<Batch> {
    let mut tx = app.db.begin(caller.user).await?;
    jobs::lock_of_batch(&mut tx, id).await?;
    let batch = Batch::lock(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "batch" })?;
    let is_undone = batch.state == BatchState::Undone
        || (batch.state == BatchState::Undoing && is_underway(&mut tx, id, JobKind::Undo).await?);
    if is_undone && (keep.is_some() || batch.redo_until.is_none()) {
        return Ok(batch);
    }
    // An undo that was given up goes on where it stood, and one that keeps nothing does not begin to.
    let keep = keep.filter(|_| batch.state != BatchState::Undoing || batch.redo_until.is_some());
    if batch.state != BatchState::Undoing
        && let Some(days) = keep
    {
        undone::note_streams(&mut tx, id, days).await?;
    }
    batches::fence_for_undo(&mut tx, id, keep).await?;
    jobs::cancel_of_batch(&mut tx, id, jobs::Which::All).await?;
    if batch.origin == BatchOrigin::Approve {
        streams::withdraw(&mut tx, Withdrawn::Consent(batch.preview_id)).await?;
    }
    start_job(app, caller, tx, &batch, JobKind::Undo, json!({})).await
}

/// Whether a job of this kind is still to be worked, or is being worked.
///
/// Read under the batch's lock: a click that came just before has made its job while this one waited.
pub(super) async fn is_underway(tx: &mut Tx, id: BatchId, kind: JobKind) -> Result<bool> {
    let jobs = Job::of_batch(tx, id).await?;
    Ok(jobs.iter().any(|job| job.kind == kind && !job.state.is_over()))
}

/// Makes the job of an undo or a redo, says so in the audit, commits, and rings.
pub(super) async fn start_job(
    app: &App,
    caller: &Caller,
    mut tx: Tx,
    batch: &Batch,
    kind: JobKind,
    counts: serde_json::Value,
) -> Result<Batch> {
    let id = batch.batch_id;
    let job_id = jobs::insert(&mut tx, kind, id, None, JobState::Queued).await?;
    let request = Some((caller.request_id.as_str(), caller.client.as_str()));
    audit::insert(&mut tx, &entry(batch, kind, request, "started", counts)).await?;
    let batch = Batch::find(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "batch" })?;
    tx.commit().await?;
    reconcile::ring(app, &[Due { user_id: caller.user, job_id, kind }]).await;
    hint(app, id).await;
    hint_accounts(app, caller.user).await;
    Ok(batch)
}

/// The audit's entry of an undo or a redo.
pub(super) fn entry<'a>(
    batch: &Batch,
    kind: JobKind,
    request: Option<(&'a str, &'a str)>,
    outcome: &'static str,
    counts: serde_json::Value,
) -> audit::Entry<'a> {
    audit::Entry {
        action: kind.as_str(),
        outcome,
        request,
        account: Some(batch.account_id),
        preview: Some(batch.preview_id),
        batch: Some(batch.batch_id),
        counts,
    }
}

pub(super) async fn provider(tx: &mut Tx, batch: &Batch) -> Result<ProviderName> {
    let account = Account::find(tx, batch.account_id).await?;
    Ok(account.ok_or_else(|| anyhow::anyhow!("a batch without an account"))?.provider)
}

/// Takes back until nothing is left or the slice is over.
pub(super) async fn slice(app: &App, user: UserId, claim: &mut Claim) -> Result<Verdict> {
    let deadline = tokio::time::Instant::now() + app.config.sync.slice;
    while chunk(app, user, claim).await? {
        hint(app, claim.batch_id).await;
        hint_timeline(app, user).await;
        if tokio::time::Instant::now() > deadline {
            return Ok(Verdict::Continue);
        }
    }
    Ok(Verdict::Done)
}

/// Takes back one chunk; `false` when the batch holds nothing any more and is undone.
async fn chunk(app: &App, user: UserId, claim: &mut Claim) -> Result<bool> {
    let id = claim.batch_id;
    let mut tx = app.db.begin(user).await?;
    let batch = Batch::find(&mut tx, id).await?.ok_or_else(|| anyhow::anyhow!("an undo without a batch"))?;
    let stream = match undo::find_stream(&mut tx, id).await? {
        Some(stream) => Stream::find(&mut tx, stream).await?,
        None => None,
    };
    // Whether anything is kept was decided when the undo began.
    let keep = batch.redo_until.map(|_| app.config.sync.undo_days.unwrap_or(1));
    let Some(stream) = stream else {
        if keep.is_none() && undone::forget(&mut tx, id, CHUNK).await? > 0 {
            return finish_chunk(app, tx, claim, undo::Released::default()).await;
        }
        if batches::mark_undone(&mut tx, id).await? {
            let counts = json!({ "removed": batch.n_removed, "restored": batch.n_restored });
            audit::insert(&mut tx, &entry(&batch, JobKind::Undo, None, "succeeded", counts)).await?;
        }
        tx.commit().await?;
        return Ok(false);
    };
    locks::hold_stream(&mut tx, stream.stream_id).await?;
    let provider = provider(&mut tx, &batch).await?;
    let holds = undo::give_up(&mut tx, id, stream.stream_id, CHUNK, keep).await?;
    let mut released = undo::Released::default();
    if holds.is_empty() {
        undo::drop_pending(&mut tx, provider, id, CHUNK).await?;
    } else {
        released = undo::delete_unheld(&mut tx, provider, id, stream.stream_id, &holds, keep).await?;
        normalize::project(app, &mut tx, &stream, std::mem::take(&mut released.groups)).await?;
    }
    finish_chunk(app, tx, claim, released).await
}

/// Commits a chunk, unless another worker has taken the job over: that one goes on where this transaction began.
async fn finish_chunk(app: &App, mut tx: Tx, claim: &mut Claim, released: undo::Released) -> Result<bool> {
    let still_held = jobs::hold(&mut tx, claim, app.config.sync.lease, None, true).await?;
    if still_held {
        batches::count_undone(&mut tx, claim.batch_id, released.removed, released.restored).await?;
        tx.commit().await?;
    }
    Ok(still_held)
}
