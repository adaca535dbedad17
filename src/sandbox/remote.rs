//! The part of the control plane that a person with curl can reach; the module's own documentation shows the calls.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    behaviour::Behaviour,
    control::{Control, Deliver},
    error::Error,
    faults::FaultPlan,
    gmail::Alias,
    journal::Entry,
    oauth::{escape, page as html_page},
    params::Params,
    quota::Quota,
    world::SharedWorld,
};

pub(super) fn routes() -> Router<SharedWorld> {
    Router::new()
        .route("/_sandbox/", get(overview))
        .route("/_sandbox/accounts/{email}/messages", post(deliver))
        .route("/_sandbox/accounts/{email}/messages/{id}", delete(remove))
        .route("/_sandbox/accounts/{email}/messages/{id}/labels", post(label))
        .route("/_sandbox/accounts/{email}/aliases", post(alias))
        .route("/_sandbox/accounts/{email}/events", post(meet))
        .route("/_sandbox/accounts/{email}/do/{what}", post(befall))
        .route("/_sandbox/clock", post(advance))
        .route("/_sandbox/quota", put(limit).get(spent))
        .route("/_sandbox/behaviour", put(behave))
        .route("/_sandbox/faults", post(plan).delete(clear_faults))
        .route("/_sandbox/journal", get(journal).delete(clear_journal))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match self {
            Self::UnknownAccount(_) | Self::UnknownMessage(_) | Self::UnknownCalendar(_) | Self::UnknownEvent(_) => {
                StatusCode::NOT_FOUND
            }
            Self::UnknownLever(_) => StatusCode::NOT_FOUND,
            Self::BadEvent(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

async fn overview(State(world): State<SharedWorld>) -> Response {
    let control = Control::new(world);
    let mut rows = String::new();
    for account in control.accounts() {
        let text = format!("{} messages, {} events", account.n_messages, account.n_events);
        let (name, email) = (escape(&account.name), escape(&account.email));
        rows.push_str(&format!("<li><p>{name}<br><span class=\"soft\">{email}: {text}</span></p></li>"));
    }
    let body = format!("<ul>{rows}</ul><p class=\"soft\">Its clock reads {}.</p>", control.now().format("%F %T UTC"));
    html_page(StatusCode::OK, "Accounts", &body)
}

async fn deliver(
    State(world): State<SharedWorld>,
    Path(email): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    let id = Control::new(world).deliver(&email, &body, Deliver::default())?;
    Ok(Json(json!({"id": id})))
}

#[derive(Deserialize)]
struct Labels {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

async fn label(
    State(world): State<SharedWorld>,
    Path((email, id)): Path<(String, String)>,
    Json(labels): Json<Labels>,
) -> Result<Json<Value>, Error> {
    let add: Vec<&str> = labels.add.iter().map(String::as_str).collect();
    let remove: Vec<&str> = labels.remove.iter().map(String::as_str).collect();
    Control::new(world).modify_labels(&email, &id, &add, &remove)?;
    Ok(Json(json!({"id": id})))
}

async fn alias(
    State(world): State<SharedWorld>,
    Path(email): Path<String>,
    Json(alias): Json<Alias>,
) -> Result<StatusCode, Error> {
    Control::new(world).add_alias(&email, alias)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    State(world): State<SharedWorld>,
    Path((email, id)): Path<(String, String)>,
) -> Result<StatusCode, Error> {
    Control::new(world).delete(&email, &id)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn meet(
    State(world): State<SharedWorld>,
    Path(email): Path<String>,
    params: Params,
    Json(event): Json<Value>,
) -> Result<Json<Value>, Error> {
    let id = Control::new(world).put_event(&email, params.find("calendar").unwrap_or("primary"), event)?;
    Ok(Json(json!({"id": id})))
}

/// Something happens to the account; `scope` names what is taken back where scopes are.
async fn befall(
    State(world): State<SharedWorld>,
    Path((email, what)): Path<(String, String)>,
    params: Params,
) -> Result<StatusCode, Error> {
    let control = Control::new(world);
    match what.as_str() {
        "expireHistory" => control.expire_history(&email),
        "invalidateSyncTokens" => control.invalidate_sync_tokens(&email),
        "expireAccessTokens" => control.expire_access_tokens(&email),
        "expireRefreshTokens" => control.expire_refresh_tokens(&email),
        "changePassword" => control.change_password(&email),
        "narrowGrants" => control.narrow_grants(&email, &params.all("scope").collect::<Vec<_>>()),
        "revokeGrants" => control.revoke_grants(&email),
        _ => Err(Error::UnknownLever(what)),
    }?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Step {
    seconds: i64,
}

async fn advance(State(world): State<SharedWorld>, Json(step): Json<Step>) -> Result<Json<Value>, Error> {
    let control = Control::new(world);
    control.advance(TimeDelta::seconds(step.seconds))?;
    Ok(Json(json!({"now": control.now()})))
}

async fn limit(State(world): State<SharedWorld>, Json(quota): Json<Option<Quota>>) -> StatusCode {
    Control::new(world).set_quota(quota);
    StatusCode::NO_CONTENT
}

async fn spent(State(world): State<SharedWorld>) -> Json<Value> {
    let [gmail, calendar] = Control::new(world).spent_today();
    Json(json!({"gmail": gmail, "calendar": calendar}))
}

async fn behave(State(world): State<SharedWorld>, Json(behaviour): Json<Behaviour>) -> StatusCode {
    Control::new(world).behave(behaviour);
    StatusCode::NO_CONTENT
}

async fn plan(State(world): State<SharedWorld>, Json(plan): Json<FaultPlan>) -> StatusCode {
    Control::new(world).plan_fault(plan);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(world): State<SharedWorld>) -> StatusCode {
    Control::new(world).clear_faults();
    StatusCode::NO_CONTENT
}

async fn journal(State(world): State<SharedWorld>) -> Json<Vec<Entry>> {
    Json(Control::new(world).journal())
}

async fn clear_journal(State(world): State<SharedWorld>) -> StatusCode {
    Control::new(world).clear_journal();
    StatusCode::NO_CONTENT
}
