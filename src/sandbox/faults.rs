//! Refusals on demand: the next requests that match are answered with Google's error envelope instead.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{envelope::ApiError, lock::Exclusive};

/// Which requests fail.
#[derive(Clone, Debug, Default)]
pub struct FaultMatch {
    /// `GET`, `POST`, ...; any when absent.
    pub method: Option<String>,
    /// How the path begins, as `/gmail/v1/users/me/history`; any when empty.
    pub path_prefix: String,
}

/// How they fail.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The status to answer with; an impossible one becomes 500.
    pub status: u16,
    /// The reason word, as `rateLimitExceeded`. For `/token` it is the OAuth error code.
    pub reason: String,
    /// The message beside it.
    pub message: String,
    /// How many requests fail.
    pub times: u32,
}

#[derive(Debug, Default)]
pub(super) struct Faults(Exclusive<Vec<(FaultMatch, Fault)>>);

impl Faults {
    pub(super) fn add(&self, which: FaultMatch, fault: Fault) {
        if fault.times > 0 {
            self.0.lock().push((which, fault));
        }
    }

    /// The answer to give instead, if a fault is planned; the plan is one shorter then.
    pub(super) fn take(&self, method: &str, path: &str) -> Option<Response> {
        let mut plan = self.0.lock();
        let hits = |which: &FaultMatch| {
            which.method.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(method))
                && path.starts_with(&which.path_prefix)
        };
        let index = plan.iter().position(|(which, _)| hits(which))?;
        let fault = plan[index].1.clone();
        plan[index].1.times -= 1;
        if plan[index].1.times == 0 {
            plan.remove(index);
        }
        Some(answer(&fault, path))
    }
}

fn answer(fault: &Fault, path: &str) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if path == "/token" || path == "/revoke" {
        return (status, Json(json!({"error": fault.reason, "error_description": fault.message}))).into_response();
    }
    let is_limit = fault.reason.contains("LimitExceeded") || fault.reason.contains("quotaExceeded");
    let domain = if is_limit { "usageLimits" } else { "global" };
    ApiError::new(status, fault.reason.clone(), fault.message.clone()).in_domain(domain).into_response()
}
