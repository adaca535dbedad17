//! A mail without its bodies, as Google's parsed form tells it: enough for the filter and for a sample, however large the
//! mail is.
//!
//! Google's tree of parts is written down as a mail once more, with nothing in its parts, and read as every mail is. So what
//! a preview sees of a mail and what a sync's filter sees of it come from one reading.

use serde::Deserialize;

use super::mime;

/// How deep parts may nest. Whoever asks Google for an outline asks for no more.
const MAX_DEPTH: usize = 20;

/// One part in Google's tree: the mail itself, or what a multipart holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OutlinePart {
    headers: Vec<OutlineHeader>,
    parts: Vec<OutlinePart>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutlineHeader {
    name: String,
    value: String,
}

impl OutlinePart {
    /// The mail that these parts would be if nothing stood in them.
    pub(super) fn to_mail(&self) -> Vec<u8> {
        let mut mail = Vec::new();
        self.write(&mut mail, MAX_DEPTH);
        mail
    }

    fn write(&self, mail: &mut Vec<u8>, depth: usize) {
        let start = mail.len();
        for OutlineHeader { name, value } in &self.headers {
            let line = format!("{name}: {value}");
            // A value may be folded; it may not end the headers.
            let folded = line.split(['\r', '\n']).filter(|part| !part.trim().is_empty()).collect::<Vec<_>>();
            mail.extend_from_slice(folded.join(" ").as_bytes());
            mail.extend_from_slice(b"\r\n");
        }
        mail.extend_from_slice(b"\r\n");
        // A mail inside a mail is a file to us, whatever Google has found in it.
        let Some(boundary) = mime::boundary(&mail[start..]).filter(|_| depth > 0 && !self.parts.is_empty()) else {
            return;
        };
        for part in &self.parts {
            mail.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            part.write(mail, depth - 1);
            mail.extend_from_slice(b"\r\n");
        }
        mail.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    }
}
