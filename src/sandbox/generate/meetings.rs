//! The calendars: meetings that recur, move and get cancelled, days off, birthdays, and what others share.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{
    super::{
        calendar::{Calendars, NewCalendar, Role, rfc3339},
        error::Error,
        rng::{Rng, digest64},
    },
    days::all_day,
    people::{Cast, Person},
};

/// A meeting somebody else invited the owner to, which also came as a mail.
#[derive(Clone, Debug)]
pub(super) struct Invitation {
    pub organizer: Person,
    pub sent_at: DateTime<Utc>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub summary: String,
    pub uid: String,
    /// When it was called off, if it was.
    pub cancelled_at: Option<DateTime<Utc>>,
}

/// How far after the end of the story meetings are planned.
pub(super) const AHEAD_DAYS: i64 = 60;

pub(super) const SUMMARIES: [&str; 12] = [
    "Partnership review",
    "Contract walk-through",
    "Kick-off",
    "Demo",
    "Budget round",
    "Interview: product design",
    "Coffee",
    "Quarterly planning",
    "Site visit",
    "Support hand-over",
    "Roadmap",
    "Lunch",
];

/// Fills calendars with so many events.
pub(super) struct Planner<'a> {
    pub cast: &'a Cast,
    pub rng: Rng,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub zone: Tz,
    pub wanted: usize,
    n_made: usize,
    calendars: &'a mut Calendars,
    pub invitations: Vec<Invitation>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        cast: &'a Cast,
        rng: Rng,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        wanted: usize,
        calendars: &'a mut Calendars,
    ) -> Self {
        let zone = cast.me.organization.zone;
        Self { cast, rng, from, until, zone, wanted, n_made: 0, calendars, invitations: Vec::new() }
    }

    pub(super) fn plan(&mut self) -> Result<(), Error> {
        let me = self.cast.me.email.clone();
        let colleague = self.cast.colleagues()[0].clone();
        let team = format!("c_{:016x}@group.calendar.google.com", digest64(&[b"team", me.as_bytes()]));
        let holidays = "en.german#holiday@group.v.calendar.google.com".to_owned();
        let zone = self.zone.name();
        for (id, summary, time_zone, role) in [
            (&me, me.as_str(), zone, Role::Owner),
            (&team, "Partnerships team", "America/New_York", Role::Writer),
            (&holidays, "Holidays in Germany", zone, Role::Reader),
            (&colleague.email, colleague.email.as_str(), zone, Role::FreeBusyReader),
        ] {
            self.calendars.add(NewCalendar {
                id: id.clone(),
                summary: summary.to_owned(),
                time_zone: time_zone.to_owned(),
                role,
                hidden: false,
            });
        }
        self.recurring(&me, &team)?;
        self.birthdays(&me)?;
        self.holidays(&holidays)?;
        self.days_off(&me)?;
        for _ in 0..(self.wanted / 20) {
            let (start, end) = self.slot();
            self.put(&colleague.email, start, timed("Busy", start, end, self.zone))?;
            self.shared_private(&team)?;
        }
        while self.n_made < self.wanted {
            self.single(&me)?;
        }
        Ok(())
    }

    /// Stores an event that was made some days before it begins; `None` once there are enough.
    pub(super) fn put(
        &mut self,
        calendar: &str,
        start: DateTime<Utc>,
        mut event: Value,
    ) -> Result<Option<String>, Error> {
        if self.n_made >= self.wanted {
            return Ok(None);
        }
        self.n_made += 1;
        let made_at = (start - TimeDelta::minutes(self.rng.between(60 * 20, 60 * 24 * 21))).min(self.until);
        event["created"] = rfc3339(made_at).into();
        event["updated"] = rfc3339(made_at).into();
        let own = self.calendars.find_mut(calendar).ok_or_else(|| Error::UnknownCalendar(calendar.to_owned()))?;
        own.put(&event, made_at).map(Some)
    }

    /// The first such weekday of the story, at that hour there.
    fn first(&self, weekday: Weekday, hour: u32, minute: u32, zone: Tz) -> DateTime<Utc> {
        let day = self.from.with_timezone(&zone).date_naive();
        let ahead = (7 + weekday.num_days_from_monday() - day.weekday().num_days_from_monday()) % 7;
        at_hour(day + TimeDelta::days(ahead.into()), hour, minute, zone)
    }

    /// Stand-ups, one-to-ones, planning: each with instances that moved or were cancelled.
    fn recurring(&mut self, me: &str, team: &str) -> Result<(), Error> {
        let new_york = chrono_tz::America::New_York;
        let plans: [(&str, &str, Weekday, u32, Tz, i64, &str); 6] = [
            (me, "Stand-up", Weekday::Mon, 9, self.zone, 15, "FREQ=WEEKLY;BYDAY=MO,WE,FR"),
            (me, "1:1 with Marcus", Weekday::Tue, 14, self.zone, 30, "FREQ=WEEKLY;BYDAY=TU"),
            (me, "Focus time", Weekday::Thu, 8, self.zone, 120, "FREQ=WEEKLY;BYDAY=TH"),
            (me, "All hands", Weekday::Wed, 16, self.zone, 60, "FREQ=MONTHLY;BYDAY=1WE"),
            (team, "Pipeline review", Weekday::Thu, 11, new_york, 45, "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH"),
            (team, "Sprint planning", Weekday::Mon, 10, new_york, 90, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"),
        ];
        for (calendar, summary, weekday, hour, zone, minutes, rule) in plans {
            let start = self.first(weekday, hour, 30, zone);
            let mut event = timed(summary, start, start + TimeDelta::minutes(minutes), zone);
            event["recurrence"] = json!([format!("RRULE:{rule}")]);
            if summary == "Focus time" {
                event["eventType"] = "focusTime".into();
                event["transparency"] = "opaque".into();
            } else {
                let attendees: Vec<Person> = self.cast.colleagues().iter().take(4).cloned().collect();
                self.invite(&mut event, &attendees, None);
                self.conference(&mut event);
            }
            let Some(id) = self.put(calendar, start, event)? else { return Ok(()) };
            self.exceptions(calendar, &id, minutes)?;
        }
        Ok(())
    }

    fn exceptions(&mut self, calendar: &str, id: &str, minutes: i64) -> Result<(), Error> {
        let (until, rng) = (self.until, &mut self.rng);
        let own = self.calendars.find_mut(calendar).ok_or_else(|| Error::UnknownCalendar(calendar.to_owned()))?;
        for (instance, start) in own.starts_before(id, until) {
            if self.n_made >= self.wanted || !rng.chance(9) {
                continue;
            }
            self.n_made += 1;
            let known_at = start - TimeDelta::hours(rng.between(2, 70));
            if rng.chance(40) {
                own.cancel_instance(id, start, known_at)?;
            } else {
                let moved = start + TimeDelta::minutes(30 * rng.between(1, 10));
                own.move_to(&instance, moved, moved + TimeDelta::minutes(minutes), known_at)?;
            }
        }
        Ok(())
    }

    fn shared_private(&mut self, team: &str) -> Result<(), Error> {
        let (start, end) = self.slot();
        let mut event = timed("Salary round", start, end, self.zone);
        event["visibility"] = "private".into();
        self.put(team, start, event).map(drop)
    }

    /// One meeting in the primary calendar.
    fn single(&mut self, me: &str) -> Result<(), Error> {
        let (start, end) = self.slot();
        let kind = self.rng.below(100);
        if kind < 5 {
            let day = start.date_naive();
            let last = day + TimeDelta::days(self.rng.between(0, 2));
            return self.put(me, start, all_day("Trade fair", day, last)).map(drop);
        }
        if kind < 9 {
            let mut event =
                timed(&format!("Flight to Lisbon (NB {})", self.rng.between(100, 999)), start, end, self.zone);
            event["eventType"] = "fromGmail".into();
            event["location"] = "BER".into();
            return self.put(me, start, event).map(drop);
        }
        let summary = *self.rng.pick(&SUMMARIES);
        let mut event = timed(summary, start, end, self.zone);
        if kind < 19 {
            event["visibility"] = "private".into();
            event["summary"] = "Doctor".into();
            return self.put(me, start, event).map(drop);
        }
        self.with_others(me, summary, event, (start, end))
    }

    /// A meeting with one to five contacts, called by the owner or by the first of them.
    fn with_others(
        &mut self,
        me: &str,
        summary: &str,
        mut event: Value,
        (start, end): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<(), Error> {
        let cast = self.cast;
        let organizer = cast.contact(&mut self.rng).clone();
        let mut others = vec![organizer.clone()];
        for _ in 0..self.rng.below(4) {
            let other = cast.contact(&mut self.rng);
            if others.iter().all(|known| known.email != other.email) {
                others.push(other.clone());
            }
        }
        let is_theirs = self.rng.chance(45);
        self.invite(&mut event, &others, is_theirs.then_some(&organizer));
        if self.rng.chance(55) {
            self.conference(&mut event);
        } else {
            event["location"] = format!("{}, room {}", organizer.organization.name, self.rng.between(1, 12)).into();
        }
        event["description"] = format!("Agenda:\n1. {summary}\n2. Next steps").into();
        let Some(id) = self.put(me, start, event)? else { return Ok(()) };
        let sent_at = (start - TimeDelta::hours(self.rng.between(30, 400))).min(self.until);
        let cancelled_at =
            self.rng.chance(8).then(|| (start - TimeDelta::hours(self.rng.between(1, 28))).min(self.until));
        let own = self.calendars.find_mut(me).ok_or_else(|| Error::UnknownCalendar(me.to_owned()))?;
        if let Some(at) = cancelled_at {
            own.cancel(&id, at)?;
        }
        if is_theirs {
            let uid = own.ical_uid(&id).unwrap_or_default();
            let summary = summary.to_owned();
            self.invitations.push(Invitation {
                organizer,
                sent_at,
                starts_at: start,
                ends_at: end,
                summary,
                uid,
                cancelled_at,
            });
        }
        Ok(())
    }

    /// Half an hour to two hours, on a working day between nine and six.
    pub(super) fn slot(&mut self) -> (DateTime<Utc>, DateTime<Utc>) {
        let n_days = (self.until - self.from).num_days() + AHEAD_DAYS;
        let mut day = self.from.with_timezone(&self.zone).date_naive() + TimeDelta::days(self.rng.between(0, n_days));
        if matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            day += TimeDelta::days(2);
        }
        let start = at_hour(day, self.rng.between(9, 17) as u32, 30 * self.rng.below(2) as u32, self.zone);
        (start, start + TimeDelta::minutes(30 * self.rng.between(1, 4)))
    }

    /// Sets organizer and attendees; without an organizer the owner is it.
    fn invite(&mut self, event: &mut Value, others: &[Person], organizer: Option<&Person>) {
        let me = &self.cast.me;
        let mine = json!({"email": me.email, "displayName": me.name, "self": true});
        let mut attendees = vec![mine.clone()];
        attendees[0]["responseStatus"] = (*self.rng.pick(&["accepted", "accepted", "tentative", "needsAction"])).into();
        for person in others {
            let response = *self.rng.pick(&["accepted", "accepted", "needsAction", "declined", "tentative"]);
            let mut attendee = json!({"email": person.email, "displayName": person.name, "responseStatus": response});
            if organizer.is_some_and(|organizer| organizer.email == person.email) {
                attendee["organizer"] = true.into();
                attendee["responseStatus"] = "accepted".into();
            }
            attendees.push(attendee);
        }
        let host = match organizer {
            Some(person) => json!({"email": person.email, "displayName": person.name}),
            None => {
                attendees[0]["organizer"] = true.into();
                attendees[0]["responseStatus"] = "accepted".into();
                mine
            }
        };
        event["attendees"] = attendees.into();
        event["creator"] = host.clone();
        event["organizer"] = host;
    }

    fn conference(&mut self, event: &mut Value) {
        let bits = self.rng.next();
        let letters: String = (0..10).map(|place| char::from(b'a' + ((bits >> (place * 5)) % 26) as u8)).collect();
        let code = format!("{}-{}-{}", &letters[..3], &letters[3..7], &letters[7..]);
        let link = format!("https://meet.google.com/{code}");
        event["hangoutLink"] = link.as_str().into();
        event["conferenceData"] = json!({
            "entryPoints": [{"entryPointType": "video", "uri": link, "label": format!("meet.google.com/{code}")}],
            "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
            "conferenceId": code,
        });
    }
}

pub(super) fn at_hour(day: NaiveDate, hour: u32, minute: u32, zone: Tz) -> DateTime<Utc> {
    let naive = day.and_hms_opt(hour, minute, 0).unwrap_or_default();
    zone.from_local_datetime(&naive).earliest().map_or_else(|| naive.and_utc(), |at| at.to_utc())
}

pub(super) fn timed(summary: &str, start: DateTime<Utc>, end: DateTime<Utc>, zone: Tz) -> Value {
    let at =
        |moment: DateTime<Utc>| json!({"dateTime": moment.with_timezone(&zone).to_rfc3339(), "timeZone": zone.name()});
    json!({"summary": summary, "start": at(start), "end": at(end)})
}
