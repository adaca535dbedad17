//! Subscriptions over plain HTTP, for clients that have no sockets: an answer that goes on.
//!
//! Server-sent events, by the protocol that the library `graphql-sse` calls "distinct connections", and the parts of
//! `multipart/mixed` that Apollo's clients read. The token, the limits and the ends are those of a socket. A client that does
//! not read is not computed for, since the body is pulled, and loses its connection (`patience.rs`).

use std::{convert::Infallible, sync::Arc};

use async_graphql::{Executor, Response, ServerError};
use axum::{
    body::{Body, Bytes},
    response::IntoResponse,
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, Interval, interval_at};

use super::{
    answer::is_request_error,
    auth,
    limits::Place,
    operation::{self, Operation},
    router::Api,
};
use crate::graphql::{code::Code, viewer::Viewer};

/// How many answers lie in one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// `text/event-stream`.
    Events,
    /// `multipart/mixed;subscriptionSpec=1.0`.
    Multipart,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The operation is over.
    Complete,
    /// The token is. The client comes again with a fresh one.
    Expired,
    /// The server stops. The client comes again, to another process.
    Restart,
}

impl Framing {
    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Events => "text/event-stream; charset=utf-8",
            Self::Multipart => "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0",
        })
    }

    /// What comes before everything, at once, so that nothing on the way waits for more.
    const fn start(self) -> &'static str {
        match self {
            Self::Events => ":\n\n",
            Self::Multipart => "\r\n--graphql",
        }
    }

    /// A sign of life, which says nothing.
    const fn beat(self) -> &'static str {
        match self {
            Self::Events => ":\n\n",
            Self::Multipart => "\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql",
        }
    }

    /// One answer, as JSON. A client takes a part as whole when it sees the boundary behind it.
    fn event(self, json: &str) -> String {
        match self {
            Self::Events => format!("event: next\ndata: {json}\n\n"),
            Self::Multipart => {
                format!("\r\ncontent-type: application/json\r\n\r\n{{\"payload\":{json}}}\r\n--graphql")
            }
        }
    }

    fn end(self, end: End) -> String {
        let (code, message) = match (self, end) {
            // Without this field, a browser's own client would not tell of the event; a blank in it, urql takes for an answer.
            (Self::Events, End::Complete) => return "event: complete\ndata:\n\n".to_owned(),
            // What ends without `complete` was cut off, so the client comes again by itself. The rest is for people who look.
            (Self::Events, End::Expired) => return ": the token has expired\n\n".to_owned(),
            (Self::Events, End::Restart) => return ": the server restarts\n\n".to_owned(),
            (Self::Multipart, End::Complete) => return "--\r\n".to_owned(),
            (Self::Multipart, End::Expired) => {
                (Code::Unauthenticated, "The token has expired. Subscribe with a fresh one.")
            }
            (Self::Multipart, End::Restart) => (Code::Unavailable, "The server restarts. Subscribe again."),
        };
        let error =
            json!({ "payload": null, "errors": [{ "message": message, "extensions": { "code": code.as_str() } }] });
        format!("\r\ncontent-type: application/json\r\n\r\n{error}\r\n--graphql--\r\n")
    }
}

/// The answers of an operation, one after the other, until it is over or its viewer's token is.
pub(super) fn respond<E: Executor>(
    api: &Arc<Api<E>>,
    framing: Framing,
    viewer: Viewer,
    operation: Operation,
) -> axum::response::Response {
    let (responses, place) = operation.run(&api.executor, api.http.timeout);
    let beat = interval_at(Instant::now() + api.graphql.ws_ping, api.graphql.ws_ping);
    let flow = Flow { api: api.clone(), framing, viewer, beat, going: Some((responses, place)) };
    let rest = stream::unfold(flow, async |mut flow| Some((flow.next().await?, flow)));
    answer(framing, Body::from_stream(start(framing).chain(rest).map(Ok::<_, Infallible>)))
}

/// Tells of an operation that does not run. The protocol of event streams wants this in the stream, because a browser's own
/// client shows nothing of an answer with another status.
pub(super) fn refuse(framing: Framing, error: ServerError) -> axum::response::Response {
    let refusal = written(framing, &Response::from_errors(vec![error]));
    let end = Bytes::from(framing.end(End::Complete));
    answer(framing, Body::from_stream(start(framing).chain(stream::iter([refusal, end])).map(Ok::<_, Infallible>)))
}

fn start(framing: Framing) -> impl futures::Stream<Item = Bytes> + Send {
    stream::iter([Bytes::from_static(framing.start().as_bytes())])
}

fn answer(framing: Framing, body: Body) -> axum::response::Response {
    // Proxies that collect answers before they pass them on know this one.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    ([(header::CONTENT_TYPE, framing.content_type()), unbuffered], body).into_response()
}

/// An operation and what its answers go into.
struct Flow<E> {
    api: Arc<Api<E>>,
    framing: Framing,
    viewer: Viewer,
    beat: Interval,
    /// `None` when the end was said.
    going: Option<(BoxStream<'static, Response>, Place)>,
}

impl<E: Executor> Flow<E> {
    async fn next(&mut self) -> Option<Bytes> {
        let (responses, _) = self.going.as_mut()?;
        let end = tokio::select! {
            () = self.api.shutdown.begun() => End::Restart,
            () = auth::until_expired(&self.viewer, &self.api.clock) => End::Expired,
            response = responses.next() => match response {
                Some(response) => return Some(written(self.framing, &response)),
                None => End::Complete,
            },
            _ = self.beat.tick() => return Some(Bytes::from_static(self.framing.beat().as_bytes())),
        };
        self.going = None;
        Some(Bytes::from(self.framing.end(end)))
    }
}

fn written(framing: Framing, response: &Response) -> Bytes {
    /// An operation that never ran has no `data`.
    #[derive(Serialize)]
    struct Errors<'a> {
        errors: &'a [ServerError],
    }
    let json = match is_request_error(response) {
        true => serde_json::to_string(&Errors { errors: &response.errors }),
        false => serde_json::to_string(response),
    };
    let json = json.unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be written as JSON");
        let code = Code::InternalServerError.as_str();
        json!({ "errors": [{ "message": operation::INTERNAL, "extensions": { "code": code } }] }).to_string()
    });
    Bytes::from(framing.event(&json))
}
