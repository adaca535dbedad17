//! Faults on demand: a plan of which requests meet which trouble, and the troubles.

mod body;
mod plan;
mod wire;

use std::time::Duration;

use axum::{
    Json,
    extract::{ConnectInfo, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

pub use self::plan::{Effect, Fault, FaultMatch, FaultPlan, When};
pub(super) use self::{
    plan::Faults,
    wire::{Line, Lines},
};
use super::envelope::ApiError;

/// Marks an answer that nobody will get, because the connection is reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost;

/// Lets a request meet its fault; `answer` gives the true answer, where the fault needs one.
pub(super) async fn meet<F: Future<Output = Response>>(
    plan: FaultPlan,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    if plan.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(plan.latency_ms)).await;
    }
    match &plan.effect {
        Effect::Late => answer(request).await,
        Effect::Refuse { status, reason, message, retry_after } => {
            refuse(request.uri().path(), *status, reason, message, retry_after.as_deref())
        }
        Effect::Reset => reset(&request),
        Effect::CutBody => body::cut(answer(request).await).await,
        Effect::InvalidJson => body::spoil(answer(request).await).await,
        Effect::UnknownFields => body::extend(answer(request).await).await,
        Effect::Drip { bytes, every_ms } => body::drip(answer(request).await, *bytes, *every_ms).await,
    }
}

/// Google's envelope; that of OAuth where OAuth is asked.
fn refuse(path: &str, status: u16, reason: &str, message: &str, retry_after: Option<&str>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if path == "/token" || path == "/revoke" {
        return (status, Json(json!({"error": reason, "error_description": message}))).into_response();
    }
    // The reasons that are about the project and its budgets; all others are about the request.
    let is_limit = ["LimitExceeded", "quotaExceeded", "accessNotConfigured"].iter().any(|known| reason.contains(known));
    let domain = if is_limit { "usageLimits" } else { "global" };
    let error = ApiError::new(status, reason, message).in_domain(domain);
    retry_after.map_or(error.clone(), |value| error.retry_after(value)).into_response()
}

/// The answer that stands for none; a part of a batch takes the whole batch with it.
fn reset(request: &Request) -> Response {
    if let Some(ConnectInfo(line)) = request.extensions().get::<ConnectInfo<Line>>() {
        line.reset();
    }
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(Lost);
    response
}
