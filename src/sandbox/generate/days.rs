//! Days of the calendars that nobody meets on: birthdays, holidays, vacations, days at home.

use chrono::{Datelike, NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::{
    super::error::Error,
    meetings::{AHEAD_DAYS, Planner, at_hour, timed},
    people::Person,
};

impl Planner<'_> {
    pub(super) fn birthdays(&mut self, me: &str) -> Result<(), Error> {
        let people: Vec<Person> = self.cast.contacts.iter().step_by(9).cloned().collect();
        for person in people {
            let born =
                NaiveDate::from_ymd_opt(1960, 1, 1).unwrap_or_default() + TimeDelta::days(self.rng.between(0, 15_000));
            let mut event = all_day(&format!("{}’s birthday", person.name), born, born);
            event["recurrence"] = json!(["RRULE:FREQ=YEARLY"]);
            event["eventType"] = "birthday".into();
            event["visibility"] = "private".into();
            event["transparency"] = "transparent".into();
            let start = self.from;
            self.put(me, start, event)?;
        }
        Ok(())
    }

    pub(super) fn holidays(&mut self, calendar: &str) -> Result<(), Error> {
        let names = [
            (1, 1, "New Year's Day"),
            (5, 1, "Labour Day"),
            (10, 3, "Day of German Unity"),
            (12, 25, "Christmas Day"),
            (12, 26, "Boxing Day"),
        ];
        let last = self.until + TimeDelta::days(AHEAD_DAYS);
        for year in self.from.year()..=last.year() {
            for (month, day, name) in names {
                let date = NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
                let start = at_hour(date, 0, 0, self.zone);
                if (self.from..last).contains(&start) {
                    let mut event = all_day(name, date, date);
                    event["transparency"] = "transparent".into();
                    self.put(calendar, start, event)?;
                }
            }
        }
        Ok(())
    }

    /// Vacations, days out of office, days at home.
    pub(super) fn days_off(&mut self, me: &str) -> Result<(), Error> {
        for _ in 0..(self.wanted / 60) {
            let (start, _) = self.slot();
            let first = start.date_naive();
            let away = all_day("Vacation", first, first + TimeDelta::days(self.rng.between(1, 9)));
            self.put(me, start, away)?;
            let (start, _) = self.slot();
            let mut out = timed("Out of office", start, start + TimeDelta::hours(self.rng.between(4, 52)), self.zone);
            out["eventType"] = "outOfOffice".into();
            out["visibility"] = "public".into();
            self.put(me, start, out)?;
            let (start, _) = self.slot();
            let mut home = all_day("Home", start.date_naive(), start.date_naive());
            home["eventType"] = "workingLocation".into();
            home["visibility"] = "public".into();
            home["transparency"] = "transparent".into();
            home["workingLocationProperties"] = json!({"type": "homeOffice", "homeOffice": {}});
            self.put(me, start, home)?;
        }
        Ok(())
    }
}

/// From the first day to the last; the end that is written is exclusive.
pub(super) fn all_day(summary: &str, first: NaiveDate, last: NaiveDate) -> Value {
    let after = last + TimeDelta::days(1);
    json!({"summary": summary, "start": {"date": first.to_string()}, "end": {"date": after.to_string()}})
}
