//! One stored mail: its bytes as received, and what searching and showing it needs, read from them once.

use std::sync::OnceLock;

use bytes::Bytes;
use mail_parser::{Address, Message as Parsed, MessageParser, MimeHeaders, PartType};

/// A message id or thread id: 16 hex digits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(pub(crate) u64);

impl Id {
    /// Reads an id; `None` unless it is 1 to 16 hex digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex { u64::from_str_radix(text, 16).ok().map(Self) } else { None }
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The immutable part of a mail. Shared, so that a request holds no lock while it answers.
#[derive(Debug)]
pub(crate) struct Content {
    /// RFC 5322 bytes, exactly as received.
    pub raw: Bytes,
    facts: OnceLock<Facts>,
    words: OnceLock<String>,
}

/// What the list of mail knows of one, decoded.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The four address fields and the subject, as [`words`] gives them.
    pub from: String,
    pub to: String,
    pub cc: String,
    pub bcc: String,
    pub delivered_to: String,
    pub subject: String,
    pub list: String,
    /// File names of attachments, lower case.
    pub files: Vec<String>,
    /// Without angle brackets; empty when there is none.
    pub message_id: String,
    /// Message-IDs this mail answers, nearest first.
    pub answers: Vec<String>,
    /// The subject without `Re:` and the like, for threading.
    pub thread_name: String,
    /// The Date header in milliseconds.
    pub date_ms: Option<i64>,
    /// HTML-escaped beginning of the body.
    pub snippet: String,
}

impl Content {
    pub(crate) fn new(raw: Bytes) -> Self {
        Self { raw, facts: OnceLock::new(), words: OnceLock::new() }
    }

    /// Read on first use: most mail of a large mailbox is never searched.
    pub(crate) fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| parse(&self.raw).map_or_else(Facts::default, |mail| Facts::read(&mail)))
    }

    /// Everything a bare search word can match: addresses, subject, bodies and file names.
    pub(crate) fn words(&self) -> &str {
        self.words.get_or_init(|| {
            let facts = self.facts();
            let mut all = [&facts.from, &facts.to, &facts.cc, &facts.bcc, &facts.subject].map(String::as_str).concat();
            all.push_str(&words(&facts.files.join(" ")));
            if let Some(mail) = parse(&self.raw) {
                for index in 0..mail.text_body_count() {
                    all.push_str(&words(&mail.body_text(index).unwrap_or_default()));
                }
            }
            all
        })
    }
}

/// The message's structure; `None` for bytes without any header.
pub(crate) fn parse(raw: &[u8]) -> Option<Parsed<'_>> {
    // The parser asserts, in debug builds, that nesting is sound, which broken mail need not be.
    std::panic::catch_unwind(|| MessageParser::default().parse(raw)).ok().flatten()
}

impl Facts {
    fn read(mail: &Parsed<'_>) -> Self {
        let list = mail.header_raw("List-Id").unwrap_or_default();
        let delivered_to = mail.header_raw("Delivered-To").unwrap_or_default();
        let answers = mail.in_reply_to().as_text_list().into_iter().flatten();
        let ancestors = mail.references().as_text_list().into_iter().flatten().rev();
        Self {
            from: people(mail.from()),
            to: people(mail.to()),
            cc: people(mail.cc()),
            bcc: people(mail.bcc()),
            delivered_to: words(delivered_to),
            subject: words(mail.subject().unwrap_or_default()),
            list: words(list),
            files: files(mail),
            message_id: mail.message_id().unwrap_or_default().to_owned(),
            answers: answers.chain(ancestors).map(|id| id.to_string()).collect(),
            thread_name: words(mail.thread_name().unwrap_or_default()),
            date_ms: mail.date().filter(|date| date.is_valid()).map(|date| date.to_timestamp().saturating_mul(1_000)),
            snippet: snippet(&mail.body_text(0).unwrap_or_default()),
        }
    }
}

fn people(field: Option<&Address<'_>>) -> String {
    let mut all = String::new();
    for person in field.into_iter().flat_map(Address::iter) {
        all.push_str(&words(person.name().unwrap_or_default()));
        all.push_str(&words(person.address().unwrap_or_default()));
    }
    all
}

fn files(mail: &Parsed<'_>) -> Vec<String> {
    let is_file = |part: &&mail_parser::MessagePart<'_>| {
        part.attachment_name().is_some()
            || part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment)
            || matches!(part.body, PartType::Message(_))
    };
    let name = |part: &mail_parser::MessagePart<'_>| part.attachment_name().unwrap_or("noname").to_lowercase();
    mail.parts.iter().filter(is_file).map(name).collect()
}

/// Lower-case words between single spaces, with a space at both ends, so that a whole word or phrase is a substring.
pub(crate) fn words(text: &str) -> String {
    let mut out = String::from(" ");
    for c in text.chars() {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

/// The first 200 characters on one line, HTML-escaped as Gmail sends them.
fn snippet(text: &str) -> String {
    let line = text.split_whitespace().flat_map(|word| [" ", word]).skip(1).flat_map(str::chars).take(200);
    let mut out = String::new();
    for c in line {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hex_of_at_most_sixteen_digits() {
        assert_eq!(Id::parse("18c3f2a1b4d5e6f7").map(|id| id.to_string()).as_deref(), Some("18c3f2a1b4d5e6f7"));
        for bad in ["+1", "xyz", "18c3f2a1b4d5e6f70"] {
            assert_eq!(Id::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn facts_are_decoded_and_folded_to_words() {
        let content = Content::new(Bytes::from_static(
            b"From: =?utf-8?q?J=C3=BCrgen?= <j.b@example.com>\r\nSubject: Re: Offer <1>\r\nMessage-ID: <a@b>\r\n\
              In-Reply-To: <c@d>\r\n\r\nHello  & goodbye\r\n",
        ));
        let facts = content.facts();
        assert_eq!(facts.from, " jürgen  j b example com ");
        assert_eq!((facts.subject.as_str(), facts.thread_name.as_str()), (" re offer 1 ", " offer 1 "));
        assert_eq!((facts.message_id.as_str(), facts.answers.as_slice()), ("a@b", ["c@d".to_owned()].as_slice()));
        assert_eq!(facts.snippet, "Hello &amp; goodbye");
    }
}
