//! Reads iCalendar files (RFC 5545) into events of Google's JSON.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::{
    calendar::{Calendar, cut, rfc3339},
    error::Error,
    rng::digest64,
};

/// One VEVENT.
#[derive(Debug)]
pub(super) struct IcsEvent {
    uid: String,
    /// The original start, when it is an exception of a recurring event.
    recurrence_id: Option<Value>,
    event: Map<String, Value>,
}

/// One content line, unfolded.
struct Line<'l> {
    name: String,
    params: Vec<(String, &'l str)>,
    value: &'l str,
}

impl Line<'_> {
    fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim_matches('"'))
    }
}

/// The events of a file, and why others in it were left out.
pub(super) fn read(bytes: &[u8]) -> (Vec<IcsEvent>, Vec<String>) {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let (mut events, mut skipped) = (Vec::new(), Vec::new());
    let mut open: Option<Vec<&str>> = None;
    // Alarms lie inside events and have properties of the same names.
    let mut inner = 0_usize;
    for line in text.lines() {
        let upper = line.trim().to_ascii_uppercase();
        match (upper.split_once(':'), &mut open) {
            (Some(("BEGIN", "VEVENT")), _) => (open, inner) = (Some(Vec::new()), 0),
            (Some(("END", "VEVENT")), Some(lines)) => {
                match event(lines) {
                    Ok(event) => events.push(event),
                    Err(reason) => skipped.push(reason.to_owned()),
                }
                open = None;
            }
            (Some(("BEGIN", _)), Some(_)) => inner += 1,
            (Some(("END", _)), Some(_)) => inner = inner.saturating_sub(1),
            (_, Some(lines)) if inner == 0 => lines.push(line),
            _ => {}
        }
    }
    if open.is_some() {
        skipped.push("an event is cut off".to_owned());
    }
    (events, skipped)
}

/// Masters before their exceptions.
pub(super) fn in_order(mut events: Vec<IcsEvent>) -> Vec<IcsEvent> {
    events.sort_by_key(|event| event.recurrence_id.is_some());
    events
}

/// Stores an event under an id that follows from its UID, so that a second version replaces the first.
pub(super) fn put(calendar: &mut Calendar, event: IcsEvent, at: DateTime<Utc>) -> Result<(), Error> {
    let mut json = event.event;
    let mut id = format!("ics{:016x}", digest64(&[b"uid", event.uid.as_bytes()]));
    if let Some(original) = event.recurrence_id {
        json.insert("recurringEventId".into(), id.clone().into());
        let compact = original["dateTime"].as_str().or(original["date"].as_str()).unwrap_or_default();
        let moment = DateTime::parse_from_rfc3339(compact).map(|at| at.to_utc().format("%Y%m%dT%H%M%SZ").to_string());
        id = format!("{id}_{}", moment.unwrap_or_else(|_| compact.replace('-', "")));
        json.insert("originalStartTime".into(), original);
    }
    json.insert("id".into(), id.into());
    calendar.put(&Value::Object(json), at).map(drop)
}

fn event(lines: &[&str]) -> Result<IcsEvent, &'static str> {
    let lines: Vec<Line<'_>> = lines.iter().filter_map(|line| parse_line(line)).collect();
    let find = |name: &str| lines.iter().find(|line| line.name == name);
    let start_line = find("DTSTART").ok_or("an event has no start")?;
    let start = time(start_line).ok_or("an event's start cannot be read")?;
    let uid = find("UID").map_or_else(|| format!("{:?}", start_line.value), |line| line.value.to_owned());
    let end =
        find("DTEND").and_then(time).or_else(|| find("DURATION").and_then(|line| after(&start, duration(line.value)?)));
    let default = if start.get("date").is_some() { TimeDelta::days(1) } else { TimeDelta::hours(1) };
    let end = end.or_else(|| after(&start, default)).ok_or("an event's end cannot be read")?;
    let mut event = Map::new();
    event.insert("start".into(), start);
    event.insert("end".into(), end);
    event.insert("iCalUID".into(), uid.as_str().into());
    describe(&mut event, &find);
    if let Some(organizer) = find("ORGANIZER") {
        event.insert("organizer".into(), person(organizer));
    }
    let attendees: Vec<Value> = lines.iter().filter(|line| line.name == "ATTENDEE").map(person).collect();
    if !attendees.is_empty() {
        event.insert("attendees".into(), attendees.into());
    }
    let recurrence_id = find("RECURRENCE-ID").and_then(time);
    let is_rule = |line: &&Line<'_>| ["RRULE", "RDATE", "EXDATE"].contains(&line.name.as_str());
    let rules: Vec<Value> = lines.iter().filter(is_rule).map(|line| rule(line).into()).collect();
    if !rules.is_empty() && recurrence_id.is_none() {
        event.insert("recurrence".into(), rules.into());
    }
    Ok(IcsEvent { uid, recurrence_id, event })
}

/// What it is about, and how it stands.
fn describe<'l>(event: &mut Map<String, Value>, find: &dyn Fn(&str) -> Option<&'l Line<'l>>) {
    for (property, field) in [("SUMMARY", "summary"), ("DESCRIPTION", "description"), ("LOCATION", "location")] {
        if let Some(line) = find(property) {
            event.insert(field.into(), cut(&unescape(line.value), 8_000).into());
        }
    }
    let lower = |name: &str| find(name).map(|line| line.value.trim().to_ascii_lowercase());
    if let Some(status) = lower("STATUS").filter(|s| ["confirmed", "tentative", "cancelled"].contains(&s.as_str())) {
        event.insert("status".into(), status.into());
    }
    if let Some(class) = lower("CLASS").filter(|class| ["public", "private", "confidential"].contains(&class.as_str()))
    {
        event.insert("visibility".into(), class.into());
    }
    if lower("TRANSP").as_deref() == Some("transparent") {
        event.insert("transparency".into(), "transparent".into());
    }
    if let Some(sequence) = find("SEQUENCE").and_then(|line| line.value.trim().parse::<i64>().ok()) {
        event.insert("sequence".into(), sequence.into());
    }
    for (property, field) in [("CREATED", "created"), ("LAST-MODIFIED", "updated")] {
        if let Some(at) = find(property).and_then(|line| moment(line.value.trim(), Tz::UTC)) {
            event.insert(field.into(), rfc3339(at).into());
        }
    }
}

/// `NAME;PARAM=value;PARAM="quoted":value`.
fn parse_line(line: &str) -> Option<Line<'_>> {
    let mut quoted = false;
    let colon = line.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    let (head, value) = (&line[..colon], &line[colon + 1..]);
    let mut parts = head.split(';');
    let name = parts.next()?.trim().to_ascii_uppercase();
    let params = parts.filter_map(|part| part.split_once('=')).map(|(name, value)| (name.to_ascii_uppercase(), value));
    Some(Line { name, params: params.collect(), value })
}

fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

fn person(line: &Line<'_>) -> Value {
    let address = line.value.trim();
    let email =
        address.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).map_or(address, |_| &address[7..]);
    let mut person = json!({"email": email.to_lowercase()});
    if let Some(name) = line.param("CN") {
        person["displayName"] = name.into();
    }
    if line.name == "ATTENDEE" {
        person["responseStatus"] = match line.param("PARTSTAT").map(str::to_ascii_uppercase).as_deref() {
            Some("ACCEPTED") => "accepted",
            Some("DECLINED") => "declined",
            Some("TENTATIVE") => "tentative",
            _ => "needsAction",
        }
        .into();
        if line.param("ROLE").is_some_and(|role| role.eq_ignore_ascii_case("OPT-PARTICIPANT")) {
            person["optional"] = true.into();
        }
    }
    person
}

/// A rule as Google has it, with zones it knows.
fn rule(line: &Line<'_>) -> String {
    match line.param("TZID") {
        Some(name) => format!("{};TZID={}:{}", line.name, zone(name).name(), line.value.trim()),
        None => format!("{}:{}", line.name, line.value.trim()),
    }
}

/// The IANA zone in a TZID, which may have a path before it; UTC for names of other worlds.
fn zone(name: &str) -> Tz {
    let parts: Vec<&str> = name.split('/').collect();
    let tails = (0..parts.len()).map(|start| parts[start..].join("/"));
    tails.into_iter().find_map(|tail| tail.parse().ok()).unwrap_or(Tz::UTC)
}

fn time(line: &Line<'_>) -> Option<Value> {
    let value = line.value.trim();
    if value.len() == 8 {
        let day = NaiveDate::parse_from_str(value, "%Y%m%d").ok()?;
        return Some(json!({"date": day.to_string()}));
    }
    let zone = line.param("TZID").map_or(Tz::UTC, zone);
    let at = moment(value, zone)?.with_timezone(&zone);
    Some(json!({"dateTime": at.to_rfc3339(), "timeZone": zone.name()}))
}

fn moment(value: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let naive = NaiveDateTime::parse_from_str(value.trim_end_matches('Z'), "%Y%m%dT%H%M%S").ok()?;
    if value.ends_with('Z') {
        Some(naive.and_utc())
    } else {
        zone.from_local_datetime(&naive).earliest().map(|at| at.to_utc())
    }
}

fn after(start: &Value, delta: TimeDelta) -> Option<Value> {
    if let Some(day) = start["date"].as_str() {
        let day: NaiveDate = day.parse().ok()?;
        return Some(json!({"date": day.checked_add_signed(delta.max(TimeDelta::days(1)))?.to_string()}));
    }
    let at = DateTime::parse_from_rfc3339(start["dateTime"].as_str()?).ok()?.checked_add_signed(delta)?;
    Some(json!({"dateTime": at.to_rfc3339(), "timeZone": start["timeZone"]}))
}

/// `P1W`, `P1DT2H30M`, `PT15M`.
fn duration(value: &str) -> Option<TimeDelta> {
    let mut total = TimeDelta::zero();
    let mut number = 0_i64;
    for c in value.trim().trim_start_matches(['+', 'P']).chars() {
        let unit = match c {
            '0'..='9' => {
                number = number.checked_mul(10)?.checked_add(i64::from(c.to_digit(10)?))?;
                continue;
            }
            'T' => continue,
            'W' => TimeDelta::try_weeks(number)?,
            'D' => TimeDelta::try_days(number)?,
            'H' => TimeDelta::try_hours(number)?,
            'M' => TimeDelta::try_minutes(number)?,
            'S' => TimeDelta::try_seconds(number)?,
            _ => return None,
        };
        total = total.checked_add(&unit)?;
        number = 0;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_with_an_exception_and_an_alarm_is_read() {
        let file = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u1\r\nSUMMARY:Plan\\, do\r\n  it\r\nDTSTART;TZID=/x/Europe/Berlin:20260302T090000\r\n\
            DURATION:PT45M\r\nRRULE:FREQ=WEEKLY\r\nATTENDEE;CN=\"A: B\";PARTSTAT=ACCEPTED:MAILTO:A@b.c\r\nBEGIN:VALARM\r\nDESCRIPTION:ring\r\n\
            END:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:u1\r\nRECURRENCE-ID:20260309T080000Z\r\nDTSTART:20260310T080000Z\r\nEND:VEVENT\r\n\
            BEGIN:VEVENT\r\nUID:u2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let (events, skipped) = read(file);
        assert_eq!(skipped, ["an event has no start"]);
        let event = &events[0].event;
        assert_eq!(event["summary"], "Plan, do it");
        assert_eq!(event["start"], json!({"dateTime": "2026-03-02T09:00:00+01:00", "timeZone": "Europe/Berlin"}));
        assert_eq!(event["end"]["dateTime"], "2026-03-02T09:45:00+01:00");
        assert_eq!(
            event["attendees"][0],
            json!({"email": "a@b.c", "displayName": "A: B", "responseStatus": "accepted"})
        );
        assert!(event.get("description").is_none());
        assert_eq!(events[1].recurrence_id.as_ref().unwrap()["dateTime"], "2026-03-09T08:00:00+00:00");
    }
}
