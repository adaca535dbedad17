//! Whether the process is up, and whether it can do its work. Both answer anybody, so neither tells more than fixed words.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, response::IntoResponse, routing::get};
use futures::future::BoxFuture;
use http::StatusCode;
use serde_json::json;

/// How long a check may take before the process counts as not ready.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks what the process depends on; the words of what is away, such as `database`.
pub type ReadyCheck = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Vec<&'static str>>> + Send + Sync>;

/// `GET /healthz`: 200 while the process runs. `GET /readyz`: 200 or 503, by `check`.
pub(super) fn routes(check: ReadyCheck) -> Router {
    let ready = move || {
        let check = check();
        async move {
            let problems = match tokio::time::timeout(CHECK_TIMEOUT, check).await {
                Ok(Ok(())) => return Json(json!({ "status": "ready" })).into_response(),
                Ok(Err(problems)) => problems,
                Err(_) => vec!["timeout"],
            };
            let body = Json(json!({ "status": "unavailable", "problems": problems }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    };
    Router::new().route("/healthz", get(async || Json(json!({ "status": "up" })))).route("/readyz", get(ready))
}
