//! GraphQL over HTTP, by the draft of that name: POST with a JSON body, and GET for queries.

use std::{net::SocketAddr, sync::Arc};

use async_graphql::{Executor, Response, ServerError, parser::types::OperationType};
use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
};
use http::{HeaderValue, Method, header, request::Parts};

use super::{
    answer::{Media, refuse, respond},
    auth, body,
    envelope::RequestId,
    operation::Operation,
    router::Api,
    socket,
};
use crate::graphql::{code::Code, viewer::RequestInfo};

/// Characters kept of a client's own name.
const MAX_CLIENT_CHARS: usize = 200;

/// Answers a request to `/graphql`, or begins a socket when it asks for one.
pub(super) async fn serve<E: Executor>(State(api): State<Arc<Api<E>>>, request: Request) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    if socket::is_asked_for(&parts.headers) {
        return socket::accept(api, parts).await;
    }
    let request_id = RequestId::of(&parts.extensions);
    let Some(media) = Media::negotiate(&parts.headers) else {
        let message = "Accept application/graphql-response+json or application/json.";
        return refuse(Media::Json, Code::NotAcceptable.error(message), request_id);
    };
    match run(&api, &parts, body).await {
        Ok(response) => respond(media, response),
        Err(error) => {
            let by_method = Code::of(&error) == Some(Code::MethodNotAllowed);
            let mut answer = refuse(media, error, request_id);
            if by_method {
                answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            answer
        }
    }
}

async fn run<E: Executor>(api: &Api<E>, parts: &Parts, body: Body) -> Result<Response, ServerError> {
    let query_string = parts.uri.query().unwrap_or_default();
    refuse_token_in_url(query_string)?;
    // Before the body: whoever has no token costs us no memory.
    let viewer = api.authenticator.viewer(&parts.headers).await.map_err(unauthenticated)?;
    let is_post = parts.method == Method::POST;
    let request = if is_post {
        if !body::is_json(&parts.headers) {
            // The types a page of another site may send without a preflight are among those refused.
            return Err(Code::UnsupportedMediaType.error("Send a body of type application/json, in UTF-8."));
        }
        body::parse(&body::read(&parts.headers, body, api.http.body_limit_bytes).await?)?
    } else {
        body::parse_query_string(query_string)?
    };
    let operation = Operation::prepare(api, request, viewer, info(parts))?;
    match operation.kind {
        OperationType::Query => {}
        OperationType::Mutation if is_post => {}
        OperationType::Subscription if is_post => {
            return Err(Code::BadRequest.error("Subscriptions run over WebSocket, by graphql-transport-ws."));
        }
        _ => return Err(Code::MethodNotAllowed.error("GET runs queries only.")),
    }
    Ok(operation.execute(&api.executor, api.http.timeout).await)
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
