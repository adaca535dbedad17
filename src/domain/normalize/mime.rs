//! The structure of a mail: its headers and its parts, as slices of the message.
//!
//! The walk over the parts is ours. That of `mail_parser` decodes every attachment, and copies the message once for each
//! level of mails nested in a mail that is itself encoded: a megabyte that a stranger sends becomes gigabytes. Ours decodes
//! only text, looks into a nested mail only where it needs its text, and is bounded in depth and number.

use mail_parser::HeaderName;

use super::{
    Protection,
    charset::Charset,
    header::{self, Field},
    param::Value,
    part::{Encoding, Part},
};

/// The most parts looked at; what follows them is left out.
const MAX_PARTS: usize = 2_000;
/// How deep multiparts may nest; a deeper one is taken as text.
const MAX_DEPTH: usize = 20;
/// How many types a part may claim before its first ones are given up: each costs a look through the part.
const MAX_CLAIMS: usize = 4;
/// The longest boundary looked for, in bytes; RFC 2046 allows 70.
const MAX_BOUNDARY: usize = 300;

/// A mail taken apart.
pub(super) struct Mail<'x> {
    /// The headers of the mail itself, in their order.
    fields: Vec<Field<'x>>,
    /// The charset that the mail's text claims, if it is one.
    charset: Option<Charset>,
    /// The leaves of the tree of parts, in their order.
    pub(super) parts: Vec<Part<'x>>,
    /// How they belong together.
    pub(super) tree: Node,
    /// What its types say of signatures and encryption.
    pub(super) protection: Option<Protection>,
    /// Whether there were more parts than are looked at.
    pub(super) is_cut: bool,
}

/// A part that holds others, or the number of one that does not.
pub(super) enum Node {
    /// A part of `Mail::parts`.
    Leaf(usize),
    /// Parts that say the same thing in different ways.
    Alternatives(Vec<Node>),
    /// Parts that belong together.
    Parts(Vec<Node>),
}

/// What a part inherits from the multiparts around it.
#[derive(Clone, Copy, Default)]
struct Context {
    depth: usize,
    is_related: bool,
    is_digest: bool,
}

impl<'x> Mail<'x> {
    /// Takes a message apart. Any bytes are a message, if only of one part.
    pub(super) fn read(raw: &'x [u8]) -> Self {
        let (fields, body) = header::split(raw);
        let mut mail = Self {
            fields: Vec::new(),
            charset: None,
            parts: Vec::new(),
            tree: Node::Parts(Vec::new()),
            protection: None,
            is_cut: false,
        };
        mail.tree = mail.walk(&fields, body, Context::default());
        mail.fields = fields;
        mail.charset = mail.parts.iter().find_map(Part::charset);
        if let [part] = mail.parts.as_mut_slice() {
            part.is_alone = true;
        }
        mail
    }

    /// Every header of that name that says anything, in order, on one line, with its encoded words still in it.
    pub(super) fn texts<'s>(&'s self, name: &'s HeaderName<'static>) -> impl Iterator<Item = String> + 's {
        let named = self.fields.iter().filter(move |field| field.name == *name);
        named.map(|field| header::unfold(field.value, self.charset)).filter(|text| !text.trim().is_empty())
    }

    /// The first header of that name that says anything, decoded.
    pub(super) fn text(&self, name: &HeaderName<'static>) -> Option<String> {
        self.texts(name).next().map(|text| header::words(&text))
    }

    fn walk(&mut self, fields: &[Field<'x>], body: &'x [u8], context: Context) -> Node {
        let value = |name: HeaderName<'static>| fields.iter().find(|field| field.name == name).map(|field| field.value);
        let types: Vec<_> = fields
            .iter()
            .filter(|field| field.name == HeaderName::ContentType)
            .map(|field| Value::read(field.value).or_plain())
            .take(MAX_CLAIMS)
            .collect();
        let claims = || types.iter().filter(|kind| kind.kind == "multipart");
        if context.depth < MAX_DEPTH {
            // Broken mail names two types; the one whose boundary is there is the true one.
            let claimed =
                claims().map(|kind| (kind, sections(body, kind.get("boundary").unwrap_or_default().as_bytes())));
            let found = claimed.into_iter().find(|(_, sections)| !sections.is_empty());
            let found = found.or_else(|| Some((claims().next()?, sections(body, likely_boundary(body)?))));
            if let Some((kind, sections)) = found {
                return self.walk_sections(sections, kind, context);
            }
        }
        // A multipart without parts is read as plain text.
        let kind = types.first().filter(|kind| kind.kind != "multipart").cloned();
        let content_type =
            kind.unwrap_or_else(|| Value::read(if context.is_digest { b"message/rfc822" } else { b"text/plain" }));
        self.protection = self.protection.max(protection(&content_type));
        self.parts.push(Part {
            content_type,
            disposition: value(HeaderName::ContentDisposition).map(Value::read).unwrap_or_default(),
            encoding: Encoding::of(&String::from_utf8_lossy(
                value(HeaderName::ContentTransferEncoding).unwrap_or_default(),
            )),
            body,
            content_id: value(HeaderName::ContentId).and_then(content_id),
            is_related: context.is_related,
            is_alone: false,
        });
        Node::Leaf(self.parts.len() - 1)
    }

    fn walk_sections(&mut self, sections: Vec<&'x [u8]>, parent: &Value, context: Context) -> Node {
        let is = |subtype| parent.subtype == subtype;
        self.protection = self.protection.max(protection(parent));
        let inner = Context { depth: context.depth + 1, is_related: is("related"), is_digest: is("digest") };
        let mut nodes = Vec::new();
        for section in sections {
            if self.parts.len() >= MAX_PARTS {
                self.is_cut = true;
                break;
            }
            let (fields, body) = header::split(section);
            nodes.push(self.walk(&fields, body, inner));
        }
        if is("alternative") { Node::Alternatives(nodes) } else { Node::Parts(nodes) }
    }
}

fn content_id(value: &[u8]) -> Option<String> {
    let value = header::unfold(value, None);
    let id = value.trim().trim_start_matches('<').trim_end_matches('>');
    (!id.is_empty()).then(|| id.to_owned())
}

/// What a part's type says of its protection. S/MIME calls both by one type, and its parameter may be missing.
fn protection(kind: &Value) -> Option<Protection> {
    match (&*kind.kind, &*kind.subtype) {
        ("multipart", "signed") => Some(Protection::Signed),
        ("multipart", "encrypted") => Some(Protection::Encrypted),
        ("application", "pkcs7-mime" | "x-pkcs7-mime") => match kind.get("smime-type").map(str::to_ascii_lowercase) {
            Some(kind) if kind == "signed-data" => Some(Protection::Signed),
            Some(kind) if kind == "certs-only" => None,
            _ => Some(Protection::Encrypted),
        },
        _ => None,
    }
}

/// What parts the parts of a section that begins with these headers; `None` when it claims to have none.
pub(super) fn boundary(headers: &[u8]) -> Option<String> {
    let (fields, _) = header::split(headers);
    let kinds = fields.iter().filter(|field| field.name == HeaderName::ContentType).take(MAX_CLAIMS);
    let mut kinds = kinds.map(|field| Value::read(field.value)).filter(|kind| kind.kind == "multipart");
    kinds.find_map(|kind| kind.get("boundary").map(str::to_owned))
}

/// What stands between the boundary lines of a multipart (RFC 2046, 5.1.1). A missing last boundary is forgiven.
fn sections<'x>(body: &'x [u8], boundary: &[u8]) -> Vec<&'x [u8]> {
    let mut sections = Vec::new();
    if boundary.is_empty() {
        return sections;
    }
    let mut start = None;
    let mut at = 0;
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let line_start = at;
        at += line.len();
        let Some(tail) = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)) else { continue };
        let is_last = tail.starts_with(b"--");
        // One boundary may be the beginning of another.
        if !is_last && !tail.trim_ascii().is_empty() {
            continue;
        }
        if let Some(start) = start {
            sections.push(without_line_end(&body[start..line_start]));
        }
        // One more than are looked at, so that it can be said that there are more.
        if is_last || sections.len() > MAX_PARTS {
            return sections;
        }
        start = Some(at);
    }
    sections.extend(start.map(|start| &body[start..]));
    sections
}

/// The boundary of a multipart that names none, or one that is nowhere: a line of two dashes and more, before a part's
/// headers.
fn likely_boundary(body: &[u8]) -> Option<&[u8]> {
    let mut lines = body.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end).peekable();
    while let Some(line) = lines.next() {
        let begins_part =
            lines.peek().and_then(|next| next.get(..8)).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
        let boundary = line.strip_prefix(b"--").filter(|boundary| (1..=MAX_BOUNDARY).contains(&boundary.len()));
        if begins_part && boundary.is_some() {
            return boundary;
        }
    }
    None
}

/// The line end before a boundary belongs to the boundary.
fn without_line_end(section: &[u8]) -> &[u8] {
    let section = section.strip_suffix(b"\n").unwrap_or(section);
    section.strip_suffix(b"\r").unwrap_or(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_split_a_body() {
        let body = b"preamble\r\n--b\r\n\r\none\r\n--bb\r\n--b  \r\n\r\ntwo\r\n--b--\r\nepilogue";
        assert_eq!(sections(body, b"b"), [&b"\r\none\r\n--bb"[..], b"\r\ntwo"]);
        assert_eq!(sections(b"--b\nx: y\n\nopen", b"b"), [b"x: y\n\nopen"]);
        assert!(sections(b"nothing", b"b").is_empty());
    }

    #[test]
    fn nesting_costs_neither_stack_nor_memory() {
        let nested = b"Content-Type: message/rfc822\n\n".repeat(50_000);
        assert_eq!(Mail::read(&nested).parts.len(), 1);
        let mut deep = Vec::new();
        for level in 0..5_000 {
            deep.extend(format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n").into_bytes());
        }
        assert_eq!(Mail::read(&deep).parts.len(), 1);
        let wide = [b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec(), b"--b\n\nx\n".repeat(100_000)].concat();
        assert_eq!(Mail::read(&wide).parts.len(), MAX_PARTS);
    }
}
