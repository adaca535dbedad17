//! GraphQL over HTTP, by the draft of that name: POST with a JSON body, and GET for queries.

use std::{net::SocketAddr, sync::Arc};

use async_graphql::{Executor, ServerError, parser::types::OperationType};
use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
};
use http::{HeaderValue, Method, header, request::Parts};

use super::{
    answer::{Accept, Media, refuse, respond},
    auth, body,
    envelope::RequestId,
    operation::Operation,
    router::Api,
    socket, stream,
};
use crate::graphql::{code::Code, viewer::RequestInfo};

/// What one answer comes as.
const ONE: &str = "application/graphql-response+json or application/json";
/// What many answers come as.
const MANY: &str = "text/event-stream or multipart/mixed;subscriptionSpec=1.0";
/// Characters kept of a client's own name.
const MAX_CLIENT_CHARS: usize = 200;

/// Answers a request to `/graphql`, or begins a socket when it asks for one.
pub(super) async fn serve<E: Executor>(State(api): State<Arc<Api<E>>>, request: Request) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    if socket::is_asked_for(&parts.headers) {
        return socket::accept(api, parts).await;
    }
    let accept = Accept::of(&parts.headers);
    match run(&api, &parts, accept, body).await {
        Ok(answer) => answer,
        Err(error) => {
            let by_method = Code::of(&error) == Some(Code::MethodNotAllowed);
            let mut answer = refuse(accept.one.unwrap_or(Media::Json), error, RequestId::of(&parts.extensions));
            if by_method {
                answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            answer
        }
    }
}

async fn run<E: Executor>(
    api: &Arc<Api<E>>,
    parts: &Parts,
    accept: Accept,
    body: Body,
) -> Result<axum::response::Response, ServerError> {
    if accept == (Accept { one: None, many: None }) {
        return Err(Code::NotAcceptable.error(format!("Accept {ONE}, or for a subscription {MANY}.")));
    }
    let query_string = parts.uri.query().unwrap_or_default();
    refuse_token_in_url(query_string)?;
    // Before the body: whoever has no token costs us no memory.
    let viewer = api.authenticator.viewer(&parts.headers).await.map_err(unauthenticated)?;
    let is_post = parts.method == Method::POST;
    let received = if is_post {
        if !body::is_json(&parts.headers) {
            // The types a page of another site may send without a preflight are among those refused.
            return Err(Code::UnsupportedMediaType.error("Send a body of type application/json, in UTF-8."));
        }
        body::parse(&body::read(&parts.headers, body, api.http.body_limit_bytes).await?)?
    } else {
        body::parse_query_string(query_string)?
    };
    let operation = match (Operation::prepare(api, received, viewer.clone(), info(parts)).await, accept) {
        (Ok(operation), _) => operation,
        (Err(error), Accept { one: None, many: Some(framing) }) => return Ok(stream::refuse(framing, error)),
        (Err(error), _) => return Err(error),
    };
    if operation.kind != OperationType::Query && !is_post {
        return Err(Code::MethodNotAllowed.error("GET runs queries only."));
    }
    let framing = match (operation.kind, accept) {
        (OperationType::Subscription, Accept { many: None, .. }) => {
            let message = format!("A subscription has many answers: accept {MANY}, or use a WebSocket.");
            return Err(Code::NotAcceptable.error(message));
        }
        (OperationType::Subscription, Accept { many, .. }) | (_, Accept { one: None, many }) => many,
        (OperationType::Query | OperationType::Mutation, Accept { one: Some(_), .. }) => None,
    };
    Ok(match framing {
        Some(framing) => stream::respond(api, framing, viewer, operation),
        None => {
            let media = accept.one.unwrap_or(Media::Json);
            respond(media, operation.execute(&api.executor, api.http.timeout).await)
        }
    })
}

/// # Errors
/// [`Code::BadRequest`] when a query string has a parameter named as a token.
pub(super) fn refuse_token_in_url(query_string: &str) -> Result<(), ServerError> {
    match body::has_token(query_string) {
        true => Err(Code::BadRequest.error("Send the token in the Authorization header, never in the address.")),
        false => Ok(()),
    }
}

/// The answer to a request whose token did not verify; it does not say what was wrong with it.
pub(super) fn unauthenticated(error: auth::Error) -> ServerError {
    tracing::debug!(%error, "a request is not authenticated");
    match error {
        auth::Error::Missing | auth::Error::Refused(_) => {
            Code::Unauthenticated.error("Send a valid token as Authorization: Bearer.")
        }
        auth::Error::Unavailable => Code::Unavailable.error("Tokens cannot be verified now. Try again later."),
    }
}

/// Where a request came from.
pub(super) fn info(parts: &Parts) -> RequestInfo {
    let client = parts.headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    let printable = |c: &char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    RequestInfo {
        id: RequestId::of(&parts.extensions).to_owned(),
        client: client.unwrap_or_default().chars().filter(printable).take(MAX_CLIENT_CHARS).collect(),
        address: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip()),
    }
}
