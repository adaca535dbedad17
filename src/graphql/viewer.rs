//! Who asks, and from where: the request data of every operation.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::domain::ids::UserId;

/// The person a verified token names.
///
/// Invariant: every operation that reaches a resolver carries one; a request without is answered before the document is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Whose data the operation may see.
    pub user: UserId,
    /// When the token ends (its `exp`); a socket is closed then.
    pub expires_at: DateTime<Utc>,
}

/// What the audit and the log say about where an operation came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestInfo {
    /// The id the answer carries in `x-request-id` and in `extensions.requestId` of its errors; one for each operation of a
    /// socket.
    pub id: String,
    /// The client's own name (`User-Agent`), control characters removed, at most 200 characters; empty when it gave none.
    pub client: String,
    /// The address of the peer that holds the connection, which may be a proxy. `None` when it is unknown.
    pub address: Option<IpAddr>,
}
