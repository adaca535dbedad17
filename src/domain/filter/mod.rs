//! The approved filter as a predicate: the same answer for a first listing and for every later change.
//!
//! Gmail evaluates the query when it lists; nothing evaluates it when it tells what changed. So a query may hold only what
//! can be evaluated here as well, and every item passes this predicate whichever way it came.

mod parse;
mod query;
mod scope;
mod terms;
mod words;

use chrono::{DateTime, Utc};

pub use parse::{QueryError, parse};
pub use query::Query;
pub use scope::{MailFilter, TRASHED, event_is_inside, excluded_parts, provider_query};

/// What a filter may look at in one mail.
#[derive(Clone, Debug, Default)]
pub struct MailFacts {
    /// The label ids on the mail now.
    pub labels: Vec<String>,
    /// When the provider accepted it.
    pub internal_date: DateTime<Utc>,
    /// Lower-case addresses and display names, as `name <address>` or `address`.
    pub from: Vec<String>,
    /// As `from`, for To.
    pub to: Vec<String>,
    /// As `from`, for Cc.
    pub cc: Vec<String>,
    /// As `from`, for Bcc.
    pub bcc: Vec<String>,
    /// The decoded subject.
    pub subject: String,
    /// Whether a part is a file.
    pub has_attachment: bool,
    /// The provider's size estimate in bytes.
    pub size_bytes: u64,
    /// The Message-ID without its angle brackets.
    pub message_id: String,
}

/// What a filter may look at in one event.
#[derive(Clone, Debug, Default)]
pub struct EventFacts {
    /// `default`, `public`, `private` or `confidential`.
    pub visibility: String,
    /// `default`, `fromGmail`, `birthday`, ...
    pub event_type: String,
    /// The organizer's address, lower case; empty when unknown.
    pub organizer: String,
    /// The iCalendar UID; empty when unknown. No filter looks at it.
    pub ical_uid: String,
}

/// Which rule kept an item out; a fixed word with its argument, fit to show (`sender:ada@example.com`, `private`).
pub type Rule = String;

#[cfg(test)]
mod tests;
