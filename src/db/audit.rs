//! The audit: inserted and read, never changed.

use chrono::{DateTime, Utc};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::{Result, Tx, schema::sync_audit};
use crate::domain::ids::{AccountId, BatchId, PreviewId};

/// What a new entry says. Ids and numbers only.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// `connect`, `preview`, `approve`, `sync`, `audit`, `pause`, `resume`, `cancel`, `retry`, `discard`, `undo`, `preferences`,
    /// `deletion_policy`, `purge`, `disconnect`, `merge_contacts`, `split_contact`, `rename_contact`, `dismiss_suggestion`, `block`,
    /// `unblock`.
    pub action: &'static str,
    /// `started`, `succeeded`, `partial`, `failed`, `refused`.
    pub outcome: &'static str,
    /// Who did it: `Some` with the request for the person, `None` for a worker.
    pub request: Option<(&'a str, &'a str)>,
    pub account: Option<AccountId>,
    pub preview: Option<PreviewId>,
    pub batch: Option<BatchId>,
    /// Numbers that belong to it, by name.
    pub counts: Value,
}

/// Writes one entry.
///
/// # Errors
/// When the database refuses.
pub async fn insert(tx: &mut Tx, entry: &Entry<'_>) -> Result<()> {
    let row = (
        sync_audit::user_id.eq(tx.user().0),
        sync_audit::audit_id.eq(Uuid::now_v7()),
        sync_audit::action.eq(entry.action),
        sync_audit::outcome.eq(entry.outcome),
        sync_audit::actor.eq(if entry.request.is_some() { "user" } else { "worker" }),
        sync_audit::account_id.eq(entry.account.map(|id| id.0)),
        sync_audit::preview_id.eq(entry.preview.map(|id| id.0)),
        sync_audit::batch_id.eq(entry.batch.map(|id| id.0)),
        sync_audit::request_id.eq(entry.request.map(|(id, _)| id)),
        sync_audit::client.eq(entry.request.map(|(_, client)| client)),
        sync_audit::counts.eq(&entry.counts),
    );
    diesel::insert_into(sync_audit::table).values(row).execute(&mut **tx).await?;
    Ok(())
}

/// A stored entry.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sync_audit, check_for_backend(diesel::pg::Pg))]
pub struct AuditEntry {
    pub audit_id: Uuid,
    pub at: DateTime<Utc>,
    pub action: String,
    pub outcome: String,
    pub actor: String,
    pub account_id: Option<AccountId>,
    pub preview_id: Option<PreviewId>,
    pub batch_id: Option<BatchId>,
    pub request_id: Option<String>,
    pub client: Option<String>,
    pub counts: Value,
}

impl AuditEntry {
    /// Up to `limit` entries older than `before`, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page(tx: &mut Tx, before: Option<(DateTime<Utc>, Uuid)>, limit: i64) -> Result<Vec<Self>> {
        let mut query = sync_audit::table
            .filter(sync_audit::user_id.eq(tx.user().0))
            .order((sync_audit::at.desc(), sync_audit::audit_id.desc()))
            .limit(limit)
            .select(Self::as_select())
            .into_boxed();
        if let Some((at, id)) = before {
            query = query.filter(sync_audit::at.lt(at).or(sync_audit::at.eq(at).and(sync_audit::audit_id.lt(id))));
        }
        Ok(query.load(&mut **tx).await?)
    }
}
