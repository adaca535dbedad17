//! The text of a mail: which of its parts are its text (RFC 2046), and what they say.

use super::{
    Protection, html,
    mime::{Mail, Node},
    part::Part,
    text, tnef,
};
use mail_parser::HeaderName;

/// How deep mails in mails are read for their text.
const MAX_NESTED: usize = 4;
/// The HTML of a mail is read up to the part in which it passes this, in bytes as sent.
const MAX_HTML_BYTES: usize = 4 << 20;
/// The most bytes read of a mail in a mail. One that is encoded, against the rules, is copied, once for each level.
const MAX_NESTED_BYTES: usize = 4 << 20;
/// Texts that are not for people, or that are files.
const NO_TEXT: [&str; 8] = ["calendar", "css", "csv", "directory", "rfc822-headers", "vcard", "x-amp-html", "x-vcard"];

/// What a mail says.
pub(super) struct Body {
    /// Its text, whole, as long as it is not longer than is ever kept, with the marks of its HTML.
    pub(super) text: String,
    /// Whether there is more text than that.
    pub(super) is_cut: bool,
    /// How it is protected, by its structure or by its text.
    pub(super) protection: Option<Protection>,
}

/// Reads the text of a mail: each text part in its order; of alternatives the plain one, unless it says nothing.
///
/// Where these say nothing, the text is what else can be read: texts that have a name; then texts of other types and what
/// servers say of a delivery; then what Outlook has packed; then mails inside the mail, each behind its author and subject.
pub(super) fn read(mail: &Mail<'_>) -> Body {
    let mut reader = Reader { mail, n_bytes: 0, is_cut: false };
    let mut texts = reader.shown(&mail.tree);
    for tier in [Reader::named, Reader::other, Reader::unpacked, Reader::nested] {
        if texts.is_empty() {
            texts = tier(&mut reader);
        }
    }
    let protection = texts.iter().map(|text| armour(text)).max().flatten();
    let text = text::clean(&texts.join("\n\n"), text::BODY_BYTES);
    let is_cut = reader.is_cut || reader.n_bytes > text::BODY_BYTES;
    Body { text, is_cut, protection: mail.protection.max(protection) }
}

/// The HTML of a mail, and whether there is more of it than is ever read; `None` when it has none. Of alternatives it is the
/// richest.
pub(super) fn html(mail: &Mail<'_>) -> Option<(String, bool)> {
    fn found<'m>(mail: &'m Mail<'_>, node: &Node) -> Vec<&'m Part<'m>> {
        match node {
            Node::Leaf(part) => mail.parts.get(*part).filter(|part| is_html(part)).into_iter().collect(),
            Node::Parts(nodes) => nodes.iter().flat_map(|node| found(mail, node)).collect(),
            Node::Alternatives(nodes) => {
                let each = nodes.iter().rev().map(|node| found(mail, node));
                each.into_iter().find(|parts| !parts.is_empty()).unwrap_or_default()
            }
        }
    }
    let parts = found(mail, &mail.tree);
    let mut n_bytes = 0;
    let within = parts.iter().take_while(|part| {
        let is_within = n_bytes <= MAX_HTML_BYTES;
        n_bytes += part.body.len();
        is_within
    });
    let texts: Vec<String> = within.map(|part| part.text()).collect();
    let is_cut = texts.len() < parts.len() || parts.iter().any(|part| part.is_cut());
    (!texts.is_empty()).then(|| (texts.join("\n"), is_cut))
}

struct Reader<'m, 'x> {
    mail: &'m Mail<'x>,
    /// The text found so far.
    n_bytes: usize,
    is_cut: bool,
}

impl Reader<'_, '_> {
    fn shown(&mut self, node: &Node) -> Vec<String> {
        match node {
            Node::Leaf(part) => {
                let part = &self.mail.parts[*part];
                if is_plain(part) || is_html(part) { self.text(part) } else { Vec::new() }
            }
            Node::Parts(nodes) => nodes.iter().flat_map(|node| self.shown(node)).collect(),
            Node::Alternatives(nodes) => {
                // The last one is the richest.
                let (simple, rich): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| self.is_simple(node));
                let mut preferred = simple.into_iter().chain(rich.into_iter().rev());
                preferred.find_map(|node| Some(self.shown(node)).filter(|texts| !texts.is_empty())).unwrap_or_default()
            }
        }
    }

    fn is_simple(&self, node: &Node) -> bool {
        match node {
            Node::Leaf(part) => !is_html(&self.mail.parts[*part]),
            Node::Parts(nodes) | Node::Alternatives(nodes) => nodes.iter().all(|node| self.is_simple(node)),
        }
    }

    /// The text of one part; none when it says nothing.
    fn text(&mut self, part: &Part<'_>) -> Vec<String> {
        if self.n_bytes > text::BODY_BYTES {
            return Vec::new();
        }
        let text = match part.is("text", "html") {
            true => html::to_marked_text(&part.text(), text::BODY_BYTES),
            false => part.text(),
        };
        self.is_cut |= part.is_cut();
        self.keep(text)
    }

    fn keep(&mut self, text: String) -> Vec<String> {
        if text.trim().is_empty() {
            return Vec::new();
        }
        self.n_bytes += text.len();
        vec![text]
    }

    fn parts(&mut self, is_meant: impl Fn(&Part<'_>) -> bool) -> Vec<String> {
        let mail = self.mail;
        mail.parts.iter().filter(|part| !part.is_file() && is_meant(part)).flat_map(|part| self.text(part)).collect()
    }

    fn named(&mut self) -> Vec<String> {
        self.parts(|part| part.is("text", "plain") || part.is("text", "html"))
    }

    /// An unknown kind of text is read as plain text (RFC 2046, 4.1.4).
    fn other(&mut self) -> Vec<String> {
        let is_text = |part: &Part<'_>| match part.media_type().split_once('/') {
            Some(("text", kind)) => !NO_TEXT.contains(&kind),
            Some(("message", kind)) => matches!(kind, "delivery-status" | "disposition-notification"),
            _ => false,
        };
        self.parts(|part| part.name().is_none() && is_text(part))
    }

    fn unpacked(&mut self) -> Vec<String> {
        let mail = self.mail;
        let texts = mail.parts.iter().filter_map(|part| tnef::of(part, |packed| packed.text(text::BODY_BYTES)));
        texts.flat_map(|text| self.keep(text)).collect()
    }

    fn nested(&mut self) -> Vec<String> {
        let mail = self.mail;
        mail.parts.iter().filter_map(|part| nested(part, MAX_NESTED)).flat_map(|text| self.keep(text)).collect()
    }
}

/// A mail inside a mail: its author, its subject and its text.
fn nested(part: &Part<'_>, depth: usize) -> Option<String> {
    let is_mail = part.is("message", "rfc822") || part.is("message", "global") || part.is("message", "partial");
    if !is_mail || depth == 0 {
        return None;
    }
    let bytes = part.bytes(MAX_NESTED_BYTES);
    let mail = Mail::read(&bytes);
    let mut reader = Reader { mail: &mail, n_bytes: 0, is_cut: false };
    let mut texts = reader.shown(&mail.tree);
    if texts.is_empty() {
        texts = mail.parts.iter().filter_map(|part| nested(part, depth - 1)).collect();
    }
    let heads = [("From", HeaderName::From), ("Subject", HeaderName::Subject)];
    let heads = heads.into_iter().filter_map(|(label, name)| Some(format!("{label}: {}", mail.text(&name)?)));
    let heads = heads.collect::<Vec<_>>().join("\n");
    Some([heads].into_iter().filter(|heads| !heads.is_empty()).chain(texts).collect::<Vec<_>>().join("\n\n"))
}

fn is_plain(part: &Part<'_>) -> bool {
    part.is_text("plain")
}

fn is_html(part: &Part<'_>) -> bool {
    part.is_text("html")
}

/// What the lines that PGP puts around a text say of it (RFC 9580, 6 and 7).
fn armour(text: &str) -> Option<Protection> {
    text.lines().find_map(|line| match line.trim_end() {
        "-----BEGIN PGP MESSAGE-----" => Some(Protection::Encrypted),
        "-----BEGIN PGP SIGNED MESSAGE-----" => Some(Protection::Signed),
        _ => None,
    })
}
