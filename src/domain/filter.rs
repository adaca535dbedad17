//! The approved filter as a predicate: the same answer for a first listing and for every later change.

use chrono::{DateTime, Utc};

use super::consent::{CalendarScope, Exclusions, Label, MailScope};

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
    /// As `from`, for Cc and Bcc.
    pub cc: Vec<String>,
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
}

/// Which rule kept an item out; a fixed word with its argument, fit to show (`sender:ada@example.com`, `private`).
pub type Rule = String;

/// Why a query cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Placeholder.
    #[error("placeholder")]
    Placeholder,
}

/// A parsed mail query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {}

/// Reads a query in Gmail's grammar. `now` resolves relative dates; `labels` resolves names.
///
/// # Errors
/// Where the query is malformed, or holds something that only Gmail itself could evaluate.
pub fn parse(_query: &str, _labels: &[Label], _now: DateTime<Utc>) -> Result<Query, QueryError> {
    Err(QueryError::Placeholder)
}

/// The query to send to the provider.
pub fn provider_query(scope: &MailScope) -> String {
    scope.query.clone()
}

/// Whether a mail is inside; `Err` names the rule that keeps it out.
pub fn mail_is_inside(_scope: &MailScope, _exclusions: &Exclusions, _facts: &MailFacts) -> Result<(), Rule> {
    Ok(())
}

/// Whether an event is inside, apart from its time; `Err` names the rule that keeps it out.
pub fn event_is_inside(_scope: &CalendarScope, _exclusions: &Exclusions, _facts: &EventFacts) -> Result<(), Rule> {
    Ok(())
}
