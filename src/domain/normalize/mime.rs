//! The structure of a mail: its headers and its leaf parts, as slices of the message.
//!
//! `mail_parser` reads headers and decodes text; the walk over the parts is ours. Its own walk decodes every attachment,
//! and copies the message once for each level of mails nested in a mail that is itself encoded: a megabyte that a stranger
//! sends becomes gigabytes. Ours never looks into a nested mail, decodes only text, and is bounded in depth and number.

use std::{borrow::Cow, sync::LazyLock};

use mail_parser::{
    ContentType, Header, HeaderName, HeaderValue, MessageParser,
    decoders::{base64::base64_decode, charsets::map::charset_decoder, quoted_printable::quoted_printable_decode},
    parsers::MessageStream,
};

/// The most parts looked at; what follows them is left out.
const MAX_PARTS: usize = 2_000;
/// How deep multiparts may nest; a deeper one is taken as text.
const MAX_DEPTH: usize = 20;
/// The longest header section, in bytes. Providers accept far less.
const MAX_HEADER_BYTES: usize = 1 << 20;
/// The most bytes of one part that are decoded to text.
const MAX_TEXT_BYTES: usize = 4 << 20;

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

/// A part that has no parts of its own, or into which we do not look.
pub(super) struct Part<'x> {
    content_type: Option<ContentType<'x>>,
    disposition: Option<ContentType<'x>>,
    encoding: Encoding,
    body: &'x [u8],
    has_content_id: bool,
    is_related: bool,
    /// Whether the mail has no other part.
    is_alone: bool,
    /// Which `multipart/alternative` it belongs to, numbered through the mail: its leaves say the same thing.
    pub(super) alternative: Option<usize>,
}

#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
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
        let content_type = value(HeaderName::ContentType).and_then(HeaderValue::as_content_type);
        if let Some(content_type) = content_type.filter(|kind| kind.c_type == "multipart")
            && let Some(boundary) = content_type.attribute("boundary")
            && context.depth < MAX_DEPTH
        {
            let sections = sections(body, boundary.as_bytes());
            if !sections.is_empty() {
                return self.walk_sections(sections, content_type, context);
            }
        }
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

impl Part<'_> {
    /// Whether the part is of that type. A part that names none is plain text.
    pub(super) fn is(&self, kind: &str, subtype: &str) -> bool {
        match &self.content_type {
            None => (kind, subtype) == ("text", "plain"),
            Some(own) => {
                own.ctype().eq_ignore_ascii_case(kind) && own.subtype().unwrap_or("plain").eq_ignore_ascii_case(subtype)
            }
        }
    }

    /// The media type as the sender claims it, lower case.
    pub(super) fn media_type(&self) -> String {
        match &self.content_type {
            None => "text/plain".to_owned(),
            Some(own) => format!("{}/{}", own.ctype(), own.subtype().unwrap_or("plain")).to_ascii_lowercase(),
        }
    }

    /// The file name, where one is given.
    pub(super) fn name(&self) -> Option<&str> {
        let disposition = self.disposition.as_ref().and_then(|header| header.attribute("filename"));
        disposition.or_else(|| self.content_type.as_ref()?.attribute("name")).filter(|name| !name.is_empty())
    }

    /// Whether the sender says that it is a file.
    pub(super) fn is_file(&self) -> bool {
        self.disposition.as_ref().is_some_and(ContentType::is_attachment)
    }

    /// Whether it is text of the mail itself rather than a text file that came with it: one has a name, the other has
    /// not, unless it is all there is.
    pub(super) fn is_text(&self, subtype: &str) -> bool {
        self.is("text", subtype) && !self.is_file() && (self.is_alone || self.name().is_none())
    }

    /// Whether it is shown inside the text rather than beside it: an image that HTML refers to.
    pub(super) fn is_inline(&self) -> bool {
        !self.is_file() && (self.is_related || self.has_content_id)
    }

    /// The size after decoding, in bytes, without decoding.
    pub(super) fn size_bytes(&self) -> u64 {
        let size = match self.encoding {
            Encoding::Identity => self.body.len(),
            Encoding::Base64 => {
                let digits =
                    self.body.iter().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
                digits.count() * 3 / 4
            }
            Encoding::QuotedPrintable => {
                let (escapes, breaks) =
                    self.body.iter().zip(self.body.iter().skip(1)).fold((0, 0), |(e, b), pair| match pair {
                        (b'=', b'\r' | b'\n') => (e, b + 1),
                        (b'=', _) => (e + 1, b),
                        _ => (e, b),
                    });
                self.body.len().saturating_sub(2 * (escapes + breaks))
            }
        };
        size as u64
    }

    /// The decoded text, or as much of it as is ever kept.
    pub(super) fn text(&self) -> String {
        let body = &self.body[..self.body.len().min(MAX_TEXT_BYTES)];
        let bytes: Cow<'_, [u8]> = match self.encoding {
            Encoding::Identity => body.into(),
            // A part that is not what its header claims is best read as it is.
            Encoding::Base64 => base64_decode(body).map_or(body.into(), Cow::Owned),
            Encoding::QuotedPrintable => quoted_printable_decode(body).map_or(body.into(), Cow::Owned),
        };
        let charset = self.content_type.as_ref().and_then(|own| own.attribute("charset")).unwrap_or_default();
        decode(bytes, charset)
    }
}

impl Encoding {
    fn of(name: &str) -> Self {
        match name.trim() {
            name if name.eq_ignore_ascii_case("base64") => Self::Base64,
            name if name.eq_ignore_ascii_case("quoted-printable") => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }
}

fn is_filled(value: &&HeaderValue<'_>) -> bool {
    !matches!(value, HeaderValue::Empty)
}

/// Bytes of a charset as text. Much mail claims ASCII, or nothing, and is UTF-8.
fn decode(bytes: Cow<'_, [u8]>, charset: &str) -> String {
    let charset = charset.trim();
    let claims_nothing = ["", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit", "x-unknown"];
    let decoder = charset_decoder(charset.as_bytes());
    match decoder {
        Some(decoder) if !claims_nothing.iter().any(|name| name.eq_ignore_ascii_case(charset)) => decoder(&bytes),
        _ => match String::from_utf8(bytes.into_owned()) {
            Ok(text) => text,
            Err(error) if charset.to_ascii_lowercase().starts_with("utf") => {
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }
            // Windows-1252 has a character for every byte.
            Err(error) => match charset_decoder(b"windows-1252") {
                Some(decoder) => decoder(error.as_bytes()),
                None => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            },
        },
    }
}

/// The headers at the start of a message or part, and what follows the empty line after them.
fn split_headers(section: &[u8]) -> (Vec<Header<'_>>, &[u8]) {
    let mut headers = Vec::new();
    let mut stream = MessageStream::new(&section[..section.len().min(MAX_HEADER_BYTES)]);
    stream.parse_headers(&HEADERS, &mut headers);
    (headers, &section[stream.offset()..])
}

/// What stands between the boundary lines of a multipart (RFC 2046, 5.1.1). A missing last boundary is forgiven.
fn sections<'x>(body: &'x [u8], boundary: &[u8]) -> Vec<&'x [u8]> {
    let mut sections = Vec::new();
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
    fn text_is_decoded_whatever_it_claims() {
        for (bytes, charset, text) in [
            (&b"gr\xc3\xbcn"[..], "us-ascii", "grün"),
            (b"gr\xfcn", "us-ascii", "grün"),
            (b"gr\xfcn", "utf-8", "gr\u{fffd}n"),
            (b"gr\xfcn", "ISO-8859-1", "grün"),
            (b"\x1b$B%O\x1b(B", "iso-2022-jp", "ハ"),
            (b"gr\xc3\xbcn", "nonsense", "grün"),
        ] {
            assert_eq!(decode(bytes.into(), charset), text, "{charset}");
        }
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
