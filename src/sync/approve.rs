//! `approve`: makes a preview binding and starts the run; and `sync_now`, a later run under the same consent.

use serde_json::json;

use super::{Caller, Error, Refusal, Result, preview::scope, reconcile, session::Session, work::hint_accounts};
use crate::{
    app::App,
    db::{
        self, Tx, audit,
        batches::Batch,
        jobs::{self, Due},
        previews::Preview,
        streams::{self, Stream},
    },
    domain::{
        account::Service,
        batch::BatchOrigin,
        consent::{Exclusions, Snapshot},
        ids::{AccountId, PreviewId, StreamId},
        job::{JobKind, JobState},
        stream::Collection,
    },
};

/// What to approve.
#[derive(Clone, Debug)]
pub struct Request {
    pub preview: PreviewId,
    /// Left out beyond what the preview already leaves out.
    pub excluded_senders: Vec<String>,
    pub excluded_domains: Vec<String>,
    /// The same key approves once, however often it is sent.
    pub idempotency_key: String,
}

/// Approves a preview and starts its run.
///
/// # Errors
/// Refused when the preview is unknown, expired or approved, or another run is at work on the account. Nothing is written
/// then.
pub async fn approve(app: &App, caller: &Caller, request: &Request) -> Result<Batch> {
    check_key(&request.idempotency_key)?;
    let exclusions = Exclusions {
        senders: scope::names("excludedSenders", &request.excluded_senders)?,
        domains: scope::names("excludedDomains", &request.excluded_domains)?,
    };
    let mut tx = app.db.begin(caller.user).await?;
    let row = Preview::find(&mut tx, request.preview).await?.ok_or(Refusal::NotFound { what: "preview" })?;
    if let Some(known) = repeated(&mut tx, request).await? {
        return Ok(known);
    }
    tx.commit().await?;
    if row.expires_at <= app.clock.now() {
        return Err(Refusal::PreviewExpired.into());
    }
    let snapshot: Snapshot = serde_json::from_value(row.snapshot)?;
    let session = Session::open(app, caller.user, row.account_id).await?;
    snapshot.services().iter().try_for_each(|service| session.require(*service))?;
    let collections = match collections(app, &session, &snapshot).await {
        Err(Error::Refused(Refusal::NeedsReauth)) => collections(app, &session.refresh(app).await?, &snapshot).await?,
        found => found?,
    };

    let mut tx = app.db.begin(caller.user).await?;
    let key = Some(request.idempotency_key.as_str());
    let exclusions = serde_json::to_value(&exclusions)?;
    let made = Batch::insert(&mut tx, row.account_id, row.preview_id, BatchOrigin::Approve, key, &exclusions).await;
    let batch = match made {
        Ok(batch) => batch,
        Err(error) => {
            drop(tx);
            return lost_race(app, caller, request, error).await;
        }
    };
    let mut made = Vec::new();
    for collection in &collections {
        let window = match collection.service {
            Service::Gmail => None,
            Service::Calendar => snapshot.calendar.as_ref().map(|scope| (scope.from, scope.to)),
        };
        let stream = streams::consent(&mut tx, row.account_id, collection, row.preview_id, window).await?;
        made.push((stream, collection.service));
    }
    let due = insert_jobs(&mut tx, &batch, &made).await?;
    note(&mut tx, caller, "approve", &batch).await?;
    tx.commit().await?;
    // Ring only after the commit: a worker that wakes first would find no row. A lost ring is harmless, because the sweeper
    // finds the queued jobs within seconds.
    reconcile::ring(app, &due).await;
    hint_accounts(app, caller.user).await;
    Ok(batch)
}

fn check_key(key: &str) -> Result<(), Refusal> {
    if (1..=200).contains(&key.len()) && !key.chars().any(char::is_control) {
        return Ok(());
    }
    let message = "idempotencyKey takes 1 to 200 characters; a random UUID serves well.".to_owned();
    Err(Refusal::Invalid { field: "idempotencyKey", message })
}

/// The batch that this very request has made before. Refused when the key or the preview was used otherwise.
async fn repeated(tx: &mut Tx, request: &Request) -> Result<Option<Batch>> {
    let key = Some(&request.idempotency_key);
    let found = Batch::find_approved(tx, &request.idempotency_key, request.preview).await?;
    let (ours, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|batch| batch.idempotency_key.as_ref() == key);
    match ours.into_iter().next() {
        Some(batch) if batch.preview_id == request.preview => Ok(Some(batch)),
        Some(_) => Err(Refusal::KeyReused.into()),
        None if others.is_empty() => Ok(None),
        None => Err(Refusal::AlreadyApproved.into()),
    }
}

/// Two approvals met: the second answers what it would have, had it come later.
async fn lost_race(app: &App, caller: &Caller, request: &Request, error: db::Error) -> Result<Batch> {
    if error.is_unique_violation("batches_one_live_per_account") {
        let mut tx = app.db.begin(caller.user).await?;
        return repeated(&mut tx, request).await?.ok_or(Refusal::AccountBusy.into());
    }
    let ours = ["batches_unique_idempotency_key", "batches_one_approval_per_preview"];
    if ours.iter().any(|name| error.is_unique_violation(name)) {
        let mut tx = app.db.begin(caller.user).await?;
        return repeated(&mut tx, request).await?.ok_or(Refusal::AlreadyApproved.into());
    }
    Err(error.into())
}

/// The collections a snapshot reads, with their names and zones as they are now.
async fn collections(app: &App, session: &Session, snapshot: &Snapshot) -> Result<Vec<Collection>> {
    let mut all = Vec::new();
    if snapshot.mail.is_some() {
        all.push(Collection { name: session.account.email.clone(), ..Collection::mailbox() });
    }
    if let Some(scope) = &snapshot.calendar {
        let calendars = session.calendars(app).await?;
        all.extend(calendars.into_iter().filter(|calendar| scope.calendars.contains(&calendar.id)));
    }
    Ok(all)
}

/// A sync job for each stream, and a normalize job, waiting, for each service.
async fn insert_jobs(tx: &mut Tx, batch: &Batch, streams: &[(StreamId, Service)]) -> Result<Vec<Due>> {
    let mut due = Vec::new();
    for (stream, service) in streams {
        let kind = JobKind::sync_of(*service);
        let job_id = jobs::insert(tx, kind, batch.batch_id, Some(*stream), JobState::Queued).await?;
        due.push(Due { user_id: tx.user(), job_id, kind });
    }
    for service in Service::ALL {
        if streams.iter().any(|(_, of)| of == service) {
            jobs::insert(tx, JobKind::normalize_of(*service), batch.batch_id, None, JobState::Waiting).await?;
        }
    }
    Ok(due)
}

async fn note(tx: &mut Tx, caller: &Caller, action: &'static str, batch: &Batch) -> Result<()> {
    let entry = audit::Entry {
        action,
        outcome: "started",
        request: Some((&caller.request_id, &caller.client)),
        account: Some(batch.account_id),
        preview: Some(batch.preview_id),
        batch: Some(batch.batch_id),
        counts: json!({}),
    };
    Ok(audit::insert(tx, &entry).await?)
}

/// Brings in what has changed since the last run, under the consent in force. A run that is at work already is returned as it
/// stands.
///
/// # Errors
/// Refused when the account is unknown or nothing is approved for it.
pub async fn sync_now(app: &App, caller: &Caller, account: AccountId) -> Result<Batch> {
    later_run(app, caller, account, BatchOrigin::Sync).await
}

/// Lists everything inside the consent anew, compares it with the ledger, and fetches what that did not know. A run that is at
/// work already is returned as it stands.
///
/// # Errors
/// As [`sync_now`].
pub async fn audit_completeness(app: &App, caller: &Caller, account: AccountId) -> Result<Batch> {
    later_run(app, caller, account, BatchOrigin::Audit).await
}

async fn later_run(app: &App, caller: &Caller, account: AccountId, origin: BatchOrigin) -> Result<Batch> {
    let session = Session::open(app, caller.user, account).await?;
    let mut tx = app.db.begin(caller.user).await?;
    if let Some(live) = Batch::find_live(&mut tx, account).await? {
        return Ok(live);
    }
    let all = Stream::of_account(&mut tx, account).await?;
    let consented =
        |stream: &&Stream| stream.preview_id.is_some() && stream.service.is_granted(&session.account.scopes);
    let streams: Vec<_> = all.iter().filter(consented).map(|stream| (stream.stream_id, stream.service)).collect();
    // The batch names the newest consent; each stream is read under its own.
    let newest = all.iter().filter(consented).filter_map(|stream| stream.preview_id).max().ok_or(Refusal::NoConsent)?;
    let nothing = json!({});
    let batch = match Batch::insert(&mut tx, account, newest, origin, None, &nothing).await {
        Err(error) if error.is_unique_violation("batches_one_live_per_account") => {
            drop(tx);
            let mut tx = app.db.begin(caller.user).await?;
            // It may have ended meanwhile.
            return Batch::find_live(&mut tx, account).await?.ok_or(Refusal::AccountBusy.into());
        }
        made => made?,
    };
    let due = insert_jobs(&mut tx, &batch, &streams).await?;
    note(&mut tx, caller, origin.as_str(), &batch).await?;
    tx.commit().await?;
    reconcile::ring(app, &due).await;
    hint_accounts(app, caller.user).await;
    Ok(batch)
}
