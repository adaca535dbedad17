//! How a batch ends.

use serde_json::json;

use super::Result;
use crate::{
    db::{
        Tx, audit,
        batches::{self, Batch, Fence},
        jobs::Job,
    },
    domain::{batch::BatchState, ids::BatchId, job::JobState},
};

/// Ends a batch whose jobs have all ended, in the transaction that ended the last of them.
///
/// # Errors
/// When the database fails.
pub async fn finish_if_done(tx: &mut Tx, id: BatchId) -> Result<()> {
    // The row is held, so of two jobs that end at once the second sees the first.
    let Some(batch) = Batch::lock(tx, id).await? else { return Ok(()) };
    if !batch.state.is_live() {
        return Ok(());
    }
    let jobs: Vec<Job> = Job::of_batch(tx, id).await?.into_iter().filter(|job| !job.kind.is_afterwards()).collect();
    if !jobs.iter().all(|job| job.state.is_over()) {
        return Ok(());
    }
    let dead = jobs.iter().find(|job| matches!(job.state, JobState::Dead | JobState::Discarded));
    let state = match dead {
        _ if jobs.iter().any(|job| job.state == JobState::Cancelled) => BatchState::Cancelled,
        Some(_) if batch.n_stored + batch.n_unchanged == 0 => BatchState::Failed,
        Some(_) => BatchState::Partial,
        None if batch.n_failed > 0 => BatchState::Partial,
        None => BatchState::Succeeded,
    };
    let (class, error) = (dead.and_then(|job| job.error_class.as_deref()), dead.and_then(|job| job.error.as_deref()));
    let fence = Fence { batch: id, generation: batch.generation };
    batches::finish(tx, fence, state, class, error).await?;
    let outcome = match state {
        BatchState::Succeeded => "succeeded",
        BatchState::Partial => "partial",
        BatchState::Cancelled => "cancelled",
        _ => "failed",
    };
    let entry = audit::Entry {
        action: "sync",
        outcome,
        request: None,
        account: Some(batch.account_id),
        preview: Some(batch.preview_id),
        batch: Some(id),
        counts: json!({
            "listed": batch.n_listed, "stored": batch.n_stored, "unchanged": batch.n_unchanged,
            "filtered": batch.n_filtered, "failed": batch.n_failed, "gone": batch.n_gone,
        }),
    };
    audit::insert(tx, &entry).await?;
    Ok(())
}
