//! Rules of hours, minutes and seconds: their times within a day. The engine knows days; of finer rules it loses the step
//! where BYHOUR or BYMINUTE leave times out.

use std::{collections::BTreeSet, ops::ControlFlow, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Timelike};

use super::{Malformed, Part};

/// The most times of one rule looked at: 114 years of hours, a week and a half of seconds.
const MAX_LOOKS: usize = 1_000_000;

/// The times of a rule finer than days, from its first start on.
pub(super) struct Finer {
    /// The days that the times are in, as a rule.
    pub(super) days: String,
    /// How many times there are at most.
    pub(super) count: Option<u32>,
    first: NaiveDateTime,
    /// How long a unit of the rule is, in seconds.
    unit: i64,
    interval: i64,
    hours: Option<BTreeSet<u32>>,
    minutes: Option<BTreeSet<u32>>,
    seconds: Option<BTreeSet<u32>>,
    /// Which times of each unit are meant, from its first on or, if negative, from its last back.
    positions: Option<BTreeSet<i64>>,
    n_looks: usize,
}

impl Finer {
    /// The times of a rule, by its parts; `None` when it is of days or longer.
    pub(super) fn new(parts: &[Part<'_>], first: NaiveDateTime) -> Result<Option<Self>, Malformed> {
        let unit = match part(parts, "FREQ").unwrap_or_default().to_ascii_uppercase().as_str() {
            "HOURLY" => 3_600,
            "MINUTELY" => 60,
            "SECONDLY" => 1,
            _ => return Ok(None),
        };
        let interval = number::<u16>(parts, "INTERVAL")?.unwrap_or(1);
        if interval == 0 {
            return Err(Malformed);
        }
        let is_of_days =
            |name: &str| matches!(name, "BYDAY" | "BYMONTHDAY" | "BYYEARDAY" | "BYWEEKNO" | "BYMONTH" | "WKST");
        let of_days = parts.iter().filter(|(name, _)| is_of_days(name));
        Ok(Some(Self {
            days: of_days.fold("FREQ=DAILY".to_owned(), |days, (name, value)| format!("{days};{name}={value}")),
            count: number(parts, "COUNT")?,
            first,
            unit,
            interval: interval.into(),
            hours: list(parts, "BYHOUR")?,
            minutes: list(parts, "BYMINUTE")?,
            seconds: list(parts, "BYSECOND")?,
            positions: list(parts, "BYSETPOS")?,
            n_looks: 0,
        }))
    }

    /// Visits the times of a day in their order, until there are no more, the visitor has enough, or too many were looked at.
    pub(super) fn visit(
        &mut self,
        day: NaiveDate,
        mut visitor: impl FnMut(NaiveDateTime) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // A day without a time is looked at, too.
        self.n_looks += 24;
        if self.has_looked_enough() {
            return ControlFlow::Break(());
        }
        let n_units = 3_600 / self.unit;
        for hour in (0..24).filter(|hour| self.hours.as_ref().is_none_or(|hours| hours.contains(hour))) {
            let Some(hour) = day.and_hms_opt(hour, 0, 0) else { continue };
            let begin = self.number(hour);
            let mut number = begin + (self.number(self.first) - begin).rem_euclid(self.interval);
            while number < begin + n_units {
                self.n_looks += 1;
                if self.has_looked_enough() {
                    return ControlFlow::Break(());
                }
                for time in self.times(number).into_iter().filter(|time| *time >= self.first) {
                    match &mut self.count {
                        Some(0) => return ControlFlow::Break(()),
                        Some(count) => *count -= 1,
                        None => {}
                    }
                    visitor(time)?;
                }
                number += self.interval;
            }
        }
        ControlFlow::Continue(())
    }

    pub(super) fn has_looked_enough(&self) -> bool {
        self.n_looks > MAX_LOOKS
    }

    /// The number of the unit that a time is in.
    fn number(&self, time: NaiveDateTime) -> i64 {
        time.and_utc().timestamp().div_euclid(self.unit)
    }

    /// The times within one unit: what is shorter than it is spread in it, what is not leaves times out (RFC 5545, 3.3.10).
    fn times(&self, number: i64) -> Vec<NaiveDateTime> {
        let Some(begin) = DateTime::from_timestamp(number * self.unit, 0) else { return Vec::new() };
        let begin = begin.naive_utc();
        let (of_first, own) = (self.first, begin);
        let minutes =
            values(self.minutes.as_ref(), if self.unit > 60 { of_first } else { own }.minute(), self.unit > 60);
        let seconds = values(self.seconds.as_ref(), if self.unit > 1 { of_first } else { own }.second(), self.unit > 1);
        let at = |minute| seconds.iter().filter_map(move |&second| begin.with_minute(minute)?.with_second(second));
        let times: Vec<_> = minutes.into_iter().flat_map(at).collect();
        let Some(positions) = &self.positions else { return times };
        let n = i64::try_from(times.len()).unwrap_or(i64::MAX);
        let places: BTreeSet<_> =
            positions.iter().map(|&position| if position < 0 { n + position } else { position - 1 }).collect();
        places.into_iter().filter_map(|place| times.get(usize::try_from(place).ok()?).copied()).collect()
    }
}

/// What a part of a rule lets an hour's minutes, or a minute's seconds, be: all of its list when it spreads, else the one
/// there is, if it is on the list.
fn values(part: Option<&BTreeSet<u32>>, one: u32, spreads: bool) -> Vec<u32> {
    match part {
        None => vec![one],
        Some(list) if spreads => list.iter().copied().collect(),
        Some(list) => list.get(&one).copied().into_iter().collect(),
    }
}

fn part<'p>(parts: &'p [Part<'_>], name: &str) -> Option<&'p str> {
    parts.iter().find(|(known, _)| known == name).map(|&(_, value)| value)
}

fn number<T: FromStr>(parts: &[Part<'_>], name: &str) -> Result<Option<T>, Malformed> {
    part(parts, name).map(|number| number.parse().map_err(|_| Malformed)).transpose()
}

fn list<T: FromStr + Ord>(parts: &[Part<'_>], name: &str) -> Result<Option<BTreeSet<T>>, Malformed> {
    let read = |list: &str| list.split(',').map(|one| one.trim().parse().map_err(|_| Malformed)).collect();
    part(parts, name).map(read).transpose()
}
