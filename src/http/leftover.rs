//! What is left of a request's body when the answer is ready.
//!
//! A server that answers before it has read the body must close the connection, and a client that did not expect that finds
//! its next request unanswered, or loses the answer itself to a reset. So a short rest is read and thrown away, and before
//! a long one the answer says that the connection closes (RFC 9112, 9.6).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::{Body, BodyDataStream};
use futures::{Stream, StreamExt, future::poll_fn, stream};
use http::{HeaderMap, header};

/// Bytes thrown away at most.
const MAX_BYTES: usize = 1024 * 1024;
/// How long the rest may take to arrive.
const WITHIN: Duration = Duration::from_secs(1);

/// A body that a handler reads, or leaves.
pub(super) struct Leftover {
    body: Arc<Mutex<BodyDataStream>>,
    /// Whether the client waits to be told to send it, which reading would do.
    is_held_back: bool,
}

impl Leftover {
    /// Splits a body into the one for the handler and the one for what it leaves.
    pub(super) fn of(headers: &HeaderMap, body: Body) -> (Body, Self) {
        let body = Arc::new(Mutex::new(body.into_data_stream()));
        let shared = Arc::clone(&body);
        let handed =
            stream::poll_fn(move |cx| shared.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx));
        (Body::from_stream(handed), Self { body, is_held_back: headers.contains_key(header::EXPECT) })
    }

    /// Reads what is left; `false` when it is too much or too slow.
    pub(super) async fn is_read(&self) -> bool {
        let ended = || {
            let body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
            body.size_hint() == (0, Some(0))
        };
        if self.is_held_back {
            return ended();
        }
        let read = async {
            let mut n_bytes = 0;
            loop {
                let next = poll_fn(|cx| self.body.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx));
                match next.await {
                    None => return true,
                    Some(Ok(chunk)) if n_bytes + chunk.len() <= MAX_BYTES => n_bytes += chunk.len(),
                    Some(_) => return false,
                }
            }
        };
        tokio::time::timeout(WITHIN, read).await.unwrap_or(false)
    }
}
