//! Entity tags: a reader that has the newest version is told so, and one that insists on another is refused.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::super::envelope::{ApiError, ApiResult};

/// The answer under its own `etag`, 304 when the request has it already, or 412 when it asks for another.
pub(super) fn tagged(headers: &HeaderMap, answer: Value) -> ApiResult<Response> {
    let tag = answer["etag"].as_str().unwrap_or_default().to_owned();
    let names = |name| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let mut tags =
            values.flat_map(|value| value.split(',')).map(|own| own.trim().trim_start_matches("W/")).peekable();
        tags.peek().is_some().then(|| tags.any(|own| own == tag || own == "*"))
    };
    if names(header::IF_MATCH) == Some(false) {
        let error = ApiError::new(StatusCode::PRECONDITION_FAILED, "conditionNotMet", "Precondition Failed");
        return Err(error.at("If-Match"));
    }
    let has_newest = names(header::IF_NONE_MATCH) == Some(true);
    let mut response = if has_newest { StatusCode::NOT_MODIFIED.into_response() } else { Json(answer).into_response() };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
