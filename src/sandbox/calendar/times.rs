//! Event times: days and moments, their windows, and the occurrences of a recurrence.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use rrule::RRuleSet;
use serde_json::{Map, Value, json};

/// Occurrences one recurrence may give; a hostile rule ends here.
const MAX_OCCURRENCES: usize = 3_000;

/// A `start`, `end` or `originalStartTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Day(NaiveDate),
    At(DateTime<Utc>, Tz),
}

impl Time {
    /// Reads `{"date"}` or `{"dateTime", "timeZone"}`; the zone defaults to the calendar's.
    pub(super) fn read(value: &Value, zone: Tz) -> Option<Self> {
        if let Some(day) = value["date"].as_str() {
            return day.parse().ok().map(Self::Day);
        }
        let zone = value["timeZone"].as_str().and_then(|name| name.parse().ok()).unwrap_or(zone);
        DateTime::parse_from_rfc3339(value["dateTime"].as_str()?).ok().map(|at| Self::At(at.to_utc(), zone))
    }

    pub(super) fn write(self) -> Value {
        match self {
            Self::Day(day) => json!({"date": day.to_string()}),
            Self::At(at, zone) => json!({"dateTime": local(at, zone), "timeZone": zone.name()}),
        }
    }

    /// The moment itself; a day begins at midnight in the calendar's zone.
    pub(super) fn moment(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::At(at, _) => at,
            Self::Day(day) => midnight(day, zone),
        }
    }

    /// What is put behind a master's id to name the instance that starts here.
    pub(super) fn suffix(self) -> String {
        match self {
            Self::Day(day) => day.format("%Y%m%d").to_string(),
            Self::At(at, _) => at.format("%Y%m%dT%H%M%SZ").to_string(),
        }
    }

    pub(super) fn plus(self, delta: TimeDelta) -> Self {
        match self {
            Self::Day(day) => Self::Day(day + TimeDelta::days(delta.num_days())),
            Self::At(at, zone) => Self::At(at + delta, zone),
        }
    }
}

fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let naive = day.and_time(NaiveTime::MIN);
    // Where the clocks jump over midnight, the day begins an hour later.
    let first = zone.from_local_datetime(&naive).earliest();
    first
        .or_else(|| zone.from_local_datetime(&(naive + TimeDelta::hours(1))).earliest())
        .map_or(naive.and_utc(), |at| at.to_utc())
}

/// RFC 3339 with the zone's offset, as Google writes times.
pub(super) fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// RFC 3339 in UTC with milliseconds, as Google writes `created` and `updated`.
pub(crate) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The start and end of an event's own times. An event without an end lasts an hour, or its one day.
pub(super) fn span(event: &Map<String, Value>, zone: Tz) -> Option<(Time, Time)> {
    let start = Time::read(event.get("start")?, zone)?;
    let end = event.get("end").and_then(|end| Time::read(end, zone));
    let hour_or_day = match start {
        Time::Day(_) => TimeDelta::days(1),
        Time::At(..) => TimeDelta::hours(1),
    };
    Some((start, end.unwrap_or_else(|| start.plus(hour_or_day))))
}

/// A window of time: events that end after its beginning and start before its end. Open where `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    pub min: Option<DateTime<Utc>>,
    pub max: Option<DateTime<Utc>>,
}

impl Window {
    pub(super) fn holds(self, start: Time, end: Time, zone: Tz) -> bool {
        let (start, end) = (start.moment(zone), end.moment(zone));
        // An event without length is treated as lasting for its one moment.
        self.min.is_none_or(|min| end > min || (start == end && end == min)) && self.max.is_none_or(|max| start < max)
    }
}

/// The starts of a master's occurrences that fall into the window, in order, at most `limit`.
pub(super) fn occurrences(master: &Map<String, Value>, zone: Tz, window: Window, limit: usize) -> Vec<Time> {
    let Some((start, end)) = span(master, zone) else { return Vec::new() };
    let Some(rules) = rule_set(master, start) else { return vec![start] };
    let length = end.moment(zone) - start.moment(zone);
    // A day more on both sides: days are expanded in UTC and bounded in the calendar's zone.
    let slack = TimeDelta::days(1);
    let from = window.min.and_then(|min| min.checked_sub_signed(length + slack));
    let to = window.max.and_then(|max| max.checked_add_signed(slack));
    // Lazily: whoever wants one occurrence does not wait for thousands.
    let mut last = None;
    let near = (&rules)
        .into_iter()
        .filter(|at| last.replace(*at) != Some(*at))
        .skip_while(|at| from.is_some_and(|from| *at < from))
        .take_while(|at| to.is_none_or(|to| *at <= to))
        .take(MAX_OCCURRENCES);
    let starts = near.map(|at| match start {
        Time::Day(_) => Time::Day(at.date_naive()),
        Time::At(_, zone) => Time::At(at.to_utc(), zone),
    });
    starts.filter(|at| window.holds(*at, at.plus(length), zone)).take(limit).collect()
}

/// The rules of a master; `None` when they cannot be read.
fn rule_set(master: &Map<String, Value>, start: Time) -> Option<RRuleSet> {
    let first = match start {
        Time::Day(day) => format!("DTSTART:{}T000000Z", day.format("%Y%m%d")),
        Time::At(at, Tz::UTC) => format!("DTSTART:{}", at.format("%Y%m%dT%H%M%SZ")),
        Time::At(at, zone) => {
            format!("DTSTART;TZID={}:{}", zone.name(), at.with_timezone(&zone).format("%Y%m%dT%H%M%S"))
        }
    };
    let given = master.get("recurrence")?.as_array()?.iter().filter_map(Value::as_str);
    let (over, lines): (Vec<String>, Vec<String>) =
        given.map(|line| readable_rule(line, start)).partition(|line| is_over_before(line, start));
    let yields = |line: &String| line.starts_with("RRULE") || line.starts_with("RDATE");
    if !over.is_empty() && !lines.iter().any(yields) {
        return Some(RRuleSet::new(DateTime::UNIX_EPOCH.with_timezone(&rrule::Tz::UTC)));
    }
    let set: RRuleSet = format!("{first}\n{}", lines.join("\n")).parse().ok()?;
    // "For a recurring event, this is the start time of the first instance" (events, `start`): also where no rule gives it.
    let has_begun = over.is_empty() || lines.iter().any(|line| line.starts_with("RRULE"));
    let first = *set.get_dt_start();
    Some(if has_begun { set.rdate(first) } else { set }.limit())
}

/// Whether a readable rule ends before the series begins: it has no occurrence, as of a series that was cut off at its
/// beginning.
fn is_over_before(line: &str, start: Time) -> bool {
    let first = match start {
        Time::Day(day) => day.format("%Y%m%dT000000Z").to_string(),
        Time::At(..) => start.suffix(),
    };
    line.split([':', ';']).filter_map(|part| part.strip_prefix("UNTIL=")).any(|until| *until < *first)
}

/// Days are expanded as midnights in UTC, so dates in the rule become that, too.
fn readable_rule(line: &str, start: Time) -> String {
    let is_all_day = matches!(start, Time::Day(_));
    if let Some(rule) = line.strip_prefix("RRULE:") {
        let fix = |part: &str| match part.strip_prefix("UNTIL=") {
            Some(day) if day.len() == 8 && is_all_day => format!("UNTIL={day}T000000Z"),
            Some(day) if day.len() == 8 => format!("UNTIL={day}T235959Z"),
            Some(moment) if !moment.ends_with('Z') => format!("UNTIL={moment}Z"),
            _ => part.to_owned(),
        };
        return format!("RRULE:{}", rule.split(';').map(fix).collect::<Vec<_>>().join(";"));
    }
    match line.split_once(':') {
        Some((head, dates)) if is_all_day => {
            let name = head.split(';').next().unwrap_or(head);
            let dates = dates.split(',').map(|day| format!("{}T000000Z", day.get(..8).unwrap_or(day)));
            format!("{name}:{}", dates.collect::<Vec<_>>().join(","))
        }
        _ => line.to_owned(),
    }
}

/// At most so many bytes of a text, cut between characters.
pub(crate) fn cut(text: &str, max_bytes: usize) -> &str {
    let end = (0..=max_bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_weekly_meeting_keeps_its_hour_over_the_change_of_clocks() {
        let master = master(json!({
            "start": {"dateTime": "2026-03-23T09:00:00+01:00", "timeZone": "Europe/Berlin"},
            "end": {"dateTime": "2026-03-23T09:30:00+01:00", "timeZone": "Europe/Berlin"},
            "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO", "EXDATE;TZID=Europe/Berlin:20260406T090000"],
        }));
        let window = Window { min: at("2026-03-23T00:00:00Z"), max: at("2026-04-20T00:00:00Z") };
        let starts: Vec<String> =
            occurrences(&master, Tz::UTC, window, 10).into_iter().map(|at| at.moment(Tz::UTC).to_rfc3339()).collect();
        assert_eq!(starts, ["2026-03-23T08:00:00+00:00", "2026-03-30T07:00:00+00:00", "2026-04-13T07:00:00+00:00"]);
    }

    #[test]
    fn a_yearly_day_is_a_day() {
        let master = master(json!({
            "start": {"date": "1990-05-01"}, "end": {"date": "1990-05-02"}, "recurrence": ["RRULE:FREQ=YEARLY"],
        }));
        let window = Window { min: at("2026-01-01T00:00:00Z"), max: at("2027-01-01T00:00:00Z") };
        let days = occurrences(&master, Tz::Europe__Berlin, window, 10);
        assert_eq!(days, [Time::Day("2026-05-01".parse().unwrap())]);
    }

    #[test]
    fn a_rule_that_ends_before_the_series_begins_gives_nothing() {
        let series = |start: Value, rules: &[&str]| master(json!({"start": start, "recurrence": rules}));
        let moment = json!({"dateTime": "2026-03-23T09:00:00+01:00", "timeZone": "Europe/Berlin"});
        for (start, rules, n) in [
            (moment.clone(), &["RRULE:FREQ=DAILY;UNTIL=20260323T075959Z"][..], 0),
            (moment.clone(), &["RRULE:FREQ=DAILY;UNTIL=20260323T080000Z"], 1),
            (moment.clone(), &["RRULE:UNTIL=20200101;FREQ=DAILY", "EXDATE:20260323T080000Z"], 0),
            (moment, &["RRULE:FREQ=DAILY;UNTIL=20200101", "RDATE:20260401T080000Z"], 1),
            (json!({"date": "2026-03-23"}), &["RRULE:FREQ=DAILY;UNTIL=20260322"], 0),
            (json!({"date": "2026-03-23"}), &["RRULE:FREQ=DAILY;UNTIL=20260323"], 1),
        ] {
            let found = occurrences(&series(start, rules), Tz::UTC, Window::default(), 10);
            assert_eq!(found.len(), n, "{rules:?}");
        }
    }

    #[test]
    fn a_window_is_open_at_the_touching_ends() {
        let (start, end) = (
            Time::At(at("2026-01-01T10:00:00Z").unwrap(), Tz::UTC),
            Time::At(at("2026-01-01T11:00:00Z").unwrap(), Tz::UTC),
        );
        let holds = |min: &str, max: &str| Window { min: at(min), max: at(max) }.holds(start, end, Tz::UTC);
        assert!(holds("2026-01-01T10:59:00Z", "2026-01-01T12:00:00Z"));
        assert!(!holds("2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z"), "ends as the window begins");
        assert!(!holds("2026-01-01T09:00:00Z", "2026-01-01T10:00:00Z"), "starts as the window ends");
    }
}
