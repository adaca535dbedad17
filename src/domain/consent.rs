//! The consent snapshot: exactly what a person agreed to, frozen when the preview was made.
//!
//! Fetching reads this and nothing else (invariant 1). Its hash is what `approve` names, so that what runs is what was shown.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{account::Service, ids::AccountId};

/// What one sync may bring in, and under which rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The account it reads.
    pub account: AccountId,
    /// Mail, when it was asked for.
    pub mail: Option<MailScope>,
    /// Meetings, when they were asked for.
    pub calendar: Option<CalendarScope>,
    /// What the person left out by name.
    pub exclusions: Exclusions,
    /// Whether what an earlier undo took back may come in again.
    pub include_undone: bool,
}

/// Which mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailScope {
    /// A query in the subset of Gmail's grammar that can be evaluated here as well as there, with every relative date made
    /// absolute at preview time.
    pub query: String,
    /// Label ids of which a mail must carry at least one; empty means any.
    pub include_labels: Vec<String>,
    /// Label ids of which a mail may carry none.
    pub exclude_labels: Vec<String>,
    /// The account's labels as they were named at preview time, so that `label:name` means the same for ever.
    pub labels: Vec<Label>,
    /// Only mail received at or after this moment.
    pub after: DateTime<Utc>,
}

/// A Gmail label: an id for ever, a name for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// `INBOX`, `CATEGORY_PERSONAL`, `Label_12`.
    pub id: String,
    /// What the person calls it.
    pub name: String,
}

/// Which meetings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarScope {
    /// The ids of the calendars to read.
    pub calendars: Vec<String>,
    /// Meetings that end after this moment.
    pub from: DateTime<Utc>,
    /// Meetings that start before this moment.
    pub to: DateTime<Utc>,
    /// Whether events marked private or confidential may come in.
    pub private_events: bool,
}

/// What the person left out by name; applies to mail and meetings alike. Lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exclusions {
    /// Addresses whose mail and meetings stay out (as sender, or as organizer).
    pub senders: Vec<String>,
    /// Domains whose mail and meetings stay out, with their subdomains.
    pub domains: Vec<String>,
}

impl Snapshot {
    /// Hex SHA-256 of the snapshot's canonical JSON.
    pub fn hash(&self) -> String {
        // Struct fields serialize in their order of declaration, so equal snapshots give equal bytes.
        let bytes = serde_json::to_vec(self).expect("a snapshot has only string keys and plain values");
        hex::encode(Sha256::digest(bytes))
    }

    /// The snapshot with more left out. Approving can only narrow what was shown.
    #[must_use]
    pub fn narrowed(mut self, by: Exclusions) -> Self {
        self.exclusions.senders.extend(by.senders);
        self.exclusions.domains.extend(by.domains);
        self
    }

    /// The services it covers.
    pub fn services(&self) -> Vec<Service> {
        let mail = self.mail.is_some().then_some(Service::Gmail);
        let calendar = self.calendar.is_some().then_some(Service::Calendar);
        mail.into_iter().chain(calendar).collect()
    }
}
