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
    query: Option<String>,
    /// As GraphQL over HTTP names documents: `sha256:...`, or by a word of one's own.
    document_id: Option<String>,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
    extensions: Option<Extensions>,
}

/// Those that mean something to us; others may be there.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    /// As Apollo names documents.
    persisted_query: Option<PersistedQuery>,
    #[serde(default)]
    cost: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistedQuery {
    version: u8,
    sha256_hash: String,
}

/// What a client has sent.
pub(super) struct Received {
    /// Its document is empty when it was not sent.
    pub(super) request: Request,
    /// The name of the document, if it has one.
    pub(super) document: Option<String>,
    /// Whether the answer is to say what it cost.
    pub(super) asks_cost: bool,
}

impl TryFrom<Parameters> for Received {
    type Error = ServerError;

    fn try_from(parameters: Parameters) -> Result<Self, ServerError> {
        let extensions = parameters.extensions.unwrap_or_default();
        let document = match (parameters.document_id, extensions.persisted_query) {
            (Some(id), _) => Some(id.strip_prefix("sha256:").map_or_else(|| id.clone(), str::to_owned)),
            (None, Some(PersistedQuery { version: 1, sha256_hash })) => Some(sha256_hash.to_ascii_lowercase()),
            (None, Some(_)) => return Err(Code::BadRequest.error("Persisted queries are of version 1.")),
            (None, None) => None,
        };
        let query = match (parameters.query, &document) {
            (Some(query), _) => query,
            (None, Some(_)) => String::new(),
            (None, None) => return Err(malformed()),
        };
        let variables = Value::Object(parameters.variables.unwrap_or_default());
        let request = Request::new(query).variables(Variables::from_json(variables));
        let request = match parameters.operation_name {
            Some(name) => request.operation_name(name),
            None => request,
        };
        Ok(Self { request, document, asks_cost: extensions.cost.unwrap_or_default() })
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
    let too_large = || Code::BodyTooLarge.over(limit, format!("The body is larger than {limit} bytes."));
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
pub(super) fn parse(body: &[u8]) -> Result<Received, ServerError> {
    // Serde would read an array as the members in order.
    match body.trim_ascii_start().first() {
        Some(b'{') => {}
        Some(b'[') => return Err(Code::BadRequest.error("Send one request at a time; arrays are not accepted.")),
        _ => return Err(malformed()),
    }
    serde_json::from_slice::<Parameters>(body).map_err(|_| malformed())?.try_into()
}

/// The request in a URL's query string, of which `variables` and `extensions` are JSON.
///
/// # Errors
/// [`Code::BadRequest`]: a parameter twice, neither `query` nor a name of it, or JSON of a wrong type.
pub(super) fn parse_query_string(query: &str) -> Result<Received, ServerError> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = match &*name {
            "query" | "operationName" | "documentId" => Value::String(value.into_owned()),
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
pub(super) fn parse_value(value: Value) -> Result<Received, ServerError> {
    if !value.is_object() {
        return Err(malformed());
    }
    serde_json::from_value::<Parameters>(value).map_err(|_| malformed())?.try_into()
}

fn malformed() -> ServerError {
    Code::BadRequest.error(
        "The request must be one object with a string `query`, or the name of a document that was sent before, and, if wanted, \
         a string `operationName` and objects `variables` and `extensions`.",
    )
}

/// Whether a URL carries a token, which would then be in logs and histories.
pub(super) fn has_token(query: &str) -> bool {
    const NAMES: [&str; 4] = ["token", "access_token", "authorization", "bearer"];
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| NAMES.iter().any(|word| name.eq_ignore_ascii_case(word)))
}
