//! The record of what changed in a mailbox.

use chrono::{DateTime, TimeDelta, Utc};

use super::{super::rng::digest64, message::Id};

/// What one history record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Deleted,
    LabelsAdded(Vec<String>),
    LabelsRemoved(Vec<String>),
}

/// One history record.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub id: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    pub kind: ChangeKind,
    pub message: Id,
    pub thread: Id,
    /// The labels after the change.
    pub labels: Vec<String>,
}

/// How far back history reaches, and how near.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// How long a change stays unknown.
    pub lag: TimeDelta,
    /// How long it is remembered.
    pub kept: TimeDelta,
    pub now: DateTime<Utc>,
}

/// All records since the mailbox was made, or since they last expired.
#[derive(Debug)]
pub(crate) struct History {
    changes: Vec<Change>,
    id: u64,
    /// Start ids below this one have expired.
    floor: u64,
}

impl History {
    pub(super) fn from_id(id: u64) -> Self {
        Self { changes: Vec::new(), id, floor: id }
    }

    /// The mailbox's history id.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Keeps the record under the next id, which it returns.
    pub(super) fn record(&mut self, change: Change) -> u64 {
        // Ids grow with gaps: a client that counts them by ones is found out.
        self.id += 1 + digest64(&[b"gap", &self.id.to_be_bytes()]) % 37;
        self.changes.push(Change { id: self.id, ..change });
        self.id
    }

    /// The records after `start`; `None` when `start` was never given out, or has expired: a record after it was made before
    /// `oldest` and is forgotten.
    pub(super) fn since(&self, start: u64, oldest: DateTime<Utc>) -> Option<&[Change]> {
        let n_forgotten = self.changes.partition_point(|change| change.at < oldest);
        let floor = self.changes[..n_forgotten].last().map_or(self.floor, |last| last.id);
        if start < floor || start > self.id {
            return None;
        }
        let from = self.changes.partition_point(|change| change.id <= start);
        Some(&self.changes[from..])
    }

    /// As [`History::since`], without the records that are younger than `lag`, and with the id to go on from: while
    /// something is held back, that of the last record shown.
    pub(super) fn known_since(&self, start: u64, memory: Memory) -> Option<(&[Change], u64)> {
        let Memory { lag, kept, now } = memory;
        let changes = self.since(start, now - kept)?;
        let n_known = if lag.is_zero() { changes.len() } else { changes.partition_point(|own| own.at + lag <= now) };
        let known = &changes[..n_known];
        let end = if n_known == changes.len() { self.id } else { known.last().map_or(start, |last| last.id) };
        Some((known, end))
    }

    pub(super) fn expire(&mut self) {
        self.changes.clear();
        self.id += 1;
        self.floor = self.id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(seconds: i64) -> Change {
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        Change { id: 0, at, kind: ChangeKind::Added, message: Id(1), thread: Id(1), labels: Vec::new() }
    }

    #[test]
    fn history_tells_each_change_once_and_forgets_on_demand() {
        let mut history = History::from_id(100);
        let first = history.record(change(1));
        history.record(change(2));
        let since = |history: &History, start| history.since(start, DateTime::UNIX_EPOCH).map(<[Change]>::len);
        assert_eq!((since(&history, 100), since(&history, first)), (Some(2), Some(1)));
        assert_eq!(since(&history, 99), None, "before the mailbox was born");
        assert_eq!(since(&history, history.id() + 1), None, "in the future");
        history.expire();
        assert_eq!(since(&history, first), None);
        assert_eq!(since(&history, history.id()), Some(0));
    }

    #[test]
    fn history_forgets_with_age_what_was_missed_and_nothing_else() {
        let mut history = History::from_id(100);
        let (first, second) = (history.record(change(10)), history.record(change(20)));
        let since = |start, oldest| {
            history.since(start, DateTime::UNIX_EPOCH + TimeDelta::seconds(oldest)).map(<[Change]>::len)
        };
        assert_eq!([since(100, 10), since(100, 11), since(first, 11)], [Some(2), None, Some(1)]);
        assert_eq!([since(first, 21), since(second, 21)], [None, Some(0)], "who has seen all has missed nothing");
    }

    #[test]
    fn what_is_too_young_is_told_later_and_never_skipped() {
        let mut history = History::from_id(100);
        let first = history.record(change(10));
        let second = history.record(change(20));
        let known = |seconds: i64| {
            let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
            let memory = Memory { lag: TimeDelta::seconds(5), kept: TimeDelta::days(1), now };
            let (changes, end) = history.known_since(100, memory).unwrap();
            (changes.len(), end)
        };
        assert_eq!([known(14), known(15), known(25)], [(0, 100), (1, first), (2, second)]);
    }
}
