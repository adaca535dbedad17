//! `purge`: deletes what has been kept for long enough.
//!
//! That is what is stored of deleted items, once the policy that their deletion met gives them no more time, and what undos
//! took away, once it can no longer be redone.

use serde_json::json;

use super::{Error, Result};
use crate::{
    app::App,
    db::{
        Db,
        accounts::Account,
        audit, locks, purge,
        streams::{Due, Stream},
        undone,
    },
};

/// Items of which one look for what is due takes the streams.
const LOOK: i64 = 1_000;
/// Items that one transaction takes.
const CHUNK: i64 = 500;
/// Transactions of undos whose keepings one sweep purges at most.
const UNDOS: usize = 20;

/// Purges whatever is due, whoever's it is. A stream that somebody works with, or that fails, has its turn the next time.
///
/// # Errors
/// When the database does not say what is due.
pub async fn sweep(app: &App, scheduler: &Db) -> Result<()> {
    let mut tx = scheduler.begin_unscoped().await?;
    let due = purge::due(&mut tx, LOOK).await?;
    tx.commit().await?;
    for one in due {
        match stream(app, one).await {
            Ok(()) | Err(Error::Busy) => {}
            Err(error) => tracing::error!(stream.id = %one.stream_id, error = ?error, "a stream could not be purged"),
        }
    }
    undone_of_all(scheduler).await
}

async fn undone_of_all(scheduler: &Db) -> Result<()> {
    for _ in 0..UNDOS {
        let mut tx = scheduler.begin_unscoped().await?;
        let purged = undone::purge_expired(&mut tx).await?;
        tx.commit().await?;
        if purged == 0 {
            break;
        }
    }
    Ok(())
}

async fn stream(app: &App, due: Due) -> Result<()> {
    while chunk(app, due).await? {}
    Ok(())
}

/// Purges one chunk; `false` when nothing was due any more.
async fn chunk(app: &App, due: Due) -> Result<bool> {
    let mut tx = app.db.begin(due.user_id).await?;
    locks::hold_stream(&mut tx, due.stream_id).await?;
    let Some(stream) = Stream::find(&mut tx, due.stream_id).await? else { return Ok(false) };
    let Some(account) = Account::find(&mut tx, stream.account_id).await? else { return Ok(false) };
    let doomed = purge::take(&mut tx, account.provider, due.stream_id, CHUNK).await?;
    if doomed.items.is_empty() {
        return Ok(false);
    }
    purge::delete(&mut tx, account.provider, due.stream_id, &doomed).await?;
    if !doomed.versions.is_empty() {
        let entry = audit::Entry {
            action: "purge",
            outcome: "succeeded",
            request: None,
            account: Some(account.account_id),
            preview: None,
            batch: None,
            counts: json!({ "versions": doomed.versions.len() }),
        };
        audit::insert(&mut tx, &entry).await?;
    }
    tx.commit().await?;
    Ok(true)
}
