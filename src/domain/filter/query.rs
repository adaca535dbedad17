//! A parsed mail query: whether a mail matches it, and how Gmail is asked for the same.

use std::fmt;

use chrono::{DateTime, Utc};

use super::{MailFacts, words};

/// A query in the subset of Gmail's grammar that needs nothing but a mail's headers, labels, date and size.
///
/// `Display` writes it for Gmail, every date as epoch seconds; reading that again gives an equal query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// All of them must hold.
    pub(super) parts: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Term(Term),
    Not(Box<Node>),
    /// Two or more, none of them an `All`.
    All(Vec<Node>),
    /// Two or more, none of them an `Any`.
    Any(Vec<Node>),
}

/// One question about a mail. Texts are lower case, without quotes and control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    From(String),
    /// Any recipient: Gmail's `to:` includes Cc and Bcc.
    To(String),
    Cc(String),
    Bcc(String),
    Subject(String),
    /// Carries the label; the name is what Gmail calls it in a query.
    Label {
        id: String,
        name: String,
    },
    /// Everything, spam and trash included.
    Anywhere,
    Read,
    HasAttachment,
    /// Received at or after this moment (epoch seconds).
    After(i64),
    /// Received before this moment (epoch seconds).
    Before(i64),
    MessageId(String),
    /// More bytes than that.
    Larger(u64),
    /// Fewer bytes than that.
    Smaller(u64),
}

/// Labels that Gmail asks for in a way of their own.
pub(super) const SYSTEM_LABELS: [(&str, &str); 14] = [
    ("INBOX", "in:inbox"),
    ("SENT", "in:sent"),
    ("DRAFT", "in:draft"),
    ("SPAM", "in:spam"),
    ("TRASH", "in:trash"),
    ("CHAT", "in:chats"),
    ("UNREAD", "is:unread"),
    ("STARRED", "is:starred"),
    ("IMPORTANT", "is:important"),
    ("CATEGORY_PERSONAL", "category:primary"),
    ("CATEGORY_SOCIAL", "category:social"),
    ("CATEGORY_PROMOTIONS", "category:promotions"),
    ("CATEGORY_UPDATES", "category:updates"),
    ("CATEGORY_FORUMS", "category:forums"),
];

impl Query {
    /// The query as Gmail is asked, every date as epoch seconds.
    pub fn render(&self) -> String {
        self.to_string()
    }

    /// Whether a mail matches, as Gmail would say: mail in spam or trash only where the query asks for it.
    pub fn matches(&self, facts: &MailFacts) -> bool {
        let is_hidden = |label: &str| facts.labels.iter().any(|own| own == label) && !self.reaches(label);
        !is_hidden("SPAM") && !is_hidden("TRASH") && self.failing(facts).is_none()
    }

    /// The first part of the query that does not hold for a mail, written as Gmail would be asked.
    pub(super) fn failing(&self, facts: &MailFacts) -> Option<String> {
        self.parts.iter().find(|part| !part.holds(facts)).map(Node::to_string)
    }

    /// Whether the query asks for spam or trash, which it otherwise leaves out.
    pub(super) fn reaches(&self, label: &str) -> bool {
        self.parts.iter().any(|part| part.reaches(label))
    }
}

impl Node {
    /// All of the nodes, without needless nesting.
    pub(super) fn all(nodes: Vec<Self>) -> Self {
        let flat = nodes.into_iter().flat_map(|node| match node {
            Self::All(nodes) => nodes,
            node => vec![node],
        });
        Self::only(flat.collect(), Self::All)
    }

    /// Any of the nodes, without needless nesting.
    pub(super) fn any(nodes: Vec<Self>) -> Self {
        let flat = nodes.into_iter().flat_map(|node| match node {
            Self::Any(nodes) => nodes,
            node => vec![node],
        });
        Self::only(flat.collect(), Self::Any)
    }

    fn only(mut nodes: Vec<Self>, many: fn(Vec<Self>) -> Self) -> Self {
        match nodes.len() {
            1 => nodes.remove(0),
            _ => many(nodes),
        }
    }

    fn holds(&self, facts: &MailFacts) -> bool {
        match self {
            Self::Term(term) => term.holds(facts),
            Self::Not(node) => !node.holds(facts),
            Self::All(nodes) => nodes.iter().all(|node| node.holds(facts)),
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(facts)),
        }
    }

    fn reaches(&self, label: &str) -> bool {
        match self {
            Self::Term(Term::Anywhere) => true,
            Self::Term(Term::Label { id, .. }) => id == label,
            // Leaving spam out does not ask for it.
            Self::Term(_) | Self::Not(_) => false,
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().any(|node| node.reaches(label)),
        }
    }
}

impl Term {
    fn holds(&self, facts: &MailFacts) -> bool {
        let person = |people: &[String], searched| people.iter().any(|one| words::person_matches(one, searched));
        let at = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
        match self {
            Self::From(searched) => person(&facts.from, searched),
            Self::To(searched) => [&facts.to, &facts.cc, &facts.bcc].iter().any(|people| person(people, searched)),
            Self::Cc(searched) => person(&facts.cc, searched),
            Self::Bcc(searched) => person(&facts.bcc, searched),
            Self::Subject(searched) => words::text_matches(&facts.subject, searched),
            Self::Label { id, .. } => facts.labels.contains(id),
            Self::Anywhere => true,
            Self::Read => !facts.labels.iter().any(|label| label == "UNREAD"),
            Self::HasAttachment => facts.has_attachment,
            Self::After(seconds) => facts.internal_date >= at(*seconds),
            Self::Before(seconds) => facts.internal_date < at(*seconds),
            Self::MessageId(id) => facts.message_id == *id,
            Self::Larger(bytes) => facts.size_bytes > *bytes,
            Self::Smaller(bytes) => facts.size_bytes < *bytes,
        }
    }
}

/// How Gmail is asked for a label: in its own way for a system label, else by name with what a query cannot hold (blanks,
/// slashes, brackets) as hyphens, as Gmail's own search box writes it.
pub(super) fn label_term(id: &str, name: &str) -> String {
    match SYSTEM_LABELS.iter().find(|(system, _)| *system == id) {
        Some((_, term)) => (*term).to_owned(),
        None => format!("label:{}", hyphened(name)),
    }
}

/// A label's name as it stands in a query.
pub(super) fn hyphened(name: &str) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.' | '+' | '@');
    name.trim().to_lowercase().chars().map(|char| if is_plain(char) { char } else { '-' }).collect()
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        join(f, &self.parts)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grouped = |f: &mut fmt::Formatter<'_>, nodes, open, close| {
            f.write_str(open)?;
            join(f, nodes)?;
            f.write_str(close)
        };
        match self {
            Self::Term(term) => term.fmt(f),
            // Two signs in a row are no grammar.
            Self::Not(node) if matches!(**node, Self::Not(_)) => write!(f, "-({node})"),
            Self::Not(node) => write!(f, "-{node}"),
            Self::All(nodes) => grouped(f, nodes, "(", ")"),
            Self::Any(nodes) => grouped(f, nodes, "{", "}"),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(text) => write!(f, "from:{}", Quoted(text)),
            Self::To(text) => write!(f, "to:{}", Quoted(text)),
            Self::Cc(text) => write!(f, "cc:{}", Quoted(text)),
            Self::Bcc(text) => write!(f, "bcc:{}", Quoted(text)),
            Self::Subject(text) => write!(f, "subject:{}", Quoted(text)),
            Self::Label { id, name } => f.write_str(&label_term(id, name)),
            Self::Anywhere => f.write_str("in:anywhere"),
            Self::Read => f.write_str("is:read"),
            Self::HasAttachment => f.write_str("has:attachment"),
            // Four digits would be read as a year.
            Self::After(seconds) => write!(f, "after:{seconds:05}"),
            Self::Before(seconds) => write!(f, "before:{seconds:05}"),
            Self::MessageId(id) => write!(f, "rfc822msgid:{}", Quoted(id)),
            Self::Larger(bytes) => write!(f, "larger:{bytes}"),
            Self::Smaller(bytes) => write!(f, "smaller:{bytes}"),
        }
    }
}

/// A value, in quotes where the grammar needs them.
struct Quoted<'x>(&'x str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |char: char| char.is_alphanumeric() || "@._+-".contains(char);
        match self.0.chars().all(is_plain) && self.0.starts_with(|char: char| char.is_alphanumeric() || char == '@') {
            true => f.write_str(self.0),
            false => write!(f, "\"{}\"", self.0),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, nodes: &[Node]) -> fmt::Result {
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            f.write_str(" ")?;
        }
        write!(f, "{node}")?;
    }
    Ok(())
}
