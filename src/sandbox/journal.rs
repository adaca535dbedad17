//! What was asked of the sandbox, with the units Google would have charged.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{lock::Exclusive, quota::Limit};

/// Entries kept; a sandbox that runs for days forgets the oldest.
const CAPACITY: usize = 200_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When it came, by the sandbox's clock.
    pub at: DateTime<Utc>,
    /// `GET`, `POST`, ...
    pub method: String,
    /// The route, as `/gmail/v1/users/{user}/messages/{id}`; the plain path where no route matched.
    pub path_template: String,
    /// Whose token it carried; `None` for none, a dead one, or a request that costs nothing.
    pub user: Option<String>,
    /// The status of the answer; 0 where the connection was reset instead.
    pub status: u16,
    /// What it costs: Gmail quota units, or 1 for a Calendar request; 0 for everything else. Charged to `user`, so not at
    /// all where there is none.
    pub units: u32,
    /// What it ran into; it was not charged then. Always `None` while no quota is set.
    pub refused: Option<Limit>,
}

#[derive(Debug, Default)]
pub(super) struct Journal(Exclusive<VecDeque<Entry>>);

impl Journal {
    pub(super) fn record(&self, entry: Entry) {
        let mut entries = self.0.lock();
        if entries.len() == CAPACITY {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.lock().iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }
}
