//! Writes RFC 5322 messages the way mail programs do: folded headers, encoded words, alternatives, attachments.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use encoding_rs::Encoding;

/// A file to attach.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub name: String,
    pub mime_type: &'static str,
    pub bytes: Vec<u8>,
}

/// A message being put together.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// Header lines so far, written by the methods below.
    pub headers: String,
    /// Charset label of text parts and encoded words; UTF-8 when absent.
    pub charset: Option<&'static str>,
    pub text: Option<String>,
    pub html: Option<String>,
    /// An invitation's method and iCalendar text.
    pub calendar: Option<(&'static str, String)>,
    pub files: Vec<File>,
    /// Tells this message's boundaries from any other's.
    pub boundary: u64,
}

impl Message {
    /// A header whose value is ASCII already.
    pub(super) fn header(&mut self, name: &str, value: &str) {
        let _ = write!(self.headers, "{name}: {value}\r\n");
    }

    /// A header of free text.
    pub(super) fn text_header(&mut self, name: &str, value: &str) {
        let value = self.words(value);
        self.header(name, &value);
    }

    /// An address header; one address a line, as long lists are folded.
    pub(super) fn people(&mut self, name: &str, people: &[(&str, &str)]) {
        let people: Vec<String> = people.iter().map(|(person, address)| self.address(person, address)).collect();
        self.header(name, &people.join(",\r\n\t"));
    }

    fn address(&self, name: &str, address: &str) -> String {
        if name.is_empty() {
            return address.to_owned();
        }
        if !name.is_ascii() {
            return format!("{} <{address}>", self.words(name));
        }
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
        if is_plain { format!("{name} <{address}>") } else { format!("\"{}\" <{address}>", name.replace('"', "\\\"")) }
    }

    /// RFC 2047 encoded words, where the text is not plain ASCII.
    fn words(&self, text: &str) -> String {
        if text.is_ascii() {
            return text.to_owned();
        }
        let (label, chunks) = match self.charset.filter(|label| encode(text, label).is_some()) {
            Some(label) => (label, split(text, 12)),
            None => ("utf-8", split(text, 12)),
        };
        let word = |chunk: &String| {
            let bytes = encode(chunk, label).unwrap_or_else(|| chunk.as_bytes().to_vec());
            format!("=?{}?B?{}?=", label.to_uppercase(), STANDARD.encode(bytes))
        };
        chunks.iter().map(word).collect::<Vec<_>>().join("\r\n ")
    }

    /// The message's bytes.
    pub(super) fn write(self) -> Vec<u8> {
        let boundary = |level: &str| format!("{level}{:020x}", self.boundary);
        let mut alternatives: Vec<String> = Vec::new();
        alternatives.extend(self.text.as_ref().map(|text| self.text_part("text/plain", text)));
        alternatives.extend(self.html.as_ref().map(|html| self.text_part("text/html", html)));
        if let Some((method, text)) = &self.calendar {
            let body = wrap_base64(text.as_bytes());
            let kind = format!("Content-Type: text/calendar; charset=\"UTF-8\"; method={method}");
            alternatives.push(format!("{kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}"));
        }
        let mut body = join("alternative", &boundary("000000000000a1"), alternatives);
        if !self.files.is_empty() {
            let mut parts = vec![body];
            parts.extend(self.files.iter().map(|file| self.file_part(file)));
            body = join("mixed", &boundary("000000000000b2"), parts);
        }
        format!("{}MIME-Version: 1.0\r\n{body}", self.headers).into_bytes()
    }

    fn text_part(&self, kind: &str, text: &str) -> String {
        let text = text.replace('\n', "\r\n");
        let old = self.charset.and_then(|label| Some((label, encode(&text, label)?)));
        let (label, bytes) = old.unwrap_or_else(|| ("utf-8", text.clone().into_bytes()));
        let n_eight_bit = bytes.iter().filter(|byte| !byte.is_ascii()).count();
        let has_long_line = bytes.split(|byte| *byte == b'\n').any(|line| line.len() > 900);
        let (encoding, body) = if n_eight_bit == 0 && !has_long_line {
            // ASCII, and ISO-2022-JP which is made of it.
            ("7bit", String::from_utf8_lossy(&bytes).into_owned())
        } else if n_eight_bit * 4 > bytes.len() {
            ("base64", wrap_base64(&bytes))
        } else {
            ("quoted-printable", quoted_printable(&bytes))
        };
        let body = if body.ends_with("\r\n") { body } else { body + "\r\n" };
        format!("Content-Type: {kind}; charset=\"{label}\"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}")
    }

    fn file_part(&self, file: &File) -> String {
        // Encoded words inside quotes break RFC 2047, and are what most senders, Gmail among them, write.
        let name = self.words(&file.name).replace("\r\n", "");
        format!(
            "Content-Type: {}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}",
            file.mime_type,
            wrap_base64(&file.bytes)
        )
    }
}

/// One part alone, or several under a multipart.
fn join(kind: &str, boundary: &str, mut parts: Vec<String>) -> String {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut body = format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n");
    for part in parts {
        let _ = write!(body, "--{boundary}\r\n{part}\r\n");
    }
    let _ = write!(body, "--{boundary}--\r\n");
    body
}

/// The text in that charset; `None` when it cannot say it.
fn encode(text: &str, label: &str) -> Option<Vec<u8>> {
    let encoding = Encoding::for_label(label.as_bytes())?;
    let (bytes, _, has_unmappable) = encoding.encode(text);
    // The web's ISO-8859-1 is Windows-1252, whose extra characters the real one has not.
    let is_beyond = label == "iso-8859-1" && bytes.iter().any(|byte| (0x80..0xa0).contains(byte));
    if has_unmappable || is_beyond { None } else { Some(bytes.into_owned()) }
}

/// Pieces of so many characters: an encoded word has at most 75.
fn split(text: &str, n_chars: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(n_chars).map(|chunk| chunk.iter().collect()).collect()
}

fn wrap_base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + bytes.len() / 28 + 4);
    for chunk in bytes.chunks(57) {
        STANDARD.encode_string(chunk, &mut out);
        out.push_str("\r\n");
    }
    out
}

/// RFC 2045, section 6.7. CRLF in the text stays a line end.
fn quoted_printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 5 / 4);
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut width = 0;
        for (index, byte) in line.iter().enumerate() {
            let is_last = index + 1 == line.len();
            let is_plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (*byte == b' ' && !is_last);
            let needed = if is_plain { 1 } else { 3 };
            if width + needed > 75 {
                out.push_str("=\r\n");
                width = 0;
            }
            width += needed;
            if is_plain {
                out.push(char::from(*byte));
            } else {
                let _ = write!(out, "={byte:02X}");
            }
        }
        out.push_str("\r\n");
    }
    // Splitting counts one line too many.
    out.truncate(out.len() - 2);
    out
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    #[test]
    fn what_is_written_reads_back_in_every_charset() {
        for (charset, text) in [
            (None, "Grüße 東京 مرحباً"),
            (
                Some("iso-8859-1"),
                "Viele Grüße, größer als üblich und länger als fünfundsiebzig Zeichen in einer einzigen Zeile = so.",
            ),
            (Some("iso-2022-jp"), "水曜日の午後三時はいかがでしょうか。"),
            (Some("koi8-r"), "Добрый день, коллеги"),
            (Some("iso-8859-1"), "beyond Latin-1: 東"),
        ] {
            let file = File { name: "Übersicht.csv".into(), mime_type: "text/csv", bytes: b"a,b\n".to_vec() };
            let mut message = Message {
                charset,
                text: Some(text.into()),
                html: Some(format!("<p>{text}</p>")),
                files: vec![file],
                ..Message::default()
            };
            message.text_header("Subject", text);
            message.people("From", &[("Jürgen O'Neil", "j@x.example")]);
            let raw = message.write();
            assert!(raw.is_ascii());
            let parsed = MessageParser::default().parse(&raw).unwrap();
            assert_eq!(parsed.subject(), Some(text));
            assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("Jürgen O'Neil"));
            assert_eq!(parsed.body_text(0).unwrap().trim_end(), text);
            assert_eq!(parsed.attachment_count(), 1);
        }
    }
}
