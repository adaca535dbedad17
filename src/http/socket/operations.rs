//! The live operations of one socket.

use std::task::{Context, Poll};

use async_graphql::Response;
use futures::{StreamExt, stream::BoxStream};

use super::super::limits::Place;

/// What an operation answered; `None` when it is over.
pub(super) type Event = Option<Response>;

/// Operations by the ids their client chose. They are polled by turns, and only when somebody asks for the next event.
///
/// All of them are polled whenever the socket wakes: they are few (`WS_MAX_OPERATIONS`), most sockets have one, and a set that knows which
/// of them woke it takes as much memory as an operation does.
#[derive(Default)]
pub(super) struct Operations {
    live: Vec<Live>,
    /// Whose turn it is.
    turn: usize,
}

struct Live {
    id: Box<str>,
    responses: BoxStream<'static, Response>,
    /// Free again as soon as the operation is no longer live.
    _place: Place,
}

impl Operations {
    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.live.iter().any(|one| *one.id == *id)
    }

    /// Adds an operation under an id that is not in use.
    pub(super) fn insert(&mut self, id: &str, (responses, place): (BoxStream<'static, Response>, Place)) {
        // Most sockets have one, and a vector would begin with room for four.
        self.live.reserve_exact(1);
        self.live.push(Live { id: id.into(), responses, _place: place });
    }

    /// Ends an operation, if it is live: no event of it follows.
    pub(super) fn remove(&mut self, id: &str) {
        self.live.retain(|one| *one.id != *id);
    }

    /// The next event of any operation, with its id.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(Box<str>, Event)> {
        let n_live = self.live.len();
        for number in (0..n_live).map(|step| (self.turn + step) % n_live) {
            match self.live[number].responses.poll_next_unpin(cx) {
                Poll::Pending => {}
                Poll::Ready(Some(response)) => {
                    self.turn = number + 1;
                    return Poll::Ready((self.live[number].id.clone(), Some(response)));
                }
                Poll::Ready(None) => {
                    self.turn = number;
                    return Poll::Ready((self.live.remove(number).id, None));
                }
            }
        }
        Poll::Pending
    }
}
