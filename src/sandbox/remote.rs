//! The part of the control plane that a person with curl can reach; the module's own documentation shows the calls.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    control::{Control, Deliver},
    error::Error,
    oauth::{escape, page as html_page},
    params::Params,
    world::SharedWorld,
};

pub(super) fn routes() -> Router<SharedWorld> {
    Router::new()
        .route("/_sandbox/", get(overview))
        .route("/_sandbox/accounts/{email}/messages", post(deliver))
        .route("/_sandbox/accounts/{email}/messages/{id}", delete(remove))
        .route("/_sandbox/accounts/{email}/messages/{id}/labels", post(label))
        .route("/_sandbox/accounts/{email}/events", post(meet))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match self {
            Self::UnknownAccount(_) | Self::UnknownMessage(_) | Self::UnknownCalendar(_) | Self::UnknownEvent(_) => {
                StatusCode::NOT_FOUND
            }
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
