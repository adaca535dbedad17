//! The audit as its subject sees it.

use async_graphql::{ID, Json, Object};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::words::{AuditAction, AuditActor, AuditOutcome};
use crate::{
    db::audit::AuditEntry as Row,
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
