//! A person's preferences.

use async_graphql::{InputObject, SimpleObject};

use super::words::ContactPolicy;
use crate::db::preferences::Preferences as Row;

/// What a person's next preview starts from, and who is a contact of theirs. A running batch never reads it.
#[derive(SimpleObject)]
pub(crate) struct Preferences {
    /// A mail query, as in `PreviewInput.gmailQuery`. Until it is set: all mail but chats and what Gmail puts under promotions, social,
    /// updates and forums.
    gmail_query: String,
    /// Days of mail to look back.
    mail_days_back: i32,
    /// Days of meetings to look back.
    calendar_days_back: i32,
    /// Days of meetings to look ahead.
    calendar_days_ahead: i32,
    /// Whether events marked private may come in.
    private_events: bool,
    /// Addresses that stay out.
    excluded_senders: Vec<String>,
    /// Domains that stay out, with their subdomains.
    excluded_domains: Vec<String>,
    /// Who is a contact. It holds at once, for what has come in before as well.
    contact_policy: ContactPolicy,
}

impl From<Row> for Preferences {
    fn from(row: Row) -> Self {
        let Row { gmail_query, mail_days_back, calendar_days_back, calendar_days_ahead, private_events, .. } = row;
        Self {
            gmail_query,
            mail_days_back,
            calendar_days_back,
            calendar_days_ahead,
            private_events,
            excluded_senders: row.excluded_senders,
            excluded_domains: row.excluded_domains,
            contact_policy: row.contact_policy.into(),
        }
    }
}

/// New preferences. A field that is left out keeps its value.
#[derive(InputObject)]
pub(crate) struct UpdatePreferencesInput {
    /// A mail query, as in `PreviewInput.gmailQuery`.
    gmail_query: Option<String>,
    /// Days of mail to look back, 1 to 36,500.
    mail_days_back: Option<i32>,
    /// Days of meetings to look back, 0 to 3,650.
    calendar_days_back: Option<i32>,
    /// Days of meetings to look ahead, 0 to 3,650.
    calendar_days_ahead: Option<i32>,
    /// Whether events marked private may come in.
    private_events: Option<bool>,
    /// Addresses that stay out, at most 500.
    excluded_senders: Option<Vec<String>>,
    /// Domains that stay out with their subdomains, at most 500.
    excluded_domains: Option<Vec<String>>,
    /// Who is a contact.
    contact_policy: Option<ContactPolicy>,
}

impl UpdatePreferencesInput {
    /// The preferences with what was given put in place.
    pub(crate) fn over(self, row: Row) -> Row {
        Row {
            gmail_query: self.gmail_query.unwrap_or(row.gmail_query),
            mail_days_back: self.mail_days_back.unwrap_or(row.mail_days_back),
            calendar_days_back: self.calendar_days_back.unwrap_or(row.calendar_days_back),
            calendar_days_ahead: self.calendar_days_ahead.unwrap_or(row.calendar_days_ahead),
            private_events: self.private_events.unwrap_or(row.private_events),
            excluded_senders: self.excluded_senders.unwrap_or(row.excluded_senders),
            excluded_domains: self.excluded_domains.unwrap_or(row.excluded_domains),
            contact_policy: self.contact_policy.map_or(row.contact_policy, Into::into),
        }
    }
}
