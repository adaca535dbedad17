//! Where providers send people back to, and a plain page for those whom no application awaits.

use axum::{
    Router,
    extract::{Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;
use url::Url;

use super::envelope::RequestId;
use crate::{
    app::App,
    graphql::{CONNECT_COOKIE, account_id},
    sync::connect::{self, Completed, Returned},
};

/// Where a browser lands that was given no other place to return to.
pub(super) const LANDING_PATH: &str = connect::LANDING_PATH;

/// The callback and the landing page.
pub(super) fn router(app: App) -> Router {
    Router::new().route(connect::CALLBACK_PATH, get(callback)).with_state(app).route(LANDING_PATH, get(landing))
}

/// What Google puts into the address. Everything in it is the browser's claim.
#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

async fn callback(State(app): State<App>, Query(parameters): Query<Parameters>, request: Request) -> Response {
    let request_id = RequestId::of(request.extensions()).to_owned();
    let browser_secret = cookie(request.headers());
    let returned = Returned {
        state: &parameters.state,
        code: parameters.code.as_deref(),
        error: parameters.error.as_deref(),
        issuer: parameters.iss.as_deref(),
        browser_secret: browser_secret.as_deref(),
    };
    let client = client(request.headers());
    let (mut answer, is_over) = match connect::complete(&app, &request_id, &client, &returned).await {
        Ok(Completed::Linked { account, return_to }) => {
            (back(&return_to, "connected", account_id(account).as_str()), true)
        }
        Ok(Completed::Denied { code, return_to }) => (back(&return_to, "connectError", code), true),
        Ok(Completed::Handed { connect_code, return_to }) => (back(&return_to, "connectCode", &connect_code), true),
        Ok(Completed::Unknown) => (page(StatusCode::BAD_REQUEST, UNKNOWN), false),
        Err(error) => {
            tracing::error!(request.id = request_id, error = ?error, "a link could not be finished");
            (page(StatusCode::INTERNAL_SERVER_ERROR, FAILED), false)
        }
    };
    if is_over {
        let gone = format!("{CONNECT_COOKIE}=; Path={}; HttpOnly; SameSite=Lax; Max-Age=0", connect::CALLBACK_PATH);
        answer.headers_mut().extend(gone.parse().map(|gone| (header::SET_COOKIE, gone)));
    }
    answer
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == CONNECT_COOKIE)
        .map(|(_, secret)| secret.to_owned())
}

fn client(headers: &HeaderMap) -> String {
    let name = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// 303, so that no form or code travels on (RFC 9700, 4.12).
fn back(return_to: &str, key: &str, value: &str) -> Response {
    match Url::parse(return_to) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair(key, value);
            Redirect::to(url.as_str()).into_response()
        }
        Err(_) => Redirect::to(LANDING_PATH).into_response(),
    }
}

const UNKNOWN: &str = "This link cannot be finished: it was used already, took longer than ten minutes, or was begun in another \
    browser. Nothing was linked. Go back to the application and connect again.";
const FAILED: &str = "Something went wrong here, and nothing was linked. Go back to the application and connect again.";

async fn landing(Query(result): Query<Landing>) -> Response {
    let words = match (&result.connected, result.connect_error.as_deref()) {
        (Some(_), _) => "The account is linked. You can close this page and go back to the application.",
        (None, Some("CONSENT_DENIED")) => "No access was granted, so nothing was linked. You can close this page.",
        (None, Some("BLOCKED_BY_ADMINISTRATOR")) => {
            "Your organisation does not allow this link. Ask its administrator."
        }
        (None, Some(_)) => "The account could not be linked. Go back to the application and try again.",
        (None, None) => "There is nothing to see here.",
    };
    page(StatusCode::OK, words)
}

#[derive(Deserialize)]
struct Landing {
    connected: Option<String>,
    #[serde(rename = "connectError")]
    connect_error: Option<String>,
}

/// `words` are ours: nothing of the request is put into the page.
fn page(status: StatusCode, words: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>omnisync</title><main><h1>omnisync</h1><p>{words}</p></main></html>"
    );
    (status, Html(html)).into_response()
}
