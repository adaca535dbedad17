//! `users.history.list`.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        envelope::{ApiError, ApiResult},
        params::{Params, open_token, seal_token},
        world::{SharedWorld, World},
    },
    access::{Needs, admit},
    changes::{Change, ChangeKind, Memory},
};

/// Where the next page goes on.
#[derive(Serialize, Deserialize)]
struct PageToken {
    start: u64,
    after: u64,
}

pub(super) async fn list(
    State(world): State<SharedWorld>,
    Path(user): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    let caller = admit(&world, &headers, &user, Needs::Metadata, "caribou.api.proto.MailboxService.ListHistory")?;
    let start = params.find("startHistoryId").ok_or_else(|| ApiError::invalid_argument("Missing startHistoryId"))?;
    let start: u64 = start.parse().map_err(|_| ApiError::invalid_argument("Invalid value at 'start_history_id'"))?;
    let limit =
        params.max_results(100, 500).ok_or_else(|| ApiError::invalid_argument("Invalid value at 'max_results'"))?;
    let types = types(&params)?;
    let after = match params.find("pageToken") {
        None => start,
        Some(token) => open_token("history", token)
            .filter(|page: &PageToken| page.start == start)
            .map(|page| page.after)
            .ok_or_else(|| ApiError::invalid_argument("Invalid pageToken"))?,
    };
    let mailbox = caller.account.mailbox.read();
    // A cursor that has expired between two pages is refused on the second as well.
    let history = mailbox.history();
    let memory = memory(&world);
    history.since(start, memory.now - memory.kept).ok_or_else(ApiError::not_found)?;
    let (changes, end) = history.known_since(after, memory).ok_or_else(ApiError::not_found)?;
    let mut matching = changes.iter().filter(|change| is_asked(change, &types, params.find("labelId")));
    let page: Vec<&Change> = matching.by_ref().take(limit).collect();
    let mut answer = json!({"historyId": end.to_string()});
    if let (Some(last), Some(_)) = (page.last(), matching.next()) {
        answer["nextPageToken"] = seal_token("history", &PageToken { start, after: last.id }).into();
    }
    if !page.is_empty() {
        answer["history"] = page.into_iter().map(record).collect();
    }
    Ok(Json(answer))
}

fn memory(world: &World) -> Memory {
    let behaviour = world.behaviour.read();
    let lag = TimeDelta::seconds(behaviour.history_lag_secs.into());
    Memory { lag, kept: TimeDelta::hours(behaviour.history_hours.into()), now: world.clock.now() }
}

fn types(params: &Params) -> ApiResult<Vec<&str>> {
    let known = ["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"];
    let asked: Vec<&str> = params.all("historyTypes").collect();
    match asked.iter().find(|kind| !known.contains(kind)) {
        Some(kind) => Err(ApiError::invalid_argument(format!("Invalid value at 'history_types', \"{kind}\""))),
        None => Ok(asked),
    }
}

fn is_asked(change: &Change, types: &[&str], label: Option<&str>) -> bool {
    let (kind, touched): (_, &[String]) = match &change.kind {
        ChangeKind::Added => ("messageAdded", &[]),
        ChangeKind::Deleted => ("messageDeleted", &[]),
        ChangeKind::LabelsAdded(labels) => ("labelAdded", labels),
        ChangeKind::LabelsRemoved(labels) => ("labelRemoved", labels),
    };
    let has_label = |label: &str| change.labels.iter().chain(touched).any(|own| own == label);
    (types.is_empty() || types.contains(&kind)) && label.is_none_or(has_label)
}

fn record(change: &Change) -> Value {
    let plain = json!({"id": change.message.to_string(), "threadId": change.thread.to_string()});
    let mut message = plain.clone();
    if !change.labels.is_empty() {
        message["labelIds"] = change.labels.clone().into();
    }
    let mut record = json!({"id": change.id.to_string(), "messages": [plain]});
    let (field, entry) = match &change.kind {
        ChangeKind::Added => ("messagesAdded", json!({"message": message})),
        ChangeKind::Deleted => ("messagesDeleted", json!({"message": message})),
        ChangeKind::LabelsAdded(labels) => ("labelsAdded", json!({"message": message, "labelIds": labels})),
        ChangeKind::LabelsRemoved(labels) => ("labelsRemoved", json!({"message": message, "labelIds": labels})),
    };
    record[field] = json!([entry]);
    record
}
