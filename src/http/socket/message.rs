//! What is said on a socket, and how it ends.

use async_graphql::{Response, ServerError};
use axum::extract::ws::CloseFrame;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What clients say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Ping {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Pong {},
    Subscribe {
        id: String,
        payload: Value,
    },
    Complete {
        id: String,
    },
}

impl ClientMessage {
    /// # Errors
    /// [`Close::INVALID`] for anything but a message of the protocol.
    pub(super) fn parse(text: &str) -> Result<Self, Close> {
        // Serde would read an array as the members in order.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(Close::INVALID);
        }
        serde_json::from_str(text).map_err(|_| Close::INVALID)
    }
}

/// What we say.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Map<String, Value>>,
    },
    Next {
        id: &'a str,
        payload: &'a Response,
    },
    /// The operation did not run, and is over.
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

/// Why we close a socket. The reason is ours alone and at most 123 bytes: a frame with a longer one is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Close {
    code: u16,
    reason: &'static str,
}

impl Close {
    /// The peer answers no pings; it will hardly read this.
    pub(super) const SILENT: Self = Self::new(1001, "No answer to pings");
    pub(super) const BROKEN_FRAME: Self = Self::new(1002, "Broken frame");
    pub(super) const NOT_TEXT: Self = Self::new(1007, "Text is not UTF-8");
    /// Fatal to clients on purpose: whoever sends this fast does not stop by itself.
    pub(super) const TOO_FAST: Self = Self::new(1008, "Too many messages");
    pub(super) const TOO_LARGE: Self = Self::new(1009, "Message too large");
    /// Clients connect again, to another process.
    pub(super) const RESTART: Self = Self::new(1012, "Service restart");
    pub(super) const TOO_SLOW: Self = Self::new(1013, "Messages are not read");
    pub(super) const TRY_LATER: Self = Self::new(1013, "Tokens cannot be verified now");
    pub(super) const INVALID: Self = Self::new(4400, "Invalid message");
    pub(super) const NO_ACK: Self = Self::new(4401, "Unauthorized");
    /// Clients try again with a fresh token.
    pub(super) const FORBIDDEN: Self = Self::new(4403, "Forbidden");
    pub(super) const EXPIRED: Self = Self::new(4403, "Token expired");
    pub(super) const SUBPROTOCOL: Self = Self::new(4406, "Subprotocol not acceptable");
    pub(super) const NO_INIT: Self = Self::new(4408, "Connection initialisation timeout");
    pub(super) const SAME_ID: Self = Self::new(4409, "Subscriber for this id already exists");
    pub(super) const SECOND_INIT: Self = Self::new(4429, "Too many initialisation requests");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}

impl From<Close> for CloseFrame {
    fn from(Close { code, reason }: Close) -> Self {
        Self { code, reason: reason.into() }
    }
}
