//! `calendarList.list`, `calendarList.get` and `calendars.get`.

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        envelope::{ApiError, ApiResult},
        params::{Params, open_token, seal_token},
        rng::digest64,
        world::SharedWorld,
    },
    access::{Needs, admit, full_sync_required, not_found},
    collection::Role,
    store::Calendar,
    tags::tagged,
};

const COLOURS: [&str; 6] = ["#9fe1e7", "#f83a22", "#92e1c0", "#fad165", "#b99aff", "#cabdbf"];

#[derive(Serialize, Deserialize)]
struct PageToken {
    as_of: u64,
    /// The place in the account's list that the page begins at; calendars keep their places, also when they are deleted.
    from: usize,
    question: u64,
}

/// A page token answers one question only.
fn fingerprint(params: &Params) -> u64 {
    let names = ["minAccessRole", "showDeleted", "showHidden", "syncToken"];
    let values = names.map(|name| params.find(name).unwrap_or_default().as_bytes());
    digest64(&values)
}

#[derive(Serialize, Deserialize)]
struct SyncToken {
    generation: u64,
    seq: u64,
}

pub(super) async fn list(State(world): State<SharedWorld>, headers: HeaderMap, params: Params) -> ApiResult<Response> {
    let account = admit(&world, &headers, Needs::CalendarList, "calendar.v3.CalendarListService.List")?;
    let limit = params
        .max_results(100, 250)
        .ok_or_else(|| ApiError::invalid_parameter("maxResults", "Invalid integer value."))?;
    let least = least_role(&params)?;
    let calendars = account.calendars.read();
    let since = since(&params, calendars.generation)?;
    let question = fingerprint(&params);
    let page = match params.find("pageToken") {
        None => PageToken { as_of: calendars.list_seq(), from: 0, question },
        Some(token) => open_token("calendarListPage", token)
            .filter(|page: &PageToken| page.question == question)
            .ok_or_else(|| ApiError::invalid_parameter("pageToken", "Invalid page token value."))?,
    };
    let is_asked = |calendar: &&Calendar| match since {
        // What was hidden or deleted since then is always told.
        Some(seq) => calendar.list_seq > seq,
        None => {
            (!calendar.deleted || params.flag("showDeleted"))
                && (!calendar.meta.hidden || params.flag("showHidden"))
                && calendar.meta.role >= least
        }
    };
    let rest = calendars.all().iter().enumerate().skip(page.from);
    let mut asked = rest.filter(|(_, calendar)| is_asked(calendar));
    let items: Vec<Value> = asked.by_ref().take(limit).map(|(index, calendar)| entry(index, calendar)).collect();
    let mut answer = json!({
        "kind": "calendar#calendarList",
        "etag": format!("\"p{}\"", calendars.list_seq()),
        "items": items,
    });
    if let Some((from, _)) = asked.next() {
        answer["nextPageToken"] = seal_token("calendarListPage", &PageToken { from, ..page }).into();
    } else {
        let token = SyncToken { generation: calendars.generation, seq: page.as_of };
        answer["nextSyncToken"] = seal_token("calendarList", &token).into();
    }
    tagged(&headers, answer)
}

fn least_role(params: &Params) -> ApiResult<Role> {
    match params.find("minAccessRole") {
        None => Ok(Role::FreeBusyReader),
        Some(_) if params.find("syncToken").is_some() => {
            Err(ApiError::invalid_parameter("minAccessRole", "minAccessRole cannot be used with syncToken."))
        }
        Some(role) => {
            Role::parse(role).ok_or_else(|| ApiError::invalid_parameter("minAccessRole", "Invalid string value."))
        }
    }
}

/// The list's sequence number that the sync token stands for; `None` without one.
fn since(params: &Params, generation: u64) -> ApiResult<Option<u64>> {
    let Some(token) = params.find("syncToken") else { return Ok(None) };
    if let Some(name) = ["showDeleted", "showHidden"].into_iter().find(|name| params.find(name) == Some("false")) {
        let message = format!("{name} may not be false when a syncToken is given.");
        return Err(ApiError::invalid_parameter(name, message));
    }
    let token: SyncToken = open_token("calendarList", token)
        .ok_or_else(|| ApiError::invalid_parameter("syncToken", "Invalid sync token value."))?;
    if token.generation == generation { Ok(Some(token.seq)) } else { Err(full_sync_required()) }
}

fn entry(index: usize, calendar: &Calendar) -> Value {
    let meta = &calendar.meta;
    if calendar.deleted {
        let etag = format!("\"{}\"", calendar.list_seq);
        return json!({"kind": "calendar#calendarListEntry", "etag": etag, "id": meta.id, "deleted": true});
    }
    let mut entry = json!({
        "kind": "calendar#calendarListEntry",
        "etag": format!("\"{}\"", calendar.list_seq),
        "id": meta.id,
        "summary": meta.summary,
        "timeZone": calendar.zone.name(),
        "colorId": (index % 24 + 1).to_string(),
        "backgroundColor": COLOURS[index % COLOURS.len()],
        "foregroundColor": "#000000",
        "accessRole": meta.role.as_str(),
        "defaultReminders": [],
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    });
    if meta.hidden {
        entry["hidden"] = true.into();
    } else {
        entry["selected"] = true.into();
    }
    if calendar.primary {
        entry["primary"] = true.into();
    }
    entry
}

pub(super) async fn find_entry(
    State(world): State<SharedWorld>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let account = admit(&world, &headers, Needs::CalendarList, "calendar.v3.CalendarListService.Get")?;
    let calendars = account.calendars.read();
    let calendar = calendars.find(&id).ok_or_else(not_found)?;
    let index = calendars.all().iter().position(|known| known.meta.id == calendar.meta.id).unwrap_or(0);
    tagged(&headers, entry(index, calendar))
}

pub(super) async fn find(
    State(world): State<SharedWorld>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let account = admit(&world, &headers, Needs::Calendars, "calendar.v3.CalendarService.Get")?;
    let calendars = account.calendars.read();
    let calendar = calendars.find(&id).ok_or_else(not_found)?;
    let answer = json!({
        "kind": "calendar#calendar",
        "etag": format!("\"{}\"", calendar.list_seq),
        "id": calendar.meta.id,
        "summary": calendar.meta.summary,
        "timeZone": calendar.zone.name(),
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    });
    tagged(&headers, answer)
}
