//! The brake: a run that would take much off the timeline at once stops and asks first.
//!
//! A mailbox that was emptied by accident, by someone else, or by a provider's fault looks like a person who has tidied up.

use serde_json::json;

use super::{Result, step::Slice, work::hint};
use crate::{
    app::App,
    db::{
        Tx, audit,
        batches::{self, Batch},
        items, jobs,
    },
};

/// So many items may leave a stream in one run without a question.
const MOST: i64 = 50;
/// And so many per cent of what the stream had.
const MOST_PER_CENT: i64 = 10;

/// Counts what a transaction takes away; `Some` says how much of how much when that is too much, and the transaction must not
/// commit.
pub(super) async fn check(tx: &mut Tx, slice: &mut Slice<'_>, n_leaving: i64) -> Result<Option<(i64, i64)>> {
    let n_left = slice.checkpoint.leaving(n_leaving);
    if n_leaving == 0 || n_left <= MOST || slice.deletions_allowed {
        return Ok(None);
    }
    let n_before = items::count_stored(tx, slice.stream.stream_id).await? + n_left;
    Ok((n_left * 100 > n_before * MOST_PER_CENT).then_some((n_left, n_before)))
}

/// Holds the batch with the question.
pub(super) async fn pull(app: &App, slice: &Slice<'_>, (n_left, n_before): (i64, i64)) -> Result<()> {
    let id = slice.fence.batch;
    let question = format!(
        "At least {n_left} of {n_before} items would leave the timeline, because they were deleted at the provider or are no \
         longer inside the consent. Resume the batch to let them go, or cancel it to keep them."
    );
    let mut tx = app.db.begin(slice.session.user).await?;
    jobs::lock_of_batch(&mut tx, id).await?;
    let Some(batch) = Batch::lock(&mut tx, id).await? else { return Ok(()) };
    if !jobs::hold(&mut tx, &mut slice.claim.clone(), app.config.sync.lease, None, false).await?
        || !batch.state.is_live()
    {
        return Ok(());
    }
    jobs::pause_of_batch(&mut tx, id).await?;
    batches::ask_about_deletions(&mut tx, id, &question).await?;
    let entry = audit::Entry {
        action: "pause",
        outcome: "succeeded",
        request: None,
        account: Some(batch.account_id),
        preview: Some(batch.preview_id),
        batch: Some(id),
        counts: json!({ "leaving": n_left, "of": n_before }),
    };
    audit::insert(&mut tx, &entry).await?;
    tx.commit().await?;
    hint(app, id).await;
    Ok(())
}
