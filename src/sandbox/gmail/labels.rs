//! `users.getProfile`, `users.labels.list`, `users.labels.get`.

use std::collections::HashSet;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use serde_json::{Value, json};

use super::{
    super::{
        envelope::{ApiError, ApiResult},
        world::SharedWorld,
    },
    access::{Needs, admit},
};

pub(super) async fn profile(
    State(world): State<SharedWorld>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let caller = admit(&world, &headers, &user, Needs::Metadata, "caribou.api.proto.MailboxService.GetProfile")?;
    let mailbox = caller.account.mailbox.read();
    Ok(Json(json!({
        "emailAddress": caller.account.email,
        "messagesTotal": mailbox.len(),
        "threadsTotal": mailbox.n_threads(),
        "historyId": mailbox.history().id().to_string(),
    })))
}

pub(super) async fn list(
    State(world): State<SharedWorld>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let caller = admit(&world, &headers, &user, Needs::Labels, "caribou.api.proto.MailboxService.ListLabels")?;
    let mailbox = caller.account.mailbox.read();
    let labels: Vec<Value> = mailbox.labels().map(|(id, name, system)| label(id, name, system)).collect();
    Ok(Json(json!({"labels": labels})))
}

pub(super) async fn find(
    State(world): State<SharedWorld>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let caller = admit(&world, &headers, &user, Needs::Labels, "caribou.api.proto.MailboxService.GetLabel")?;
    let mailbox = caller.account.mailbox.read();
    let found = mailbox.labels().find(|(known, ..)| *known == id);
    let (id, name, system) = found.ok_or_else(ApiError::not_found)?;
    let (mut threads, mut unread_threads) = (HashSet::new(), HashSet::new());
    let (mut total, mut unread) = (0, 0);
    for mail in mailbox.newest_first(None).filter(|mail| mail.has_label(id)) {
        total += 1;
        threads.insert(mail.thread);
        if mail.has_label("UNREAD") {
            unread += 1;
            unread_threads.insert(mail.thread);
        }
    }
    let mut answer = label(id, name, system);
    answer["messagesTotal"] = total.into();
    answer["messagesUnread"] = unread.into();
    answer["threadsTotal"] = threads.len().into();
    answer["threadsUnread"] = unread_threads.len().into();
    Ok(Json(answer))
}

/// The colour and visibility fields appear only where Gmail sends them.
fn label(id: &str, name: &str, system: bool) -> Value {
    let kind = if system { "system" } else { "user" };
    let mut label = json!({"id": id, "name": name, "type": kind});
    if id.starts_with("CATEGORY_") {
        label["messageListVisibility"] = "hide".into();
        label["labelListVisibility"] = "labelHide".into();
    }
    label
}
