//! Google Calendar: masters and exceptions as they are stored (`singleEvents=false`), by window first, then by sync token.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::client::{Client, address, parse};
use super::error::{Method, failure};
use crate::clock::Clock;
use crate::domain::{
    account::Service,
    consent::CalendarScope,
    quota::CALENDAR_PAGE,
    stream::{Collection, Cursor},
};
use crate::providers::{Class, Entry, Error, Next, Page, Payload};

/// Calendars in one page of `calendarList.list`: its documented maximum.
const LIST_PAGE: &str = "250";

/// Pages of calendars taken before the list is held to be endless: 10,000 calendars.
const MAX_LIST_PAGES: usize = 40;

/// The Calendar API.
pub(super) struct Calendar {
    root: Url,
    client: Client,
    clock: Clock,
}

impl Calendar {
    pub(super) fn new(root: Url, client: Client, clock: Clock) -> Self {
        Self { root, client, clock }
    }

    /// Whether the API answers.
    pub(super) async fn ping(&self, access: &SecretString) -> Result<(), Error> {
        let mut url = address(&self.root, &["users", "me", "calendarList"]);
        url.query_pairs_mut().append_pair("maxResults", "1");
        let body = self.client.get(Method::Calendars, url, access).await?;
        parse(Method::Calendars, &body).map(|_: Calendars| ())
    }

    /// Every calendar on the person's list, whatever they may do with it; hidden and deleted ones are left out.
    pub(super) async fn collections(&self, access: &SecretString) -> Result<Vec<Collection>, Error> {
        let mut collections = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..MAX_LIST_PAGES {
            let mut url = address(&self.root, &["users", "me", "calendarList"]);
            url.query_pairs_mut()
                .append_pair("maxResults", LIST_PAGE)
                .extend_pairs(page.map(|page| ("pageToken", page)));
            let body = self.client.get(Method::Calendars, url, access).await?;
            let reply: Calendars = parse(Method::Calendars, &body)?;
            let shown = reply.items.into_iter().filter(|entry| !entry.hidden && !entry.deleted);
            collections.extend(shown.map(Collection::from));
            page = reply.next_page_token;
            if page.is_none() {
                return Ok(collections);
            }
        }
        Err(failure(Class::Permanent, Method::Calendars, "list without an end"))
    }

    pub(super) async fn list(
        &self,
        access: &SecretString,
        scope: &CalendarScope,
        calendar: &Collection,
        page: Option<&str>,
    ) -> Result<Page, Error> {
        let rfc3339 = |time: DateTime<_>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let window = [("timeMin", rfc3339(scope.from)), ("timeMax", rfc3339(scope.to))];
        let mut found = self.events(access, calendar, &window, page).await?;
        // A deleted meeting that was never listed was never here.
        found.entries.retain(|entry| !matches!(entry, Entry::Gone { .. }));
        Ok(found)
    }

    pub(super) async fn changes(
        &self,
        access: &SecretString,
        calendar: &Collection,
        since: &Cursor,
        page: Option<&str>,
    ) -> Result<Page, Error> {
        self.events(access, calendar, &[("syncToken", since.0.clone())], page).await
    }

    /// One event as it stands now: a master, an exception, or a single one. What is cancelled is gone.
    pub(super) async fn event(&self, access: &SecretString, calendar: &Collection, id: &str) -> Result<Payload, Error> {
        let url = address(&self.root, &["calendars", &calendar.id, "events", id]);
        let body = self.client.get(Method::Event, url, access).await?;
        match self.entry(&body, parse(Method::Event, &body)?)? {
            Entry::Payload(payload) if payload.source_id == id => Ok(payload),
            Entry::Gone { .. } => Err(failure(Class::ItemGone, Method::Event, "cancelled")),
            _ => Err(failure(Class::Transient, Method::Event, "reply about another event")),
        }
    }

    /// One page of `events.list`, of a window or since a sync token.
    async fn events(
        &self,
        access: &SecretString,
        calendar: &Collection,
        which: &[(&str, String)],
        page: Option<&str>,
    ) -> Result<Page, Error> {
        let mut url = address(&self.root, &["calendars", &calendar.id, "events"]);
        // A sync token holds only for requests that equal the one it came from in all but window and page, so these three
        // never vary. Deleted items are always asked for: cancelled occurrences of a series are among them.
        url.query_pairs_mut()
            .append_pair("singleEvents", "false")
            .append_pair("showDeleted", "true")
            .append_pair("maxResults", &CALENDAR_PAGE.to_string())
            .extend_pairs(which)
            .extend_pairs(page.map(|page| ("pageToken", page)));
        let body = self.client.get(Method::Events, url, access).await?;
        let reply: Events<'_> = parse(Method::Events, &body)?;
        let entries = reply.items.iter().map(|item| self.entry(&body, item)).collect::<Result<_, _>>()?;
        let next = match reply.next_page_token {
            Some(page) => Next::Page(page),
            None => Next::End(reply.next_sync_token.map(Cursor)),
        };
        Ok(Page { entries, next, estimate: None })
    }

    fn entry(&self, body: &Bytes, raw: &RawValue) -> Result<Entry, Error> {
        let event: Event<'_> = parse(Method::Events, raw.get().as_bytes())?;
        // Google promises neither time nor tag on what is cancelled. Without both, what we see now is the newest there is.
        let version = event.version().unwrap_or_else(|| self.clock.now().timestamp_millis());
        let json = body.slice_ref(raw.get().as_bytes());
        let source_id = event.id.into_owned();
        Ok(match event.recurring_event_id {
            // A cancelled occurrence is news about its series, not a deletion.
            Some(master) => Entry::Payload(Payload { source_id, version, group: master.into_owned(), json }),
            None if event.status.as_deref() == Some("cancelled") => Entry::Gone { source_id, version, record: json },
            None => Entry::Payload(Payload { group: source_id.clone(), source_id, version, json }),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Calendars {
    #[serde(default)]
    items: Vec<CalendarEntry>,
    next_page_token: Option<String>,
}

/// A calendar as the person's list shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CalendarEntry {
    id: String,
    #[serde(default)]
    summary: String,
    /// The person's own name for it.
    summary_override: Option<String>,
    time_zone: Option<String>,
    #[serde(default)]
    primary: bool,
    #[serde(default)]
    hidden: bool,
    #[serde(default)]
    deleted: bool,
}

impl From<CalendarEntry> for Collection {
    fn from(entry: CalendarEntry) -> Self {
        Self {
            service: Service::Calendar,
            id: entry.id,
            name: entry.summary_override.unwrap_or(entry.summary),
            primary: entry.primary,
            time_zone: entry.time_zone,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Events<'a> {
    #[serde(borrow, default)]
    items: Vec<&'a RawValue>,
    next_page_token: Option<String>,
    next_sync_token: Option<String>,
}

/// The little of an event that is read here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    status: Option<Cow<'a, str>>,
    recurring_event_id: Option<Cow<'a, str>>,
    updated: Option<Cow<'a, str>>,
    etag: Option<Cow<'a, str>>,
}

impl Event<'_> {
    /// When it last changed, in milliseconds since 1970.
    fn version(&self) -> Option<i64> {
        let updated = self.updated.as_deref().and_then(|updated| DateTime::parse_from_rfc3339(updated).ok());
        updated.map(|updated| updated.timestamp_millis()).or_else(|| {
            // An event's tag is the same time again, in half microseconds, between quotation marks.
            let tag: i64 = self.etag.as_deref()?.trim_matches('"').parse().ok()?;
            Some(tag / 2_000)
        })
    }
}
