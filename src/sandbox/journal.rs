//! What was asked of the sandbox, with the units Google would have charged.

use std::collections::VecDeque;

use super::lock::Exclusive;

/// Entries kept; a sandbox that runs for days forgets the oldest.
const CAPACITY: usize = 200_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The route, as `/gmail/v1/users/{user}/messages/{id}`; the plain path where no route matched.
    pub path_template: String,
    /// The status of the answer.
    pub status: u16,
    /// Gmail quota units, or 1 for a Calendar request; 0 for everything else.
    pub units: u32,
}

#[derive(Debug, Default)]
pub(super) struct Journal(Exclusive<VecDeque<Entry>>);

impl Journal {
    pub(super) fn record(&self, method: &str, path_template: &str, status: u16) {
        let units = units(path_template);
        let mut entries = self.0.lock();
        if entries.len() == CAPACITY {
            entries.pop_front();
        }
        entries.push_back(Entry { method: method.to_owned(), path_template: path_template.to_owned(), status, units });
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.lock().iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }
}

/// The unit table for projects made since 2026-05-01.
fn units(path_template: &str) -> u32 {
    if path_template.starts_with("/calendar/v3/") {
        return 1;
    }
    match path_template.strip_prefix("/gmail/v1/users/{user}/") {
        Some("messages/{id}" | "messages/{id}/attachments/{attachment}") => 20,
        Some("messages") => 5,
        Some("history") => 2,
        Some("profile" | "labels" | "labels/{id}") => 1,
        _ => 0,
    }
}
