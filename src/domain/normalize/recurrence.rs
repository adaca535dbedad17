//! Recurrence rules (RFC 5545, 3.8.5) to starts, bounded whatever the rule says.
//!
//! Rules are expanded in local time, with UTC standing in for it, and only the starts are put into the zone: a meeting at
//! 9:00 stays at 9:00 when the clocks change, and the rule engine never meets a time that does not exist. A rule that does
//! not count is taken up just before the window, however long ago it began.

use std::{
    collections::{BTreeSet, HashSet},
    ops::ControlFlow,
};

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, RRuleSet, Unvalidated};

use super::calendar_event::{Moment, to_utc, zone};
use finer::Finer;

mod finer;

/// The most occurrences of one series in the window; the earliest are kept.
const MAX_OCCURRENCES: usize = 2_000;
/// The most occurrences of one series looked at on the way to the window: 270 years of days.
const MAX_STEPS: usize = 100_000;
/// The longest recurrence line read, in bytes.
const MAX_LINE: usize = 20_000;
/// The most rules of one series.
const MAX_RULES: usize = 10;
/// The parts of a rule that the engine knows. Others are extensions, and change nothing of what it knows.
const PARTS: [&str; 13] = [
    "FREQ",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
];

/// A rule that cannot be read, or that we refuse to expand.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What recurs: the first start and the zone in which it recurs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) first: Moment,
    pub(super) zone: Tz,
}

/// The starts of a series, in their order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Starts {
    pub(super) starts: Vec<Moment>,
    /// Whether there are more of them than are ever kept.
    pub(super) is_cut: bool,
}

/// A part of a rule: its name, in capitals, and its value.
type Part<'v> = (String, &'v str);

/// A date or a time as iCalendar writes it.
enum Written {
    Day(NaiveDate),
    Local(NaiveDateTime),
    Utc(DateTime<Utc>),
}

/// The starts between the two moments; of days, which begin at another moment in each zone, up to two more on either side.
pub(super) fn expand(
    lines: &[String],
    start: Start,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Starts, Malformed> {
    let mut rules = Rules::new(start, (from, to)).ok_or(Malformed)?;
    let (mut ruled, mut extra, mut excluded) = (BTreeSet::new(), BTreeSet::new(), HashSet::new());
    for line in lines {
        let (name, value) = line.split_once(':').filter(|_| line.len() <= MAX_LINE).ok_or(Malformed)?;
        match name.split(';').next().unwrap_or_default().trim().to_ascii_uppercase().as_str() {
            "RRULE" => {
                if let Some(found) = rules.starts(value)? {
                    ruled.extend(found);
                    // The event's own start is one of the series, even where the rule would not give it (RFC 5545, 3.8.5.3).
                    extra.insert(start.first);
                }
            }
            "EXRULE" => excluded.extend(rules.starts(value)?.unwrap_or_default()),
            "RDATE" => extra.extend(dates(name, value, start)),
            "EXDATE" => excluded.extend(dates(name, value, start)),
            _ => {}
        }
    }
    if rules.n_rules == 0 {
        if extra.is_empty() {
            return Err(Malformed);
        }
        extra.insert(start.first);
    }
    ruled.extend(extra.into_iter().filter(|moment| rules.is_inside(*moment)));
    if rules.n_steps >= MAX_STEPS && ruled.is_empty() {
        // The window lies beyond our reach, which is not the same as an empty one.
        return Err(Malformed);
    }
    let is_excluded = |moment: &Moment| {
        let day = Start { first: *moment, ..start }.to_local().date();
        excluded.contains(moment) || excluded.contains(&Moment::Day(day))
    };
    let mut starts: Vec<_> =
        ruled.into_iter().filter(|moment| !is_excluded(moment)).take(MAX_OCCURRENCES + 1).collect();
    let is_cut = starts.len() > MAX_OCCURRENCES || rules.n_steps >= MAX_STEPS;
    starts.truncate(MAX_OCCURRENCES);
    Ok(Starts { starts, is_cut })
}

/// The rules of one series, with what they may cost together.
struct Rules {
    start: Start,
    window: (DateTime<Utc>, DateTime<Utc>),
    /// The window in local time, and what the clocks may add to it.
    from: NaiveDateTime,
    to: NaiveDateTime,
    n_rules: usize,
    n_steps: usize,
}

impl Rules {
    /// `None` when the window lies beyond all calendars.
    fn new(start: Start, window: (DateTime<Utc>, DateTime<Utc>)) -> Option<Self> {
        let (from, to) = window;
        // No zone is further than a day from UTC, and no clock is put further than some hours.
        let (local, margin): (fn(DateTime<Utc>, Tz) -> NaiveDateTime, _) = match start.first {
            Moment::Day(_) => (|moment, _| moment.naive_utc(), TimeDelta::days(2)),
            Moment::Instant(_) => (|moment, zone| moment.with_timezone(&zone).naive_local(), TimeDelta::hours(4)),
        };
        let from = local(from, start.zone).checked_sub_signed(margin)?;
        let to = local(to, start.zone).checked_add_signed(margin)?;
        Some(Self { start, window, from, to, n_rules: 0, n_steps: 0 })
    }

    fn is_inside(&self, moment: Moment) -> bool {
        match moment {
            Moment::Day(day) => (self.from..self.to).contains(&day.into()),
            Moment::Instant(instant) => (self.window.0..self.window.1).contains(&instant),
        }
    }

    /// The starts that one rule gives in the window; `None` when it ended before the first one.
    fn starts(&mut self, value: &str) -> Result<Option<Vec<Moment>>, Malformed> {
        self.n_rules += 1;
        if self.n_rules > MAX_RULES {
            return Err(Malformed);
        }
        let (start, first) = (self.start, self.start.to_local());
        let (parts, until) = self.parts(value)?;
        let last = until.map_or(self.to, |until| until.min(self.to));
        let locals = match Finer::new(&parts, first)? {
            Some(finer) => self.within_days(finer, last)?,
            None => self.by_engine(&parts, last)?,
        };
        let is_inside = |moment: &Moment| self.is_inside(*moment);
        let moments = |locals: Vec<_>| locals.into_iter().map(|local| start.moment_at(local)).filter(is_inside);
        Ok(locals.map(|locals| moments(locals).take(MAX_OCCURRENCES + 1).collect()))
    }

    /// The parts of a rule that the engine knows, and the last local time it gives.
    fn parts<'v>(&self, value: &'v str) -> Result<(Vec<Part<'v>>, Option<NaiveDateTime>), Malformed> {
        let named =
            value.split(';').filter_map(|part| part.split_once('=')).map(|(name, value)| (name.trim(), value.trim()));
        let (mut until, mut parts) = (None, Vec::new());
        for (name, value) in named {
            let name = name.to_ascii_uppercase();
            if name == "UNTIL" {
                // The engine reads an UNTIL without zone in the machine's own zone, so we read it.
                if until.replace(last_local(value, self.start).ok_or(Malformed)?).is_some() {
                    return Err(Malformed);
                }
            } else if PARTS.contains(&name.as_str()) {
                parts.push((name, value));
            }
        }
        Ok((parts, until))
    }

    /// The local times around the window that a rule gives; `None` when it ended before its first start.
    fn by_engine(&mut self, parts: &[Part<'_>], last: NaiveDateTime) -> Result<Option<Vec<NaiveDateTime>>, Malformed> {
        let parts: Vec<_> = parts.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut rule: RRule<Unvalidated> = parts.join(";").parse().map_err(|_| Malformed)?;
        let mut first = self.start.to_local();
        if rule.get_count().is_none() {
            first = taken_up(&rule, first, self.from);
            if last < first {
                return Ok(None);
            }
            rule = rule.until(as_utc(last));
        }
        let rule = rule.validate(as_utc(first)).map_err(|_| Malformed)?;
        let (from, to) = (self.from, self.to);
        let set = RRuleSet::new(as_utc(first)).limit().rrule(rule);
        let steps = (&set).into_iter().take(MAX_STEPS.saturating_sub(self.n_steps)).inspect(|_| self.n_steps += 1);
        let locals = steps.map(|local| local.naive_utc());
        Ok(Some(locals.skip_while(|local| *local < from).take_while(|local| *local < to).collect()))
    }

    /// As [`Rules::by_engine`], of a rule finer than days: the engine gives the days.
    fn within_days(&mut self, mut finer: Finer, last: NaiveDateTime) -> Result<Option<Vec<NaiveDateTime>>, Malformed> {
        let first = self.start.to_local();
        let (from, last) = match finer.count {
            Some(_) => (first, self.to),
            None => (first.max(self.from), last),
        };
        if last < from {
            return Ok(None);
        }
        let midnight = as_utc(from.date().into());
        let days: RRule<Unvalidated> = finer.days.parse().map_err(|_| Malformed)?;
        let days = days.until(as_utc(last)).validate(midnight).map_err(|_| Malformed)?;
        let mut locals = Vec::new();
        for day in &RRuleSet::new(midnight).limit().rrule(days) {
            let flow = finer.visit(day.date_naive(), |local| {
                if local > last || self.n_steps >= MAX_STEPS {
                    return ControlFlow::Break(());
                }
                self.n_steps += 1;
                if local >= self.from {
                    locals.push(local);
                }
                ControlFlow::Continue(())
            });
            if flow.is_break() {
                break;
            }
        }
        if finer.has_looked_enough() {
            self.n_steps = MAX_STEPS;
        }
        Ok(Some(locals))
    }
}

/// The last moment at or before `from`, and not before `first`, from which the rule goes on as it would from its first
/// start. Rules of months and years are slow enough to be walked.
fn taken_up(rule: &RRule<Unvalidated>, first: NaiveDateTime, from: NaiveDateTime) -> NaiveDateTime {
    let unit = match rule.get_freq() {
        Frequency::Weekly => TimeDelta::weeks(1),
        Frequency::Daily => TimeDelta::days(1),
        _ => return first,
    };
    let step = unit.num_seconds() * i64::from(rule.get_interval());
    let behind = (from - first).num_seconds();
    if step <= 0 || behind <= step {
        return first;
    }
    first + TimeDelta::seconds(behind / step * step)
}

impl Start {
    fn to_local(self) -> NaiveDateTime {
        match self.first {
            Moment::Day(day) => day.into(),
            Moment::Instant(instant) => instant.with_timezone(&self.zone).naive_local(),
        }
    }

    /// A local time as a moment of this series' kind.
    fn moment_at(self, local: NaiveDateTime) -> Moment {
        match self.first {
            Moment::Day(_) => Moment::Day(local.date()),
            Moment::Instant(_) => Moment::Instant(to_utc(local, self.zone)),
        }
    }
}

/// The last local time at which an occurrence may start. A date means its whole day.
fn last_local(until: &str, start: Start) -> Option<NaiveDateTime> {
    Some(match (written(until)?, start.first) {
        (Written::Day(day), _) => day.and_hms_opt(23, 59, 59)?,
        (Written::Local(local), _) => local,
        (Written::Utc(instant), Moment::Day(_)) => instant.naive_utc(),
        (Written::Utc(instant), Moment::Instant(_)) => instant.with_timezone(&start.zone).naive_local(),
    })
}

/// The moments of an EXDATE or RDATE line; those that cannot be read are left out.
fn dates(name: &str, value: &str, start: Start) -> Vec<Moment> {
    let tzid = name.split(';').find_map(|parameter| zone(parameter.strip_prefix("TZID=")?.trim_matches('"')));
    let moment = |text: &str| {
        // Of a period, its start.
        Some(match (written(text.split('/').next()?)?, start.first) {
            (Written::Day(day), _) => Moment::Day(day),
            (Written::Local(local), Moment::Day(_)) => Moment::Day(local.date()),
            (Written::Utc(instant), Moment::Day(_)) => Moment::Day(instant.date_naive()),
            (Written::Local(local), Moment::Instant(_)) => Moment::Instant(to_utc(local, tzid.unwrap_or(start.zone))),
            (Written::Utc(instant), Moment::Instant(_)) => Moment::Instant(instant),
        })
    };
    value.split(',').filter_map(moment).collect()
}

fn written(text: &str) -> Option<Written> {
    let text = text.trim();
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y%m%d") {
        return Some(Written::Day(day));
    }
    let is_utc = text.ends_with(['Z', 'z']);
    let local = NaiveDateTime::parse_from_str(text.trim_end_matches(['Z', 'z']), "%Y%m%dT%H%M%S").ok()?;
    Some(if is_utc { Written::Utc(local.and_utc()) } else { Written::Local(local) })
}

fn as_utc(local: NaiveDateTime) -> DateTime<rrule::Tz> {
    local.and_utc().with_timezone(&rrule::Tz::UTC)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn starts(lines: &[&str], first: &str, zone: Tz) -> Result<Vec<String>, Malformed> {
        let first = match first.parse::<NaiveDate>() {
            Ok(day) => Moment::Day(day),
            Err(_) => Moment::Instant(first.parse().unwrap()),
        };
        let window = ("2026-03-20T00:00:00Z".parse().unwrap(), "2026-04-10T00:00:00Z".parse().unwrap());
        let lines: Vec<_> = lines.iter().map(|&line| line.to_owned()).collect();
        expand(&lines, Start { first, zone }, window).map(|found| found.starts.iter().map(Moment::to_string).collect())
    }

    #[test]
    fn a_meeting_keeps_its_local_time_when_the_clocks_change() {
        let found = starts(&["RRULE:FREQ=WEEKLY;BYDAY=MO"], "2020-01-06T08:00:00Z", Tz::Europe__Berlin);
        let expected = ["2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z", "2026-04-06T07:00:00Z"];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn until_is_read_in_every_form() {
        let zone = Tz::America__New_York;
        for (until, last) in [
            ("20260325T140000Z", "2026-03-25T14:00:00Z"),
            ("20260325T135959Z", "2026-03-24T14:00:00Z"),
            ("20260325", "2026-03-25T14:00:00Z"),
            ("20260325T100000", "2026-03-25T14:00:00Z"),
        ] {
            let found = starts(&[&format!("RRULE:FREQ=DAILY;UNTIL={until}")], "2026-03-01T15:00:00Z", zone).unwrap();
            assert_eq!(found.last().unwrap(), last, "{until}");
        }
        assert_eq!(starts(&["RRULE:FREQ=DAILY;UNTIL=20190101"], "2020-01-01", zone).unwrap(), [""; 0]);
    }

    #[test]
    fn single_dates_are_added_and_taken_out() {
        let lines = [
            "RRULE:FREQ=DAILY;COUNT=4",
            "EXDATE;TZID=Europe/Berlin:20260322T090000,20260323T090000",
            "EXDATE;VALUE=DATE:20260324",
            "RDATE:20260402T120000Z,nonsense",
            "X-OTHER:1",
        ];
        let found = starts(&lines, "2026-03-21T08:00:00Z", Tz::Europe__Berlin).unwrap();
        assert_eq!(found, ["2026-03-21T08:00:00Z", "2026-04-02T12:00:00Z"]);
        let found = starts(&["RDATE;VALUE=DATE:20260401"], "2026-03-31", Tz::UTC).unwrap();
        assert_eq!(found, ["2026-03-31", "2026-04-01"]);
    }

    #[test]
    fn the_first_start_counts_though_the_rule_would_not_give_it() {
        let lines = ["RRULE:FREQ=WEEKLY;BYDAY=MO", "EXDATE:20260406T090000Z"];
        let found = starts(&lines, "2026-03-25T09:00:00Z", Tz::UTC).unwrap();
        assert_eq!(found, ["2026-03-25T09:00:00Z", "2026-03-30T09:00:00Z"]);
        let found = starts(&[lines[0], "EXDATE:20260325T090000Z"], "2026-03-25T09:00:00Z", Tz::UTC).unwrap();
        assert_eq!(found, ["2026-03-30T09:00:00Z", "2026-04-06T09:00:00Z"]);
    }

    #[test]
    fn days_recur_as_days() {
        let found = starts(&["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1"], "2025-01-31", Tz::Asia__Tokyo).unwrap();
        assert_eq!(found, ["2026-03-31"]);
    }

    #[test]
    fn a_window_beyond_reach_is_not_an_empty_one() {
        assert_eq!(starts(&["RRULE:FREQ=DAILY;COUNT=4294967295"], "0001-01-01T00:00:00Z", Tz::UTC), Err(Malformed));
        let often = "RRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40";
        assert!(!starts(&[often], "1997-09-02T09:00:00Z", Tz::UTC).unwrap().is_empty());
    }

    #[test]
    fn a_rule_that_began_long_ago_goes_on_in_step() {
        for (rule, first, next) in [
            ("FREQ=WEEKLY;INTERVAL=3;BYDAY=TU,TH", "1997-09-02T09:00:00Z", "2026-03-31T09:00:00Z"),
            ("FREQ=DAILY;INTERVAL=10", "1997-09-02T09:00:00Z", "2026-03-24T09:00:00Z"),
            ("FREQ=HOURLY;INTERVAL=7", "1997-09-02T09:00:00Z", "2026-03-20T00:00:00Z"),
            ("FREQ=MINUTELY;INTERVAL=90", "2026-03-01T09:00:00Z", "2026-03-20T00:00:00Z"),
        ] {
            let found = starts(&[&format!("RRULE:{rule}")], first, Tz::UTC).unwrap();
            let counted = starts(&[&format!("RRULE:{rule};COUNT=90000")], first, Tz::UTC);
            assert_eq!(found.first().unwrap(), next, "{rule}");
            assert!(counted.is_err() || counted.unwrap() == found, "{rule}");
        }
    }

    /// The number, the first two and the last are dateutil's.
    #[test]
    fn a_rule_finer_than_days_keeps_its_step_over_what_it_leaves_out() {
        for (rule, first, n, ends) in [
            (
                "MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
                "1997-09-02T09:00",
                504,
                "20T09:00 20T09:20 09T16:40",
            ),
            ("MINUTELY;INTERVAL=7;BYHOUR=9,10", "2026-03-01T09:00", 360, "20T09:03 20T09:10 09T10:53"),
            ("MINUTELY;INTERVAL=90;BYDAY=MO;BYHOUR=9,15", "2026-03-02T09:00", 6, "23T09:00 23T15:00 06T15:00"),
            ("MINUTELY;BYHOUR=9;BYMINUTE=15,45;BYDAY=MO,FR", "2026-03-02T09:00", 12, "20T09:15 20T09:45 06T09:45"),
            ("SECONDLY;INTERVAL=1000;BYHOUR=8;BYDAY=TU", "2026-03-03T08:00", 10, "24T08:10 24T08:26 07T08:50"),
            ("HOURLY;INTERVAL=5;BYMINUTE=0,30;BYDAY=WE", "2026-03-04T00:00", 30, "25T01:00 25T01:30 08T20:30"),
            (
                "HOURLY;INTERVAL=6;BYMINUTE=0,20,40;BYSETPOS=-1;BYMONTHDAY=1",
                "2026-03-01T01:00",
                4,
                "01T01:40 01T07:40 01T19:40",
            ),
            ("MINUTELY;INTERVAL=45;BYHOUR=23;COUNT=40", "2026-03-01T09:00", 21, "20T23:15 21T23:15 09T23:15"),
        ] {
            let found = starts(&[&format!("RRULE:FREQ={rule}")], &format!("{first}:00Z"), Tz::UTC).unwrap();
            let ends_found = [&found[0], &found[1], found.last().unwrap()].map(|start| &start[8..16]).join(" ");
            assert_eq!((found.len(), ends_found.as_str()), (n, ends), "{rule}");
        }
        for refused in ["HOURLY;INTERVAL=0", "HOURLY;BYHOUR=x", "MINUTELY;COUNT=-1"] {
            assert_eq!(
                starts(&[&format!("RRULE:FREQ={refused}")], "2026-03-01T09:00:00Z", Tz::UTC),
                Err(Malformed),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_rule_of_every_second_costs_little() {
        let start = Instant::now();
        let first = Moment::Instant("1997-09-02T09:00:00Z".parse().unwrap());
        let window = ("2026-03-20T00:00:00Z".parse().unwrap(), "2026-04-10T00:00:00Z".parse().unwrap());
        let found =
            expand(&["RRULE:FREQ=SECONDLY".to_owned()], Start { first, zone: Tz::Europe__Berlin }, window).unwrap();
        assert_eq!((found.starts.len(), found.is_cut), (2_000, true));
        assert!(start.elapsed().as_secs() < 10);
    }

    #[test]
    fn a_rule_may_take_starts_out() {
        let lines = ["RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY;BYDAY=SA,SU,MO,TU,WE,TH", "X-RULE:FREQ=DAILY"];
        let found = starts(&lines, "2026-03-02T09:00:00Z", Tz::UTC).unwrap();
        assert_eq!(found, ["2026-03-20T09:00:00Z", "2026-03-27T09:00:00Z", "2026-04-03T09:00:00Z"]);
    }

    #[test]
    fn parts_that_nobody_knows_change_nothing() {
        let found =
            starts(&["RRULE:freq=Weekly; BYDAY=MO;X-NAME=1;RSCALE=GREGORIAN;"], "2026-03-02T09:00:00Z", Tz::UTC);
        assert_eq!(found.unwrap().len(), 3);
    }

    #[test]
    fn hostile_rules_end_soon() {
        let start = Instant::now();
        for line in [
            "RRULE:nonsense",
            "RRULE:FREQ=DAILY;UNTIL=soon",
            "RRULE:FREQ=DAILY;UNTIL=20300101;UNTIL=20310101",
            "no colon",
            "",
        ] {
            assert_eq!(starts(&[line], "2020-01-01T00:00:00Z", Tz::UTC), Err(Malformed), "{line}");
        }
        for line in [
            "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
            "RRULE:FREQ=DAILY;INTERVAL=0",
            "RRULE:FREQ=WEEKLY;INTERVAL=65535;COUNT=4294967295",
        ] {
            assert!(starts(&[line], "0001-01-01T00:00:00Z", Tz::UTC).unwrap().len() < 30, "{line}");
        }
        let never = "RRULE:FREQ=SECONDLY;INTERVAL=65535;BYHOUR=24;COUNT=5";
        assert_eq!(starts(&[never], "0001-01-01T00:00:00Z", Tz::UTC), Err(Malformed));
        let many = ["RRULE:FREQ=SECONDLY;COUNT=4294967295"; 10];
        assert_eq!(starts(&many, "2020-01-01T00:00:00Z", Tz::UTC), Err(Malformed));
        assert!(start.elapsed().as_secs() < 30);
    }
}
