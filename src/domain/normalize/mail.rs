//! One Gmail message (`users.messages.get?format=raw`) as a row of the timeline.
//!
//! Everything in a mail is the sender's claim, and some senders are hostile: whatever the bytes are, there is a row. Only
//! what Google itself writes around them can be unreadable.

use std::borrow::Cow;

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use chrono::{DateTime, Utc};
use mail_parser::HeaderName;
use serde::Deserialize;

use super::{
    Details, File, InteractionKind, NewInteraction, Note, Role, Sanitized, Unreadable, body, category, date, files,
    html, json, language,
    mime::Mail,
    outline::OutlinePart,
    participants::{MAX_PARTICIPANTS, direction, participants, people, written},
    reply, sanitize, text,
    thread::{self, Thread},
};
use crate::domain::{filter::MailFacts, item::UniversalId};

/// The longest subject or Message-ID kept, in characters: what RFC 5322 allows in a line.
const MAX_LINE: usize = 998;

/// Google pads, by its documentation and in practice sometimes not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What Google says of a message, apart from the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailEnvelope {
    /// The message's id in the mailbox.
    pub id: String,
    /// The conversation's id; empty where Google gives none, which it has not been seen to do.
    pub thread_id: String,
    /// Rises with every change of the message; its version.
    pub history_id: u64,
    /// The label ids on the message now; empty for archived, read mail.
    pub labels: Vec<String>,
    /// When Google accepted the message.
    pub internal_date: DateTime<Utc>,
    /// Google's estimate of its size in bytes.
    pub size_bytes: u64,
}

/// A message, decoded once: ask it for the filter's facts first, and for the row when it is inside. It cannot be printed.
pub struct ParsedMail {
    /// What Google says of it.
    pub envelope: MailEnvelope,
    raw: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'x> {
    id: String,
    #[serde(default)]
    thread_id: String,
    #[serde(default)]
    label_ids: Vec<String>,
    #[serde(deserialize_with = "json::number")]
    history_id: u64,
    #[serde(deserialize_with = "json::number")]
    internal_date: i64,
    #[serde(default)]
    size_estimate: u64,
    // Borrowed: a message has up to 50 MiB.
    #[serde(borrow, default)]
    raw: Cow<'x, str>,
}

/// A message without its bodies: the filter's facts of it are those of the whole, and its row has neither text nor files.
pub struct Outline {
    /// The message.
    pub mail: ParsedMail,
    /// The first words of its text, as Google shows them.
    pub snippet: String,
}

impl Outline {
    /// Reads one reply of `messages.get` with `format=full`, of which only headers were asked for.
    ///
    /// # Errors
    /// When the reply is not of the documented shape.
    pub fn read(json: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Parsed {
            #[serde(default)]
            snippet: String,
            payload: OutlinePart,
        }
        // What people wrote stands in it as text, which Google may have cut in the middle of a character.
        let mended = json::mend(json);
        let parsed: Parsed = json::read(&mended)?;
        let envelope = json::read::<Message<'_>>(&mended)?.envelope()?;
        // Google escapes it for HTML.
        let snippet = text::snippet(&html::to_text(&parsed.snippet, text::BODY_BYTES));
        Ok(Self { mail: ParsedMail { envelope, raw: parsed.payload.to_mail() }, snippet })
    }
}

/// What the filter may look at in a message.
///
/// # Errors
/// When the reply is not of the documented shape.
pub fn facts(json: &[u8]) -> Result<MailFacts, Unreadable> {
    Ok(ParsedMail::read(json)?.facts())
}

/// The Message-ID of a message that cannot be read otherwise.
pub fn universal_id(json: &[u8]) -> Option<UniversalId> {
    #[derive(Deserialize)]
    struct Raw<'x> {
        #[serde(borrow)]
        raw: Cow<'x, str>,
    }
    let raw = BASE64.decode(json::read::<Raw<'_>>(json).ok()?.raw.as_bytes()).ok()?;
    UniversalId::new(&thread::message_id(&Mail::read(&raw))?)
}

/// The row of a message. `aliases` are the lower-case addresses of the account.
///
/// # Errors
/// When the reply is not of the documented shape.
pub fn mail(json: &[u8], aliases: &[String]) -> Result<NewInteraction, Unreadable> {
    Ok(ParsedMail::read(json)?.interaction(aliases))
}

impl Message<'_> {
    fn envelope(&self) -> Result<MailEnvelope, Unreadable> {
        let internal_date = DateTime::from_timestamp_millis(self.internal_date).and_then(json::storable);
        Ok(MailEnvelope {
            id: text::one_line(&self.id, MAX_LINE),
            thread_id: text::one_line(&self.thread_id, MAX_LINE),
            history_id: self.history_id,
            labels: self.label_ids.iter().map(|label| text::one_line(label, MAX_LINE)).collect(),
            internal_date: internal_date.ok_or_else(|| Unreadable::Shape("internalDate out of range".to_owned()))?,
            size_bytes: self.size_estimate,
        })
    }
}

impl ParsedMail {
    /// Reads one reply of `messages.get` with `format=raw`, byte for byte.
    ///
    /// # Errors
    /// When the reply is not of the documented shape, or holds no `raw`.
    pub fn read(json: &[u8]) -> Result<Self, Unreadable> {
        let message = json::read::<Message<'_>>(json)?;
        let raw = BASE64.decode(message.raw.as_bytes());
        let raw = raw.ok().filter(|raw| !raw.is_empty());
        Ok(Self {
            envelope: message.envelope()?,
            raw: raw.ok_or_else(|| Unreadable::Shape("raw is missing or not base64url".to_owned()))?,
        })
    }

    /// What the filter may look at.
    pub fn facts(&self) -> MailFacts {
        let mail = Mail::read(&self.raw);
        let people = |name| people(&mail, &name).into_iter().map(written).collect::<Vec<_>>();
        let from = people(HeaderName::From);
        MailFacts {
            labels: self.envelope.labels.clone(),
            internal_date: self.envelope.internal_date,
            from: if from.is_empty() { people(HeaderName::Sender) } else { from },
            to: people(HeaderName::To),
            cc: people(HeaderName::Cc),
            bcc: people(HeaderName::Bcc),
            subject: subject(&mail),
            has_attachment: mail.parts.iter().any(files::is_beside),
            size_bytes: self.envelope.size_bytes,
            message_id: thread::message_id(&mail).unwrap_or_default(),
        }
    }

    /// Which conversation it belongs to, by its own headers.
    pub fn thread(&self) -> Thread {
        thread::read(&Mail::read(&self.raw))
    }

    /// The row. `aliases` are the lower-case addresses of the account.
    pub fn interaction(self, aliases: &[String]) -> NewInteraction {
        let mail = Mail::read(&self.raw);
        let body = body::read(&mail);
        let (body_text, reply_text) = reply::split(&body.text);
        let participants = participants(&mail, aliases);
        let subject = subject(&mail);
        let author = participants.iter().find(|one| one.role == Role::From).map_or("", |one| one.address.as_str());
        let found = category::read(&mail, author, &subject);
        let (attachments, files_left_out) = files::read(&mail);
        let own_text = reply_text.as_ref().unwrap_or(&body_text);
        let language = language::of(own_text);
        let notes = Note::those(&[
            (body.is_cut, Note::TextCut),
            (subject.contains('\u{fffd}') || body_text.contains('\u{fffd}'), Note::CharactersLost),
            (mail.is_cut, Note::PartsLeftOut),
            (participants.len() >= MAX_PARTICIPANTS, Note::PeopleLeftOut),
        ]);
        NewInteraction {
            occurrence: String::new(),
            kind: InteractionKind::Email,
            direction: Some(direction(&participants, &self.envelope.labels)),
            category: Some(found.category),
            subject,
            snippet: text::snippet(own_text),
            body_text,
            reply_text,
            occurred_at: self.envelope.internal_date,
            sent_at: mail.texts(&HeaderName::Date).find_map(|text| date::read(&text)),
            ends_at: None,
            all_day: None,
            thread: Some(self.envelope.thread_id)
                .filter(|id| !id.is_empty())
                .or_else(|| thread::read(&mail).first_of_all()),
            universal_id: thread::message_id(&mail),
            location: None,
            status: None,
            participants,
            labels: self.envelope.labels,
            attachments,
            details: Details {
                language,
                list: found.list,
                protection: body.protection,
                invitation: found.invitation,
                failed_recipients: found.failed_recipients,
                meeting: None,
                notes: notes.into_iter().chain(files_left_out).collect(),
            },
        }
    }

    /// The HTML of the mail, made harmless; `None` when it has none. `proxy` gives the address by which an image elsewhere can be had
    /// instead of its own; without one, the image is gone.
    pub fn html(&self, proxy: &dyn Fn(&str) -> Option<String>) -> Option<Sanitized> {
        let (html, is_cut) = body::html(&Mail::read(&self.raw))?;
        let sanitized = sanitize::sanitize(&html, proxy);
        Some(Sanitized { is_cut: sanitized.is_cut || is_cut, ..sanitized })
    }

    /// The content of the attachment with that number; `None` when there is none.
    pub fn file(&self, part: u32) -> Option<File> {
        files::find(&Mail::read(&self.raw), part)
    }
}

fn subject(mail: &Mail<'_>) -> String {
    text::one_line(&mail.text(&HeaderName::Subject).unwrap_or_default(), MAX_LINE)
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
