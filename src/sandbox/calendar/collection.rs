//! All calendars of one person.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::store::Calendar;

/// What the person may do with a calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Sees only when it is busy.
    FreeBusyReader,
    /// Sees its events, private ones without their details.
    Reader,
    /// Changes its events.
    Writer,
    /// May do all.
    #[default]
    Owner,
}

impl Role {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::FreeBusyReader => "freeBusyReader",
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Owner => "owner",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::FreeBusyReader, Self::Reader, Self::Writer, Self::Owner].into_iter().find(|role| role.as_str() == text)
    }
}

/// A calendar to add.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NewCalendar {
    /// Its id, in the form of an address.
    pub id: String,
    /// What the list calls it.
    pub summary: String,
    /// An IANA zone; UTC when it is none.
    pub time_zone: String,
    /// What the person may do with it.
    pub role: Role,
    /// Left out of the list unless asked for.
    pub hidden: bool,
}

/// All calendars of an account.
#[derive(Debug)]
pub(crate) struct Calendars {
    email: String,
    all: Vec<Calendar>,
    list_seq: u64,
    /// Raised to kill every sync token handed out so far.
    pub(super) generation: u64,
}

impl Calendars {
    /// Starts with the primary calendar alone.
    pub(crate) fn new(email: &str) -> Self {
        let mut calendars = Self { email: email.to_owned(), all: Vec::new(), list_seq: 0, generation: 0 };
        let primary = NewCalendar { id: email.to_owned(), summary: email.to_owned(), ..NewCalendar::default() };
        calendars.add(primary);
        calendars
    }

    /// Adds a calendar; one that is there already takes the new name, zone and role and keeps its events.
    pub(crate) fn add(&mut self, meta: NewCalendar) {
        self.list_seq += 1;
        let zone = meta.time_zone.parse().unwrap_or(Tz::UTC);
        if let Some(known) = self.all.iter_mut().find(|known| known.meta.id == meta.id) {
            // What the person may see is another matter now, so nobody can go on from what was seen before.
            known.generation += u64::from(known.meta.role != meta.role);
            (known.meta, known.zone, known.deleted, known.list_seq) = (meta, zone, false, self.list_seq);
            return;
        }
        self.all.push(Calendar::new(meta, zone, &self.email, self.list_seq));
    }

    pub(crate) fn delete(&mut self, id: &str) -> Option<()> {
        self.list_seq += 1;
        let list_seq = self.list_seq;
        let calendar = self.find_mut(id)?;
        (calendar.deleted, calendar.list_seq) = (true, list_seq);
        Some(())
    }

    pub(super) fn list_seq(&self) -> u64 {
        self.list_seq
    }

    /// Every calendar, deleted ones included.
    pub(crate) fn all(&self) -> &[Calendar] {
        &self.all
    }

    /// By id, or `primary`; not when deleted.
    pub(crate) fn find(&self, id: &str) -> Option<&Calendar> {
        self.all.iter().find(|known| !known.deleted && (known.meta.id == id || (id == "primary" && known.primary)))
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Option<&mut Calendar> {
        self.all.iter_mut().find(|known| !known.deleted && (known.meta.id == id || (id == "primary" && known.primary)))
    }

    pub(crate) fn invalidate_sync_tokens(&mut self) {
        self.generation += 1;
    }
}
