//! The audit as its subject sees it.

use async_graphql::{ID, InputObject, Json, Object};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::words::{AuditAction, AuditActor, AuditOutcome};
use crate::{
    db::audit::{AuditEntry as Row, AuditFilter as RowFilter},
    domain::{
        audit,
        ids::{AccountId, BatchId},
    },
    graphql::id::{self, Kind},
};

/// Who did what, when, and how it went. Entries are never changed.
#[derive(Clone)]
pub(crate) struct AuditEntry(pub Row);

/// Who did what, when, and how it went. Entries are never changed.
#[Object]
impl AuditEntry {
    /// The entry's id.
    pub async fn id(&self) -> ID {
        id::encode(Kind::AuditEntry, self.0.audit_id)
    }

    /// When it happened.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// What was done.
    async fn action(&self) -> AuditAction {
        self.0.action.into()
    }

    /// How it went.
    async fn outcome(&self) -> AuditOutcome {
        self.0.outcome.into()
    }

    /// Who did it.
    async fn actor(&self) -> AuditActor {
        self.0.actor.into()
    }

    /// The id of the account concerned; `null` when there is none.
    async fn account_id(&self) -> Option<ID> {
        self.0.account_id.map(|account| id::encode(Kind::Account, account.0))
    }

    /// The id of the preview concerned; `null` when there is none.
    async fn preview_id(&self) -> Option<ID> {
        self.0.preview_id.map(|preview| id::encode(Kind::Preview, preview.0))
    }

    /// The id of the batch concerned; `null` when there is none.
    async fn batch_id(&self) -> Option<ID> {
        self.0.batch_id.map(|batch| id::encode(Kind::Batch, batch.0))
    }

    /// The id of the request it came with; `null` for background work.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What the client called itself; `null` for background work.
    async fn client(&self) -> Option<&str> {
        self.0.client.as_deref()
    }

    /// Numbers that belong to it, by name.
    async fn counts(&self) -> Json<Value> {
        Json(self.0.counts.clone())
    }
}

/// Which entries of the audit to show. Every field that is given must hold.
#[derive(InputObject, Default)]
pub(crate) struct AuditFilter {
    /// Those that tell of one of these.
    action: Option<Vec<AuditAction>>,
    /// Those that went in one of these ways.
    outcome: Option<Vec<AuditOutcome>>,
    /// Those of what the person did, or background work.
    actor: Option<AuditActor>,
    /// Those that concern this account.
    account_id: Option<ID>,
    /// Those that concern this batch.
    batch_id: Option<ID>,
    /// Only what happened at or after this moment.
    from: Option<DateTime<Utc>>,
    /// Only what happened before this moment.
    to: Option<DateTime<Utc>>,
}

impl AuditFilter {
    /// `None` when an id names nothing of its kind: then nothing can match.
    pub(crate) fn rows(self) -> Option<RowFilter> {
        let account = self.account_id.map(|id| id::decode_as(Kind::Account, &id).map(AccountId));
        let batch = self.batch_id.map(|id| id::decode_as(Kind::Batch, &id).map(BatchId));
        if account == Some(None) || batch == Some(None) {
            return None;
        }
        let actions = self.action.unwrap_or_default().into_iter().map(|word| audit::AuditAction::from(word).as_str());
        let outcomes = self.outcome.unwrap_or_default().into_iter();
        Some(RowFilter {
            actions: actions.collect(),
            outcomes: outcomes.map(|word| audit::AuditOutcome::from(word).as_str()).collect(),
            actor: self.actor.map(|word| audit::AuditActor::from(word).as_str()),
            account: account.flatten(),
            batch: batch.flatten(),
            from: self.from,
            to: self.to,
        })
    }
}
