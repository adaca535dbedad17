//! The batch on the wire: `multipart/mixed` whose parts are whole HTTP requests, or answers.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::Answer;

/// One request of a batch.
#[derive(Debug)]
pub(super) struct Part {
    /// Its `Content-ID`, as given.
    pub id: Option<String>,
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The boundary that a `Content-Type` names, quoted or not.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let mut fields = content_type.split(';');
    if !fields.next()?.trim().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let value = fields.find_map(|field| {
        let (name, value) = field.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (!value.is_empty()).then_some(value)
}

/// The parts of a batch; what cannot be read as a request is left out, as is the text around the parts.
pub(super) fn parts(body: &[u8], boundary: &str) -> Vec<Part> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut open: Option<usize> = None;
    for (start, line) in lines(body) {
        let text = trim_end(line);
        if text != delimiter.as_bytes() && text.strip_suffix(b"--") != Some(delimiter.as_bytes()) {
            continue;
        }
        if let Some(begin) = open {
            // The line end before the delimiter belongs to the delimiter.
            parts.extend(part(trim_one_line_end(&body[begin..start])));
        }
        open = (text == delimiter.as_bytes()).then_some(start + line.len());
    }
    parts
}

/// Lines with their ends, LF or CRLF, and where each begins.
fn lines(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    body.split_inclusive(|byte| *byte == b'\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

fn trim_end(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

fn trim_one_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// The part's own head, then the request inside.
fn part(bytes: &[u8]) -> Option<Part> {
    let (outer, inside) = head(bytes);
    let end = inside.iter().position(|byte| *byte == b'\n').map_or(inside.len(), |at| at + 1);
    let (line, rest) = inside.split_at(end);
    let line = std::str::from_utf8(trim_end(line)).ok()?;
    // `HTTP/1.1` at the end may be missing.
    let mut words = line.split_ascii_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (headers, body) = head(rest);
    let id = outer.get("content-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    Some(Part { id, method, target, headers, body: Bytes::copy_from_slice(body) })
}

/// Header lines up to the empty one, and what comes after it. Lines that are no headers are passed over.
fn head(bytes: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    for (start, line) in lines(bytes) {
        let text = trim_end(line);
        if text.is_empty() {
            return (headers, &bytes[start + line.len()..]);
        }
        let Some(colon) = text.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(text[..colon].trim_ascii());
        let value = HeaderValue::from_bytes(text[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    (headers, &[])
}

/// The answers as one body.
pub(super) fn join(answers: &[Answer], boundary: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let line = |out: &mut Vec<u8>, text: &[u8]| {
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    };
    for answer in answers {
        line(&mut out, format!("--{boundary}").as_bytes());
        line(&mut out, b"Content-Type: application/http");
        if let Some(id) = &answer.id {
            line(&mut out, format!("Content-ID: {}", response_id(id)).as_bytes());
        }
        line(&mut out, b"");
        let reason = answer.status.canonical_reason().unwrap_or_default();
        line(&mut out, format!("HTTP/1.1 {} {reason}", answer.status.as_u16()).as_bytes());
        for (name, value) in answer.headers.iter().filter(|(name, _)| *name != http::header::CONTENT_LENGTH) {
            line(&mut out, &[name.as_str().as_bytes(), b": ", value.as_bytes()].concat());
        }
        line(&mut out, format!("Content-Length: {}", answer.body.len()).as_bytes());
        line(&mut out, b"");
        line(&mut out, &answer.body);
    }
    line(&mut out, format!("--{boundary}--").as_bytes());
    out
}

/// `<x>` becomes `<response-x>`.
fn response_id(id: &str) -> String {
    match id.strip_prefix('<') {
        Some(rest) => format!("<response-{rest}"),
        None => format!("response-{id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_line_ends_are_read_and_the_version_may_be_missing() {
        let lf = "preamble\n--b\nContent-Type: application/http\nContent-ID: <1>\n\nGET /a?x=1\nX-A: 1\n\n--b\n\n\
                  POST /b HTTP/1.1\n\nbody\n--b--\nepilogue";
        for text in [lf.to_owned(), lf.replace('\n', "\r\n")] {
            let parts = parts(text.as_bytes(), "b");
            assert_eq!(parts.len(), 2, "{text}");
            assert_eq!((parts[0].id.as_deref(), parts[0].target.as_str()), (Some("<1>"), "/a?x=1"));
            assert_eq!(parts[0].headers["x-a"], "1");
            assert_eq!((parts[1].method.as_str(), &parts[1].body[..]), ("POST", b"body".as_slice()));
        }
    }

    #[test]
    fn a_boundary_may_be_quoted() {
        assert_eq!(boundary("multipart/mixed; boundary=\"===1==\"").as_deref(), Some("===1=="));
        assert_eq!(boundary("Multipart/Mixed; charset=x; BOUNDARY=b").as_deref(), Some("b"));
        assert_eq!(boundary("application/json; boundary=b"), None);
        assert_eq!(boundary("multipart/mixed"), None);
    }
}
