//! Who used how much in the last minute, and how many requests run.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::America::Los_Angeles;
use serde::Serialize;

use super::{
    super::lock::Exclusive,
    PastDay, Quota,
    table::{Service, UnitTable},
};

/// What a request ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    /// The person's budget for a minute.
    UserMinute,
    /// The project's budget for a minute.
    ProjectMinute,
    /// The number of requests that run at once for a person.
    Concurrency,
    /// The project's budget for a day.
    ProjectDay,
}

/// What all people together have spent of a service today, by California's calendar, while there was a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    /// Gmail units, or Calendar requests.
    pub units: u64,
    /// Those of them that went beyond the day's.
    pub beyond: u64,
}

/// A request that asks to be let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub service: Service,
    pub user: &'a str,
    pub units: u32,
}

/// Why a request was not let in.
#[derive(Clone, Debug)]
pub(crate) struct Excess {
    pub limit: Limit,
    /// When it would fit into the minute; `None` where only others have to finish, or a new day to come.
    pub fits_at: Option<DateTime<Utc>>,
    pub quota: Quota,
}

/// The books. Empty, and of no effect, until a quota is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Exclusive<Books>>);

#[derive(Debug, Default)]
struct Books {
    quota: Option<Quota>,
    minutes: HashMap<Payer, Minute>,
    /// Until when whoever went over their minute is refused everything.
    throttled: HashMap<Payer, DateTime<Utc>>,
    days: HashMap<Service, (NaiveDate, Spent)>,
    running: HashMap<String, u32>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Payer {
    User(Service, String),
    Project(Service),
}

/// The charges of the last minute, oldest first.
#[derive(Debug, Default)]
struct Minute {
    charges: VecDeque<(DateTime<Utc>, u32)>,
    sum: u32,
}

impl Minute {
    fn forget_before(&mut self, moment: DateTime<Utc>) {
        while let Some((_, units)) = self.charges.front().copied().filter(|(at, _)| *at <= moment) {
            self.charges.pop_front();
            self.sum -= units;
        }
    }

    /// When `units` more stay within `budget`; now, when they do already.
    fn fits_at(&self, units: u32, budget: u32, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut over = (self.sum + units).saturating_sub(budget);
        let mut fits_at = now;
        for (at, units) in &self.charges {
            if over == 0 {
                return fits_at;
            }
            over = over.saturating_sub(*units);
            fits_at = *at + MINUTE;
        }
        // What costs more than the whole budget never fits; a minute on is as good an answer as any.
        if over > 0 { now + MINUTE } else { fits_at }
    }
}

const MINUTE: TimeDelta = TimeDelta::minutes(1);
/// The longest wait that somebody who keeps calling comes to.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(15);

impl Books {
    /// Refuses a person who was told to wait and did not, and has them wait longer.
    fn check_patience(&mut self, user: Payer, quota: &Quota, now: DateTime<Utc>) -> Result<(), Excess> {
        let Some(until) = self.throttled.get_mut(&user).filter(|until| now < **until) else { return Ok(()) };
        *until = (*until + TimeDelta::milliseconds(quota.penalty_ms.into())).min(now + LONGEST_WAIT);
        Err(Excess { limit: Limit::UserMinute, fits_at: Some(*until), quota: quota.clone() })
    }

    /// What was spent today.
    fn day(&mut self, service: Service, now: DateTime<Utc>) -> &mut Spent {
        let today = now.with_timezone(&Los_Angeles).date_naive();
        let (day, spent) = self.days.entry(service).or_insert((today, Spent::default()));
        if *day != today {
            (*day, *spent) = (today, Spent::default());
        }
        spent
    }
}

/// A running request's place among those of its person; given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct Place(Option<(Ledger, String)>);

impl Place {
    /// Whether it is one of a limited number.
    pub(crate) fn is_counted(&self) -> bool {
        self.0.is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((ledger, user)) = self.0.take() else { return };
        if let Some(running) = ledger.0.lock().running.get_mut(&user) {
            *running = running.saturating_sub(1);
        }
    }
}

impl Ledger {
    /// Opens new books under this quota, or closes them.
    pub(crate) fn set(&self, quota: Option<Quota>) {
        let mut books = self.0.lock();
        let running = std::mem::take(&mut books.running);
        *books = Books { quota, running, ..Books::default() };
    }

    /// What was spent today of Gmail and of Calendar.
    pub(crate) fn spent_today(&self, now: DateTime<Utc>) -> [Spent; 2] {
        let mut books = self.0.lock();
        [Service::Gmail, Service::Calendar].map(|service| *books.day(service, now))
    }

    pub(crate) fn quota(&self) -> Option<Quota> {
        self.0.lock().quota.clone()
    }

    /// The price list in force.
    pub(crate) fn table(&self) -> UnitTable {
        self.0.lock().quota.as_ref().map_or_else(UnitTable::default, |quota| quota.table)
    }

    /// Charges the request, or says why it must not run. A request that is refused is not charged.
    pub(crate) fn admit(&self, ask: Ask<'_>, now: DateTime<Utc>) -> Result<Place, Excess> {
        let mut books = self.0.lock();
        let Some(quota) = books.quota.clone() else { return Ok(Place::default()) };
        let is_counted = ask.service == Service::Gmail;
        if is_counted && books.running.get(ask.user).copied().unwrap_or(0) >= quota.concurrent_per_user {
            return Err(Excess { limit: Limit::Concurrency, fits_at: None, quota });
        }
        let (per_user, per_project, per_day) = match ask.service {
            Service::Gmail => (quota.gmail_per_user, quota.gmail_per_project, quota.gmail_per_day),
            Service::Calendar => (quota.calendar_per_user, quota.calendar_per_project, quota.calendar_per_day),
        };
        let user = || Payer::User(ask.service, ask.user.to_owned());
        let project = || Payer::Project(ask.service);
        if quota.penalty_ms > 0 {
            books.check_patience(user(), &quota, now)?;
        }
        let beyond = (books.day(ask.service, now).units + u64::from(ask.units)).saturating_sub(per_day);
        if beyond > 0 && quota.past_day == PastDay::Refused {
            return Err(Excess { limit: Limit::ProjectDay, fits_at: None, quota });
        }
        for (payer, budget, limit) in
            [(user(), per_user, Limit::UserMinute), (project(), per_project, Limit::ProjectMinute)]
        {
            let minute = books.minutes.entry(payer).or_default();
            minute.forget_before(now - MINUTE);
            if minute.sum + ask.units > budget {
                let fits_at = minute.fits_at(ask.units, budget, now);
                if limit == Limit::UserMinute {
                    books.throttled.insert(user(), fits_at);
                }
                return Err(Excess { limit, fits_at: Some(fits_at), quota });
            }
        }
        let spent = books.day(ask.service, now);
        spent.units += u64::from(ask.units);
        spent.beyond += beyond.min(ask.units.into());
        for payer in [user(), project()] {
            let minute = books.minutes.entry(payer).or_default();
            minute.charges.push_back((now, ask.units));
            minute.sum += ask.units;
        }
        if !is_counted {
            return Ok(Place::default());
        }
        *books.running.entry(ask.user.to_owned()).or_default() += 1;
        Ok(Place(Some((self.clone(), ask.user.to_owned()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn ask(user: &str, units: u32) -> Ask<'_> {
        Ask { service: Service::Gmail, user, units }
    }

    #[test]
    fn the_minute_slides_and_says_when_the_next_request_fits() {
        let ledger = Ledger::default();
        let quota = Quota { gmail_per_user: 60, gmail_per_project: 100, penalty_ms: 0, ..Quota::default() };
        ledger.set(Some(quota));
        for (second, units) in [(0, 20), (10, 20), (20, 20)] {
            ledger.admit(ask("a", units), at(second)).unwrap();
        }
        let refused = ledger.admit(ask("a", 25), at(30)).unwrap_err();
        assert_eq!((refused.limit, refused.fits_at), (Limit::UserMinute, Some(at(70))), "two charges must leave");
        ledger.admit(ask("b", 40), at(30)).unwrap();
        let refused = ledger.admit(ask("c", 1), at(30)).unwrap_err();
        assert_eq!((refused.limit, refused.fits_at), (Limit::ProjectMinute, Some(at(60))));
        ledger.admit(ask("a", 20), at(60)).unwrap();
        let refused = ledger.admit(ask("a", 61), at(500)).unwrap_err();
        assert_eq!(refused.fits_at, Some(at(560)), "it never fits");
    }

    #[test]
    fn whoever_keeps_calling_waits_longer_and_whoever_waits_does_not() {
        let ledger = Ledger::default();
        ledger.set(Some(Quota { gmail_per_user: 20, penalty_ms: 5_000, ..Quota::default() }));
        ledger.admit(ask("a", 20), at(0)).unwrap();
        let told = |second| ledger.admit(ask("a", 1), at(second)).err().and_then(|excess| excess.fits_at);
        assert_eq!([told(10), told(11), told(59)], [Some(at(60)), Some(at(65)), Some(at(70))]);
        assert_eq!(told(69), Some(at(75)), "though the minute has room again");
        ledger.admit(ask("b", 20), at(69)).unwrap();
        assert_eq!(told(75), None);
        ledger.admit(ask("a", 20), at(76)).unwrap_err();
        for second in 77..400 {
            told(second);
        }
        assert_eq!(told(400), Some(at(400) + LONGEST_WAIT));
    }

    #[test]
    fn a_day_ends_at_midnight_in_california() {
        let ledger = Ledger::default();
        let quota = Quota { gmail_per_day: 30, ..Quota::default() };
        ledger.set(Some(quota.clone()));
        let eve: DateTime<Utc> = "2026-11-26T07:59:00Z".parse().unwrap();
        for n in 0..2 {
            ledger.admit(ask("a", 20), eve + TimeDelta::seconds(n)).unwrap();
        }
        let spent = |at| ledger.spent_today(at).map(|spent| (spent.units, spent.beyond));
        assert_eq!(spent(eve), [(40, 10), (0, 0)]);
        assert_eq!(spent(eve + MINUTE), [(0, 0), (0, 0)]);
        ledger.set(Some(Quota { past_day: PastDay::Refused, ..quota }));
        ledger.admit(ask("a", 20), eve).unwrap();
        assert_eq!(ledger.admit(ask("b", 20), eve).unwrap_err().limit, Limit::ProjectDay);
        ledger.admit(ask("b", 20), eve + MINUTE).unwrap();
    }

    #[test]
    fn a_place_is_given_back() {
        let ledger = Ledger::default();
        ledger.set(Some(Quota { concurrent_per_user: 1, ..Quota::default() }));
        let place = ledger.admit(ask("a", 1), at(0)).unwrap();
        assert_eq!(ledger.admit(ask("a", 1), at(0)).unwrap_err().limit, Limit::Concurrency);
        ledger.admit(ask("b", 1), at(0)).unwrap();
        drop(place);
        ledger.admit(ask("a", 1), at(0)).unwrap();
    }
}
