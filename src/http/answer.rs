//! How an answer looks on the wire: media types and status codes of the GraphQL-over-HTTP draft.

use async_graphql::{Response, ServerError, Value};
use axum::{body::Body, response::IntoResponse};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::stream::Framing;
use crate::graphql::code::Code;

/// A media type we answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`, whose status codes tell how the request went.
    GraphQl,
    /// `application/json`, where every answer to a well-formed request is 200, since an intermediary may have written any other.
    Json,
}

impl Media {
    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }
}

/// What a client takes, by its `Accept`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accept {
    /// As the one answer of a query or a mutation.
    pub(super) one: Option<Media>,
    /// As the many answers of a subscription.
    pub(super) many: Option<Framing>,
}

impl Accept {
    /// The best of ours of each. Without the header it is JSON, as the draft asks.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let (mut one, mut many) = (Best::default(), Best::default());
        let mut stated = false;
        for range in headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()) {
            for range in range.split(',').map(str::trim).filter(|range| !range.is_empty()) {
                stated = true;
                let mut parts = range.split(';').map(str::trim);
                let media = parts.next().unwrap_or_default().to_ascii_lowercase();
                let parameter = |wanted: &str| {
                    let mut parameters = range.split(';').filter_map(|part| part.trim().split_once('='));
                    parameters
                        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                        .map(|(_, value)| value.trim_matches('"'))
                };
                let weight = parameter("q").and_then(|value| value.parse().ok()).unwrap_or(1.0);
                match media.as_str() {
                    "application/graphql-response+json" => one.offer(Media::GraphQl, weight),
                    "application/json" | "application/*" | "*/*" => one.offer(Media::Json, weight),
                    "text/event-stream" => many.offer(Framing::Events, weight),
                    // Without it, a client means other things by this type: the parts of a deferred answer, for one.
                    "multipart/mixed" if parameter("subscriptionSpec") == Some("1.0") => {
                        many.offer(Framing::Multipart, weight);
                    }
                    _ => {}
                }
            }
        }
        Self {
            one: one.0.map(|(media, _)| media).or((!stated).then_some(Media::Json)),
            many: many.0.map(|(framing, _)| framing),
        }
    }
}

/// What is wanted most, of several offers the first.
struct Best<T>(Option<(T, f32)>);

impl<T> Default for Best<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Best<T> {
    fn offer(&mut self, offered: T, weight: f32) {
        if weight > self.0.as_ref().map_or(0.0, |(_, best)| *best) {
            self.0 = Some((offered, weight));
        }
    }
}

/// Whether `response` says that the request never ran: such an answer has no `data`.
pub(super) fn is_request_error(response: &Response) -> bool {
    let unfielded = |error: &ServerError| error.path.is_empty();
    response.data == async_graphql::Value::Null && !response.errors.is_empty() && response.errors.iter().all(unfielded)
}

/// The answer to an operation, with the headers its resolvers set.
pub(super) fn respond(media: Media, mut response: Response) -> axum::response::Response {
    let headers = std::mem::take(&mut response.http_headers);
    let mut answer = if is_request_error(&response) {
        errors(media, &response.errors)
    } else {
        json(media, StatusCode::OK, &response)
    };
    answer.headers_mut().extend(headers);
    answer
}

/// The answer to a request that did not become an operation.
pub(super) fn refuse(media: Media, mut error: ServerError, request_id: &str) -> axum::response::Response {
    error.extensions.get_or_insert_default().set("requestId", request_id);
    errors(media, &[error])
}

fn errors(media: Media, errors: &[ServerError]) -> axum::response::Response {
    #[derive(Serialize)]
    struct Errors<'a> {
        errors: &'a [ServerError],
    }
    let code = errors.first().and_then(Code::of).unwrap_or(Code::InternalServerError);
    let status = status(code, media);
    let mut answer = json(media, status, &Errors { errors });
    let headers = answer.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(errors.first().and_then(retry_after).unwrap_or(1)));
        }
        _ => {}
    }
    answer
}

/// The seconds that an error asks to be waited.
fn retry_after(error: &ServerError) -> Option<u64> {
    match error.extensions.as_ref()?.get("retryAfterSeconds")? {
        Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    }
}

fn status(code: Code, media: Media) -> StatusCode {
    match code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Code::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
        Code::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::TooManyOperations | Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Code::GraphqlParseFailed
        | Code::GraphqlValidationFailed
        | Code::BadUserInput
        | Code::PersistedQueryNotFound
            if media == Media::Json =>
        {
            StatusCode::OK
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

fn json(media: Media, status: StatusCode, body: &impl Serialize) -> axum::response::Response {
    match serde_json::to_vec(body) {
        Ok(body) => (status, [(header::CONTENT_TYPE, media.content_type())], Body::from(body)).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: Option<&'static str>) -> Accept {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        }
        Accept::of(&headers)
    }

    #[test]
    fn the_best_acceptable_media_type_is_taken() {
        for (accept, media) in [
            (None, Some(Media::Json)),
            (Some("*/*"), Some(Media::Json)),
            (Some("application/json"), Some(Media::Json)),
            (Some("application/graphql-response+json"), Some(Media::GraphQl)),
            (Some("application/graphql-response+json, application/json;q=0.9"), Some(Media::GraphQl)),
            (Some("application/json;q=0.5, APPLICATION/graphql-response+json ; Q=0.8"), Some(Media::GraphQl)),
            (Some("application/json;q=0, application/graphql-response+json;q=0"), None),
            (Some("text/html"), None),
            (Some("text/html, */*;q=0.1"), Some(Media::Json)),
        ] {
            assert_eq!(accepted(accept), Accept { one: media, many: None }, "{accept:?}");
        }
    }

    #[test]
    fn what_many_answers_come_in_is_asked_for_by_name() {
        let (events, multipart) = (Some(Framing::Events), Some(Framing::Multipart));
        for (accept, one, many) in [
            ("text/event-stream", None, events),
            ("text/event-stream, application/json", Some(Media::Json), events),
            // Apollo Client, Relay with Apollo's helper, Apollo Kotlin.
            (
                "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9",
                Some(Media::GraphQl),
                multipart,
            ),
            ("multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json", Some(Media::Json), multipart),
            ("multipart/mixed; boundary=\"graphql\"; subscriptionSpec=\"1.0\"", None, multipart),
            ("multipart/mixed;subscriptionSpec=1.0;q=0.5, text/event-stream", None, events),
            ("multipart/mixed;deferSpec=20220824, application/json", Some(Media::Json), None),
            ("multipart/mixed;subscriptionSpec=2.0", None, None),
            ("multipart/mixed", None, None),
            ("text/event-stream;q=0", None, None),
        ] {
            assert_eq!(accepted(Some(accept)), Accept { one, many }, "{accept}");
        }
    }
}
