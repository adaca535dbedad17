//! Which events a list holds, and in which order.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::{
    store::{Calendar, Row},
    times::{Time, Window, occurrences, span},
};

/// How far ahead endless recurrences are expanded when no `timeMax` bounds them.
const HORIZON_DAYS: i64 = 730;

/// How long a deleted event is shown to those who ask for deleted ones. A sync tells of it whenever it happened.
pub(super) const DELETED_KEPT_DAYS: i64 = 30;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// As they last changed: stable, and a change during paging comes again rather than not at all.
    #[default]
    Changed,
    StartTime,
    Updated,
}

/// One question to a calendar.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask {
    /// Only what changed after this sequence number, deletions included.
    pub since: Option<u64>,
    pub window: Window,
    pub single_events: bool,
    pub show_deleted: bool,
    pub updated_min: Option<DateTime<Utc>>,
    pub types: Vec<String>,
    /// Only this master and its exceptions.
    pub master: Option<String>,
    pub ical_uid: Option<String>,
    /// Lower case.
    pub text: Option<String>,
    /// `private` or `shared`, and the name and value that an extended property of it must have; all must hold.
    pub properties: Vec<(&'static str, String, String)>,
    /// Only the instance that was to start then.
    pub original_start: Option<DateTime<Utc>>,
    pub order: Order,
}

/// An event's place in a list: what it is sorted by, and its id.
pub(super) type Key = (String, String);

/// An event in a list.
pub(super) type Found = (Key, Map<String, Value>);

/// The first `n` of the answer that come behind `after`, in order.
pub(super) fn list(calendar: &Calendar, ask: &Ask, now: DateTime<Utc>, after: Option<&Key>, n: usize) -> Vec<Found> {
    let mut ask = ask.clone();
    if ask.single_events && ask.window.max.is_none() {
        ask.window.max = Some(now + TimeDelta::days(HORIZON_DAYS));
    }
    // In the order of changes a page begins at the row the one before it ended in, and ends when it is full: what lies
    // outside is not even looked at, or a long calendar would cost its square.
    let by_change = ask.order == Order::Changed;
    let resumed = after.filter(|_| by_change).and_then(|(seq, _)| seq.parse::<u64>().ok()).unwrap_or(0);
    let since = ask.since.unwrap_or(0).max(resumed.saturating_sub(1));
    let mut found: Vec<Found> = Vec::new();
    for row in calendar.changed_after(since).filter(|row| is_asked(row, &ask)) {
        let keyed = matching(calendar, row, &ask, now)
            .into_iter()
            .filter(|event| was_to_start(calendar, event, ask.original_start))
            .map(|event| (key(calendar, &event, row.seq, ask.order), event));
        found.extend(keyed.filter(|(key, _)| after.is_none_or(|after| key > after)));
        if by_change && found.len() >= n {
            break;
        }
    }
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    found.truncate(n);
    found
}

fn was_to_start(calendar: &Calendar, event: &Map<String, Value>, asked: Option<DateTime<Utc>>) -> bool {
    let original = || Time::read(event.get("originalStartTime")?, calendar.zone);
    asked.is_none_or(|asked| original().is_some_and(|start| start.moment(calendar.zone) == asked))
}

/// What a row puts into the list: itself, or its instances.
fn matching(calendar: &Calendar, row: &Row, ask: &Ask, now: DateTime<Utc>) -> Vec<Map<String, Value>> {
    if ask.single_events && row.is_master() {
        let is_gone = row.is_cancelled() && ask.since.is_none();
        return if is_gone { Vec::new() } else { calendar.instances(row, ask.window, usize::MAX) };
    }
    if is_listed(calendar, row, ask, now) { vec![row.event.clone()] } else { Vec::new() }
}

/// The filters that look at the event alone.
fn is_asked(row: &Row, ask: &Ask) -> bool {
    let own = |field: &str| row.text(field).to_lowercase();
    let updated = || DateTime::parse_from_rfc3339(row.text("updated")).ok();
    (ask.types.is_empty() || ask.types.iter().any(|kind| kind == row.text("eventType")))
        && ask.master.as_ref().is_none_or(|id| id == row.text("id") || row.master() == Some(id))
        && ask.ical_uid.as_ref().is_none_or(|uid| uid == row.text("iCalUID"))
        && ask.updated_min.is_none_or(|min| updated().is_some_and(|at| at >= min))
        && ask.properties.iter().all(|(kind, name, value)| {
            row.event.get("extendedProperties").is_some_and(|all| all[*kind][name].as_str() == Some(value))
        })
        && ask
            .text
            .as_ref()
            .is_none_or(|text| ["summary", "description", "location"].iter().any(|field| own(field).contains(text)))
}

fn is_listed(calendar: &Calendar, row: &Row, ask: &Ask, now: DateTime<Utc>) -> bool {
    if ask.since.is_some() {
        // Deletions are always told. So is an event that has left the window: the client may hold it.
        return true;
    }
    let is_of_cancelled_master = || row.master().and_then(|id| calendar.find(id)).is_some_and(Row::is_cancelled);
    if row.is_cancelled() {
        // Cancelled instances are part of what their master means, unless single events are asked for. With
        // `updatedMin`, deletions since then are always told.
        let as_exception = !ask.single_events && row.master().is_some() && !is_of_cancelled_master();
        let is_remembered = || {
            let updated = DateTime::parse_from_rfc3339(row.text("updated")).ok();
            updated.is_none_or(|at| at >= now - TimeDelta::days(DELETED_KEPT_DAYS))
        };
        if !as_exception && !((ask.show_deleted || ask.updated_min.is_some()) && is_remembered()) {
            return false;
        }
    }
    is_in_window(calendar, row, ask.window)
}

/// A master is in the window when one of its occurrences is; an exception also by the time it was moved from.
fn is_in_window(calendar: &Calendar, row: &Row, window: Window) -> bool {
    if window == Window::default() {
        return true;
    }
    if row.is_master() {
        return !occurrences(&row.event, calendar.zone, window, 1).is_empty();
    }
    let own = span(&row.event, calendar.zone);
    let original = row.event.get("originalStartTime").and_then(|start| Time::read(start, calendar.zone));
    own.is_some_and(|(start, end)| window.holds(start, end, calendar.zone))
        || original.is_some_and(|start| window.holds(start, start, calendar.zone))
}

fn key(calendar: &Calendar, event: &Map<String, Value>, seq: u64, order: Order) -> Key {
    let text = |field: &str| event.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let sort = match order {
        Order::Changed => format!("{seq:020}"),
        Order::Updated => text("updated"),
        Order::StartTime => {
            let start = span(event, calendar.zone).map(|(start, _)| start.moment(calendar.zone).timestamp());
            format!("{:020}", start.unwrap_or(0).saturating_add(1 << 40))
        }
    };
    (sort, text("id"))
}
