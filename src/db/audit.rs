//! The audit: inserted and read, never changed.

use chrono::{DateTime, Utc};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Result, Tx,
    interactions::{Between, Towards},
    schema::sync_audit,
};
use crate::domain::{
    audit::{AuditAction, AuditActor, AuditOutcome},
    ids::{AccountId, BatchId, PreviewId},
};

/// What a new entry says. Ids and numbers only.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The word of an [`AuditAction`].
    pub action: &'static str,
    /// The word of an [`AuditOutcome`].
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

/// Which entries to show. Every field that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Words of [`AuditAction`]s; empty means any.
    pub actions: Vec<&'static str>,
    /// Words of [`AuditOutcome`]s; empty means any.
    pub outcomes: Vec<&'static str>,
    /// The word of an [`AuditActor`].
    pub actor: Option<&'static str>,
    pub account: Option<AccountId>,
    pub batch: Option<BatchId>,
    /// At or after this moment.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub to: Option<DateTime<Utc>>,
}

/// A stored entry.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sync_audit, check_for_backend(diesel::pg::Pg))]
pub struct AuditEntry {
    pub audit_id: Uuid,
    pub at: DateTime<Utc>,
    pub action: AuditAction,
    pub outcome: AuditOutcome,
    pub actor: AuditActor,
    pub account_id: Option<AccountId>,
    pub preview_id: Option<PreviewId>,
    pub batch_id: Option<BatchId>,
    pub request_id: Option<String>,
    pub client: Option<String>,
    pub counts: Value,
}

impl AuditEntry {
    /// The entries with these ids, in no order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn with_ids(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<Self>> {
        let query = sync_audit::table
            .filter(sync_audit::user_id.eq(tx.user().0))
            .filter(sync_audit::audit_id.eq_any(ids))
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// Up to `limit` entries from a place, between two places when both are given; the newest is the first of the list.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page(
        tx: &mut Tx,
        filter: &AuditFilter,
        (after, before): Between,
        towards: Towards,
        limit: i64,
    ) -> Result<Vec<Self>> {
        use sync_audit::dsl;
        let mut query =
            sync_audit::table.filter(dsl::user_id.eq(tx.user().0)).limit(limit).select(Self::as_select()).into_boxed();
        if !filter.actions.is_empty() {
            query = query.filter(dsl::action.eq_any(&filter.actions));
        }
        if !filter.outcomes.is_empty() {
            query = query.filter(dsl::outcome.eq_any(&filter.outcomes));
        }
        if let Some(actor) = filter.actor {
            query = query.filter(dsl::actor.eq(actor));
        }
        if let Some(account) = filter.account {
            query = query.filter(dsl::account_id.eq(account.0));
        }
        if let Some(batch) = filter.batch {
            query = query.filter(dsl::batch_id.eq(batch.0));
        }
        if let Some(from) = filter.from {
            query = query.filter(dsl::at.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(dsl::at.lt(to));
        }
        query = match towards {
            Towards::Older => query.order((dsl::at.desc(), dsl::audit_id.desc())),
            Towards::Newer => query.order((dsl::at.asc(), dsl::audit_id.asc())),
        };
        if let Some((at, id)) = after {
            query = query.filter(dsl::at.le(at).and(dsl::at.lt(at).or(dsl::audit_id.lt(id))));
        }
        if let Some((at, id)) = before {
            query = query.filter(dsl::at.ge(at).and(dsl::at.gt(at).or(dsl::audit_id.gt(id))));
        }
        Ok(query.load(&mut **tx).await?)
    }
}
