//! `events.list`, `events.get` and `events.instances`.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        envelope::{ApiError, ApiResult},
        params::{Params, open_token, seal_token},
        world::SharedWorld,
    },
    access::{Needs, admit, full_sync_required, not_found},
    listing::{Ask, DELETED_KEPT_DAYS, Order},
    pages::Cut,
    present::{Style, present},
    store::Calendar,
    tags::tagged,
    times::{Window, rfc3339},
};

/// What a first request asked, which its sync token remembers: later requests may not ask otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Remembered {
    calendar: String,
    single_events: bool,
    types: Vec<String>,
    time_min: Option<DateTime<Utc>>,
    time_max: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct SyncToken {
    generation: u64,
    seq: u64,
    asked: Remembered,
}

const FORBIDDEN_WITH_SYNC_TOKEN: [&str; 8] = [
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
];
const EVENT_TYPES: [&str; 6] = ["default", "birthday", "focusTime", "fromGmail", "outOfOffice", "workingLocation"];

pub(super) async fn list(
    State(world): State<SharedWorld>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Response> {
    let account = admit(&world, &headers, Needs::Events, "calendar.v3.EventsService.List")?;
    let calendars = account.calendars.read();
    let calendar = calendars.find(&id).ok_or_else(not_found)?;
    // Either of them growing kills the tokens.
    let generation = calendars.generation + calendar.generation;
    let mut ask = ask(&params)?;
    check_age(&ask, world.clock.now())?;
    if let Some(token) = params.find("syncToken") {
        resume(&mut ask, token, &params, calendar, generation)?;
    }
    let asked = Remembered {
        calendar: calendar.meta.id.clone(),
        single_events: ask.single_events,
        types: ask.types.clone(),
        time_min: ask.window.min,
        time_max: ask.window.max,
    };
    let cut = Cut::read(&params, calendar.seq(), world.behaviour.read().empty_pages)?;
    let as_of = cut.as_of();
    let (items, next) = cut.page(calendar, &ask, world.clock.now());
    let mut answer = head(calendar);
    let style = style(&params)?;
    answer["items"] = items.iter().map(|(_, event)| present(calendar, event, style)).collect();
    match next {
        Some(next) => answer["nextPageToken"] = seal_token("events", &next).into(),
        // A search that is not the whole of a window gives no token to go on from.
        None if ask.text.is_some()
            || ask.ical_uid.is_some()
            || !ask.properties.is_empty()
            || ask.updated_min.is_some()
            || ask.order != Order::Changed => {}
        None => {
            let token = SyncToken { generation, seq: as_of, asked };
            answer["nextSyncToken"] = seal_token("eventsSync", &token).into();
        }
    }
    tagged(&headers, answer)
}

fn ask(params: &Params) -> ApiResult<Ask> {
    let single_events = params.flag("singleEvents");
    let order = match params.find("orderBy") {
        None => Order::Changed,
        Some("updated") => Order::Updated,
        Some("startTime") if single_events => Order::StartTime,
        Some("startTime") => {
            let message = "The requested ordering is not available for the particular query.";
            return Err(ApiError::invalid_parameter("orderBy", message));
        }
        Some(_) => return Err(ApiError::invalid_parameter("orderBy", "Invalid string value.")),
    };
    let types: Vec<String> = params.all("eventTypes").map(str::to_owned).collect();
    if !types.iter().all(|kind| EVENT_TYPES.contains(&kind.as_str())) {
        return Err(ApiError::invalid_parameter("eventTypes", "Invalid string value."));
    }
    let window = Window { min: moment(params, "timeMin")?, max: moment(params, "timeMax")? };
    if let (Some(min), Some(max)) = (window.min, window.max)
        && min >= max
    {
        let message = "The specified time range is empty.";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "timeRangeEmpty", message)
            .in_domain("calendar")
            .at("timeMax"));
    }
    Ok(Ask {
        since: None,
        window,
        single_events,
        show_deleted: params.flag("showDeleted"),
        updated_min: moment(params, "updatedMin")?,
        types,
        master: None,
        ical_uid: params.find("iCalUID").map(str::to_owned),
        text: params.find("q").map(str::to_lowercase),
        properties: properties(params)?,
        original_start: None,
        order,
    })
}

/// `name=value`, each given as often as wanted.
fn properties(params: &Params) -> ApiResult<Vec<(&'static str, String, String)>> {
    let mut all = Vec::new();
    for (parameter, kind) in [("privateExtendedProperty", "private"), ("sharedExtendedProperty", "shared")] {
        for constraint in params.all(parameter) {
            let (name, value) = constraint
                .split_once('=')
                .ok_or_else(|| ApiError::invalid_parameter(parameter, "Invalid string value."))?;
            all.push((kind, name.to_owned(), value.to_owned()));
        }
    }
    Ok(all)
}

/// What was deleted long ago is forgotten, so nobody can be told of all that changed since then.
fn check_age(ask: &Ask, now: DateTime<Utc>) -> ApiResult<()> {
    if ask.updated_min.is_none_or(|min| min >= now - TimeDelta::days(DELETED_KEPT_DAYS)) {
        return Ok(());
    }
    let message = "The requested minimum modification time lies too far in the past.";
    Err(ApiError::new(StatusCode::GONE, "updatedMinTooLongAgo", message).in_domain("calendar").at("updatedMin"))
}

/// Makes the question one about changes, under the terms of the first request.
fn resume(ask: &mut Ask, token: &str, params: &Params, calendar: &Calendar, generation: u64) -> ApiResult<()> {
    if let Some(name) = FORBIDDEN_WITH_SYNC_TOKEN.into_iter().find(|name| params.find(name).is_some()) {
        let message = format!("{name} cannot be specified together with syncToken.");
        return Err(ApiError::invalid_parameter(name, message));
    }
    if params.find("showDeleted") == Some("false") {
        let message = "showDeleted may not be false when a syncToken is given.";
        return Err(ApiError::invalid_parameter("showDeleted", message));
    }
    let token: SyncToken = open_token("eventsSync", token)
        .filter(|token: &SyncToken| token.asked.calendar == calendar.meta.id)
        .ok_or_else(|| ApiError::invalid_parameter("syncToken", "Invalid sync token value."))?;
    if token.generation != generation {
        return Err(full_sync_required());
    }
    // Google calls the outcome undefined; here it is an error, so that a client that does it is found out.
    if token.asked.single_events != ask.single_events || token.asked.types != ask.types {
        let message = "Parameters must be those of the request that gave the sync token.";
        return Err(ApiError::invalid_parameter("syncToken", message));
    }
    ask.since = Some(token.seq);
    ask.window = Window { min: token.asked.time_min, max: token.asked.time_max };
    Ok(())
}

fn moment(params: &Params, name: &'static str) -> ApiResult<Option<DateTime<Utc>>> {
    let Some(text) = params.find(name) else { return Ok(None) };
    let moment = DateTime::parse_from_rfc3339(text)
        .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "badRequest", "Bad Request").at(name))?;
    Ok(Some(moment.to_utc()))
}

fn style(params: &Params) -> ApiResult<Style> {
    let invalid = |name| ApiError::invalid_parameter(name, "Invalid value.");
    let zone = params.find("timeZone").map(str::parse).transpose().map_err(|_| invalid("timeZone"))?;
    let max_attendees = params.find("maxAttendees").map(str::parse).transpose().map_err(|_| invalid("maxAttendees"))?;
    Ok(Style { zone, max_attendees })
}

/// The list's own fields.
fn head(calendar: &Calendar) -> Value {
    let updated = calendar.changed_after(0).map(|row| row.text("updated")).max().unwrap_or_default();
    let updated = if updated.is_empty() { rfc3339(DateTime::UNIX_EPOCH) } else { updated.to_owned() };
    json!({
        "kind": "calendar#events",
        "etag": format!("\"p{}\"", calendar.seq()),
        "summary": calendar.meta.summary,
        "description": "",
        "updated": updated,
        "timeZone": calendar.zone.name(),
        "accessRole": calendar.meta.role.as_str(),
        "defaultReminders": [],
    })
}

pub(super) async fn find(
    State(world): State<SharedWorld>,
    Path((id, event)): Path<(String, String)>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Response> {
    let account = admit(&world, &headers, Needs::Events, "calendar.v3.EventsService.Get")?;
    let calendars = account.calendars.read();
    let calendar = calendars.find(&id).ok_or_else(not_found)?;
    let found = calendar.find(&event).map(|row| row.event.clone()).or_else(|| calendar.instance(&event));
    tagged(&headers, present(calendar, &found.ok_or_else(not_found)?, style(&params)?))
}

pub(super) async fn instances(
    State(world): State<SharedWorld>,
    Path((id, event)): Path<(String, String)>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Response> {
    let account = admit(&world, &headers, Needs::Events, "calendar.v3.EventsService.Instances")?;
    let calendars = account.calendars.read();
    let calendar = calendars.find(&id).ok_or_else(not_found)?;
    calendar.find(&event).filter(|row| row.is_master()).ok_or_else(not_found)?;
    let mut ask = ask(&params)?;
    (ask.single_events, ask.order, ask.master) = (true, Order::StartTime, Some(event));
    ask.original_start = moment(&params, "originalStart")?;
    let (items, next) = Cut::read(&params, calendar.seq(), false)?.page(calendar, &ask, world.clock.now());
    let style = style(&params)?;
    let mut answer = head(calendar);
    answer["items"] = items.iter().map(|(_, event)| present(calendar, event, style)).collect();
    if let Some(next) = next {
        answer["nextPageToken"] = seal_token("events", &next).into();
    }
    tagged(&headers, answer)
}
