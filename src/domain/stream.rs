//! Streams: one cursor's worth of a service.

use serde::{Deserialize, Serialize};

use super::account::Service;

/// A provider's position in its own changes: Gmail `historyId`, Calendar `syncToken`. Opaque to all but the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// What a stream reads at the provider: the mailbox, or one calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// The service the collection belongs to.
    pub service: Service,
    /// The provider's id: `mailbox` for Gmail, the calendar's id for Calendar.
    pub id: String,
    /// The name people know it by.
    pub name: String,
    /// Whether it is the account's main one.
    pub primary: bool,
    /// The collection's IANA time zone, where it has one.
    pub time_zone: Option<String>,
}

impl Collection {
    /// An account's one collection of mail.
    pub fn mailbox() -> Self {
        Self {
            service: Service::Gmail,
            id: "mailbox".to_owned(),
            name: "Gmail".to_owned(),
            primary: true,
            time_zone: None,
        }
    }
}
