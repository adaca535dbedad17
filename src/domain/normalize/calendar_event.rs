//! One Calendar event (`events.list`, `events.get`) as Google writes it.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc, offset::LocalResult};
use chrono_tz::Tz;
use serde::Deserialize;

use super::{Unreadable, json};

/// An event. Only `id` is always there: a cancelled event has hardly more, one of a free/busy calendar only its times.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CalendarEvent {
    pub(super) id: String,
    pub(super) status: Option<String>,
    #[serde(rename = "iCalUID")]
    pub(super) ical_uid: Option<String>,
    pub(super) recurring_event_id: Option<String>,
    pub(super) original_start_time: Option<When>,
    pub(super) start: Option<When>,
    pub(super) end: Option<When>,
    pub(super) end_time_unspecified: bool,
    pub(super) recurrence: Vec<String>,
    pub(super) summary: Option<String>,
    pub(super) description: Option<String>,
    pub(super) location: Option<String>,
    pub(super) visibility: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) transparency: Option<String>,
    pub(super) hangout_link: Option<String>,
    pub(super) conference_data: Option<Conference>,
    pub(super) updated: Option<String>,
    pub(super) sequence: Option<i64>,
    pub(super) organizer: Option<Person>,
    pub(super) attendees: Vec<Person>,
}

/// A person or resource at an event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Person {
    pub(super) email: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) response_status: Option<String>,
    #[serde(rename = "self")]
    pub(super) is_self: bool,
    pub(super) organizer: bool,
    pub(super) resource: bool,
}

/// How to join an event from afar.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Conference {
    pub(super) entry_points: Vec<EntryPoint>,
}

/// One way to join: `video`, `phone`, `sip` or `more`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EntryPoint {
    pub(super) entry_point_type: Option<String>,
    pub(super) uri: Option<String>,
}

/// A day, or a time with its offset or zone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct When {
    date: Option<String>,
    date_time: Option<String>,
    time_zone: Option<String>,
}

/// A day without a zone, or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Moment {
    Day(NaiveDate),
    Instant(DateTime<Utc>),
}

impl CalendarEvent {
    /// Reads one event, byte for byte as received.
    pub(super) fn read(json: &[u8]) -> Result<Self, Unreadable> {
        let event: Self = json::read(json).or_else(|_| json::read(&json::mend(json)))?;
        if event.id.is_empty() {
            return Err(Unreadable::Shape("an event without id".to_owned()));
        }
        Ok(event)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.status.as_deref() == Some("cancelled")
    }

    /// The zone its local times are in: its own, else the calendar's. Where its own is none that we know, as in calendars
    /// that other programs wrote, its offset decides: the calendar's zone, if it has that offset then, else the offset alone.
    pub(super) fn zone(&self, calendar_zone: Tz) -> Tz {
        let Some(start) = &self.start else { return calendar_zone };
        match start.time_zone.as_deref().map(zone) {
            Some(Some(own)) => own,
            Some(None) => start.zone_by_offset(calendar_zone).unwrap_or(calendar_zone),
            None => calendar_zone,
        }
    }
}

impl When {
    /// A zone that has the offset of its time then.
    fn zone_by_offset(&self, calendar_zone: Tz) -> Option<Tz> {
        let moment = DateTime::parse_from_rfc3339(self.date_time.as_deref()?).ok()?;
        let offset = moment.offset().local_minus_utc();
        if moment.with_timezone(&calendar_zone).offset().fix().local_minus_utc() == offset {
            return Some(calendar_zone);
        }
        // Named the other way round: west is positive.
        let hours = -offset / 3600;
        zone(&if hours == 0 { "Etc/GMT".to_owned() } else { format!("Etc/GMT{hours:+}") })
            .filter(|_| offset % 3600 == 0)
    }

    /// The moment meant; `None` when neither form can be read.
    pub(super) fn moment(&self, calendar_zone: Tz) -> Option<Moment> {
        if let Some(text) = &self.date_time {
            let instant = match DateTime::parse_from_rfc3339(text) {
                Ok(instant) => instant.to_utc(),
                // The offset may be left out where a zone is given.
                Err(_) => {
                    let local = text.parse::<NaiveDateTime>().ok()?;
                    to_utc(local, self.time_zone.as_deref().and_then(zone).unwrap_or(calendar_zone))
                }
            };
            return json::storable(instant).map(Moment::Instant);
        }
        let day = self.date.as_ref()?.parse::<NaiveDate>().ok()?;
        json::storable(to_utc(day.into(), Tz::UTC)).map(|_| Moment::Day(day))
    }
}

impl Moment {
    /// When it is, or begins: a day begins at midnight in the calendar's zone.
    pub(super) fn instant(self, calendar_zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(day) => to_utc(day.into(), calendar_zone),
            Self::Instant(instant) => instant,
        }
    }

    /// The moment `length` later; of a day, the day so many whole days later.
    pub(super) fn plus(self, length: TimeDelta) -> Self {
        match self {
            Self::Day(day) => {
                let days = Days::new(u64::try_from(length.num_days()).unwrap_or_default());
                Self::Day(day.checked_add_days(days).unwrap_or(day))
            }
            Self::Instant(instant) => Self::Instant(instant.checked_add_signed(length).unwrap_or(instant)),
        }
    }
}

/// The name of an occurrence: a date, or RFC 3339 in UTC to the second.
impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Instant(instant) => f.write_str(&instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        }
    }
}

/// The zone of an IANA name.
pub(super) fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// A local time as an instant, by the rules of RFC 5545 (3.3.5): a time that exists twice is the first one, a time that
/// is skipped is read with the offset before the gap.
pub(super) fn to_utc(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => instant.to_utc(),
        LocalResult::None => {
            // Clocks skip an hour, or a whole day where the date line was moved.
            let before = [3, 27].into_iter().find_map(|hours| {
                let earlier = local.checked_sub_signed(TimeDelta::hours(hours))?;
                let instant = zone.from_local_datetime(&earlier).latest()?;
                instant.to_utc().checked_add_signed(TimeDelta::hours(hours))
            });
            before.unwrap_or_else(|| local.and_utc())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_follow_the_zone() {
        for (local, zone, utc) in [
            ("2026-03-28T02:30:00", Tz::Europe__Berlin, "2026-03-28T01:30:00Z"),
            // Skipped: read with the offset before.
            ("2026-03-29T02:30:00", Tz::Europe__Berlin, "2026-03-29T01:30:00Z"),
            // Twice: the first one.
            ("2026-10-25T02:30:00", Tz::Europe__Berlin, "2026-10-25T00:30:00Z"),
            ("2026-10-26T02:30:00", Tz::Europe__Berlin, "2026-10-26T01:30:00Z"),
            // Samoa had no 30 December 2011.
            ("2011-12-30T12:00:00", Tz::Pacific__Apia, "2011-12-30T22:00:00Z"),
        ] {
            let local: NaiveDateTime = local.parse().unwrap();
            assert_eq!(Moment::Instant(to_utc(local, zone)).to_string(), utc);
        }
    }
}
