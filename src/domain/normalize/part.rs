//! One part of a mail: what it is, and its text.

use std::borrow::Cow;

use mail_parser::{
    ContentType,
    decoders::{base64::base64_decode, charsets::map::charset_decoder, quoted_printable::quoted_printable_decode},
};

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
    pub(super) content_type: Option<ContentType<'x>>,
    pub(super) disposition: Option<ContentType<'x>>,
    pub(super) encoding: Encoding,
    pub(super) body: &'x [u8],
    pub(super) has_content_id: bool,
    pub(super) is_related: bool,
    /// Whether the mail has no other part.
    pub(super) is_alone: bool,
    /// Which `multipart/alternative` it belongs to, numbered through the mail: its leaves say the same thing.
    pub(super) alternative: Option<usize>,
}

/// How a part's bytes were made fit for transport.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
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
    pub(super) fn of(name: &str) -> Self {
        match name.trim() {
            name if name.eq_ignore_ascii_case("base64") => Self::Base64,
            name if name.eq_ignore_ascii_case("quoted-printable") => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
