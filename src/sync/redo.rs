//! `redo`: brings back what an undo took, as long as it is kept.
//!
//! Nothing is asked of the provider: holds and raw events come back from where the undo has set them aside, in bounded
//! transactions that can be repeated, and are projected again. The consent comes back into force with its cursor, so that the
//! next run asks for what has happened since.

use serde_json::json;

use super::{
    Caller, Refusal, Result, normalize,
    undo::{entry, is_underway, provider, start_job},
    work::{hint, hint_timeline},
};
use crate::{
    app::App,
    db::{
        audit,
        batches::{self, Batch},
        jobs::{self, Claim},
        locks,
        streams::Stream,
        undone::{self, Returned},
    },
    domain::{
        batch::{BatchOrigin, BatchState},
        ids::{BatchId, UserId},
        job::{JobKind, Verdict},
    },
};

/// Holds put back in one transaction: as many as are projected at once, which is most of the work.
const CHUNK: i64 = 200;

/// Begins to bring a batch back. Asking again while it is under way changes nothing.
///
/// # Errors
/// Refused when there is no such batch, it was not undone, or what the undo took is no longer kept.
pub async fn start(app: &App, caller: &Caller, id: BatchId) -> Result<Batch> {
    let mut tx = app.db.begin(caller.user).await?;
    jobs::lock_of_batch(&mut tx, id).await?;
    let batch = Batch::lock(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "batch" })?;
    match batch.state {
        BatchState::Redoing if is_underway(&mut tx, id, JobKind::Redo).await? => return Ok(batch),
        // A redo that was given up goes on where it stood.
        BatchState::Redoing => {}
        BatchState::Undone => {
            if !batches::fence_for_redo(&mut tx, id).await? {
                return Err(Refusal::RedoExpired.into());
            }
            if batch.origin == BatchOrigin::Approve {
                undone::reinstate_consent(&mut tx, id).await?;
            }
        }
        _ => return Err(Refusal::NotUndone.into()),
    }
    let counts = json!({ "returning": batch.n_removed, "replacing": batch.n_restored });
    start_job(app, caller, tx, &batch, JobKind::Redo, counts).await
}

/// Brings back until nothing is left or the slice is over.
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

/// Brings back one chunk; `false` when there is nothing more, and the batch is what it was.
async fn chunk(app: &App, user: UserId, claim: &mut Claim) -> Result<bool> {
    let id = claim.batch_id;
    let mut tx = app.db.begin(user).await?;
    let batch = Batch::find(&mut tx, id).await?.ok_or_else(|| anyhow::anyhow!("a redo without a batch"))?;
    let stream = match undone::find_stream(&mut tx, id).await? {
        Some(stream) => Stream::find(&mut tx, stream).await?,
        None => None,
    };
    let mut returned = Returned::default();
    if let Some(stream) = stream {
        locks::hold_stream(&mut tx, stream.stream_id).await?;
        let provider = provider(&mut tx, &batch).await?;
        let holds = undone::take_holds(&mut tx, id, stream.stream_id, CHUNK).await?;
        returned = undone::put_back(&mut tx, provider, id, stream.stream_id, &holds).await?;
        normalize::project(app, &mut tx, &stream, std::mem::take(&mut returned.groups)).await?;
    } else if undone::put_pending_back(&mut tx, id, CHUNK).await? == 0 {
        // The batch before what is kept for it, in which order an undo takes them that begins at this moment; and if one has
        // begun, what is kept is its own.
        if batches::mark_redone(&mut tx, id).await? {
            undone::forget(&mut tx, id, CHUNK).await?;
            audit::insert(&mut tx, &entry(&batch, JobKind::Redo, None, "succeeded", json!({}))).await?;
        }
        tx.commit().await?;
        return Ok(false);
    }
    // A worker that took the job over goes on where this transaction began.
    let still_held = jobs::hold(&mut tx, claim, app.config.sync.lease, None, true).await?;
    if still_held {
        batches::count_redone(&mut tx, id, returned.returned, returned.replaced).await?;
        tx.commit().await?;
    }
    Ok(still_held)
}
