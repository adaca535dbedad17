//! Calendar events as rows of the timeline: a single meeting is one row, a series one row for each occurrence.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::{
    Details, Direction, EventType, InteractionKind, MeetingFacts, NewInteraction, Note, Participant, Role, Unreadable,
    Visibility,
    calendar_event::{CalendarEvent, Moment, Person, zone},
    html, json, language,
    recurrence::{self, Start},
    text,
};
use crate::domain::{filter::EventFacts, item::UniversalId};

/// The most participants kept of one meeting.
const MAX_PARTICIPANTS: usize = 1_000;
/// The longest address of a conference kept, in characters.
const MAX_URL: usize = 2_000;
/// The longest title, place, name or address kept, in characters.
const MAX_LINE: usize = 1_000;

/// Which event it is, and in which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventEnvelope {
    /// The event's id in its calendar.
    pub id: String,
    /// The id of the series' master, for an exception.
    pub recurring_event_id: Option<String>,
    /// The same in every copy and every occurrence.
    pub ical_uid: Option<String>,
    /// When it last changed, in milliseconds since 1970; cancelled events may not say.
    pub updated_ms: Option<i64>,
    /// `confirmed`, `tentative` or `cancelled`.
    pub status: String,
    /// The iCalendar sequence number.
    pub sequence: i64,
}

/// Reads which event it is.
///
/// # Errors
/// When the event is not of the documented shape.
pub fn event_envelope(json: &[u8]) -> Result<EventEnvelope, Unreadable> {
    let event = CalendarEvent::read(json)?;
    let updated = event.updated.and_then(|updated| DateTime::parse_from_rfc3339(&updated).ok());
    let line = |text: String| text::one_line(&text, MAX_LINE);
    Ok(EventEnvelope {
        id: line(event.id),
        recurring_event_id: event.recurring_event_id.map(line),
        ical_uid: event.ical_uid.map(line),
        updated_ms: updated.map(|updated| updated.timestamp_millis()),
        status: line(event.status.unwrap_or_else(|| "confirmed".to_owned())),
        sequence: event.sequence.unwrap_or_default(),
    })
}

/// What the filter may look at in an event.
///
/// # Errors
/// When the event is not of the documented shape.
pub fn event_facts(json: &[u8]) -> Result<EventFacts, Unreadable> {
    let event = CalendarEvent::read(json)?;
    let word = |word: Option<String>| text::one_line(word.as_deref().unwrap_or("default"), MAX_LINE);
    Ok(EventFacts {
        visibility: word(event.visibility),
        event_type: word(event.event_type),
        organizer: event.organizer.map(|organizer| address(&organizer)).unwrap_or_default(),
        ical_uid: event.ical_uid.unwrap_or_default(),
    })
}

/// The iCalendar UID of an event that cannot be read otherwise.
pub fn ical_uid(json: &[u8]) -> Option<UniversalId> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "iCalUID")]
        ical_uid: String,
    }
    json::read::<Named>(&json::mend(json)).ok().and_then(|event| UniversalId::new(&event.ical_uid))
}

/// The rows of a group of events: one single event, or what is known of a series (its master and exceptions, or
/// exceptions alone).
///
/// Only meetings that end after the window's first moment and start before its second have a row. An exception takes the
/// place of the occurrence it names, or removes it when it is cancelled. A master whose rule cannot be read is one row.
///
/// # Errors
/// When an event is not of the documented shape.
pub fn series(
    events: &[&[u8]],
    window: (DateTime<Utc>, DateTime<Utc>),
    calendar_zone: Option<&str>,
) -> Result<Vec<NewInteraction>, Unreadable> {
    let events = events.iter().map(|json| CalendarEvent::read(json)).collect::<Result<Vec<_>, _>>()?;
    let calendar = Calendar { zone: calendar_zone.and_then(zone).unwrap_or(Tz::UTC), window };
    let (exceptions, masters): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.recurring_event_id.is_some());
    let (cancelled, masters): (Vec<_>, Vec<_>) = masters.into_iter().partition(CalendarEvent::is_cancelled);
    let is_orphan =
        |event: &&CalendarEvent| cancelled.iter().all(|master| Some(&master.id) != event.recurring_event_id.as_ref());

    // Keyed by occurrence, so that two events that claim the same one cannot both have a row.
    let mut rows = BTreeMap::new();
    let replaced: HashSet<Moment> = exceptions.iter().filter_map(|event| calendar.original_start(event)).collect();
    for master in &masters {
        let occurrences = calendar.occurrences(master)?;
        // The occurrences of a series differ in their times: what is read from its texts is read once.
        let mut whole = None;
        for (occurrence, span) in occurrences.spans {
            if occurrence.is_none_or(|start| !replaced.contains(&start)) {
                let whole = whole.get_or_insert_with(|| calendar.row(master, span, occurrences.note));
                rows.insert(occurrence, calendar.at(span, whole.clone()));
            }
        }
    }
    for event in exceptions.iter().filter(is_orphan).filter(|event| !event.is_cancelled()) {
        let span = calendar.span(event)?;
        if calendar.is_inside(span) {
            let occurrence = calendar.original_start(event).unwrap_or(span.start);
            rows.insert(Some(occurrence), calendar.at(span, calendar.row(event, span, None)));
        }
    }
    let named = |(occurrence, row): (Option<Moment>, _)| NewInteraction {
        occurrence: occurrence.map(|start| start.to_string()).unwrap_or_default(),
        ..row
    };
    Ok(rows.into_iter().map(named).collect())
}

/// When a meeting is. The end is exclusive, and missing where it is not known.
#[derive(Clone, Copy)]
struct Span {
    start: Moment,
    end: Option<Moment>,
}

/// The occurrences of a master, each with its original start; a single event is one without.
struct Occurrences {
    spans: Vec<(Option<Moment>, Span)>,
    note: Option<Note>,
}

struct Calendar {
    zone: Tz,
    window: (DateTime<Utc>, DateTime<Utc>),
}

impl Calendar {
    fn original_start(&self, event: &CalendarEvent) -> Option<Moment> {
        event.original_start_time.as_ref()?.moment(self.zone)
    }

    fn span(&self, event: &CalendarEvent) -> Result<Span, Unreadable> {
        let start = event.start.as_ref().and_then(|start| start.moment(self.zone));
        let start = start.ok_or_else(|| Unreadable::Shape("an event without a readable start".to_owned()))?;
        let end = event.end.as_ref().filter(|_| !event.end_time_unspecified);
        Ok(Span { start, end: end.and_then(|end| end.moment(self.zone)).filter(|end| self.follows(*end, start)) })
    }

    fn follows(&self, end: Moment, start: Moment) -> bool {
        end.instant(self.zone) >= start.instant(self.zone)
    }

    fn is_inside(&self, span: Span) -> bool {
        let (from, to) = self.window;
        span.end.unwrap_or(span.start).instant(self.zone) > from && span.start.instant(self.zone) < to
    }

    /// The occurrences of a master inside the window.
    fn occurrences(&self, master: &CalendarEvent) -> Result<Occurrences, Unreadable> {
        let span = self.span(master)?;
        if master.recurrence.is_empty() {
            let spans = Some((None, span)).into_iter().filter(|_| self.is_inside(span)).collect();
            return Ok(Occurrences { spans, note: None });
        }
        let length = span.end.map(|end| end.instant(Tz::UTC) - span.start.instant(Tz::UTC));
        let (from, to) = self.window;
        let from = from.checked_sub_signed(length.unwrap_or_else(TimeDelta::zero)).unwrap_or(from);
        let start = Start { first: span.start, zone: master.zone(self.zone) };
        let Ok(found) = recurrence::expand(&master.recurrence, start, (from, to)) else {
            // Google listed it, so something of it is inside; which part we cannot say, and hiding it would lose it.
            return Ok(Occurrences { spans: vec![(None, span)], note: Some(Note::RuleUnread) });
        };
        let occurrence = |start: Moment| {
            let span = Span { start, end: length.map(|length| start.plus(length)) };
            self.is_inside(span).then_some((Some(start), span))
        };
        Ok(Occurrences {
            spans: found.starts.into_iter().filter_map(occurrence).collect(),
            note: found.is_cut.then_some(Note::OccurrencesLeftOut),
        })
    }

    fn row(&self, event: &CalendarEvent, span: Span, note: Option<Note>) -> NewInteraction {
        let line = |text: &Option<String>| {
            let line = text::one_line(text.as_deref().unwrap_or_default(), MAX_LINE);
            Some(line).filter(|line| !line.is_empty())
        };
        let description = event.description.as_deref().unwrap_or_default();
        let body_text = match html::is_html(description) {
            true => text::clean(&html::to_text(description, text::BODY_BYTES), text::BODY_BYTES),
            false => text::clean(description, text::BODY_BYTES),
        };
        let direction = |organizer: &Person| if organizer.is_self { Direction::Sent } else { Direction::Received };
        let language = language::of(&body_text);
        let series = (!event.recurrence.is_empty()).then(|| Some(event.id.clone()));
        NewInteraction {
            occurrence: String::new(),
            kind: InteractionKind::Meeting,
            direction: event.organizer.as_ref().map(direction),
            subject: line(&event.summary).unwrap_or_default(),
            snippet: text::snippet(&body_text),
            body_text,
            reply_text: None,
            category: None,
            occurred_at: span.start.instant(self.zone),
            sent_at: None,
            ends_at: None,
            all_day: None,
            thread: line(series.as_ref().unwrap_or(&event.recurring_event_id)),
            universal_id: line(&event.ical_uid),
            location: line(&event.location),
            status: line(&event.status),
            participants: participants(event),
            labels: Vec::new(),
            attachments: Vec::new(),
            details: Details {
                language,
                meeting: Some(facts(event)),
                notes: notes(event, description).into_iter().chain(note).collect(),
                ..Details::default()
            },
        }
    }

    /// A row with the times of one occurrence.
    fn at(&self, span: Span, row: NewInteraction) -> NewInteraction {
        NewInteraction {
            occurred_at: span.start.instant(self.zone),
            ends_at: span.end.map(|end| end.instant(self.zone)),
            all_day: all_day(span),
            ..row
        }
    }
}

/// What the calendar says of an event beside what, when and who.
fn facts(event: &CalendarEvent) -> MeetingFacts {
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let details = [&event.summary, &event.description, &event.location];
    MeetingFacts {
        event_type: EventType::from_word(&word(&event.event_type)).unwrap_or(EventType::Default),
        visibility: Visibility::from_word(&word(&event.visibility)).unwrap_or(Visibility::Default),
        is_free: event.transparency.as_deref() == Some("transparent"),
        is_time_only: details.into_iter().all(Option::is_none)
            && event.organizer.is_none()
            && event.attendees.is_empty(),
        conference_url: conference_url(event),
    }
}

/// Where to join an event: its video conference, by its newer name or by its older one.
fn conference_url(event: &CalendarEvent) -> Option<String> {
    let entries = event.conference_data.iter().flat_map(|conference| &conference.entry_points);
    let videos = entries
        .filter(|entry| entry.entry_point_type.as_deref() == Some("video"))
        .filter_map(|entry| entry.uri.as_ref());
    let is_address = |uri: &&String| uri.starts_with("https://") || uri.starts_with("http://");
    videos.chain(&event.hangout_link).find(is_address).map(|uri| text::one_line(uri, MAX_URL))
}

fn notes(event: &CalendarEvent, description: &str) -> Vec<Note> {
    Note::those(&[
        (description.len() > text::BODY_BYTES, Note::TextCut),
        (event.attendees.len() > MAX_PARTICIPANTS, Note::PeopleLeftOut),
    ])
}

/// The first and the last day, where the meeting has days. Google's end is exclusive; of an event without a day, the day
/// it starts on.
fn all_day(span: Span) -> Option<(chrono::NaiveDate, chrono::NaiveDate)> {
    let Moment::Day(first) = span.start else { return None };
    let last = match span.end {
        Some(Moment::Day(end)) => end.checked_sub_days(Days::new(1)).unwrap_or(first),
        _ => first,
    };
    Some((first, last.max(first)))
}

fn address(person: &Person) -> String {
    text::one_line(person.email.as_deref().unwrap_or_default(), MAX_LINE).to_lowercase()
}

/// The organizer first, with the answer it gave as an attendee, then everyone else.
fn participants(event: &CalendarEvent) -> Vec<Participant> {
    let line = |text: &Option<String>| {
        Some(text::one_line(text.as_deref().unwrap_or_default(), MAX_LINE)).filter(|line| !line.is_empty())
    };
    let participant = |person: &Person, role, response: &Option<String>| Participant {
        role,
        address: address(person),
        name: line(&person.display_name),
        response: line(response),
        is_self: person.is_self,
    };
    let organizer = event.organizer.as_ref().map(|organizer| {
        let answer = event.attendees.iter().find(|one| one.organizer).map(|one| &one.response_status);
        participant(organizer, Role::Organizer, answer.unwrap_or(&None))
    });
    let others = event.attendees.iter().filter(|one| !(one.organizer && event.organizer.is_some())).map(|one| {
        let role = match one {
            Person { organizer: true, .. } => Role::Organizer,
            Person { resource: true, .. } => Role::Resource,
            _ => Role::Attendee,
        };
        participant(one, role, &one.response_status)
    });
    organizer.into_iter().chain(others).take(MAX_PARTICIPANTS).collect()
}

#[cfg(test)]
#[path = "meeting_tests.rs"]
mod tests;
