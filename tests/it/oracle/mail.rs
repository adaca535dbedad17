//! One message, as the oracle and as the normalizer read it.

use omnisync::domain::normalize::{NewInteraction, Role, mail};
use serde_json::{Value, json};

use super::report::Report;

/// Compares what the oracle expects of a message with its row.
pub(super) fn compare(expected: &Value, report: &mut Report) {
    let path = expected["path"].as_str().expect("a path");
    let reply = json!({
        "id": "1", "threadId": "1", "historyId": "1", "internalDate": "0", "labelIds": ["INBOX"], "raw": expected["raw"],
    });
    let parsed = mail::ParsedMail::read(reply.to_string().as_bytes());
    let parsed = parsed.unwrap_or_else(|error| panic!("{path} is lost: {error}"));
    let thread = parsed.thread();
    let row = parsed.interaction(&[]);
    let line = |field: &str| fold(expected[field].as_str().unwrap_or_default());
    report.compare(path, "subject", &line("subject"), &fold(&row.subject));
    let sender = people(&row, &[Role::From]).into_iter().next();
    report.compare(path, "sender", &person(&expected["sender"]), &sender);
    let recipients: Vec<_> = list(&expected["recipients"]).iter().filter_map(person).collect();
    report.compare(path, "recipients", &recipients, &people(&row, &[Role::To, Role::Cc, Role::Bcc]));
    report.compare(path, "date", &expected["date"].as_i64(), &row.sent_at.map(|at| at.timestamp()));
    report.compare(
        path,
        "files",
        &names(&expected["files"]),
        &row.attachments.iter().map(|file| fold(&file.name)).collect(),
    );
    report.compare(path, "in_reply_to", &names(&expected["inReplyTo"]), &thread.in_reply_to);
    report.compare(path, "references", &names(&expected["references"]), &thread.references);
    report.compare(path, "message_id", &line("messageId"), &fold(row.universal_id.as_deref().unwrap_or_default()));
    texts(path, list(&expected["texts"]), &fold(&row.body_text), report);
}

/// Counts the text parts that stand in the body in their order, and whether the body holds anything else.
fn texts(path: &str, expected: &[Value], ours: &str, report: &mut Report) {
    let expected: Vec<String> =
        expected.iter().filter_map(Value::as_str).map(fold).filter(|text| !text.is_empty()).collect();
    let whole = expected.join(" ");
    if whole == ours {
        return report.same("text", expected.len());
    }
    let (mut rest, mut n_found) = (ours, 0);
    for text in &expected {
        if let Some(at) = rest.find(text.as_str()) {
            rest = &rest[at + text.len()..];
            n_found += 1;
        }
    }
    report.same("text", n_found);
    // What nobody wrote is one text too many.
    report.differ(path, "text", (expected.len() - n_found).max(1), whole, ours.to_owned());
}

fn people(row: &NewInteraction, roles: &[Role]) -> Vec<(String, String)> {
    let of = |role: &Role| row.participants.iter().filter(|one| one.role == *role).collect::<Vec<_>>();
    let written =
        |one: &omnisync::domain::normalize::Participant| (one.address.clone(), one.name.clone().unwrap_or_default());
    roles.iter().flat_map(of).map(written).collect()
}

fn person(value: &Value) -> Option<(String, String)> {
    let (address, name) = (fold(value[0].as_str()?), fold(value[1].as_str()?));
    // A name that only repeats the address says nothing.
    let name = if name.eq_ignore_ascii_case(&address) { String::new() } else { name };
    Some((address, name))
}

fn names(value: &Value) -> Vec<String> {
    list(value).iter().filter_map(Value::as_str).map(fold).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// White space folded, and what cannot be seen gone.
pub(super) fn fold(text: &str) -> String {
    let seen: String = text.chars().filter(|char| !is_unseen(*char)).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_unseen(char: char) -> bool {
    (char.is_control() && !char.is_whitespace())
        || matches!(char, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
