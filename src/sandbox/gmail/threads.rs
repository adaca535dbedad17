//! `users.threads.list` and `users.threads.get`.

use std::collections::HashSet;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    super::{
        envelope::{ApiError, ApiResult},
        params::Params,
        world::SharedWorld,
    },
    access::{Needs, admit},
    mailbox::Stored,
    message::Id,
    messages::{Answer, Format, Question, Window, estimate},
};

/// Threads with a message that matches, by the newest such message.
pub(super) async fn list(
    State(world): State<SharedWorld>,
    Path(user): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    let caller = admit(&world, &headers, &user, Needs::Metadata, "caribou.api.proto.MailboxService.ListThreads")?;
    let window = Window::read("threads", &caller, &params)?;
    let mailbox = caller.account.mailbox.read();
    let question = Question::read(&params, &mailbox, world.clock.now());
    world.note_loud(&question.query.loud);
    let mut seen = HashSet::new();
    let newest = mailbox.newest_first(None).filter(|mail| question.matches(mail) && seen.insert(mail.thread));
    let is_left = |mail: &&Stored| window.before.is_none_or(|before| (mail.internal_date, mail.id) < before);
    let mut left = newest.filter(is_left);
    let page: Vec<&Stored> = left.by_ref().take(window.limit).collect();
    let has_more = left.next().is_some();
    let mut answer = json!({"resultSizeEstimate": estimate(page.len(), page.len(), mailbox.n_threads())});
    if let (Some(last), true) = (page.last(), has_more) {
        answer["nextPageToken"] = window.token_after(last).into();
    }
    if !page.is_empty() {
        let entry = |mail: &Stored| {
            let history_id = mailbox.thread(mail.thread).map(|own| own.history_id).max().unwrap_or(mail.history_id);
            json!({
                "id": mail.thread.to_string(),
                "snippet": mail.content.facts().snippet,
                "historyId": history_id.to_string(),
            })
        };
        answer["threads"] = page.into_iter().map(entry).collect();
    }
    Ok(Json(answer))
}

/// `Thread` of the discovery document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thread {
    id: String,
    history_id: String,
    messages: Vec<Answer>,
}

pub(super) async fn find(
    State(world): State<SharedWorld>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Thread>> {
    let caller = admit(&world, &headers, &user, Needs::Metadata, "caribou.api.proto.MailboxService.GetThread")?;
    let format = Format::read(&caller, &params)?;
    if matches!(format, Format::Raw) {
        return Err(ApiError::invalid_argument("Invalid value at 'format', \"raw\""));
    }
    let id = Id::parse(&id).ok_or_else(|| ApiError::invalid_argument("Invalid id value"))?;
    let mut mails: Vec<Stored> = caller.account.mailbox.read().thread(id).cloned().collect();
    // Oldest first, as a conversation is read.
    mails.reverse();
    let history_id = mails.iter().map(|mail| mail.history_id).max().ok_or_else(ApiError::not_found)?;
    let messages = mails.into_iter().map(|mail| Answer::new(mail, &format)).collect();
    Ok(Json(Thread { id: id.to_string(), history_id: history_id.to_string(), messages }))
}
