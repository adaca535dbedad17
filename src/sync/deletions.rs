//! What deletions at the provider mean for an account, as the person wants it.

use serde_json::json;

use super::{Caller, Refusal, Result, preview::scope, work::hint_accounts};
use crate::{
    app::App,
    db::{
        accounts::{self, Account},
        audit,
    },
    domain::{
        deletion::{DeletionKind, DeletionPolicy},
        ids::AccountId,
    },
};

/// The policy to have from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    pub account: AccountId,
    pub kind: DeletionKind,
    /// For `Tombstone` only; `None` leaves what there is.
    pub days: Option<i32>,
}

/// Changes what the deletions to come mean. Those that have been stay as they are.
///
/// # Errors
/// Refused when there is no such account, or the days are out of bounds or belong to no tombstone.
pub async fn set(app: &App, caller: &Caller, request: Request) -> Result<Account> {
    let Request { account: id, kind, days } = request;
    if let Some(days) = days {
        scope::bounded("days", days, *DeletionPolicy::DAYS.start(), *DeletionPolicy::DAYS.end())?;
        if kind != DeletionKind::Tombstone {
            let message = "days belong to TOMBSTONE only. Leave them out.".to_owned();
            return Err(Refusal::Invalid { field: "days", message }.into());
        }
    }
    let mut tx = app.db.begin(caller.user).await?;
    let account = Account::lock(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "account" })?;
    let policy = DeletionPolicy { kind, tombstone_days: days.unwrap_or(account.tombstone_days) };
    accounts::set_deletions(&mut tx, id, policy).await?;
    let entry = audit::Entry {
        action: "deletion_policy",
        outcome: "succeeded",
        request: Some((&caller.request_id, &caller.client)),
        account: Some(id),
        preview: None,
        batch: None,
        counts: match kind {
            DeletionKind::Tombstone => json!({ "tombstone": 1, "days": policy.tombstone_days }),
            other => json!({ other.as_str(): 1 }),
        },
    };
    audit::insert(&mut tx, &entry).await?;
    let account = Account::find(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "account" })?;
    tx.commit().await?;
    hint_accounts(app, caller.user).await;
    Ok(account)
}
