//! `users.messages.list`, `users.messages.get` and `users.messages.attachments.get`.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::{
    super::{
        envelope::{ApiError, ApiResult},
        params::{Params, open_token, seal_token},
        rng::digest64,
        world::{SharedWorld, random_token},
    },
    access::{Caller, Needs, admit},
    mailbox::{Mailbox, Stored},
    message::{Id, parse},
    payload::{self, Part},
    query::Query,
};

/// Where the next page goes on, and which question it belongs to.
#[derive(Serialize, Deserialize)]
struct PageToken {
    internal_date: i64,
    id: u64,
    question: u64,
}

/// Which messages a list is about.
pub(super) struct Question {
    pub query: Query,
    labels: Vec<String>,
    reaches_hidden: bool,
}

impl Question {
    pub(super) fn read(params: &Params, mailbox: &Mailbox, now: DateTime<Utc>) -> Self {
        let query = Query::parse(params.find("q").unwrap_or_default(), mailbox, now);
        let labels: Vec<String> = params.all("labelIds").map(str::to_owned).collect();
        let names_hidden = labels.iter().any(|label| label == "SPAM" || label == "TRASH");
        let reaches_hidden = params.flag("includeSpamTrash") || query.reaches_hidden || names_hidden;
        Self { query, labels, reaches_hidden }
    }

    pub(super) fn matches(&self, mail: &Stored) -> bool {
        (self.reaches_hidden || !mail.is_hidden())
            && self.labels.iter().all(|label| mail.has_label(label))
            && self.query.matches(mail)
    }
}

/// Everything a list with that `q` would give, newest first: the truth tests compare with. Also the loud operators.
pub(crate) fn search(mailbox: &Mailbox, q: &str, now: DateTime<Utc>) -> (Vec<Id>, Vec<String>) {
    let query = Query::parse(q, mailbox, now);
    let question = Question { reaches_hidden: query.reaches_hidden, query, labels: Vec::new() };
    let found = mailbox.newest_first(None).filter(|mail| question.matches(mail)).map(|mail| mail.id).collect();
    (found, question.query.loud)
}

pub(super) async fn list(
    State(world): State<SharedWorld>,
    Path(user): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    let caller = admit(&world, &headers, &user, Needs::Metadata, "caribou.api.proto.MailboxService.ListMessages")?;
    let window = Window::read("messages", &caller, &params)?;
    let mailbox = caller.account.mailbox.read();
    let question = Question::read(&params, &mailbox, world.clock.now());
    world.note_loud(&question.query.loud);
    let mut n_seen = 0;
    let mut matching =
        mailbox.newest_first(window.before).inspect(|_| n_seen += 1).filter(|mail| question.matches(mail));
    let page: Vec<&Stored> = matching.by_ref().take(window.limit).collect();
    let has_more = matching.next().is_some();
    let mut answer = json!({"resultSizeEstimate": estimate(page.len(), n_seen, mailbox.len())});
    if let (Some(last), true) = (page.last(), has_more) {
        answer["nextPageToken"] = window.token_after(last).into();
    }
    // An empty list is absent, not `[]`.
    if !page.is_empty() {
        let entry = |mail: &Stored| json!({"id": mail.id.to_string(), "threadId": mail.thread.to_string()});
        answer["messages"] = page.into_iter().map(entry).collect();
    }
    Ok(Json(answer))
}

/// Which page of a list is asked for.
pub(super) struct Window {
    /// The list, so that a token of one opens no page of another.
    list: &'static str,
    pub(super) limit: usize,
    /// The last mail of the page before.
    pub(super) before: Option<(i64, Id)>,
    fingerprint: u64,
}

impl Window {
    pub(super) fn read(list: &'static str, caller: &Caller, params: &Params) -> ApiResult<Self> {
        check_query(caller, params)?;
        let limit =
            params.max_results(100, 500).ok_or_else(|| ApiError::invalid_argument("Invalid value at 'max_results'"))?;
        let fingerprint = fingerprint(params);
        let open = |token| open_token(list, token).filter(|page: &PageToken| page.question == fingerprint);
        let before = match params.find("pageToken") {
            None => None,
            Some(token) => {
                let page = open(token).ok_or_else(|| ApiError::invalid_argument("Invalid pageToken"))?;
                Some((page.internal_date, Id(page.id)))
            }
        };
        Ok(Self { list, limit, before, fingerprint })
    }

    /// The token of the page that comes after this mail.
    pub(super) fn token_after(&self, last: &Stored) -> String {
        let page = PageToken { internal_date: last.internal_date, id: last.id.0, question: self.fingerprint };
        seal_token(self.list, &page)
    }
}

/// A token that opens no content may not search it either.
fn check_query(caller: &Caller, params: &Params) -> ApiResult<()> {
    if params.find("q").is_some() && caller.sees_metadata_only() {
        let message = "Metadata scope does not support 'q' parameter";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message));
    }
    Ok(())
}

/// A page token answers one question only.
fn fingerprint(params: &Params) -> u64 {
    let parts = ["q", "labelIds", "includeSpamTrash"].map(|name| params.all(name).collect::<Vec<_>>().join("\n"));
    digest64(&parts.each_ref().map(|part| part.as_bytes()))
}

/// What this page's share of matches would give over the whole mailbox, and then somewhat off: it is an estimate, and a
/// client that takes it for a count is found out.
pub(super) fn estimate(n_matching: usize, n_seen: usize, n_all: usize) -> usize {
    let share = (n_matching * n_all).checked_div(n_seen).unwrap_or(0);
    share * 21 / 20 + usize::from(n_matching > 0)
}

/// `Message` of the discovery document, in its order. 64-bit numbers travel as strings.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    id: String,
    thread_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    label_ids: Vec<String>,
    snippet: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Part>,
    size_estimate: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Box<RawValue>>,
    history_id: String,
    internal_date: String,
}

pub(super) async fn find(
    State(world): State<SharedWorld>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Answer>> {
    let caller = admit(&world, &headers, &user, Needs::Metadata, "caribou.api.proto.MailboxService.GetMessage")?;
    let format = Format::read(&caller, &params)?;
    let id = Id::parse(&id).ok_or_else(|| ApiError::invalid_argument("Invalid id value"))?;
    // Cloned out, so that nothing is locked while the answer is made.
    let mail = caller.account.mailbox.read().find(id).cloned().ok_or_else(ApiError::not_found)?;
    Ok(Json(Answer::new(mail, &format)))
}

/// How much of a message is shown.
pub(super) enum Format {
    Minimal,
    Full,
    Raw,
    /// The headers named, or all of them.
    Metadata(Vec<String>),
}

impl Format {
    /// What was asked for, if the caller may see it.
    pub(super) fn read(caller: &Caller, params: &Params) -> ApiResult<Self> {
        let name = params.find("format").unwrap_or("full").to_ascii_lowercase();
        let format = match name.as_str() {
            "minimal" => Self::Minimal,
            "full" => Self::Full,
            "raw" => Self::Raw,
            "metadata" => Self::Metadata(params.all("metadataHeaders").map(str::to_owned).collect()),
            other => return Err(ApiError::invalid_argument(format!("Invalid value at 'format', \"{other}\""))),
        };
        if matches!(format, Self::Full | Self::Raw) && caller.sees_metadata_only() {
            let message = format!("Metadata scope doesn't allow format {}", name.to_ascii_uppercase());
            return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message));
        }
        Ok(format)
    }
}

impl Answer {
    pub(super) fn new(mail: Stored, format: &Format) -> Self {
        let (id, raw) = (mail.id, &mail.content.raw);
        let payload = match format {
            Format::Full => Some(payload::full(raw, &mut |path| seal_attachment(id, path))),
            Format::Metadata(names) => {
                Some(payload::metadata(raw, &names.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            Format::Minimal | Format::Raw => None,
        };
        Self {
            id: id.to_string(),
            thread_id: mail.thread.to_string(),
            snippet: mail.content.facts().snippet.clone(),
            payload,
            size_estimate: raw.len(),
            raw: matches!(format, Format::Raw).then(|| encoded(raw)),
            history_id: mail.history_id.to_string(),
            internal_date: mail.internal_date.to_string(),
            label_ids: mail.labels,
        }
    }
}

/// A mail as it travels. As JSON that is ready to be sent, because looking for what must be escaped in it takes longer than
/// all the rest.
fn encoded(raw: &[u8]) -> Box<RawValue> {
    let mut json = String::with_capacity(raw.len() / 3 * 4 + 6);
    json.push('"');
    URL_SAFE.encode_string(raw, &mut json);
    json.push('"');
    RawValue::from_string(json).expect("base64 between quotes is JSON")
}

/// What an attachment id stands for.
#[derive(Serialize, Deserialize)]
struct AttachmentToken {
    message: u64,
    path: String,
    /// Makes the id another one on every get: only (message, part) names an attachment for good.
    nonce: String,
}

fn seal_attachment(message: Id, path: &str) -> String {
    let token = AttachmentToken { message: message.0, path: path.to_owned(), nonce: random_token("", 9) };
    seal_token("attachment", &token)
}

pub(super) async fn attachment(
    State(world): State<SharedWorld>,
    Path((user, id, attachment)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let caller = admit(&world, &headers, &user, Needs::Content, "caribou.api.proto.MailboxService.GetAttachment")?;
    let id = Id::parse(&id).ok_or_else(|| ApiError::invalid_argument("Invalid id value"))?;
    let token: AttachmentToken = open_token("attachment", &attachment)
        .filter(|token: &AttachmentToken| token.message == id.0)
        .ok_or_else(|| ApiError::invalid_argument("Invalid attachment token"))?;
    let mail = caller.account.mailbox.read().find(id).cloned().ok_or_else(ApiError::not_found)?;
    let parsed = parse(&mail.content.raw).ok_or_else(ApiError::not_found)?;
    let data = payload::body_of(&parsed, &token.path).ok_or_else(ApiError::not_found)?;
    Ok(Json(json!({"size": data.len(), "data": URL_SAFE.encode(data)})))
}
