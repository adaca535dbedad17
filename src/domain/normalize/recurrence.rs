//! Recurrence rules (RFC 5545, 3.8.5) to starts, bounded whatever the rule says.
//!
//! Rules are expanded in local time, with UTC standing in for it, and only the starts are put into the zone: a meeting at
//! 9:00 stays at 9:00 when the clocks change, and the rule engine never meets a time that does not exist.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, RRuleSet, Unvalidated, Validated};

use super::calendar_event::{Moment, to_utc, zone};

/// The most occurrences of one series in the window; the earliest are kept.
const MAX_OCCURRENCES: usize = 2_000;
/// The most occurrences looked at on the way to the window: 270 years of days.
const MAX_STEPS: usize = 100_000;
/// The longest recurrence line read, in bytes.
const MAX_LINE: usize = 20_000;
/// The most rules of one series.
const MAX_RULES: usize = 10;
/// The most times of day that one rule may name. Rules that tick by the minute are no meetings.
const MAX_TIMES_OF_DAY: usize = 24;

/// A rule that cannot be read, or that we refuse to expand.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What recurs: the first start and the zone in which it recurs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) first: Moment,
    pub(super) zone: Tz,
}

/// A date or a time as iCalendar writes it.
enum Written {
    Day(NaiveDate),
    Local(NaiveDateTime),
    Utc(DateTime<Utc>),
}

/// The starts between the two moments, and up to two days beyond them, in their order.
pub(super) fn expand(
    lines: &[String],
    start: Start,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Moment>, Malformed> {
    let first = start.to_local();
    // No zone is further than a day from UTC.
    let margin = TimeDelta::days(2);
    let from = from.naive_utc().checked_sub_signed(margin).ok_or(Malformed)?;
    let to = to.naive_utc().checked_add_signed(margin).ok_or(Malformed)?;

    let mut rules = RRuleSet::new(as_utc(first)).limit();
    let (mut n_rules, mut extra, mut excluded) = (0, BTreeSet::new(), HashSet::new());
    for line in lines {
        let (name, value) = line.split_once(':').filter(|_| line.len() <= MAX_LINE).ok_or(Malformed)?;
        match name.split(';').next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "RRULE" => {
                n_rules += 1;
                if let Some(rule) = rule(value, start, to)? {
                    rules = rules.rrule(rule);
                }
            }
            "RDATE" => extra.extend(dates(name, value, start)),
            "EXDATE" => excluded.extend(dates(name, value, start)),
            _ => {}
        }
    }
    if n_rules > MAX_RULES || (n_rules == 0 && extra.is_empty()) {
        return Err(Malformed);
    }
    if n_rules == 0 {
        extra.insert(start.first);
    }
    let in_reach = |moment: &Moment| (from..to).contains(&Start { first: *moment, ..start }.to_local());
    let mut n_steps = 0;
    let ruled = (&rules).into_iter().take(MAX_STEPS).inspect(|_| n_steps += 1).map(|local| local.naive_utc());
    let ruled = ruled.skip_while(|local| *local < from).take_while(|local| *local < to).take(MAX_OCCURRENCES);
    let mut starts: BTreeSet<Moment> = ruled.map(|local| start.moment_at(local)).collect();
    starts.extend(extra.into_iter().filter(in_reach));
    if n_steps == MAX_STEPS && starts.is_empty() {
        // The window lies beyond our reach, which is not the same as an empty one.
        return Err(Malformed);
    }
    let is_excluded = |moment: &Moment| {
        let day = Start { first: *moment, ..start }.to_local().date();
        excluded.contains(moment) || excluded.contains(&Moment::Day(day))
    };
    Ok(starts.into_iter().filter(|moment| !is_excluded(moment)).take(MAX_OCCURRENCES).collect())
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

/// One rule, made ready; `None` when it ended before it began. `to` bounds it where it does not count.
fn rule(value: &str, start: Start, to: NaiveDateTime) -> Result<Option<RRule<Validated>>, Malformed> {
    // The engine reads an UNTIL without zone in the machine's own zone, so we read it.
    let is_until = |part: &&str| part.get(..6).is_some_and(|name| name.eq_ignore_ascii_case("UNTIL="));
    let (until, rest): (Vec<_>, Vec<_>) = value.split(';').partition(is_until);
    let until = match until.as_slice() {
        [] => None,
        [until] => Some(last_local(&until[6..], start).ok_or(Malformed)?),
        _ => return Err(Malformed),
    };
    let mut rule: RRule<Unvalidated> = rest.join(";").parse().map_err(|_| Malformed)?;
    let times_of_day = [rule.get_by_hour(), rule.get_by_minute(), rule.get_by_second()];
    let n_times: usize = times_of_day.iter().map(|times| times.len().max(1)).product();
    let is_slow =
        matches!(rule.get_freq(), Frequency::Daily | Frequency::Weekly | Frequency::Monthly | Frequency::Yearly);
    if !is_slow || n_times > MAX_TIMES_OF_DAY {
        return Err(Malformed);
    }
    let first = start.to_local();
    if rule.get_count().is_none() {
        let until = until.map_or(to, |until| until.min(to));
        if until < first {
            return Ok(None);
        }
        rule = rule.until(as_utc(until));
    }
    rule.validate(as_utc(first)).map(Some).map_err(|_| Malformed)
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
    let tzid = name.split(';').find_map(|parameter| zone(parameter.strip_prefix("TZID=")?));
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
        expand(&lines, Start { first, zone }, window).map(|found| found.iter().map(Moment::to_string).collect())
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
    fn days_recur_as_days() {
        let found = starts(&["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1"], "2025-01-31", Tz::Asia__Tokyo).unwrap();
        assert_eq!(found, ["2026-03-31"]);
    }

    #[test]
    fn a_window_beyond_reach_is_not_an_empty_one() {
        let often = "RRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40";
        assert_eq!(starts(&[often], "1997-09-02T09:00:00Z", Tz::UTC), Err(Malformed));
        assert!(!starts(&[often], "2025-09-02T09:00:00Z", Tz::UTC).unwrap().is_empty());
        assert_eq!(starts(&["RRULE:FREQ=DAILY;COUNT=4294967295"], "0001-01-01T00:00:00Z", Tz::UTC), Err(Malformed));
    }

    #[test]
    fn hostile_rules_end_soon() {
        let start = Instant::now();
        for line in [
            "RRULE:FREQ=SECONDLY",
            "RRULE:FREQ=MINUTELY;INTERVAL=1",
            "RRULE:FREQ=YEARLY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3;BYSECOND=0,1",
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
            "RRULE:FREQ=DAILY;INTERVAL=0",
            "RRULE:FREQ=WEEKLY;INTERVAL=65535;COUNT=4294967295",
        ] {
            assert!(starts(&[line], "0001-01-01T00:00:00Z", Tz::UTC).unwrap().len() < 30, "{line}");
        }
        assert!(start.elapsed().as_secs() < 30);
    }
}
