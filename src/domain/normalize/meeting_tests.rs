use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const BERLIN: Option<&str> = Some("Europe/Berlin");

fn rows_of(events: &[Value]) -> Result<Vec<NewInteraction>, Unreadable> {
    let events: Vec<_> = events.iter().map(|event| serde_json::to_vec(event).unwrap()).collect();
    let events: Vec<_> = events.iter().map(Vec::as_slice).collect();
    let window = ("2026-03-20T00:00:00Z".parse().unwrap(), "2026-04-10T00:00:00Z".parse().unwrap());
    series(&events, window, BERLIN)
}

fn rows(events: &[Value]) -> Vec<NewInteraction> {
    rows_of(events).unwrap()
}

/// Occurrence, start, subject.
fn shown(events: &[Value]) -> Vec<(String, String, String)> {
    let shown = |row: NewInteraction| (row.occurrence, Moment::Instant(row.occurred_at).to_string(), row.subject);
    rows(events).into_iter().map(shown).collect()
}

fn timed(start: &str, end: &str) -> Value {
    json!({
        "id": "e1", "status": "confirmed", "summary": "Standup", "iCalUID": "u1@google.com",
        "start": {"dateTime": start, "timeZone": "Europe/Berlin"}, "end": {"dateTime": end, "timeZone": "Europe/Berlin"},
    })
}

fn weekly() -> Value {
    let mut master = timed("2020-01-06T09:00:00+01:00", "2020-01-06T09:30:00+01:00");
    master["recurrence"] = json!(["RRULE:FREQ=WEEKLY;BYDAY=MO"]);
    master
}

fn exception(original: &str, start: &str) -> Value {
    json!({
        "id": "e1_x", "recurringEventId": "e1", "status": "confirmed", "summary": "Moved",
        "originalStartTime": {"dateTime": original}, "start": {"dateTime": start}, "end": {"dateTime": start},
    })
}

fn cancelled(original: &str) -> Value {
    json!({"id": "e1_c", "recurringEventId": "e1", "status": "cancelled", "originalStartTime": {"dateTime": original}})
}

fn texts(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

#[test]
fn what_a_calendar_says_beside_is_kept() {
    let mut event = timed("2026-03-23T09:00:00+01:00", "2026-03-23T10:00:00+01:00");
    let facts = |event: &Value| rows(std::slice::from_ref(event))[0].details.meeting.clone().unwrap();
    let plain = MeetingFacts {
        event_type: EventType::Default,
        visibility: Visibility::Default,
        is_free: false,
        is_time_only: false,
        conference_url: None,
    };
    assert_eq!(facts(&event), plain);
    event["eventType"] = json!("outOfOffice");
    event["visibility"] = json!("private");
    event["transparency"] = json!("transparent");
    event["hangoutLink"] = json!("https://meet.example/old");
    event["conferenceData"] = json!({"entryPoints": [
        {"entryPointType": "phone", "uri": "tel:1"},
        {"entryPointType": "video", "uri": "javascript:alert(1)"},
        {"entryPointType": "video", "uri": "https://meet.example/new"},
    ]});
    let found = facts(&event);
    assert_eq!(
        (found.event_type, found.visibility, found.is_free),
        (EventType::OutOfOffice, Visibility::Private, true)
    );
    assert_eq!(found.conference_url.as_deref(), Some("https://meet.example/new"));
    let mut busy = timed("2026-03-23T09:00:00+01:00", "2026-03-23T10:00:00+01:00");
    busy.as_object_mut().unwrap().remove("summary");
    assert!(facts(&busy).is_time_only);
}

#[test]
fn a_meeting_says_what_could_not_be_read_or_kept() {
    let notes = |event: &Value| rows(std::slice::from_ref(event))[0].details.notes.clone();
    let mut event = weekly();
    assert_eq!(notes(&event), []);
    event["recurrence"] = json!(["RRULE:nonsense"]);
    assert_eq!(notes(&event), [Note::RuleUnread]);
    event["recurrence"] = json!(["RRULE:FREQ=MINUTELY"]);
    assert_eq!(notes(&event), [Note::OccurrencesLeftOut]);
    let mut crowd = timed("2026-03-23T09:00:00+01:00", "2026-03-23T10:00:00+01:00");
    crowd["attendees"] = json!(vec![json!({"email": "a@example.org"}); 1_001]);
    assert_eq!(notes(&crowd), [Note::PeopleLeftOut]);
}

#[test]
fn a_time_in_an_unknown_zone_recurs_by_its_offset() {
    let mut master = weekly();
    for (zone, second) in [("Custom/Nowhere", "2026-03-30T07:00:00Z"), ("Europe/Berlin", "2026-03-30T07:00:00Z")] {
        master["start"] = json!({"dateTime": "2020-01-06T09:00:00+01:00", "timeZone": zone});
        assert_eq!(shown(&[master.clone()])[1].1, second, "{zone}");
    }
    // Where the calendar's zone has another offset then, the offset is kept.
    master["start"] = json!({"dateTime": "2020-01-06T09:00:00-05:00", "timeZone": "Custom/Nowhere"});
    assert_eq!(shown(&[master])[1].1, "2026-03-30T14:00:00Z");
}

#[test]
fn a_single_meeting_is_a_row() {
    let mut event = timed("2026-03-23T09:00:00+01:00", "2026-03-23T10:00:00+01:00");
    event["description"] = json!("Agenda:<br><ul><li>one</li></ul>");
    event["location"] = json!("Room 1\nBerlin");
    event["organizer"] = json!({"email": "Ada@Example.org", "displayName": "Ada"});
    event["attendees"] = json!([
        {"email": "ada@example.org", "organizer": true, "responseStatus": "accepted"},
        {"email": "ME@example.com", "self": true, "responseStatus": "tentative"},
        {"email": "room@resource.calendar.google.com", "resource": true},
    ]);
    let row = rows(&[event]).remove(0);
    assert_eq!((row.occurrence.as_str(), row.subject.as_str(), row.thread), ("", "Standup", None));
    assert_eq!(row.ends_at.unwrap() - row.occurred_at, TimeDelta::hours(1));
    assert_eq!((row.body_text.as_str(), row.snippet.as_str()), ("Agenda:\n* one", "Agenda: * one"));
    assert_eq!(row.location.as_deref(), Some("Room 1 Berlin"));
    assert_eq!((row.direction, row.status.as_deref()), (Some(Direction::Received), Some("confirmed")));
    assert_eq!(row.universal_id.as_deref(), Some("u1@google.com"));
    let people: Vec<_> = row
        .participants
        .iter()
        .map(|one| (one.role, one.address.as_str(), one.response.as_deref(), one.is_self))
        .collect();
    assert_eq!(
        people,
        [
            (Role::Organizer, "ada@example.org", Some("accepted"), false),
            (Role::Attendee, "me@example.com", Some("tentative"), true),
            (Role::Resource, "room@resource.calendar.google.com", None, false),
        ]
    );
}

#[test]
fn a_meeting_is_sent_by_its_organizer() {
    let mut event = timed("2026-03-23T09:00:00+01:00", "2026-03-23T10:00:00+01:00");
    assert_eq!(rows(&[event.clone()])[0].direction, None);
    event["organizer"] = json!({"self": true});
    assert_eq!(rows(&[event])[0].direction, Some(Direction::Sent));
}

#[test]
fn sparse_and_all_day_meetings_are_rows() {
    let row = rows(&[json!({"id": "e", "start": {"date": "2026-03-29"}, "end": {"date": "2026-03-31"}})]).remove(0);
    assert_eq!(row.subject, "");
    assert_eq!(row.all_day, Some(("2026-03-29".parse().unwrap(), "2026-03-30".parse().unwrap())));
    // Midnight in Berlin, before and after the clocks change.
    assert_eq!(Moment::Instant(row.occurred_at).to_string(), "2026-03-28T23:00:00Z");
    assert_eq!(Moment::Instant(row.ends_at.unwrap()).to_string(), "2026-03-30T22:00:00Z");
    let mut open = timed("2026-03-23T09:00:00+01:00", "2026-03-23T10:00:00+01:00");
    open["endTimeUnspecified"] = json!(true);
    assert_eq!(rows(&[open])[0].ends_at, None);
    let zoned = json!({"id": "e", "start": {"dateTime": "2026-03-23T09:00:00", "timeZone": "America/New_York"}});
    assert_eq!(shown(&[zoned])[0].1, "2026-03-23T13:00:00Z");
}

#[test]
fn a_series_is_expanded_in_its_zone() {
    let expected = texts(&[
        ("2026-03-23T08:00:00Z", "2026-03-23T08:00:00Z", "Standup"),
        ("2026-03-30T07:00:00Z", "2026-03-30T07:00:00Z", "Standup"),
        ("2026-04-06T07:00:00Z", "2026-04-06T07:00:00Z", "Standup"),
    ]);
    assert_eq!(shown(&[weekly()]), expected);
    let row = rows(&[weekly()]).remove(0);
    assert_eq!((row.thread.as_deref(), row.ends_at.unwrap() - row.occurred_at), (Some("e1"), TimeDelta::minutes(30)));
}

#[test]
fn exceptions_take_the_place_of_occurrences() {
    let events = [
        cancelled("2026-04-06T09:00:00+02:00"),
        weekly(),
        exception("2026-03-23T09:00:00+01:00", "2026-03-24T10:00:00+01:00"),
    ];
    let expected = texts(&[
        ("2026-03-23T08:00:00Z", "2026-03-24T09:00:00Z", "Moved"),
        ("2026-03-30T07:00:00Z", "2026-03-30T07:00:00Z", "Standup"),
    ]);
    assert_eq!(shown(&events), expected);
    // Moved out of the window, and into it.
    let out = exception("2026-03-23T09:00:00+01:00", "2026-05-01T10:00:00+02:00");
    assert_eq!(shown(&[weekly(), out]).len(), 2);
    let into = exception("2026-05-04T09:00:00+02:00", "2026-03-24T10:00:00+01:00");
    assert_eq!(shown(&[weekly(), into]).len(), 4);
}

#[test]
fn exceptions_stand_alone_until_their_master_comes() {
    let moved = exception("2026-03-23T09:00:00+01:00", "2026-03-24T10:00:00+01:00");
    let rows = rows(&[moved.clone(), cancelled("2026-03-30T09:00:00+02:00")]);
    assert_eq!((rows.len(), rows[0].thread.as_deref()), (1, Some("e1")));
    assert_eq!(shown(&[json!({"id": "e1", "status": "cancelled"}), moved]), []);
}

#[test]
fn days_recur_as_days() {
    let master = json!({
        "id": "e1", "summary": "Trip", "recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20260329"],
        "start": {"date": "2026-03-13"}, "end": {"date": "2026-03-15"},
    });
    let rows = rows(&[master]);
    let days: Vec<_> = rows.iter().map(|row| (row.occurrence.as_str(), row.all_day.unwrap().1.to_string())).collect();
    assert_eq!(days, [("2026-03-20", "2026-03-21".to_owned()), ("2026-03-27", "2026-03-28".to_owned())]);
}

#[test]
fn what_is_outside_the_window_or_cancelled_has_no_row() {
    assert_eq!(shown(&[timed("2026-03-19T09:00:00+01:00", "2026-03-19T10:00:00+01:00")]), []);
    assert_eq!(shown(&[timed("2026-04-10T00:00:00Z", "2026-04-10T01:00:00Z")]), []);
    assert_eq!(shown(&[timed("2026-03-19T09:00:00Z", "2026-03-20T00:00:01Z")]).len(), 1);
    assert_eq!(shown(&[json!({"id": "e", "status": "cancelled"})]), []);
}

#[test]
fn an_unreadable_rule_leaves_the_master() {
    let mut master = weekly();
    master["recurrence"] = json!(["RRULE:FREQ=NEVER"]);
    assert_eq!(shown(&[master]), texts(&[("", "2020-01-06T08:00:00Z", "Standup")]));
}

#[test]
fn payloads_are_read_forgivingly() {
    let json = br#"{"id":"e","summary":"cut \ud83d\u0000","start":{"dateTime":"2026-03-23T09:00:00Z"}}"#;
    let window = (DateTime::UNIX_EPOCH, "2030-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(series(&[json], window, Some("No/Where")).unwrap()[0].subject, "cut \u{fffd}");
    for bad in
        [json!([]), json!({}), json!({"id": 1}), json!({"id": "e"}), json!({"id": "e", "start": {"date": "soon"}})]
    {
        assert!(rows_of(std::slice::from_ref(&bad)).is_err(), "{bad}");
    }
}

#[test]
fn facts_and_envelope_have_defaults() {
    let facts = event_facts(br#"{"id":"e","organizer":{"email":"Ada@Example.org"}}"#).unwrap();
    assert_eq!((&*facts.visibility, &*facts.event_type, &*facts.organizer), ("default", "default", "ada@example.org"));
    let json =
        br#"{"id":"e","recurringEventId":"m","updated":"2026-01-01T00:00:00.123Z","status":"cancelled","sequence":2}"#;
    let envelope = event_envelope(json).unwrap();
    assert_eq!((envelope.updated_ms, envelope.sequence, &*envelope.status), (Some(1_767_225_600_123), 2, "cancelled"));
    assert_eq!(event_envelope(br#"{"id":"e"}"#).unwrap().updated_ms, None);
}

proptest! {
    #[test]
    fn any_rule_is_expanded_or_refused(
        rule in "(RRULE:|EXDATE:|RDATE;VALUE=DATE:|FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY|HOURLY);|BY(DAY|MONTH|MONTHDAY|SETPOS|HOUR|YEARDAY|WEEKNO)=|-?[0-9]{1,3}|MO|,|;|COUNT=|INTERVAL=|UNTIL=|20260325T100000Z|WKST=SU){1,12}",
        year in 1_i32..=9_999,
    ) {
        let start = format!("{year:04}-03-02T09:00:00Z");
        let event = json!({"id": "e", "start": {"dateTime": start}, "recurrence": [rule]});
        prop_assert!(rows(&[event]).len() <= 2_000);
    }
}

#[test]
fn recorded_replies_of_google_are_read() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus/google-api/libgdata-traces/query-events.json");
    let Ok(recorded) = std::fs::read(corpus) else {
        return println!("skipped: there are no recorded replies beside this repository");
    };
    let replies: Value = serde_json::from_slice(&recorded).unwrap();
    let items = |reply: &Value| reply["body"]["items"].as_array().cloned().unwrap_or_default();
    let items: Vec<_> = replies.as_array().unwrap().iter().flat_map(items).collect();
    let ever = (DateTime::UNIX_EPOCH, "2030-01-01T00:00:00Z".parse().unwrap());
    for item in &items {
        let json = serde_json::to_vec(item).unwrap();
        let rows = series(&[&json], ever, None).unwrap();
        assert_eq!((rows.len(), rows[0].subject.as_str()), (1, item["summary"].as_str().unwrap()));
        assert!(rows[0].universal_id.is_some() && event_envelope(&json).unwrap().updated_ms.is_some());
    }
    println!("{} events", items.len());
}
