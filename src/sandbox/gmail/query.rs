//! Gmail's search, evaluated; `grammar` reads it.
//!
//! Adjacent terms must all match, `OR` (or `|`, or braces) binds tighter, `-` negates, parentheses group, quotes make a
//! phrase. A word matches whole words of addresses, subject, bodies and file names. An operator Gmail does not know is
//! searched for as text, as Gmail does, and is also reported as *loud*, so that a test can tell that a client relies on it.

use chrono::{DateTime, Utc};

use super::{
    grammar,
    mailbox::{Mailbox, Stored},
};

/// A query, ready to be asked of one message after the other.
#[derive(Debug)]
pub(crate) struct Query {
    root: Expr,
    /// Operators that Gmail would have searched for as text.
    pub loud: Vec<String>,
    /// Whether the query itself asks for Spam or Trash.
    pub reaches_hidden: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    From(String),
    To(String),
    Cc(String),
    Bcc(String),
    DeliveredTo(String),
    Subject(String),
    List(String),
    Text(String),
    MessageId(String),
    File(String),
    HasFile,
    HasUserLabel,
    /// A label id; `None` for a name that no label has.
    Label(Option<String>),
    Anywhere,
    /// At or after this moment, in milliseconds.
    After(i64),
    /// Before this moment, in milliseconds.
    Before(i64),
    LargerThan(usize),
    SmallerThan(usize),
}

impl Query {
    /// Reads `text`; never fails, as Gmail's own search does not.
    pub(crate) fn parse(text: &str, mailbox: &Mailbox, now: DateTime<Utc>) -> Self {
        let (terms, loud, reaches_hidden) = grammar::read(text, mailbox, now);
        Self { root: Expr::All(terms), loud, reaches_hidden }
    }

    pub(crate) fn matches(&self, mail: &Stored) -> bool {
        self.root.matches(mail)
    }
}

impl Expr {
    fn matches(&self, mail: &Stored) -> bool {
        let facts = || mail.content.facts();
        match self {
            Self::All(terms) => terms.iter().all(|term| term.matches(mail)),
            Self::Any(terms) => terms.iter().any(|term| term.matches(mail)),
            Self::Not(term) => !term.matches(mail),
            Self::From(needle) => holds(&facts().from, needle),
            Self::To(needle) => holds(&facts().to, needle) || holds(&facts().cc, needle) || holds(&facts().bcc, needle),
            Self::Cc(needle) => holds(&facts().cc, needle),
            Self::Bcc(needle) => holds(&facts().bcc, needle),
            Self::DeliveredTo(needle) => holds(&facts().delivered_to, needle),
            Self::Subject(needle) => holds(&facts().subject, needle),
            Self::List(needle) => holds(&facts().list, needle),
            Self::Text(needle) => holds(mail.content.words(), needle),
            Self::MessageId(id) => facts().message_id == *id,
            Self::File(name) => facts().files.iter().any(|file| file.contains(name.as_str())),
            Self::HasFile => !facts().files.is_empty(),
            Self::HasUserLabel => mail.labels.iter().any(|label| label.starts_with("Label_")),
            Self::Label(label) => label.as_ref().is_some_and(|label| mail.has_label(label)),
            Self::Anywhere => true,
            Self::After(ms) => mail.internal_date >= *ms,
            Self::Before(ms) => mail.internal_date < *ms,
            Self::LargerThan(bytes) => mail.content.raw.len() > *bytes,
            Self::SmallerThan(bytes) => mail.content.raw.len() < *bytes,
        }
    }
}

/// Whole words; scripts written without spaces match anywhere.
fn holds(haystack: &str, needle: &str) -> bool {
    let is_spaceless = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{e00}'..='\u{e7f}');
    if needle.contains(is_spaceless) { haystack.contains(needle.trim()) } else { haystack.contains(needle) }
}

#[cfg(test)]
mod tests {
    use super::{super::mailbox::Incoming, *};

    fn mailbox() -> Mailbox {
        let mut mailbox = Mailbox::new("me@example.com");
        let mails: [(&str, &str, &str, &[&str]); 5] = [
            (
                "Ada Lovelace <ada@engine.example>",
                "Engine plans",
                "see the big drawing",
                &["INBOX", "CATEGORY_PERSONAL", "UNREAD"],
            ),
            ("Bob <bob@mill.example>", "Lunch", "Friday at noon?", &["INBOX", "CATEGORY_PERSONAL", "Team/North Wing"]),
            ("shop@shop.example", "Sale", "everything must go", &["CATEGORY_PROMOTIONS"]),
            ("crook@spam.example", "Prize", "you won", &["SPAM"]),
            ("me@example.com", "Re: Lunch", "東京で会いましょう", &["SENT"]),
        ];
        for (day, (from, subject, body, labels)) in mails.into_iter().enumerate() {
            let raw = format!(
                "From: {from}\r\nTo: me@example.com\r\nSubject: {subject}\r\nMessage-ID: <{day}@x>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
            );
            let internal_date = at("2026-11-01T12:00:00Z").timestamp_millis() + day as i64 * 86_400_000;
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            mailbox.deliver(Incoming { raw: raw.into(), labels, internal_date, ..Incoming::default() });
        }
        mailbox
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The subjects' numbers that match, oldest first; Spam included.
    fn found(query: &str) -> (Vec<usize>, Vec<String>) {
        let mailbox = mailbox();
        let query = Query::parse(query, &mailbox, at("2026-11-06T00:00:00Z"));
        let mut found: Vec<usize> = mailbox
            .newest_first(None)
            .filter(|mail| query.matches(mail))
            .map(|mail| mail.content.facts().message_id[..1].parse().unwrap())
            .collect();
        found.sort_unstable();
        (found, query.loud)
    }

    #[test]
    fn each_operator_finds_what_gmail_finds() {
        for (query, expected) in [
            ("", vec![0, 1, 2, 3, 4]),
            ("from:ada", vec![0]),
            ("from:ada@engine.example", vec![0]),
            ("from:engine.example", vec![0]),
            ("from:eng", vec![]),
            ("from:me", vec![4]),
            ("from:(ada OR bob)", vec![0, 1]),
            ("{from:ada from:bob}", vec![0, 1]),
            ("from:ada OR from:bob subject:lunch", vec![1]),
            ("subject:(engine plans)", vec![0]),
            ("\"big drawing\"", vec![0]),
            ("\"drawing big\"", vec![]),
            ("drawing see", vec![0]),
            ("東京", vec![4]),
            ("-from:ada -in:spam", vec![1, 2, 4]),
            ("-(from:ada OR from:bob)", vec![2, 3, 4]),
            ("category:primary", vec![0, 1]),
            ("label:team-north-wing", vec![1]),
            ("label:\"Team/North Wing\"", vec![1]),
            ("label:nothing", vec![]),
            ("is:unread", vec![0]),
            ("is:read in:inbox", vec![1]),
            ("in:sent", vec![4]),
            ("has:userlabels", vec![1]),
            ("has:attachment", vec![]),
            ("after:2026/11/03", vec![2, 3, 4]),
            ("before:2026/11/03", vec![0, 1]),
            ("newer_than:2d", vec![3, 4]),
            ("older_than:4d", vec![0]),
            ("rfc822msgid:<3@x>", vec![3]),
            ("larger:1M", vec![]),
            ("smaller:1M", vec![0, 1, 2, 3, 4]),
            ("category:primary -in:chats newer_than:365d", vec![0, 1]),
        ] {
            assert_eq!(found(query), (expected, vec![]), "{query}");
        }
    }

    #[test]
    fn an_unknown_operator_is_text_and_is_told() {
        assert_eq!(found("wrong:lunch"), (vec![], vec!["wrong:lunch".to_owned()]));
    }

    #[test]
    fn broken_and_hostile_queries_end() {
        for query in [
            "(",
            ")",
            "((",
            "a ) b",
            "OR",
            "-",
            "- a",
            "\"open",
            "from:",
            "{} ()",
            "a OR",
            "é:ü",
            &"(".repeat(5_000),
            &"-".repeat(5_000),
        ] {
            found(query);
        }
    }
}
