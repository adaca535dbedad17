//! The structure of a mail: its headers and its leaf parts, as slices of the message.
//!
//! `mail_parser` reads headers and decodes text; the walk over the parts is ours. Its own walk decodes every attachment,
//! and copies the message once for each level of mails nested in a mail that is itself encoded: a megabyte that a stranger
//! sends becomes gigabytes. Ours never looks into a nested mail, decodes only text, and is bounded in depth and number.

use std::sync::LazyLock;

use mail_parser::{ContentType, Header, HeaderName, HeaderValue, MessageParser, parsers::MessageStream};

use super::part::{Encoding, Part};

/// The most parts looked at; what follows them is left out.
const MAX_PARTS: usize = 2_000;
/// How deep multiparts may nest; a deeper one is taken as text.
const MAX_DEPTH: usize = 20;
/// How many types a part may claim before its first ones are given up: each costs a look through the part.
const MAX_CLAIMS: usize = 4;
/// The longest header section, in bytes. Providers accept far less.
const MAX_HEADER_BYTES: usize = 1 << 20;
static HEADERS: LazyLock<MessageParser> = LazyLock::new(|| {
    MessageParser::new()
        .with_minimal_headers()
        .header_address(HeaderName::Sender)
        .header_id(HeaderName::MessageId)
        .ignore_header(HeaderName::Date)
        .default_header_ignore()
});

/// A mail taken apart.
pub(super) struct Mail<'x> {
    /// The headers of the mail itself, in their order.
    pub(super) headers: Vec<Header<'x>>,
    /// The leaves of the tree of parts, in their order.
    pub(super) parts: Vec<Part<'x>>,
}

/// What a part inherits from the multiparts around it.
#[derive(Clone, Copy, Default)]
struct Context {
    depth: usize,
    alternative: Option<usize>,
    is_related: bool,
    is_digest: bool,
}

impl<'x> Mail<'x> {
    /// Takes a message apart. Any bytes are a message, if only of one part.
    pub(super) fn read(raw: &'x [u8]) -> Self {
        let (headers, body) = split_headers(raw);
        let mut mail = Self { headers: Vec::new(), parts: Vec::new() };
        mail.walk(&headers, body, Context::default());
        mail.headers = headers;
        if let [part] = mail.parts.as_mut_slice() {
            part.is_alone = true;
        }
        mail
    }

    /// The first header of that name which has a value.
    pub(super) fn header(&self, name: HeaderName<'static>) -> Option<&HeaderValue<'x>> {
        self.values(name).next()
    }

    /// Every header of that name which has a value.
    pub(super) fn values(&self, name: HeaderName<'static>) -> impl Iterator<Item = &HeaderValue<'x>> {
        self.headers.iter().filter(move |header| header.name == name).map(|header| &header.value).filter(is_filled)
    }

    fn walk(&mut self, headers: &[Header<'x>], body: &'x [u8], context: Context) {
        let value = |name| headers.iter().find(|header| header.name == name).map(|header| &header.value);
        let content_types = headers.iter().filter(|header| header.name == HeaderName::ContentType);
        let content_types = content_types.filter_map(|header| header.value.as_content_type());
        let is_multipart = |kind: &&ContentType<'_>| kind.c_type == "multipart";
        if context.depth < MAX_DEPTH {
            // Broken mail names two types; the one whose boundary is there is the true one.
            for kind in content_types.clone().filter(is_multipart).take(MAX_CLAIMS) {
                let sections = sections(body, kind.attribute("boundary").unwrap_or_default().as_bytes());
                if !sections.is_empty() {
                    return self.walk_sections(sections, kind, context);
                }
            }
        }
        // A multipart without parts is read as plain text.
        let content_type = content_types.clone().next().filter(|kind| !is_multipart(kind));
        let encoding = value(HeaderName::ContentTransferEncoding).and_then(HeaderValue::as_text).unwrap_or_default();
        let digested = || ContentType { c_type: "message".into(), c_subtype: Some("rfc822".into()), attributes: None };
        self.parts.push(Part {
            content_type: content_type.cloned().or_else(|| context.is_digest.then(digested)),
            disposition: value(HeaderName::ContentDisposition).and_then(HeaderValue::as_content_type).cloned(),
            encoding: Encoding::of(encoding),
            body,
            has_content_id: value(HeaderName::ContentId).is_some_and(|value| is_filled(&value)),
            is_related: context.is_related,
            is_alone: false,
            alternative: context.alternative,
        });
    }

    fn walk_sections(&mut self, sections: Vec<&'x [u8]>, parent: &ContentType<'_>, context: Context) {
        let subtype = parent.subtype().unwrap_or_default();
        // An alternative inside another one says the same thing in yet another way.
        let own = subtype.eq_ignore_ascii_case("alternative").then_some(self.parts.len());
        let inner = Context {
            depth: context.depth + 1,
            alternative: context.alternative.or(own),
            is_related: subtype.eq_ignore_ascii_case("related"),
            is_digest: subtype.eq_ignore_ascii_case("digest"),
        };
        for section in sections {
            if self.parts.len() >= MAX_PARTS {
                return;
            }
            let (headers, body) = split_headers(section);
            self.walk(&headers, body, inner);
        }
    }
}

fn is_filled(value: &&HeaderValue<'_>) -> bool {
    !matches!(value, HeaderValue::Empty)
}

/// The headers at the start of a message or part, and what follows the empty line after them.
fn split_headers(section: &[u8]) -> (Vec<Header<'_>>, &[u8]) {
    let mut headers = Vec::new();
    let mut stream = MessageStream::new(&section[..section.len().min(MAX_HEADER_BYTES)]);
    stream.parse_headers(&HEADERS, &mut headers);
    (headers, &section[stream.offset()..])
}

/// What parts the parts of a section that begins with these headers; `None` when it claims to have none.
pub(super) fn boundary(headers: &[u8]) -> Option<String> {
    let (headers, _) = split_headers(headers);
    let kinds = headers.iter().filter(|header| header.name == HeaderName::ContentType);
    let mut kinds = kinds.filter_map(|header| header.value.as_content_type());
    let named = kinds.find(|kind| kind.c_type == "multipart")?.attribute("boundary")?;
    Some(named.to_owned()).filter(|boundary| !boundary.is_empty())
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
        if is_last || sections.len() >= MAX_PARTS {
            return sections;
        }
        start = Some(at);
    }
    sections.extend(start.map(|start| &body[start..]));
    sections
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
