//! GraphQL over WebSocket, by the subprotocol `graphql-transport-ws`: the handshake.

mod message;
mod operations;
mod session;

use std::sync::Arc;

use async_graphql::Executor;
use axum::{
    extract::{FromRequestParts, WebSocketUpgrade},
    response::Response,
};
use http::{HeaderMap, header, request::Parts};

use self::session::Session;
use super::{
    answer::{Media, refuse},
    envelope::RequestId,
    graphql::{info, refuse_token_in_url, unauthenticated},
    router::Api,
};
use crate::graphql::code::Code;

/// The only subprotocol spoken. Its predecessor `graphql-ws` is not: clients that offer both would choose it.
const SUBPROTOCOL: &str = "graphql-transport-ws";
/// The defaults cost 130 kB for each socket, this half of one. A longer message is read into room of its own.
const BUFFER_BYTES: usize = 512;
/// What the WebSocket library refuses to read. A message between this and the limit of the session is read and thrown away, so
/// that its sender gets a close code and no reset.
const MAX_FRAME_BYTES: usize = 1024 * 1024;

/// Whether a request wants to become a WebSocket.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Completes the handshake and starts the session; its origin has been checked.
pub(super) async fn accept<E: Executor>(api: Arc<Api<E>>, mut parts: Parts) -> Response {
    let info = info(&parts);
    let refused = |error| refuse(Media::Json, error, RequestId::of(&parts.extensions));
    if let Err(error) = refuse_token_in_url(parts.uri.query().unwrap_or_default()) {
        return refused(error);
    }
    // Browsers cannot send the header, other clients can; without it the token comes in `connection_init`.
    let viewer = if parts.headers.contains_key(header::AUTHORIZATION) {
        match api.authenticator.viewer(&parts.headers).await {
            Ok(viewer) => Some(viewer),
            Err(error) => return refused(unauthenticated(error)),
        }
    } else {
        None
    };
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        let error = Code::BadRequest.error("This is not a WebSocket handshake.");
        return refuse(Media::Json, error, &info.id);
    };
    let mut upgrade = upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .max_message_size(MAX_FRAME_BYTES)
        .protocols([SUBPROTOCOL]);
    let is_spoken = upgrade.selected_protocol().is_some();
    let offered = upgrade.requested_protocols().next().cloned();
    if let (false, Some(offered)) = (is_spoken, offered) {
        // A client drops a handshake that selects none of its subprotocols, and would never see the close code.
        upgrade.set_selected_protocol(offered);
    }
    let hold = api.shutdown.hold();
    upgrade.on_upgrade(async move |mut socket| {
        Session::new(api, &mut socket, viewer, info).run(is_spoken).await;
        drop(hold);
    })
}
