//! Around every request: its id, a line in the log, security headers, an answer even to a panic, and what is left of its body.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures::FutureExt;
use http::{Extensions, HeaderName, HeaderValue, StatusCode, Version, header};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    answer::{Media, refuse},
    headers,
    leftover::Leftover,
    operation,
};
use crate::graphql::code::Code;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request. Ours, never the client's: it must not name another's line in the log.
#[derive(Clone, Debug)]
pub(super) struct RequestId(String);

impl RequestId {
    /// The id of the request these extensions belong to; empty outside of [`wrap`].
    pub(super) fn of(extensions: &Extensions) -> &str {
        extensions.get::<Self>().map_or("", |id| &id.0)
    }
}

/// Wraps every route. `https` says whether browsers reach us over TLS.
pub(super) async fn wrap(State(https): State<bool>, mut request: Request, next: Next) -> Response {
    let id = Uuid::new_v4().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", request.id = id);
    let (method, path, version) = (request.method().clone(), request.uri().path().to_owned(), request.version());
    let (parts, body) = request.into_parts();
    let (body, leftover) = Leftover::of(&parts.headers, body);
    let request = Request::from_parts(parts, body);
    let started = Instant::now();
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let mut answer = answer.unwrap_or_else(|panic| {
        operation::log_panic(&*panic, &id);
        refuse(Media::Json, Code::InternalServerError.error(operation::INTERNAL), &id)
    });
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        tracing::info!(http.method = %method, http.path = path, http.status = answer.status().as_u16(), duration_ms);
    });
    // A connection that turns into a socket has no next request.
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS && !leftover.is_read().await && version < Version::HTTP_2 {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    headers::secure(answer.headers_mut(), https);
    if let Ok(id) = HeaderValue::try_from(id) {
        answer.headers_mut().insert(X_REQUEST_ID, id);
    }
    answer
}
