//! One part of a mail: what it is, and its text.

use std::borrow::Cow;

use super::{charset::Charset, flowed, html, param::Value, transfer};

/// The most bytes of one part that are decoded to text.
const MAX_TEXT_BYTES: usize = 4 << 20;

/// Which bytes are digits of base64: looked up, because a file of 50 MB has as many.
const IS_BASE64: [bool; 256] = {
    let mut table = [false; 256];
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < digits.len() {
        table[digits[at] as usize] = true;
        at += 1;
    }
    table
};

/// A part that has no parts of its own, or into which we do not look.
pub(super) struct Part<'x> {
    /// Its type, plain text where it names none.
    pub(super) content_type: Value,
    /// How it is to be shown; empty where it does not say.
    pub(super) disposition: Value,
    pub(super) encoding: Encoding,
    pub(super) body: &'x [u8],
    /// The name by which other parts refer to it, without angle brackets.
    pub(super) content_id: Option<String>,
    pub(super) is_related: bool,
    /// Whether the mail has no other part.
    pub(super) is_alone: bool,
}

/// How a part's bytes were made fit for transport.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

impl<'x> Part<'x> {
    /// Whether the part is of that type.
    pub(super) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.content_type.kind == kind && self.content_type.subtype == subtype
    }

    /// The media type as the sender claims it, lower case.
    pub(super) fn media_type(&self) -> String {
        format!("{}/{}", self.content_type.kind, self.content_type.subtype)
    }

    /// The file name, where one is given.
    pub(super) fn name(&self) -> Option<&str> {
        self.disposition.get("filename").or_else(|| self.content_type.get("name"))
    }

    /// Whether the sender says that it is a file.
    pub(super) fn is_file(&self) -> bool {
        self.disposition.kind == "attachment"
    }

    /// Whether it is text of the mail itself rather than a text file that came with it: one has a name, the other has
    /// not, unless it is all there is.
    pub(super) fn is_text(&self, subtype: &str) -> bool {
        self.is("text", subtype) && !self.is_file() && (self.is_alone || self.name().is_none())
    }

    /// Whether it is shown inside the text rather than beside it: an image that HTML refers to.
    pub(super) fn is_inline(&self) -> bool {
        !self.is_file() && (self.is_related || self.content_id.is_some())
    }

    /// The size after decoding, in bytes, without decoding.
    pub(super) fn size_bytes(&self) -> u64 {
        let size = match self.encoding {
            Encoding::Identity => self.body.len(),
            Encoding::Base64 => {
                let mut n_digits = 0;
                for byte in self.body {
                    n_digits += usize::from(IS_BASE64[usize::from(*byte)]);
                }
                n_digits * 3 / 4
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

    /// The decoded bytes of the first `max` bytes.
    pub(super) fn bytes(&self, max: usize) -> Cow<'x, [u8]> {
        let body = &self.body[..self.body.len().min(max)];
        match self.encoding {
            Encoding::Identity => body.into(),
            Encoding::Base64 => transfer::base64(body).into(),
            Encoding::QuotedPrintable => transfer::quoted_printable(body).into(),
        }
    }

    /// The decoded text, or as much of it as is ever kept.
    pub(super) fn text(&self) -> String {
        let bytes = self.bytes(MAX_TEXT_BYTES);
        let label = match self.content_type.get("charset") {
            None if self.is("text", "html") => html::charset(&bytes),
            label => label.unwrap_or_default().to_owned(),
        };
        let text = Charset::decode(bytes, &label);
        let is = |name, value| self.content_type.get(name).is_some_and(|own| own.eq_ignore_ascii_case(value));
        match self.is("text", "plain") && is("format", "flowed") {
            true => flowed::unwrap(&text, is("delsp", "yes")),
            false => text,
        }
    }

    /// Whether there is more of its text than is ever kept.
    pub(super) fn is_cut(&self) -> bool {
        self.body.len() > MAX_TEXT_BYTES
    }

    /// The charset it claims, if it is text and that is one.
    pub(super) fn charset(&self) -> Option<Charset> {
        let label = self.content_type.get("charset").filter(|_| self.content_type.kind == "text");
        Charset::named(label?)
    }
}

impl Encoding {
    pub(super) fn of(name: &str) -> Self {
        let name = name.split(|char: char| char.is_whitespace() || ";(".contains(char)).find(|word| !word.is_empty());
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }
}
