//! Every reply against Google's discovery documents: no unknown field, the right types, 64-bit numbers as strings.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE};
use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};

use super::{
    super::{Alias, Deliver, Generate, NewCalendar, Role},
    support::*,
};

/// One discovery document, its methods found by path.
struct Document {
    schemas: Value,
    /// Path segments, the method's id and the name of its answer's schema.
    methods: Vec<(Vec<String>, String, String)>,
}

/// Gmail's and Calendar's documents; none where the corpus is not there.
fn documents() -> &'static [Document] {
    static DOCUMENTS: OnceLock<Vec<Document>> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/google-api/google-discovery");
        let read = |name: &str| fs::read(folder.join(name)).ok().map(|bytes| serde_json::from_slice(&bytes).unwrap());
        let found: Vec<Value> = ["gmail.v1.json", "calendar.v3.json"].into_iter().filter_map(read).collect();
        if found.len() < 2 {
            println!("replies are not checked: no discovery documents at {}", folder.display());
            return Vec::new();
        }
        found.iter().map(Document::new).collect()
    })
}

impl Document {
    fn new(document: &Value) -> Self {
        let mut methods = Vec::new();
        collect(document, document["servicePath"].as_str().unwrap(), &mut methods);
        Self { schemas: document["schemas"].clone(), methods }
    }

    /// The method that a `GET` of this path is: where several fit, the one that names most of it.
    fn method(&self, path: &str) -> Option<&(Vec<String>, String, String)> {
        let asked: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let is_wild = |segment: &str| segment.starts_with('{');
        let fits = |template: &[String]| {
            template.len() == asked.len()
                && template.iter().zip(&asked).all(|(own, asked)| is_wild(own) || own == asked)
        };
        let n_wild = |template: &[String]| template.iter().filter(|own| is_wild(own)).count();
        self.methods.iter().filter(|(own, ..)| fits(own)).min_by_key(|(own, ..)| n_wild(own))
    }

    /// What is wrong with a value of that schema, each fault with its place.
    fn check(&self, value: &Value, schema: &Value, place: &str, wrong: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            return self.check(value, &self.schemas[name], place, wrong);
        }
        let is_right = match schema["type"].as_str().unwrap_or("any") {
            "object" => self.check_object(value, schema, place, wrong),
            "array" => value.as_array().is_some_and(|entries| {
                let each = entries.iter().enumerate();
                each.for_each(|(at, entry)| self.check(entry, &schema["items"], &format!("{place}[{at}]"), wrong));
                true
            }),
            "string" => value.as_str().is_some_and(|text| is_text(text, schema)),
            "integer" => match schema["format"].as_str() {
                Some("uint32") => value.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
                _ => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            },
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => true,
        };
        if !is_right {
            wrong.push(format!("{place} is {value}, not {} {}", schema["type"], schema["format"]));
        }
    }

    fn check_object(&self, value: &Value, schema: &Value, place: &str, wrong: &mut Vec<String>) -> bool {
        let Some(object) = value.as_object() else { return false };
        for (name, value) in object {
            let place = format!("{place}.{name}");
            match (schema["properties"].get(name), schema.get("additionalProperties")) {
                (Some(own), _) | (None, Some(own)) => self.check(value, own, &place, wrong),
                (None, None) => wrong.push(format!("{place} is unknown")),
            }
        }
        true
    }
}

/// The `GET` methods of a document or resource, and of the resources in it.
fn collect(resource: &Value, service_path: &str, methods: &mut Vec<(Vec<String>, String, String)>) {
    let entries = |field: &str| resource[field].as_object().cloned().unwrap_or_default();
    for method in entries("methods").values().filter(|method| method["httpMethod"] == "GET") {
        let path = format!("{service_path}{}", method["path"].as_str().unwrap());
        let segments = path.split('/').map(str::to_owned).collect();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        methods.push((segments, text(&method["id"]), text(&method["response"]["$ref"])));
    }
    entries("resources").values().for_each(|inner| collect(inner, service_path, methods));
}

fn is_text(text: &str, schema: &Value) -> bool {
    let is_known = schema["enum"].as_array().is_none_or(|known| known.iter().any(|word| word == text));
    is_known
        && match schema["format"].as_str() {
            Some("int64") => text.parse::<i64>().is_ok(),
            Some("uint64") => text.parse::<u64>().is_ok(),
            Some("byte") => URL_SAFE.decode(text).is_ok(),
            Some("date-time") => DateTime::parse_from_rfc3339(text).is_ok(),
            Some("date") => text.parse::<NaiveDate>().is_ok(),
            _ => true,
        }
}

/// The ids of the methods whose answers were checked so far, by any test.
fn checked() -> &'static Mutex<BTreeSet<String>> {
    static CHECKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    &CHECKED
}

/// Fails when an answer to a `GET` is not as the documents say. Paths that are no method of theirs are not looked at.
pub(super) fn check(path: &str, body: &Value) {
    let path = path.split('?').next().unwrap();
    let Some((document, (_, id, schema))) =
        documents().iter().find_map(|document| Some((document, document.method(path)?)))
    else {
        return;
    };
    let mut wrong = Vec::new();
    document.check(body, &json!({"$ref": schema}), schema, &mut wrong);
    assert!(wrong.is_empty(), "{id} at {path}: {wrong:#?}");
    checked().lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
}

#[test]
fn the_check_finds_what_is_wrong() {
    let Some(gmail) = documents().first() else { return };
    let faults = |body: Value| {
        let mut wrong = Vec::new();
        gmail.check(&body, &json!({"$ref": "Message"}), "Message", &mut wrong);
        wrong.len()
    };
    assert_eq!(faults(json!({"id": "1", "historyId": "18446744073709551615", "sizeEstimate": 1, "raw": "-_8="})), 0);
    assert_eq!(faults(json!({"historyId": 1})), 1, "a number that is to be a string");
    assert_eq!(faults(json!({"internalDate": "1e3", "labelIds": "INBOX"})), 2);
    assert_eq!(faults(json!({"payload": {"parts": [{"body": {"data": "+/"}, "new": 1}]}})), 2);
}

#[tokio::test]
async fn every_method_answers_as_its_document_says() {
    if documents().is_empty() {
        return;
    }
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    control.generate(ADA, &Generate { messages: 250, events: 200, ..Generate::usual(control.now()) }).unwrap();
    let start = google.ok(&token, "/gmail/v1/users/me/profile").await["historyId"].as_str().unwrap().to_owned();
    let gone = control.deliver(ADA, &mail("gone"), Deliver::default()).unwrap();
    control.modify_labels(ADA, &gone, &["STARRED"], &["UNREAD"]).unwrap();
    control.delete(ADA, &gone).unwrap();
    let busy = NewCalendar { id: "busy@group.example".into(), role: Role::FreeBusyReader, ..NewCalendar::default() };
    control.add_calendar(ADA, busy).unwrap();
    let alias = Alias { address: "ada@lovelace.example".to_owned(), is_verified: false, is_treated_as_alias: true };
    control.add_alias(ADA, alias).unwrap();
    mail_answers(&google, &token, &start).await;
    calendar_answers(&google, &token).await;
    let checked = checked().lock().unwrap_or_else(PoisonError::into_inner).clone();
    for method in [
        "gmail.users.getProfile",
        "gmail.users.settings.sendAs.list",
        "gmail.users.labels.list",
        "gmail.users.labels.get",
        "gmail.users.messages.list",
        "gmail.users.messages.get",
        "gmail.users.messages.attachments.get",
        "gmail.users.threads.list",
        "gmail.users.threads.get",
        "gmail.users.history.list",
        "calendar.calendarList.list",
        "calendar.calendarList.get",
        "calendar.calendars.get",
        "calendar.events.list",
        "calendar.events.get",
        "calendar.events.instances",
    ] {
        assert!(checked.contains(method), "{method} was not asked");
    }
}

async fn mail_answers(google: &Google, token: &str, start: &str) {
    let me = "/gmail/v1/users/me";
    for label in google.ok(token, &format!("{me}/labels")).await["labels"].as_array().unwrap() {
        google.ok(token, &format!("{me}/labels/{}", label["id"].as_str().unwrap())).await;
    }
    google.ok(token, &format!("{me}/settings/sendAs")).await;
    google.all(token, &format!("{me}/history?startHistoryId={start}&maxResults=50"), "history").await;
    google.all(token, &format!("{me}/threads?maxResults=50"), "threads").await;
    let (messages, _) = google.all(token, &format!("{me}/messages?includeSpamTrash=true"), "messages").await;
    for (at, message) in messages.iter().enumerate() {
        let path = format!("{me}/messages/{}", message["id"].as_str().unwrap());
        let full = google.ok(token, &path).await;
        for file in attachments(&full["payload"]) {
            google.ok(token, &format!("{path}/attachments/{file}")).await;
        }
        if at % 10 == 0 {
            for format in ["raw", "metadata", "minimal"] {
                google.ok(token, &format!("{path}?format={format}")).await;
            }
            google.ok(token, &format!("{me}/threads/{}", message["threadId"].as_str().unwrap())).await;
        }
    }
}

/// The attachment ids of a part and of those in it.
fn attachments(part: &Value) -> Vec<String> {
    let own = part["body"]["attachmentId"].as_str().map(str::to_owned);
    let inner = part["parts"].as_array().into_iter().flatten().flat_map(attachments);
    own.into_iter().chain(inner).collect()
}

async fn calendar_answers(google: &Google, token: &str) {
    let (entries, _) =
        google.all(token, "/calendar/v3/users/me/calendarList?maxResults=2&showHidden=true", "items").await;
    for entry in entries {
        let id = entry["id"].as_str().unwrap().replace('#', "%23");
        google.ok(token, &format!("/calendar/v3/users/me/calendarList/{id}")).await;
        google.ok(token, &format!("/calendar/v3/calendars/{id}")).await;
        let events = format!("/calendar/v3/calendars/{id}/events");
        google.all(token, &format!("{events}?singleEvents=true&orderBy=startTime&maxResults=2500"), "items").await;
        let (items, last) = google.all(token, &format!("{events}?showDeleted=true&maxAttendees=1"), "items").await;
        google.ok(token, &format!("{events}?syncToken={}", last["nextSyncToken"].as_str().unwrap())).await;
        for item in items.iter().step_by(5).chain(items.iter().filter(|item| item.get("recurrence").is_some())) {
            let path = format!("{events}/{}", item["id"].as_str().unwrap());
            google.ok(token, &path).await;
            if item.get("recurrence").is_some() {
                google.ok(token, &format!("{path}/instances?maxResults=5")).await;
            }
        }
    }
}
