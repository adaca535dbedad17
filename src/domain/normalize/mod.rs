//! From a provider's payload to the rows people see: pure functions of the payload and this room's version.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub mod mail;
pub mod meeting;
pub mod thread;

mod address;
mod alias;
mod body;
mod calendar_event;
mod category;
mod charset;
mod date;
mod details;
mod files;
mod flowed;
mod header;
mod html;
mod json;
mod language;
mod mime;
mod outline;
mod param;
mod part;
mod participants;
mod recurrence;
mod reply;
mod rtf;
mod sanitize;
mod text;
mod tnef;
mod transfer;

use super::words;

pub(super) use alias::mailbox;
pub(super) use category::is_nobody;
pub use details::{Details, EventType, Invitation, InvitationMethod, MeetingFacts, Note, Protection, Visibility};
pub use language::Language;
pub use sanitize::Sanitized;

/// The normalizer's version; a change of any output raises it, and a re-projection follows.
pub const VERSION: i32 = 4;

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

words! {
    /// What kind of mail a mail is, as far as its headers tell. Only the authors of the first two are people to know: the others
    /// are programs, or write to nobody in particular.
    Category {
        /// From one person to others.
        Personal = "personal",
        /// Through a list on which people write to each other.
        List = "list",
        /// An invitation to a meeting, an answer to one, or its cancellation.
        Invitation = "invitation",
        /// To many at once: a newsletter, an advertisement.
        Bulk = "bulk",
        /// Written by a program, or sent from an address that takes no answers.
        Notification = "notification",
        /// A program's answer for someone who is away.
        AutoReply = "auto_reply",
        /// A server's report that a mail could not be delivered.
        Bounce = "bounce",
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
    /// The name by which HTML refers to it (`cid:`), without angle brackets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub content_id: Option<String>,
    /// Where in the mail it is: the number of its part, counted from 0; for the n-th file that Outlook has packed into a part,
    /// counted from 1, n times 65,536 more.
    #[serde(default)]
    pub part: u32,
}

/// A file that came with a mail, with its content.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its file name; empty when it has none.
    pub name: String,
    /// Its media type, as the sender claims.
    pub media_type: String,
    /// Its content, decoded.
    pub bytes: Vec<u8>,
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
    /// What kind of mail it is; `None` for a meeting.
    pub category: Option<Category>,
    /// The subject or title, decoded, one line.
    pub subject: String,
    /// The readable text, whole.
    pub body_text: String,
    /// The author's own words in it, without quoted history, signature and disclaimer; `None` where they are all of it, as in a
    /// meeting.
    pub reply_text: Option<String>,
    /// The first words of the own ones, at most 200 characters, one line.
    pub snippet: String,
    /// When it happened: a mail's arrival at the provider, a meeting's start. For an all-day meeting: midnight of its first
    /// day in the calendar's zone, so that it sorts among its neighbours; show `all_day` instead.
    pub occurred_at: DateTime<Utc>,
    /// When a mail says it was sent: the Date header, which is the sender's claim.
    pub sent_at: Option<DateTime<Utc>>,
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
    /// What else is known of it.
    pub details: Details,
}

/// Why a payload cannot be normalized. The text names the field, never its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The payload is not JSON of the expected shape.
    #[error("the payload is not what the provider's API documents: {0}")]
    Shape(String),
}
