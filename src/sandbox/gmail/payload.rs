//! The `payload` tree of a message: every header as it stands, every part, bodies decoded from their transfer encoding.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE};
use mail_parser::{
    Encoding, Message as Parsed, MessagePart as ParsedPart, MimeHeaders, PartType,
    decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode},
};
use serde::Serialize;

use super::message::parse;

/// Text longer than this is fetched by attachment id, as files are. Where Gmail draws the line is not documented.
const INLINE_BYTES: usize = 100 * 1024;
/// Messages within messages deeper than this are shown as a plain body.
const MAX_DEPTH: usize = 30;

/// `MessagePart` of the discovery document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    #[serde(skip_serializing_if = "Option::is_none")]
    part_id: Option<String>,
    mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    headers: Vec<Header>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Body>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment_id: Option<String>,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

/// The whole tree. `attachment_id` makes the id of the attachment at a part's path.
pub(super) fn full(raw: &[u8], attachment_id: &mut dyn FnMut(&str) -> String) -> Part {
    match parse(raw) {
        Some(mail) => tree(&mail, 0, String::new(), 0, attachment_id),
        None => Part {
            headers: fields(raw),
            body: Some(Body { attachment_id: None, size: raw.len(), data: Some(URL_SAFE.encode(raw)) }),
            ..empty()
        },
    }
}

/// The root's headers, all or those named.
pub(super) fn metadata(raw: &[u8], names: &[&str]) -> Part {
    let is_asked =
        |header: &Header| names.is_empty() || names.iter().any(|name| name.eq_ignore_ascii_case(&header.name));
    let headers = fields(raw).into_iter().filter(is_asked).collect();
    match parse(raw) {
        Some(mail) => Part { mime_type: mime_type(mail.root_part()), headers, ..empty() },
        None => Part { headers, ..empty() },
    }
}

/// The decoded body of the part at `path`.
pub(super) fn body_of<'m>(mail: &'m Parsed<'_>, path: &str) -> Option<Cow<'m, [u8]>> {
    let (mut mail, mut index) = (mail, 0);
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let step: usize = step.parse().ok()?;
        (mail, index) = match &mail.parts.get(index)?.body {
            PartType::Multipart(children) => (mail, *children.get(step)? as usize),
            PartType::Message(inner) if step == 0 => (inner, 0),
            _ => return None,
        };
    }
    mail.parts.get(index).map(|part| body(mail, part))
}

fn empty() -> Part {
    Part {
        part_id: None,
        mime_type: "text/plain".to_owned(),
        filename: None,
        headers: Vec::new(),
        body: None,
        parts: Vec::new(),
    }
}

fn tree(
    mail: &Parsed<'_>,
    index: usize,
    path: String,
    depth: usize,
    attachment_id: &mut dyn FnMut(&str) -> String,
) -> Part {
    let Some(part) = mail.parts.get(index) else { return empty() };
    let child = |step: usize| if path.is_empty() { step.to_string() } else { format!("{path}.{step}") };
    let mut parts = Vec::new();
    match &part.body {
        PartType::Multipart(children) if depth < MAX_DEPTH => {
            for (step, index) in children.iter().enumerate() {
                parts.push(tree(mail, *index as usize, child(step), depth + 1, attachment_id));
            }
        }
        PartType::Message(inner) if depth < MAX_DEPTH => {
            parts.push(tree(inner, 0, child(0), depth + 1, attachment_id));
        }
        _ => {}
    }
    let filename = part.attachment_name().unwrap_or_default().to_owned();
    let body = if matches!(part.body, PartType::Multipart(_)) {
        Body { attachment_id: None, size: 0, data: None }
    } else {
        let data = body(mail, part);
        let is_text = matches!(part.body, PartType::Text(_) | PartType::Html(_));
        if is_text && filename.is_empty() && data.len() <= INLINE_BYTES {
            Body { attachment_id: None, size: data.len(), data: Some(URL_SAFE.encode(data)) }
        } else {
            Body { attachment_id: Some(attachment_id(&path)), size: data.len(), data: None }
        }
    };
    Part {
        mime_type: mime_type(part),
        filename: Some(filename),
        headers: headers(mail, part),
        body: Some(body),
        parts,
        part_id: Some(path),
    }
}

fn mime_type(part: &ParsedPart<'_>) -> String {
    let declared = part.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("plain")));
    declared.unwrap_or_else(|| "text/plain".to_owned()).to_lowercase()
}

/// A part's headers, in their order, duplicates included, values as they stand but for the line end. Not as the parser has
/// them, to which some dates hide the header that follows.
fn headers(mail: &Parsed<'_>, part: &ParsedPart<'_>) -> Vec<Header> {
    let block = mail.raw_message.get(part.offset_header as usize..part.offset_body as usize);
    fields(block.unwrap_or_default())
}

/// The header fields at the start of `block`, up to an empty line.
fn fields(block: &[u8]) -> Vec<Header> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    let lines = block.split_inclusive(|byte| *byte == b'\n');
    for line in lines.take_while(|line| !matches!(*line, b"\n" | b"\r\n")) {
        match fields.last_mut().filter(|_| line.starts_with(b" ") || line.starts_with(b"\t")) {
            Some(folded) => folded.extend_from_slice(line),
            None => fields.push(line.to_vec()),
        }
    }
    let header = |field: &Vec<u8>| {
        let colon = field.iter().position(|byte| *byte == b':')?;
        let name = field[..colon].trim_ascii_end();
        let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        is_name.then(|| Header { name: text(name), value: text(&field[colon + 1..]) })
    };
    fields.iter().filter_map(header).collect()
}

/// JSON holds no bytes that are not text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// The part's bytes without their transfer encoding, in their own charset.
fn body<'m>(mail: &'m Parsed<'_>, part: &'m ParsedPart<'_>) -> Cow<'m, [u8]> {
    let raw = mail.raw_message.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    let decoded = match part.encoding {
        Encoding::None => None,
        Encoding::Base64 => base64_decode(raw),
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
    };
    decoded.map_or(Cow::Borrowed(raw), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MAIL: &[u8] = b"Received: one\r\nRECEIVED: two\r\nSubject: =?utf-8?q?a_b?=\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
        --x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n\
        --y\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nJ=FCrgen\r\n\
        --y\r\nContent-Type: text/html\r\n\r\n<p>J</p>\r\n--y--\r\n\
        --x\r\nContent-Type: text/csv; name=\"t.csv\"\r\nContent-Disposition: attachment; filename=\"t.csv\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nYSxiCg==\r\n--x--\r\n";

    #[test]
    fn headers_stand_as_they_came() {
        let block = b"Date: Thu, 20 Jun 2002 05:53:48 UT\r\nFrom: J\xc3\xbcrgen\r\n <j@x>\r\nno header\r\nX-Empty:\r\nSubject : a: b\r\n\r\nTo: body";
        let found: Vec<String> =
            fields(block).into_iter().map(|header| format!("{}={}", header.name, header.value)).collect();
        assert_eq!(
            found,
            ["Date=Thu, 20 Jun 2002 05:53:48 UT", "From=J\u{fc}rgen\r\n <j@x>", "X-Empty=", "Subject=a: b"]
        );
    }

    #[test]
    fn the_tree_keeps_headers_parts_and_charsets() {
        let mut paths = Vec::new();
        let part = full(MAIL, &mut |path| {
            paths.push(path.to_owned());
            format!("id-{path}")
        });
        let tree: Value = serde_json::to_value(part).unwrap();
        assert_eq!(tree["headers"][0], json!({"name": "Received", "value": "one"}));
        assert_eq!(tree["headers"][1], json!({"name": "RECEIVED", "value": "two"}));
        assert_eq!(tree["headers"][2]["value"], "=?utf-8?q?a_b?=");
        assert_eq!((&tree["partId"], &tree["mimeType"]), (&json!(""), &json!("multipart/mixed")));
        let text = &tree["parts"][0]["parts"][0];
        assert_eq!(text["partId"], "0.0");
        assert_eq!(text["body"]["data"], json!(URL_SAFE.encode(b"J\xFCrgen")));
        let file = &tree["parts"][1];
        assert_eq!((&file["filename"], &file["body"]), (&json!("t.csv"), &json!({"attachmentId": "id-1", "size": 4})));
        assert_eq!(paths, ["1"]);
        assert_eq!(body_of(&parse(MAIL).unwrap(), "1").as_deref(), Some(b"a,b\n".as_slice()));
        assert_eq!(body_of(&parse(MAIL).unwrap(), "7"), None);
    }
}
