//! What a scope would bring in: counts as far as the provider tells them cheaply, and samples.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use futures::{StreamExt, stream};

use super::{
    super::{Error, Result, calls, eta, session::Session},
    Facts, Range, Sample, Shown, Tally,
};
use crate::{
    app::App,
    broker::Tally as Calls,
    db::items,
    domain::{
        account::Service,
        consent::{CalendarScope, Exclusions, Label, MailScope, Snapshot},
        filter::{self, MailFilter},
        ids::AccountId,
        normalize::{NewInteraction, Role, mail::Outline, meeting},
        quota::{self, Call},
        stream::Collection,
    },
    providers::{Entry, Listing, Next, Page, Provider},
};

/// Pages of ids looked at before a count becomes a range.
const MAIL_PAGES: usize = 10;
/// Pages of one calendar looked at before a count becomes a range.
const CALENDAR_PAGES: usize = 4;

/// What has been seen so far.
#[derive(Default)]
pub(super) struct Look {
    pub(super) facts: Facts,
    pub(super) shown: Shown,
    excluded: BTreeMap<String, u64>,
}

impl Look {
    pub(super) async fn at_mail(
        &mut self,
        app: &App,
        session: &Session,
        scope: &MailScope,
        snapshot: &Snapshot,
    ) -> Result<()> {
        let filter = MailFilter::compile(scope, &snapshot.exclusions).map_err(|error| Error::Failed(error.into()))?;
        let Listed { ids, estimate, is_all } = list(app, session, scope).await?;
        let undone = if snapshot.include_undone { 0 } else { self.count_undone(app, session, &ids).await? };
        let counted = (ids.len() as u64).saturating_sub(undone);
        // Google's estimate is only that, so it is never shown as a count.
        let at_most = if is_all { Some(counted) } else { estimate.filter(|estimate| *estimate > counted) };
        // What an exclusion keeps out must be fetched before it can be told for sure; at most so much it is. Pages of a part of the
        // mail reach further back than as many pages of all of it.
        let mut excluded = HashSet::new();
        for part in filter::excluded_parts(scope, &snapshot.exclusions) {
            excluded.extend(list(app, session, &part).await?.ids);
        }
        let n_excluded = ids.iter().filter(|id| excluded.contains(*id)).count() as u64;
        self.facts.mail = Range { at_least: counted.saturating_sub(n_excluded), at_most };
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
        let n = ids.len().min(app.config.sync.preview_samples);
        if n == 0 {
            return Ok(());
        }
        let paid = session.leave_now(app, Call::GmailGet, n..=n).await?;
        let sampled = stream::iter(ids.iter().take(paid).cloned());
        let aliases = session.account.own_addresses();
        let (mut labels, mut senders) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
        let mailbox = Collection::mailbox();
        // Without bodies: the newest mails may be the largest there are, and people wait for this.
        let mut fetched = std::pin::pin!(app.google.outline(
            &session.access,
            &mailbox,
            sampled,
            app.config.quota.previews_in_flight()
        ));
        let mut tally = Calls::default();
        while let Some((_, payload)) = fetched.next().await {
            calls::count(&mut tally, Service::Gmail, &payload);
            // A sample that cannot be had is one sample fewer; the run itself will say why.
            let Ok(Ok(outline)) = payload.map(|payload| Outline::read(&payload.json)) else { continue };
            let Outline { mail, snippet } = outline;
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
                snippet,
            });
        }
        session.note(app, Service::Gmail, tally).await;
        self.facts.labels = tallies(labels, |id| label_name(&scope.labels, id));
        self.shown.top_senders = tallies(senders, str::to_owned);
        Ok(())
    }

    pub(super) async fn at_calendars(
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
                let list = app.google.list(&session.access, Listing::Calendar(scope, calendar), page.as_deref());
                let found = session.call_now(app, Call::Calendar, list).await?;
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

    /// Says what the run costs and how long it takes, if it begins now: what the preview has drawn is spent.
    pub(super) async fn finish(&mut self, app: &App, account: AccountId) {
        let most = |range: Range| range.at_most.unwrap_or(range.at_least);
        if self.facts.mail.at_least > 0 {
            self.facts.gmail_units = quota::gmail_units(most(self.facts.mail));
        }
        let pages = |n: u64| n.div_ceil(u64::from(quota::CALENDAR_PAGE)).max(1);
        self.facts.calendar_requests = self.facts.calendars.iter().map(|calendar| pages(calendar.count)).sum();
        let mut longest = Duration::ZERO;
        for (service, units) in
            [(Service::Gmail, self.facts.gmail_units), (Service::Calendar, self.facts.calendar_requests)]
        {
            let waits = eta::waits(app, service, account, units, Duration::ZERO).await;
            longest = longest.max(waits.unwrap_or_default());
        }
        self.facts.duration_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
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

/// What the first pages of a listing name.
struct Listed {
    ids: Vec<String>,
    /// How many there are in all, as Google estimates it.
    estimate: Option<u64>,
    is_all: bool,
}

async fn list(app: &App, session: &Session, scope: &MailScope) -> Result<Listed> {
    let mut listed = Listed { ids: Vec::new(), estimate: None, is_all: false };
    let mut page = None;
    for _ in 0..MAIL_PAGES {
        let list = app.google.list(&session.access, Listing::Mail(scope), page.as_deref());
        let found = session.call_now(app, Call::GmailList, list).await?;
        listed.ids.extend(
            found.entries.into_iter().filter_map(|entry| if let Entry::Id(id) = entry { Some(id) } else { None }),
        );
        listed.estimate = listed.estimate.max(found.estimate);
        page = match found.next {
            Next::Page(next) => Some(next),
            Next::End(_) => {
                listed.is_all = true;
                break;
            }
        };
    }
    Ok(listed)
}

/// The ten most frequent, most frequent first.
fn tallies(counts: BTreeMap<String, u64>, name: impl Fn(&str) -> String) -> Vec<Tally> {
    let mut all: Vec<Tally> = counts.into_iter().map(|(id, count)| Tally { name: name(&id), id, count }).collect();
    all.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.id.cmp(&right.id)));
    all.truncate(10);
    all
}
