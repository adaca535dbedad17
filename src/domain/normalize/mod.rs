//! From a provider's payload to the rows people see: pure functions of the payload and this room's version.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub mod mail;
pub mod meeting;

mod calendar_event;
mod html;
mod json;
mod mime;
mod outline;
mod part;
mod participants;
mod recurrence;
mod text;

use super::words;

/// The normalizer's version; a change of any output raises it, and a re-projection follows.
pub const VERSION: i32 = 1;

words! {
    /// What a row of the timeline is.
    InteractionKind {
        /// A mail.
        Email = "email",
        /// A meeting, or one occurrence of a recurring one.
        Meeting = "meeting",
    }
}

words! {
    /// Which way an interaction went, seen from the account.
    Direction {
        /// By the account's owner.
        Sent = "sent",
        /// By someone else.
        Received = "received",
        /// By the owner to the owner alone.
        Internal = "internal",
    }
}

words! {
    /// What a person had to do with an interaction.
    Role {
        /// The author of a mail.
        From = "from",
        /// A main recipient.
        To = "to",
        /// A recipient of a copy.
        Cc = "cc",
        /// A recipient of a blind copy.
        Bcc = "bcc",
        /// Where answers go, when not to the author.
        ReplyTo = "reply_to",
        /// The organizer of a meeting.
        Organizer = "organizer",
        /// An invited person.
        Attendee = "attendee",
        /// A room or a device.
        Resource = "resource",
    }
}

/// One person's part in an interaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// What they had to do with it.
    pub role: Role,
    /// Their address, lower case; empty where the source names none.
    pub address: String,
    /// Their display name, where the source gives one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// A meeting's answer: `needsAction`, `declined`, `tentative`, `accepted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub response: Option<String>,
    /// Whether this is the account's owner.
    #[serde(rename = "self", skip_serializing_if = "std::ops::Not::not", default)]
    pub is_self: bool,
}

/// A file that came with an interaction: what it is, never its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its file name; empty when it has none.
    pub name: String,
    /// Its media type, as the sender claims.
    pub media_type: String,
    /// Its size in bytes after decoding.
    pub size_bytes: u64,
    /// Whether it is part of the text (an image in HTML) rather than a file beside it.
    pub inline: bool,
}

/// A normalized row, before it has an id.
#[derive(Clone, Debug, PartialEq)]
pub struct NewInteraction {
    /// Names the row within its group: empty for a mail and a single meeting, the original start (RFC 3339, or a date)
    /// for an occurrence of a recurring meeting.
    pub occurrence: String,
    /// Mail or meeting.
    pub kind: InteractionKind,
    /// Which way it went; `None` when the source does not say.
    pub direction: Option<Direction>,
    /// The subject or title, decoded, one line.
    pub subject: String,
    /// The readable text, whole.
    pub body_text: String,
    /// The first words of the text, at most 200 characters, one line.
    pub snippet: String,
    /// When it happened: a mail's arrival at the provider, a meeting's start. For an all-day meeting: midnight of its first
    /// day in the calendar's zone, so that it sorts among its neighbours; show `all_day` instead.
    pub occurred_at: DateTime<Utc>,
    /// When a meeting ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// First and last day (inclusive) of an all-day meeting. Dates, without a zone.
    pub all_day: Option<(NaiveDate, NaiveDate)>,
    /// The provider's id of the conversation or series.
    pub thread: Option<String>,
    /// Mail: the Message-ID, without angle brackets. Meeting: the iCalUID. The same in every copy.
    pub universal_id: Option<String>,
    /// Where a meeting takes place.
    pub location: Option<String>,
    /// `confirmed` or `tentative` for a meeting.
    pub status: Option<String>,
    /// Who took part.
    pub participants: Vec<Participant>,
    /// The label ids on a mail.
    pub labels: Vec<String>,
    /// Files that came with it.
    pub attachments: Vec<Attachment>,
}

/// Why a payload cannot be normalized. The text names the field, never its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The payload is not JSON of the expected shape.
    #[error("the payload is not what the provider's API documents: {0}")]
    Shape(String),
}
