//! `preview`: what a sync would bring in, asked cheaply, shown honestly and stored as the consent snapshot.
//!
//! It writes a preview row and an audit row and nothing else (invariant 2). What it cannot know exactly it gives as a range.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Caller, Error, Refusal, Result, Vault, session::Session};
use crate::{
    app::App,
    db::{audit, preferences::Preferences, previews::Preview},
    domain::{
        account::Service,
        consent::Snapshot,
        ids::{AccountId, PreviewId},
    },
};

mod look;
pub(super) mod scope;

use look::Look;

/// What to look at. Where a field is `None`, the person's preferences say.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub account: Option<AccountId>,
    /// `None`: every service the account grants.
    pub services: Option<Vec<Service>>,
    pub gmail_query: Option<String>,
    pub include_labels: Vec<String>,
    pub exclude_labels: Vec<String>,
    pub mail_days_back: Option<i32>,
    /// `None`: the primary calendar.
    pub calendars: Option<Vec<String>>,
    pub calendar_days_back: Option<i32>,
    pub calendar_days_ahead: Option<i32>,
    pub private_events: Option<bool>,
    pub excluded_senders: Option<Vec<String>>,
    pub excluded_domains: Option<Vec<String>>,
    pub include_undone: bool,
}

/// A count that may not be exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// There are at least so many.
    pub at_least: u64,
    /// And at most so many; `None` when nobody can say.
    pub at_most: Option<u64>,
}

/// A name with a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// An id: of a label, a calendar, a sender's address, a rule.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// What was found, without content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Mail inside the scope.
    pub mail: Range,
    /// Meetings inside the scope; a recurring one counts once.
    pub meetings: Range,
    /// How many mails the samples, labels and senders below were drawn from.
    pub sampled_mails: u64,
    /// Labels in the sample, most frequent first.
    pub labels: Vec<Tally>,
    /// Meetings of each calendar.
    pub calendars: Vec<Tally>,
    /// Of what was looked at: how many each rule keeps out.
    pub excluded: Vec<Tally>,
    /// Gmail units the run will draw, at most.
    pub gmail_units: u64,
    /// Calendar requests the run will make, at most.
    pub calendar_requests: u64,
    /// How long the run will take within the budget, in milliseconds.
    pub duration_ms: u64,
}

/// One sample, with content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub service: Service,
    pub title: String,
    /// The sender of a mail, the organizer of a meeting.
    pub who: String,
    pub at: DateTime<Utc>,
    pub snippet: String,
}

/// What was found that names people or what they wrote: sealed in the preview's row and forgotten when it expires.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub samples: Vec<Sample>,
    /// Senders in the sample, most frequent first.
    pub top_senders: Vec<Tally>,
}

/// A made preview, opened.
#[derive(Clone, Debug)]
pub struct Made {
    pub row: Preview,
    pub facts: Facts,
    pub shown: Shown,
}

/// Looks, estimates and stores.
///
/// # Errors
/// Refused for unusable input, or when the account cannot be read; nothing is stored then.
pub async fn make(app: &App, caller: &Caller, request: &Request) -> Result<Made> {
    let account = request.account.ok_or(Refusal::NotFound { what: "account" })?;
    let session = Session::open(app, caller.user, account).await?;
    match look(app, caller, request, &session).await {
        // The provider may end a token before its time; a fresh one tells whether the grant has ended, too.
        Err(Error::Refused(Refusal::NeedsReauth)) => look(app, caller, request, &session.refresh(app).await?).await,
        made => made,
    }
}

async fn look(app: &App, caller: &Caller, request: &Request, session: &Session) -> Result<Made> {
    let mut tx = app.db.begin(caller.user).await?;
    let preferences = Preferences::load(&mut tx).await?;
    tx.commit().await?;
    let services = scope::chosen_services(session, request)?;
    let now = app.clock.now();
    let exclusions = scope::exclusions(request, &preferences)?;

    let mut look = Look::default();
    let mut snapshot = Snapshot {
        account: session.account.account_id,
        mail: None,
        calendar: None,
        exclusions,
        include_undone: request.include_undone,
    };
    if services.contains(&Service::Gmail) {
        let scope = scope::mail_scope(app, session, request, &preferences, now).await?;
        look.at_mail(app, session, &scope, &snapshot).await?;
        snapshot.mail = Some(scope);
    }
    if services.contains(&Service::Calendar) {
        let (scope, calendars) = scope::calendar_scope(app, session, request, &preferences, now).await?;
        look.at_calendars(app, session, &scope, &calendars, &snapshot.exclusions).await?;
        snapshot.calendar = Some(scope);
    }
    look.finish(app, session.account.account_id).await;
    store(app, caller, &session.vault, snapshot, look, now).await
}

async fn store(
    app: &App,
    caller: &Caller,
    vault: &Vault,
    snapshot: Snapshot,
    look: Look,
    now: DateTime<Utc>,
) -> Result<Made> {
    let Look { facts, shown, .. } = look;
    let preview_id = PreviewId::generate();
    let life = TimeDelta::from_std(app.config.sync.preview).unwrap_or_else(|_| TimeDelta::hours(1));
    let row = Preview {
        preview_id,
        account_id: snapshot.account,
        hash: snapshot.hash(),
        snapshot: serde_json::to_value(&snapshot)?,
        facts: serde_json::to_value(&facts)?,
        samples: Some(vault.seal_samples(preview_id, &serde_json::to_vec(&shown)?)?),
        created_at: now,
        expires_at: now + life,
    };
    let mut tx = app.db.begin(caller.user).await?;
    row.insert(&mut tx).await?;
    let entry = audit::Entry {
        action: "preview",
        outcome: "succeeded",
        request: Some((&caller.request_id, &caller.client)),
        account: Some(snapshot.account),
        preview: Some(preview_id),
        batch: None,
        counts: json!({ "mail": facts.mail.at_least, "meetings": facts.meetings.at_least }),
    };
    audit::insert(&mut tx, &entry).await?;
    tx.commit().await?;
    Ok(Made { row, facts, shown })
}

/// Opens a stored preview. Samples and senders are gone once it has expired.
///
/// # Errors
/// When it cannot be read.
pub async fn open(app: &App, caller: &Caller, row: Preview) -> Result<Made> {
    let facts = serde_json::from_value(row.facts.clone())?;
    let shown = match &row.samples {
        Some(sealed) if row.expires_at > app.clock.now() => {
            let mut tx = app.db.begin(caller.user).await?;
            let vault = Vault::open(app, &mut tx).await?;
            tx.commit().await?;
            serde_json::from_slice(&vault.open_samples(row.preview_id, sealed)?)?
        }
        _ => Shown::default(),
    };
    Ok(Made { row, facts, shown })
}
