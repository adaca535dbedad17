//! What is known of an interaction beside what, when and who: columns that nothing is looked up by, kept as one.

use serde::{Deserialize, Serialize};

use super::Language;
use crate::domain::words;

words! {
    /// How a mail is protected, by its structure; nothing is verified or decrypted. The later one covers the earlier.
    Protection {
        /// Signed: whom it is from, and that it is unchanged, can be verified.
        Signed = "signed",
        /// Encrypted: its text cannot be read here.
        Encrypted = "encrypted",
    }
}

words! {
    /// What the calendar in a mail is sent for (RFC 5546).
    InvitationMethod {
        /// For information.
        Publish = "publish",
        /// An invitation, or news of a meeting.
        Request = "request",
        /// An answer.
        Reply = "reply",
        /// More occurrences.
        Add = "add",
        /// A cancellation.
        Cancel = "cancel",
        /// Someone asks for the newest version.
        Refresh = "refresh",
        /// Someone proposes another time.
        Counter = "counter",
        /// The proposal is declined.
        DeclineCounter = "declinecounter",
    }
}

words! {
    /// What an event in a calendar is.
    ///
    /// Which of them come in is the filter's matter (`domain::filter`); what has come in is a row, whatever it is.
    EventType {
        /// A meeting or an appointment.
        Default = "default",
        /// A birthday of a contact.
        Birthday = "birthday",
        /// Time set aside for work.
        FocusTime = "focusTime",
        /// An appointment that Gmail has found in a mail.
        FromGmail = "fromGmail",
        /// An absence.
        OutOfOffice = "outOfOffice",
        /// Where the owner works on a day.
        WorkingLocation = "workingLocation",
    }
}

words! {
    /// Who may see an event in its calendar.
    Visibility {
        /// Whoever sees the calendar.
        Default = "default",
        /// Everyone.
        Public = "public",
        /// Who is invited. Such an event comes in only where the consent says so.
        Private = "private",
        /// The same, in an older word.
        Confidential = "confidential",
    }
}

words! {
    /// What could not be read or kept of an interaction. Everything else is there.
    Note {
        /// The text is longer than is ever kept.
        TextCut = "text_cut",
        /// Some characters are in no charset that we know.
        CharactersLost = "characters_lost",
        /// The mail has more parts than are looked at.
        PartsLeftOut = "parts_left_out",
        /// More people took part than are kept.
        PeopleLeftOut = "people_left_out",
        /// More files came with it than are kept.
        FilesLeftOut = "files_left_out",
        /// The rule of a series cannot be read, so it is shown as one meeting.
        RuleUnread = "rule_unread",
        /// The series has more occurrences than are kept.
        OccurrencesLeftOut = "occurrences_left_out",
    }
}

impl Note {
    /// The notes that are true.
    pub(super) fn those(notes: &[(bool, Self)]) -> Vec<Self> {
        notes.iter().filter(|(is_true, _)| *is_true).map(|(_, note)| *note).collect()
    }
}

/// The meeting that a mail is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// What the mail does to it.
    pub method: InvitationMethod,
    /// The meeting's iCalUID: its interaction's `universal_id`.
    pub uid: String,
}

/// What a calendar says of a meeting beside what, when and who.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingFacts {
    /// What kind of event it is.
    pub event_type: EventType,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether its owner counts as free meanwhile.
    pub is_free: bool,
    /// Whether nothing but its times is known, as in a calendar that shows only when its owner is busy.
    pub is_time_only: bool,
    /// Where to join it: an `http` or `https` address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conference_url: Option<String>,
}

/// What else is known of an interaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The language of the author's own text, as far as it can be told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<Language>,
    /// The id of the mailing list that a mail came through.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub list: Option<String>,
    /// How a mail is protected.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub protection: Option<Protection>,
    /// The meeting that a mail is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub invitation: Option<Invitation>,
    /// Whom a bounced mail did not reach; empty when the server does not say.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub failed_recipients: Vec<String>,
    /// What a calendar says of a meeting; `None` for a mail.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub meeting: Option<MeetingFacts>,
    /// What could not be read or kept, in order, each once.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<Note>,
}
