//! Reads a GraphQL request out of a body, a query string or a socket's message.

use std::time::Duration;

use async_graphql::{Request, ServerError, Variables};
use axum::body::Body;
use futures::StreamExt;
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::graphql::code::Code;

/// How long a body may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: String,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
    /// Must be an object, and none means anything to us.
    #[serde(rename = "extensions")]
    _extensions: Option<Map<String, Value>>,
}

impl From<Parameters> for Request {
    fn from(parameters: Parameters) -> Self {
        let variables = Value::Object(parameters.variables.unwrap_or_default());
        let request = Self::new(parameters.query).variables(Variables::from_json(variables));
        match parameters.operation_name {
            Some(name) => request.operation_name(name),
            None => request,
        }
    }
}

/// Whether the body is said to be JSON, and UTF-8 if anything is said of that.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(value)), None) = (values.next().map(|value| value.to_str()), values.next()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"))
        && parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

/// The whole body, at most `limit` bytes of it in memory.
///
/// # Errors
/// [`Code::BodyTooLarge`], at once when the client says so beforehand; [`Code::BodyTimeout`]; [`Code::BadRequest`] when the
/// client goes away.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>, ServerError> {
    let too_large = || Code::BodyTooLarge.error(format!("The body is larger than {limit} bytes."));
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let read = async {
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Code::BadRequest.error("The body could not be read."))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    let late = |_| Code::BodyTimeout.error("The body did not arrive in time.");
    tokio::time::timeout(READ_TIMEOUT, read).await.map_err(late)?
}

/// The one request in a JSON body.
///
/// # Errors
/// [`Code::BadRequest`]: not JSON, an array of requests, or members of a wrong type.
pub(super) fn parse(body: &[u8]) -> Result<Request, ServerError> {
    // Serde would read an array as the members in order.
    match body.trim_ascii_start().first() {
        Some(b'{') => {}
        Some(b'[') => return Err(Code::BadRequest.error("Send one request at a time; arrays are not accepted.")),
        _ => return Err(malformed()),
    }
    serde_json::from_slice::<Parameters>(body).map(Into::into).map_err(|_| malformed())
}

/// The request in a URL's query string, of which `variables` and `extensions` are JSON.
///
/// # Errors
/// [`Code::BadRequest`]: a parameter twice, no `query`, or JSON of a wrong type.
pub(super) fn parse_query_string(query: &str) -> Result<Request, ServerError> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = match &*name {
            "query" | "operationName" => Value::String(value.into_owned()),
            "variables" | "extensions" => serde_json::from_str(&value).map_err(|_| malformed())?,
            _ => continue,
        };
        if parameters.insert(name.into_owned(), value).is_some() {
            return Err(malformed());
        }
    }
    parse_value(Value::Object(parameters))
}

/// The request in the payload of a socket's `subscribe`.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_value(value: Value) -> Result<Request, ServerError> {
    if !value.is_object() {
        return Err(malformed());
    }
    serde_json::from_value::<Parameters>(value).map(Into::into).map_err(|_| malformed())
}

fn malformed() -> ServerError {
    Code::BadRequest.error(
        "The request must be one object with a string `query` and, if wanted, a string `operationName` and objects \
         `variables` and `extensions`.",
    )
}

/// Whether a URL carries a token, which would then be in logs and histories.
pub(super) fn has_token(query: &str) -> bool {
    const NAMES: [&str; 4] = ["token", "access_token", "authorization", "bearer"];
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| NAMES.iter().any(|word| name.eq_ignore_ascii_case(word)))
}
