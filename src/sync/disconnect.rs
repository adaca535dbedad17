//! `disconnect`: forgets how an account is reached, and, if the person wants it, everything it brought in.

use serde_json::json;

use super::{Caller, Refusal, Result, Vault, control, reconcile, undo, work::hint_accounts};
use crate::{
    app::App,
    db::{
        Tx,
        accounts::{self, Account},
        audit,
        batches::Batch,
        jobs::{self, Due},
        streams::{self, Withdrawn},
    },
    domain::{account::AccountState, ids::AccountId},
    providers::Provider,
};

/// Batches whose undo is begun before the next are looked for.
const ROUND: i64 = 100;

/// How to part from an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    pub account: AccountId,
    /// Whether to undo every batch of the account.
    pub erase: bool,
    /// Whether to take the grant back at the provider. That ends it for everyone who linked the same identity here.
    pub revoke: bool,
}

/// What became of an account.
#[derive(Clone, Debug)]
pub struct Parted {
    pub account: Account,
    /// Batches whose undo has begun.
    pub n_undoing: u64,
    /// Whether the provider took the grant back; `None` when it was not asked, or there was nothing to take back.
    pub revoked: Option<bool>,
}

/// Stops the account's run and forgets its tokens and consents; undoes its batches and takes the grant back if wanted.
///
/// Asking twice is the same as asking once, and goes on where a first time stopped.
///
/// # Errors
/// Refused when there is no such account.
pub async fn disconnect(app: &App, caller: &Caller, request: Request) -> Result<Parted> {
    let id = request.account;
    let mut tx = app.db.begin(caller.user).await?;
    // Jobs and batch before the account, as everywhere.
    let due = stop_run(&mut tx, id).await?;
    let account = Account::lock(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "account" })?;
    let token = match account.refresh_token.as_deref().map(|sealed| ("refresh_token", sealed)) {
        None => account.access_token.as_deref().map(|sealed| ("access_token", sealed)),
        refresh => refresh,
    };
    let token = match token {
        Some((column, sealed)) => Some(Vault::open(app, &mut tx).await?.open_token(id, column, sealed)?),
        None => None,
    };
    if account.state != AccountState::Disconnected {
        streams::withdraw(&mut tx, Withdrawn::Account(id)).await?;
        accounts::disconnect(&mut tx, id).await?;
        note(&mut tx, caller, request).await?;
    }
    tx.commit().await?;
    reconcile::ring(app, &due).await;
    hint_accounts(app, caller.user).await;

    // The grant ends last: whatever fails here, nothing of it is usable by us any more.
    let n_undoing = if request.erase { undo_all(app, caller, id).await? } else { 0 };
    let revoked = match token.filter(|_| request.revoke) {
        Some(token) => Some(app.google.revoke(&token).await.is_ok()),
        None => None,
    };
    let mut tx = app.db.begin(caller.user).await?;
    let account = Account::find(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "account" })?;
    tx.commit().await?;
    Ok(Parted { account, n_undoing, revoked })
}

async fn stop_run(tx: &mut Tx, account: AccountId) -> Result<Vec<Due>> {
    let Some(live) = Batch::find_live(tx, account).await? else { return Ok(Vec::new()) };
    jobs::lock_of_batch(tx, live.batch_id).await?;
    match Batch::lock(tx, live.batch_id).await? {
        Some(batch) if batch.state.is_live() => control::stop(tx, &batch).await,
        _ => Ok(Vec::new()),
    }
}

async fn undo_all(app: &App, caller: &Caller, account: AccountId) -> Result<u64> {
    let mut n = 0;
    loop {
        let mut tx = app.db.begin(caller.user).await?;
        let left = Batch::left_of_account(&mut tx, account, ROUND).await?;
        tx.commit().await?;
        if left.is_empty() {
            return Ok(n);
        }
        for batch in left {
            undo::erase(app, caller, batch).await?;
            n += 1;
        }
    }
}

async fn note(tx: &mut Tx, caller: &Caller, request: Request) -> Result<()> {
    let entry = audit::Entry {
        action: "disconnect",
        outcome: "succeeded",
        request: Some((&caller.request_id, &caller.client)),
        account: Some(request.account),
        preview: None,
        batch: None,
        counts: json!({ "erase": u8::from(request.erase), "revoke": u8::from(request.revoke) }),
    };
    Ok(audit::insert(tx, &entry).await?)
}
