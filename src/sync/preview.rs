//! `preview`: what a sync would bring in, asked cheaply, shown honestly and stored as the consent snapshot.
//!
//! It writes a preview row and an audit row and nothing else (invariant 2). What it cannot know exactly it gives as a range.

use std::{cmp::Reverse, collections::BTreeMap};

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Caller, Error, Refusal, Result, Vault, session::Session};
use crate::{
    app::App,
    db::{audit, items, preferences::Preferences, previews::Preview},
    domain::{
        account::Service,
        consent::{CalendarScope, Exclusions, Label, MailScope, Snapshot},
        filter::{self, MailFilter},
        ids::{AccountId, PreviewId},
        normalize::{NewInteraction, Role, mail::ParsedMail, meeting},
        quota::{self, Call},
        stream::Collection,
    },
    providers::{Entry, Listing, Next, Page, Provider},
};

/// Pages of ids looked at before a count becomes a range.
const MAIL_PAGES: usize = 10;
/// Pages of one calendar looked at before a count becomes a range.
const CALENDAR_PAGES: usize = 4;
/// The most senders and domains left out in one preview.
const MAX_EXCLUSIONS: usize = 500;
/// The most calendars in one preview.
const MAX_CALENDARS: usize = 50;

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
    let services = chosen_services(session, request)?;
    let now = app.clock.now();
    let exclusions = exclusions(request, &preferences)?;

    let mut look = Look { facts: Facts::default(), shown: Shown::default(), excluded: BTreeMap::new() };
    let mut snapshot = Snapshot {
        account: session.account.account_id,
        mail: None,
        calendar: None,
        exclusions,
        include_undone: request.include_undone,
    };
    if services.contains(&Service::Gmail) {
        let scope = mail_scope(app, session, request, &preferences, now).await?;
        look.at_mail(app, session, &scope, &snapshot).await?;
        snapshot.mail = Some(scope);
    }
    if services.contains(&Service::Calendar) {
        let (scope, calendars) = calendar_scope(app, session, request, &preferences, now).await?;
        look.at_calendars(app, session, &scope, &calendars, &snapshot.exclusions).await?;
        snapshot.calendar = Some(scope);
    }
    look.finish(app);
    store(app, caller, &session.vault, snapshot, look, now).await
}

fn chosen_services(session: &Session, request: &Request) -> Result<Vec<Service>> {
    let Some(chosen) = &request.services else {
        let granted = Service::ALL.iter().copied().filter(|service| service.is_granted(&session.account.scopes));
        return Ok(granted.collect());
    };
    if chosen.is_empty() {
        return Err(Refusal::NothingChosen.into());
    }
    chosen.iter().try_for_each(|service| session.require(*service))?;
    Ok(chosen.clone())
}

pub(super) fn bounded(field: &'static str, value: i32, least: i32, most: i32) -> Result<TimeDelta, Refusal> {
    if (least..=most).contains(&value) {
        return Ok(TimeDelta::days(value.into()));
    }
    Err(Refusal::Invalid { field, message: format!("{field} must be between {least} and {most}.") })
}

/// How far a calendar is looked at, back and ahead.
pub(super) fn calendar_window(back: i32, ahead: i32) -> Result<(TimeDelta, TimeDelta), Refusal> {
    if (back, ahead) == (0, 0) {
        // Google refuses a window without extent.
        let message = "calendarDaysAhead and calendarDaysBack must not both be 0.".to_owned();
        return Err(Refusal::Invalid { field: "calendarDaysAhead", message });
    }
    Ok((bounded("calendarDaysBack", back, 0, 3_650)?, bounded("calendarDaysAhead", ahead, 0, 3_650)?))
}

/// A query that cannot be used, as a sentence.
pub(super) fn bad_query(error: &filter::QueryError) -> Refusal {
    Refusal::Invalid { field: "gmailQuery", message: format!("The mail query cannot be used: {error}.") }
}

/// Cleans a list of addresses or domains.
pub(super) fn names(field: &'static str, values: &[String]) -> Result<Vec<String>, Refusal> {
    if values.len() > MAX_EXCLUSIONS {
        return Err(Refusal::Invalid { field, message: format!("{field} takes at most {MAX_EXCLUSIONS} entries.") });
    }
    let mut clean: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        let value = value.trim().to_lowercase();
        if value.is_empty() || value.len() > 320 || value.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let message = format!("{field} holds an entry that is no address or domain.");
            return Err(Refusal::Invalid { field, message });
        }
        clean.push(value);
    }
    clean.sort_unstable();
    clean.dedup();
    Ok(clean)
}

fn exclusions(request: &Request, preferences: &Preferences) -> Result<Exclusions, Refusal> {
    Ok(Exclusions {
        senders: names("excludedSenders", request.excluded_senders.as_ref().unwrap_or(&preferences.excluded_senders))?,
        domains: names("excludedDomains", request.excluded_domains.as_ref().unwrap_or(&preferences.excluded_domains))?,
    })
}

async fn mail_scope(
    app: &App,
    session: &Session,
    request: &Request,
    preferences: &Preferences,
    now: DateTime<Utc>,
) -> Result<MailScope> {
    let back = bounded("mailDaysBack", request.mail_days_back.unwrap_or(preferences.mail_days_back), 1, 36_500)?;
    let labels = session.labels(app).await?;
    for (field, ids) in [("includeLabels", &request.include_labels), ("excludeLabels", &request.exclude_labels)] {
        if let Some(unknown) = ids.iter().find(|id| !labels.iter().any(|label| &label.id == *id)) {
            let shown: String = unknown.chars().take(100).collect();
            return Err(Refusal::Invalid {
                field,
                message: format!("This account has no label with the id {shown:?}."),
            }
            .into());
        }
    }
    let query = request.gmail_query.as_ref().unwrap_or(&preferences.gmail_query);
    // Made absolute now, so that a run next week still reads what was shown today.
    let query = filter::parse(query, &labels, now).map_err(|error| bad_query(&error))?;
    Ok(MailScope {
        query: query.render(),
        include_labels: request.include_labels.clone(),
        exclude_labels: request.exclude_labels.clone(),
        labels,
        // Google's dates begin in 1970; no mail is older.
        after: (now - back).max(DateTime::UNIX_EPOCH),
    })
}

async fn calendar_scope(
    app: &App,
    session: &Session,
    request: &Request,
    preferences: &Preferences,
    now: DateTime<Utc>,
) -> Result<(CalendarScope, Vec<Collection>)> {
    let back = request.calendar_days_back.unwrap_or(preferences.calendar_days_back);
    let ahead = request.calendar_days_ahead.unwrap_or(preferences.calendar_days_ahead);
    let (back, ahead) = calendar_window(back, ahead)?;
    let all = session.calendars(app).await?;
    let calendars: Vec<Collection> = match &request.calendars {
        None => all.into_iter().filter(|calendar| calendar.primary).collect(),
        Some(ids) => {
            if ids.is_empty() || ids.len() > MAX_CALENDARS {
                let message = format!("calendars takes 1 to {MAX_CALENDARS} ids.");
                return Err(Refusal::Invalid { field: "calendars", message }.into());
            }
            let known =
                |id: &String| all.iter().find(|calendar| &calendar.id == id || (id == "primary" && calendar.primary));
            let found: Option<Vec<_>> = ids.iter().map(|id| known(id).cloned()).collect();
            found.ok_or_else(|| Refusal::Invalid {
                field: "calendars",
                message: "calendars holds an id that this account does not have.".to_owned(),
            })?
        }
    };
    let scope = CalendarScope {
        calendars: calendars.iter().map(|calendar| calendar.id.clone()).collect(),
        from: now - back,
        to: now + ahead,
        private_events: request.private_events.unwrap_or(preferences.private_events),
    };
    Ok((scope, calendars))
}

/// What has been seen so far.
struct Look {
    facts: Facts,
    shown: Shown,
    excluded: BTreeMap<String, u64>,
}

impl Look {
    async fn at_mail(&mut self, app: &App, session: &Session, scope: &MailScope, snapshot: &Snapshot) -> Result<()> {
        let filter = MailFilter::compile(scope, &snapshot.exclusions).map_err(|error| Error::Failed(error.into()))?;
        let (mut ids, mut page, mut estimate) = (Vec::new(), None, None);
        for _ in 0..MAIL_PAGES {
            session.draw_now(app, Call::GmailList, 1).await?;
            let found = app.google.list(&session.access, Listing::Mail(scope), page.as_deref()).await?;
            ids.extend(
                found.entries.into_iter().filter_map(|entry| if let Entry::Id(id) = entry { Some(id) } else { None }),
            );
            estimate = estimate.max(found.estimate);
            page = match found.next {
                Next::Page(next) => Some(next),
                Next::End(_) => None,
            };
            if page.is_none() {
                break;
            }
        }
        let undone = if snapshot.include_undone { 0 } else { self.count_undone(app, session, &ids).await? };
        let counted = (ids.len() as u64).saturating_sub(undone);
        // Google's estimate is only that, so it is never shown as a count.
        let at_most = if page.is_none() { Some(counted) } else { estimate.filter(|estimate| *estimate > counted) };
        self.facts.mail = Range { at_least: counted, at_most };
        self.sample_mail(app, session, &filter, scope, &ids).await
    }

    /// How many of these an earlier undo took away; they stay away unless asked for.
    async fn count_undone(&mut self, app: &App, session: &Session, ids: &[String]) -> Result<u64> {
        let mut tx = app.db.begin(session.user).await?;
        let undone = items::count_undone(&mut tx, session.account.account_id, ids).await?;
        tx.commit().await?;
        let undone = u64::try_from(undone).unwrap_or(0);
        if undone > 0 {
            self.excluded.insert("undone".to_owned(), undone);
        }
        Ok(undone)
    }

    async fn sample_mail(
        &mut self,
        app: &App,
        session: &Session,
        filter: &MailFilter,
        scope: &MailScope,
        ids: &[String],
    ) -> Result<()> {
        let sampled: Vec<String> = ids.iter().take(app.config.sync.preview_samples).cloned().collect();
        session.draw_now(app, Call::GmailGet, sampled.len()).await?;
        let aliases = [session.account.email.to_lowercase()];
        let (mut labels, mut senders) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
        let mut fetched = std::pin::pin!(app.google.hydrate(&session.access, &sampled, app.config.quota.in_flight));
        while let Some((_, payload)) = fetched.next().await {
            // A sample that cannot be had is one sample fewer; the run itself will say why.
            let Ok(Ok(mail)) = payload.map(|payload| ParsedMail::read(&payload.json)) else { continue };
            self.facts.sampled_mails += 1;
            let facts = mail.facts();
            if let Err(rule) = filter.is_inside(&facts) {
                *self.excluded.entry(rule).or_default() += 1;
                continue;
            }
            let row = mail.interaction(&aliases);
            row.labels.iter().for_each(|label| *labels.entry(label.clone()).or_default() += 1);
            let who = party(&row, Role::From);
            *senders.entry(who.clone()).or_default() += 1;
            self.shown.samples.push(Sample {
                service: Service::Gmail,
                title: row.subject,
                who,
                at: row.occurred_at,
                snippet: row.snippet,
            });
        }
        self.facts.labels = tallies(labels, |id| label_name(&scope.labels, id));
        self.shown.top_senders = tallies(senders, str::to_owned);
        Ok(())
    }

    async fn at_calendars(
        &mut self,
        app: &App,
        session: &Session,
        scope: &CalendarScope,
        calendars: &[Collection],
        exclusions: &Exclusions,
    ) -> Result<()> {
        let (mut total, mut open_ended) = (0, false);
        for calendar in calendars {
            let (mut inside, mut page) = (0, None);
            for turn in 0..CALENDAR_PAGES {
                session.draw_now(app, Call::Calendar, 1).await?;
                let found =
                    app.google.list(&session.access, Listing::Calendar(scope, calendar), page.as_deref()).await?;
                page = if let Next::Page(next) = &found.next { Some(next.clone()) } else { None };
                inside += self.events(app, &found, scope, exclusions, calendar);
                if page.is_none() {
                    break;
                }
                open_ended |= turn + 1 == CALENDAR_PAGES;
            }
            total += inside;
            self.facts.calendars.push(Tally { id: calendar.id.clone(), name: calendar.name.clone(), count: inside });
        }
        self.facts.meetings = Range { at_least: total, at_most: (!open_ended).then_some(total) };
        Ok(())
    }

    /// Counts a page's meetings and takes samples of them.
    fn events(
        &mut self,
        app: &App,
        page: &Page,
        scope: &CalendarScope,
        exclusions: &Exclusions,
        calendar: &Collection,
    ) -> u64 {
        let mut inside = 0;
        for entry in &page.entries {
            let Entry::Payload(payload) = entry else { continue };
            let Ok(facts) = meeting::event_facts(&payload.json) else { continue };
            if let Err(rule) = filter::event_is_inside(scope, exclusions, &facts) {
                *self.excluded.entry(rule).or_default() += 1;
                continue;
            }
            // An exception belongs to its series, which is counted once.
            if payload.group != payload.source_id {
                continue;
            }
            inside += 1;
            let sampled = self.shown.samples.iter().filter(|sample| sample.service == Service::Calendar).count();
            if sampled < app.config.sync.preview_samples {
                let rows = meeting::series(&[&payload.json], (scope.from, scope.to), calendar.time_zone.as_deref());
                self.shown.samples.extend(rows.into_iter().flatten().next().map(|row| Sample {
                    service: Service::Calendar,
                    who: party(&row, Role::Organizer),
                    title: row.subject,
                    at: row.occurred_at,
                    snippet: row.snippet,
                }));
            }
        }
        inside
    }

    fn finish(&mut self, app: &App) {
        let most = |range: Range| range.at_most.unwrap_or(range.at_least);
        let quota = &app.config.quota;
        if self.facts.mail.at_least > 0 {
            self.facts.gmail_units = quota::gmail_units(most(self.facts.mail));
        }
        let pages = |n: u64| n.div_ceil(u64::from(quota::CALENDAR_PAGE)).max(1);
        self.facts.calendar_requests = self.facts.calendars.iter().map(|calendar| pages(calendar.count)).sum();
        let mail = quota::duration(self.facts.gmail_units, quota.gmail_units_per_minute);
        let meetings = quota::duration(self.facts.calendar_requests, quota.calendar_requests_per_minute);
        self.facts.duration_ms = u64::try_from(mail.max(meetings).as_millis()).unwrap_or(u64::MAX);
        self.facts.excluded = tallies(std::mem::take(&mut self.excluded), str::to_owned);
        self.shown.samples.sort_by_key(|sample| Reverse(sample.at));
    }
}

fn party(row: &NewInteraction, role: Role) -> String {
    row.participants.iter().find(|person| person.role == role).map(|person| person.address.clone()).unwrap_or_default()
}

fn label_name(labels: &[Label], id: &str) -> String {
    labels.iter().find(|label| label.id == id).map_or_else(|| id.to_owned(), |label| label.name.clone())
}

/// The ten most frequent, most frequent first.
fn tallies(counts: BTreeMap<String, u64>, name: impl Fn(&str) -> String) -> Vec<Tally> {
    let mut all: Vec<Tally> = counts.into_iter().map(|(id, count)| Tally { name: name(&id), id, count }).collect();
    all.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.id.cmp(&right.id)));
    all.truncate(10);
    all
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
