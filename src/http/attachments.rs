//! Files that came with mail, and what the provider sent, for whoever has a link to one. They are a stranger's: nothing here lets
//! a browser show them.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Request, State},
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{envelope::RequestId, linked::Linked};
use crate::{app::App, domain::normalize::File, sync::content};

/// How many files are unpacked at once. One takes some 200 MB at worst: a mail of 50 MiB, packed, unpacked and decoded.
const MAX_AT_ONCE: usize = 3;

/// What may stand in `filename*` as it is (RFC 8187, `attr-char`).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Types that are told to browsers. All others, and above all those that act, are bytes.
#[rustfmt::skip]
const TYPES: &[&str] = &[
    "application/pdf", "application/zip", "application/gzip", "application/json", "application/msword",
    "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet", "application/rtf",
    "audio/mpeg", "audio/ogg", "image/gif", "image/jpeg", "image/png", "image/webp", "message/rfc822", "text/calendar",
    "text/csv", "text/plain", "video/mp4",
];

/// The routes of files and of raw events.
pub(super) fn router(app: App) -> Router {
    let files = Linked::new(app, MAX_AT_ONCE);
    Router::new().route(content::PATH, get(serve)).route(content::RAW_PATH, get(serve_raw)).with_state(files)
}

async fn serve(State(files): State<Linked>, Path(link): Path<String>, request: Request) -> Response {
    let words = ("This link leads nowhere, or its time is over. Ask for a new one.", "The file could not be read.");
    let request_id = RequestId::of(request.extensions());
    files.serve(request_id, async |app| content::file(app, &link).await, answer, words).await
}

async fn serve_raw(State(files): State<Linked>, Path(link): Path<String>, request: Request) -> Response {
    let words = ("This link leads nowhere, or its time is over. Ask for a new one.", "What came could not be read.");
    let request_id = RequestId::of(request.extensions());
    let answer =
        |bytes| answer(File { name: "original.json".to_owned(), media_type: "application/json".to_owned(), bytes });
    files.serve(request_id, async |app| content::raw(app, &link).await, answer, words).await
}

fn answer(file: File) -> Response {
    let kind = TYPES.iter().copied().find(|kind| *kind == file.media_type).unwrap_or("application/octet-stream");
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition(&file.name)),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
        (HeaderName::from_static("x-download-options"), "noopen".to_owned()),
    ];
    (headers, Bytes::from(file.bytes)).into_response()
}

/// The header that makes a browser save a file, under its own name as far as that is one (RFC 6266).
fn disposition(name: &str) -> String {
    // Marks of direction make `exe` look like `txt`.
    let is_odd = |char: &char| {
        char.is_control()
            || matches!(char, '/' | '\\' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let name: String = name.chars().filter(|char| !is_odd(char)).collect();
    let name = name.trim_matches(['.', ' ']);
    let name = if name.is_empty() { "attachment" } else { name };
    let is_plain = |char: &char| char.is_ascii_alphanumeric() || matches!(char, ' ' | '-' | '.' | '_' | '(' | ')');
    let ascii: String = name.chars().map(|char| if is_plain(&char) { char } else { '_' }).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_name_and_nothing_else() {
        for (name, ascii, encoded) in [
            ("offer.pdf", "offer.pdf", "offer.pdf"),
            ("Größe 1.txt", "Gr__e 1.txt", "Gr%C3%B6%C3%9Fe%201.txt"),
            ("../../etc/passwd", "etcpasswd", "etcpasswd"),
            ("a\"; filename=b\r\nX: y", "a__ filename_bX_ y", "a%22%3B%20filename%3DbX%3A%20y"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe", "invoicefdp.exe"),
            ("", "attachment", "attachment"),
        ] {
            assert_eq!(
                disposition(name),
                format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}"),
                "{name}"
            );
        }
    }

    #[test]
    fn what_acts_in_a_browser_is_bytes() {
        for kind in
            ["image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "application/javascript", "nonsense"]
        {
            let file = File { name: "x".to_owned(), media_type: kind.to_owned(), bytes: Vec::new() };
            assert_eq!(answer(file).headers()[header::CONTENT_TYPE], "application/octet-stream", "{kind}");
        }
    }
}
