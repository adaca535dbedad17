use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::{prelude::*, sample::Index};
use serde_json::json;

use super::*;
use crate::domain::normalize::{Direction, Role};

/// A message as Gmail's reply.
fn reply(raw: &[u8]) -> Vec<u8> {
    let message = json!({
        "id": "18f", "threadId": "18e", "labelIds": ["INBOX"], "snippet": "s", "historyId": "9007199254740993",
        "internalDate": "1700000000123", "sizeEstimate": raw.len(), "raw": URL_SAFE.encode(raw),
    });
    serde_json::to_vec(&message).unwrap()
}

fn row(raw: &str) -> NewInteraction {
    mail(&reply(raw.replace('\n', "\r\n").as_bytes()), &["me@example.com".to_owned()]).unwrap()
}

fn people(row: &NewInteraction) -> Vec<(Role, &str, Option<&str>)> {
    row.participants.iter().map(|one| (one.role, one.address.as_str(), one.name.as_deref())).collect()
}

#[test]
fn a_plain_mail_becomes_a_row() {
    let row = row(
        "From: =?utf-8?q?Ad=C3=A4_Lovelace?= <Ada@Example.ORG>\nTo: \"Me, Myself\" <ME@example.com>,\n bob@example.net\n\
        Cc: Friends: carol@example.net, Dan <dan@example.net>;\nBcc: eve@bücher.example\nReply-To: list@example.org\n\
        Subject: =?iso-8859-1?Q?Gr=FC=DFe?= from\n the  Engine\nMessage-ID: <a.b@example.org>\n\nHello\0 you,\n\n\nbye\n",
    );
    assert_eq!(row.subject, "Grüße from the Engine");
    assert_eq!(row.body_text, "Hello you,\n\n\nbye");
    assert_eq!(row.snippet, "Hello you, bye");
    assert_eq!(row.universal_id.as_deref(), Some("a.b@example.org"));
    assert_eq!(row.thread.as_deref(), Some("18e"));
    assert_eq!(row.labels, ["INBOX"]);
    assert_eq!(row.occurred_at.timestamp_millis(), 1_700_000_000_123);
    assert_eq!((row.kind, row.direction), (InteractionKind::Email, Some(Direction::Received)));
    assert_eq!(
        people(&row),
        [
            (Role::From, "ada@example.org", Some("Adä Lovelace")),
            (Role::ReplyTo, "list@example.org", None),
            (Role::To, "me@example.com", Some("Me, Myself")),
            (Role::To, "bob@example.net", None),
            (Role::Cc, "carol@example.net", None),
            (Role::Cc, "dan@example.net", Some("Dan")),
            (Role::Bcc, "eve@bücher.example", None),
        ]
    );
    assert!(row.participants[2].is_self && !row.participants[0].is_self);
}

#[test]
fn the_direction_is_seen_from_the_account() {
    for (headers, direction) in [
        ("From: me@example.com\nTo: ada@example.org", Direction::Sent),
        ("From: Me@Example.com\nTo: ME@example.com", Direction::Internal),
        ("From: me@example.com", Direction::Sent),
        ("From: me+notes@example.com\nTo: ada@example.org", Direction::Sent),
        ("From: me@example.com\nTo: me+todo@example.com", Direction::Internal),
        ("From: m.e@example.com\nTo: ada@example.org", Direction::Received),
        ("From: ada@example.org\nTo: me@example.com", Direction::Received),
        ("Subject: no one", Direction::Received),
    ] {
        assert_eq!(row(&format!("{headers}\n\nx")).direction, Some(direction), "{headers}");
    }
}

#[test]
fn labels_are_evidence_of_the_direction() {
    let labelled = |labels: &str| {
        let reply = String::from_utf8(reply(b"From: me@example.com\r\nTo: ada@example.org\r\n\r\nx")).unwrap();
        let direction = |alias: &str| {
            mail(reply.replace("\"INBOX\"", labels).as_bytes(), &[alias.to_owned()]).unwrap().direction.unwrap()
        };
        (direction("me@example.com"), direction("other@example.com"))
    };
    assert_eq!(labelled("\"SENT\""), (Direction::Sent, Direction::Sent));
    assert_eq!(labelled("\"SPAM\""), (Direction::Received, Direction::Received));
}

#[test]
fn the_body_is_the_best_text() {
    let part = |kind: &str, text: &str| format!("--b\nContent-Type: {kind}\n\n{text}\n");
    let (plain, html, none) = (part("text/plain", "plain"), part("text/html", "<p>html</p>"), part("text/plain", " "));
    let footer = part("text/plain", "footer");
    for (kind, parts, body) in [
        ("alternative", format!("{plain}{html}"), "plain"),
        ("alternative", format!("{html}{plain}"), "plain"),
        ("alternative", format!("{none}{html}"), "html"),
        ("alternative", html.clone(), "html"),
        ("mixed", format!("{html}{footer}"), "html\n\nfooter"),
        ("mixed", format!("{plain}{}", part("text/plain; name=a.txt", "file")), "plain"),
        ("mixed", part("application/pdf", "x"), ""),
        ("related", format!("{html}{}", part("image/png", "x")), "html"),
    ] {
        let row = row(&format!("Content-Type: multipart/{kind}; boundary=b\n\n{parts}--b--\n"));
        assert_eq!(row.body_text, body, "{kind} {parts}");
    }
    assert_eq!(row("Content-Type: text/html\nContent-Transfer-Encoding: base64\n\nPGI+aGk8L2I+").body_text, "hi");
    assert_eq!(row("Content-Type: text/plain; name=x\n\nalone").body_text, "alone");
    for headers in
        ["multipart/mixed", "multipart/mixed; boundary=a", "multipart/mixed; boundary=a\nContent-Type: text/html"]
    {
        assert_eq!(row(&format!("Content-Type: {headers}\n\nno parts")).body_text, "no parts");
    }
    let twice = "Content-Type: multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b";
    assert_eq!(row(&format!("{twice}\n\n{plain}")).body_text, "plain");
}

#[test]
fn attachments_are_what_they_are_and_never_content() {
    let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n\
        --b\nContent-Type: application/pdf; name=\"=?utf-8?q?R=C3=A9sum=C3=A9.pdf?=\"\n\
        Content-Disposition: attachment; filename*=utf-8''R%C3%A9sum%C3%A9.pdf\nContent-Transfer-Encoding: base64\n\n\
        AAAA\nAAA=\n\
        --b\nContent-Type: image/png; name=logo.png\nContent-ID: <1>\nContent-Transfer-Encoding: quoted-printable\n\na=3Db=\nc\n\
        --b\nContent-Type: message/rfc822\n\nSubject: inner\n\ninner\n--b--\n";
    let row = row(raw);
    let shown: Vec<_> =
        row.attachments.iter().map(|one| (&*one.name, &*one.media_type, one.size_bytes, one.inline)).collect();
    assert_eq!(shown[0], ("Résumé.pdf", "application/pdf", 5, false));
    assert_eq!((shown[1].0, shown[1].3), ("logo.png", true));
    assert_eq!(shown[2].1, "message/rfc822");
    assert_eq!((row.body_text.as_str(), shown.len()), ("text", 3));
    assert_eq!(row.attachments.iter().map(|one| one.part).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(row.attachments[1].content_id.as_deref(), Some("1"));
    let parsed = ParsedMail::read(&reply(raw.replace('\n', "\r\n").as_bytes())).unwrap();
    let content = |part| parsed.file(part).map(|file| (file.name, file.bytes));
    assert_eq!(content(1), Some(("Résumé.pdf".to_owned(), vec![0; 5])));
    assert_eq!(content(2), Some(("logo.png".to_owned(), b"a=bc".to_vec())));
    assert_eq!((content(0), content(4), content(u32::MAX)), (None, None, None));
    assert!(facts(&reply(raw.as_bytes())).unwrap().has_attachment);
    let inline = raw
        .replace("attachment;", "inline;")
        .replace("filename*", "x")
        .replace("application/pdf; name", "application/pdf; x");
    assert!(!facts(&reply(inline.as_bytes())).unwrap().has_attachment);
}

#[test]
fn what_outlook_has_packed_is_text_and_files() {
    let packed = STANDARD.encode(super::super::tnef::tests::sample());
    let part = "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64";
    let raw = format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\n--b\n{part}\n\n{packed}\n--b--\n");
    let row = row(&raw);
    let shown: Vec<_> = row.attachments.iter().map(|one| (&*one.name, &*one.media_type, one.size_bytes)).collect();
    assert_eq!(shown, [("größer.txt", "text/plain", 5), ("café.png", "application/octet-stream", 0)]);
    assert_eq!(row.body_text, "grün");
    let parsed = ParsedMail::read(&reply(raw.as_bytes())).unwrap();
    let content = |part| parsed.file(part).map(|file| (file.name, file.bytes));
    assert_eq!(content(row.attachments[0].part), Some(("größer.txt".to_owned(), b"12345".to_vec())));
    // The part itself is not shown, and neither is what is not in it.
    assert_eq!((content(1), content(1 + (3 << 16))), (None, None));
    let broken = row_notes(&format!("{part}\n\nAAAA"));
    assert_eq!(broken, (vec!["winmail.dat".to_owned()], Vec::new()));
}

/// The names of a mail's files, and what could not be read of it.
fn row_notes(raw: &str) -> (Vec<String>, Vec<Note>) {
    let row = row(raw);
    (row.attachments.into_iter().map(|one| one.name).collect(), row.details.notes)
}

#[test]
fn a_row_says_what_could_not_be_read_or_kept() {
    let parts =
        |n: usize, part: &str| format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", part.repeat(n));
    for (raw, notes) in [
        ("Subject: x\n\ny".to_owned(), vec![]),
        (format!("Subject: x\n\n{}", "word ".repeat(300_000)), vec![Note::TextCut]),
        (
            "Content-Type: text/plain; charset=iso-2022-jp\n\n\u{1b}$B\u{7f}\u{7f}".to_owned(),
            vec![Note::CharactersLost],
        ),
        (parts(2_500, "--b\n\nx\n"), vec![Note::PartsLeftOut]),
        (format!("To: {}\n\nx", "a@example.org, ".repeat(1_500)), vec![Note::PeopleLeftOut]),
        (parts(1_500, "--b\nContent-Type: image/png\n\nx\n"), vec![Note::FilesLeftOut]),
    ] {
        assert_eq!(row_notes(&raw).1, notes, "{}", &raw[..raw.len().min(60)]);
    }
}

#[test]
fn facts_are_what_a_filter_needs() {
    let facts =
        facts(&reply(b"From: Ada <ADA@example.org>\r\nTo: b@c.d\r\nSubject: S\r\nMessage-ID: <1@x>\r\n\r\nx")).unwrap();
    assert_eq!(facts.from, ["ada <ada@example.org>"]);
    assert_eq!(
        (facts.to, facts.subject, facts.message_id),
        (vec!["b@c.d".to_owned()], "S".to_owned(), "1@x".to_owned())
    );
    assert_eq!((facts.labels, facts.has_attachment), (vec!["INBOX".to_owned()], false));
}

fn envelope(json: &[u8]) -> Result<MailEnvelope, Unreadable> {
    json::read::<Message<'_>>(json)?.envelope()
}

#[test]
fn the_envelope_needs_no_message() {
    let read = |json: &str| envelope(json.as_bytes());
    let minimal = read(r#"{"id":"1","threadId":"2","historyId":18446744073,"internalDate":"5"}"#).unwrap();
    assert_eq!(
        (minimal.history_id, minimal.labels.len(), minimal.internal_date.timestamp_millis()),
        (18_446_744_073, 0, 5)
    );
    for bad in [
        "",
        "[]",
        r#"{"id":"1"}"#,
        r#"{"id":"1","threadId":"2","historyId":"secret","internalDate":"5"}"#,
        r#"{"id":"1","threadId":"2","historyId":"-1","internalDate":"5"}"#,
        r#"{"id":"1","threadId":"2","historyId":"1","internalDate":"9223372036854775807"}"#,
    ] {
        let error = read(bad).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
    assert!(mail(br#"{"id":"1","threadId":"2","historyId":"1","internalDate":"5"}"#, &[]).is_err());
    assert!(mail(br#"{"id":"1","threadId":"2","historyId":"1","internalDate":"5","raw":"!"}"#, &[]).is_err());
}

#[test]
fn raw_is_read_with_and_without_padding() {
    for raw in ["a: b\n\nx", "a: b\n\nxy", "a: b\n\nxyz?>"] {
        let padded = String::from_utf8(reply(raw.as_bytes())).unwrap();
        let bare = padded.replace(&URL_SAFE.encode(raw), &URL_SAFE_NO_PAD.encode(raw));
        let escaped = padded.replace('=', "\\u003d");
        assert_eq!(mail(bare.as_bytes(), &[]), mail(padded.as_bytes(), &[]));
        assert_eq!(mail(escaped.as_bytes(), &[]), mail(padded.as_bytes(), &[]));
    }
}

#[test]
fn the_html_is_the_richest_one() {
    let html = |raw: &str| ParsedMail::read(&reply(raw.replace('\n', "\r\n").as_bytes())).unwrap().html(&|_| None);
    let part = |kind: &str, text: &str| format!("--b\nContent-Type: {kind}\n\n{text}\n");
    let both = part("text/plain", "plain") + &part("text/html", "<p onclick=x>rich</p>");
    let found = html(&format!("Content-Type: multipart/alternative; boundary=b\n\n{both}--b--\n")).unwrap();
    assert_eq!((found.html.trim(), found.n_remote_images, found.is_cut), ("<p>rich</p>", 0, false));
    assert_eq!(html("Content-Type: text/plain\n\n<p>plain</p>"), None);
    let file = part("text/plain", "plain") + &part("text/html; name=a.html", "<p>file</p>");
    assert_eq!(html(&format!("Content-Type: multipart/mixed; boundary=b\n\n{file}--b--\n")), None);
}

fn assert_storable(row: &NewInteraction) {
    let people = row.participants.iter().flat_map(|one| [Some(&one.address), one.name.as_ref()]).flatten();
    let files = row.attachments.iter().flat_map(|one| [&one.name, &one.media_type]);
    let texts = [&row.subject, &row.body_text, &row.snippet]
        .into_iter()
        .chain(&row.reply_text)
        .chain(&row.universal_id)
        .chain(people)
        .chain(files);
    assert!(texts.into_iter().all(|text| !text.contains('\0')));
    assert!(row.snippet.chars().count() <= 200 && row.body_text.len() <= 1 << 20);
    assert!(row.subject.chars().count() <= 998);
    assert!(row.participants.len() <= 1_000 && row.attachments.len() <= 1_000);
}

#[test]
fn what_is_too_much_is_cut() {
    let many = "a@b.c, ".repeat(5_000);
    let mut raw = format!("To: {many}\r\nSubject: {}\r\n", "s".repeat(5_000));
    raw += "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    raw += &format!("--b\r\n\r\n{}\r\n", "é\u{0}".repeat(1 << 20));
    raw += &"--b\r\nContent-Type: image/gif\r\n\r\nx\r\n".repeat(3_000);
    let row = mail(&reply(raw.as_bytes()), &[]).unwrap();
    assert_storable(&row);
    assert_eq!((row.participants.len(), row.attachments.len(), row.subject.len()), (1_000, 1_000, 998));
}

/// A message as Gmail's reply in parts.
fn outline(payload: serde_json::Value) -> Outline {
    let message = json!({
        "id": "18f", "threadId": "18e", "labelIds": ["INBOX"], "snippet": "it&#39;s &lt;here&gt;", "historyId": "7",
        "internalDate": "1700000000123", "sizeEstimate": 60_000_000, "payload": payload,
    });
    Outline::read(&serde_json::to_vec(&message).unwrap()).unwrap()
}

#[test]
fn an_outline_tells_the_filter_what_the_whole_would() {
    let headers = |pairs: &[(&str, &str)]| -> serde_json::Value {
        pairs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
    };
    let mixed = headers(&[
        ("from", "=?utf-8?q?Ad=C3=A4?= <ADA@example.org>"),
        ("To", "b@c.d,\r\n e@f.g"),
        ("Subject", "S\r\n\r\n--b"),
        ("Message-ID", "<1@x>"),
        ("Content-Type", "multipart/mixed; boundary=\"b\""),
    ]);
    let file = [("Content-Type", "application/pdf"), ("Content-Disposition", "attachment; filename=a.pdf")];
    let body = json!({"headers": headers(&[("Content-Type", "multipart/alternative; boundary=c")]), "parts": [{}, {}]});
    let parts = json!([body, {"headers": headers(&file)}]);
    let Outline { mail, snippet } = outline(json!({"headers": mixed, "parts": parts}));
    assert_eq!(snippet, "it's <here>");
    let facts = mail.facts();
    assert_eq!((facts.from, facts.to.len()), (vec!["adä <ada@example.org>".to_owned()], 2));
    assert_eq!((facts.subject.as_str(), facts.message_id.as_str()), ("S --b", "1@x"));
    assert_eq!((facts.has_attachment, facts.size_bytes, facts.labels.len()), (true, 60_000_000, 1));
    // What Google found inside a mail that came as a file is not ours to look at.
    let inner = json!({"headers": headers(&[("Content-Type", "multipart/mixed; boundary=b")]), "parts": [{"headers": headers(&file)}]});
    let nested = json!({"headers": headers(&[("Content-Type", "message/rfc822")]), "parts": [inner]});
    assert!(!outline(nested).mail.facts().has_attachment);
    let mut deep = json!({"headers": headers(&file)});
    for _ in 0..30 {
        deep = json!({"headers": headers(&[("Content-Type", "multipart/mixed; boundary=b")]), "parts": [deep]});
    }
    assert!(!outline(deep).mail.facts().has_attachment);
}

proptest! {
    #[test]
    fn any_bytes_are_a_mail(raw in prop::collection::vec(any::<u8>(), 1..300)) {
        assert_storable(&mail(&reply(&raw), &[]).unwrap());
        facts(&reply(&raw)).unwrap();
    }

    #[test]
    fn any_headers_are_a_mail(raw in "((From|To|Cc|Subject|Message-ID|Content-Type|Content-Disposition|Content-Transfer-Encoding): ?|multipart/mixed|; ?boundary=b|--b(--)?|text/html|base64|quoted-printable|=[?]utf-8[?][bq][?]|[?]=|<|>|\\(|\\)|,|;|:|\"|\\\\|@|é|\\x00|=|[a-z]{1,3}| |\r?\n){1,60}") {
        assert_storable(&mail(&reply(raw.as_bytes()), &[]).unwrap());
        facts(&reply(raw.as_bytes())).unwrap();
    }

    #[test]
    fn any_json_is_read_or_refused(json in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = (mail(&json, &[]), facts(&json), envelope(&json), Outline::read(&json).map(drop));
    }
}

/// Every message below a folder: plain files, and the files in archives of mailboxes.
fn messages(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut messages(&path)?);
        } else if path.to_string_lossy().ends_with(".tar.gz") {
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(path)?));
            for file in archive.entries()? {
                let mut raw = Vec::new();
                file?.read_to_end(&mut raw)?;
                found.push(raw);
            }
        } else if path.extension().is_none_or(|extension| extension != "gz") {
            found.push(fs::read(path)?);
        }
    }
    found.retain(|raw| !raw.is_empty());
    Ok(found)
}

/// The mails of the corpus, where there is one.
fn corpus() -> Option<Vec<Vec<u8>>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if !corpus.is_dir() {
        println!("skipped: there is no corpus of mail beside this repository");
        return None;
    }
    Some(["mail", "mailboxes"].map(|folder| messages(&corpus.join(folder)).unwrap()).concat())
}

/// What becomes of bytes on their way.
#[derive(Clone, Debug)]
struct Damage {
    what: u8,
    at: Index,
    length: usize,
    byte: u8,
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        (0_u8..5, any::<Index>(), 1_usize..400, any::<u8>()).prop_map(|(what, at, length, byte)| Self {
            what,
            at,
            length,
            byte,
        })
    }

    /// Cuts, changes, loses, repeats or inserts.
    fn done(&self, raw: &mut Vec<u8>) {
        if raw.is_empty() {
            return;
        }
        let at = self.at.index(raw.len());
        let end = raw.len().min(at + self.length);
        match self.what {
            0 => raw.truncate(at),
            1 => raw[at] = self.byte,
            2 => drop(raw.drain(at..end)),
            3 => {
                let again = raw[at..end].to_vec();
                drop(raw.splice(at..at, again));
            }
            _ => raw.insert(at, self.byte),
        }
    }
}

#[test]
fn damaged_mail_of_the_corpus_is_a_mail() {
    // What is longer takes longer, and is no stranger.
    let Some(mails) = corpus().map(|mut mails| {
        mails.retain(|raw| raw.len() < 50_000);
        mails
    }) else {
        return;
    };
    proptest!(|(which: Index, damages in prop::collection::vec(Damage::any(), 1..8))| {
        let mut raw = which.get(&mails).clone();
        damages.iter().for_each(|damage| damage.done(&mut raw));
        // Of nothing there is no reply.
        if raw.is_empty() {
            return Ok(());
        }
        assert_storable(&mail(&reply(&raw), &[]).unwrap());
        facts(&reply(&raw)).unwrap();
    });
}

#[test]
fn the_corpus_is_read() {
    let Some(mails) = corpus() else { return };
    let (mut n_empty, mut n_undecodable) = (0, 0);
    for raw in &mails {
        let row = mail(&reply(raw), &[]).unwrap();
        assert_storable(&row);
        n_empty += usize::from(row.body_text.is_empty());
        n_undecodable += usize::from(row.body_text.contains('\u{fffd}'));
    }
    println!("{} mails, {n_empty} with an empty body, {n_undecodable} with undecodable characters", mails.len());
}
