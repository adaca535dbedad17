//! The live operations of one socket.

use std::{collections::HashMap, sync::Arc};

use async_graphql::Response;
use futures::{
    StreamExt,
    future::AbortHandle,
    stream::{self, BoxStream, SelectAll},
};

use super::super::limits::Place;

/// What an operation answered; `None` when it is over.
pub(super) type Event = Option<Response>;

/// Operations by the ids their client chose. They are polled by turns, and only when somebody asks for the next event.
#[derive(Default)]
pub(super) struct Operations {
    live: HashMap<Arc<str>, Live>,
    streams: SelectAll<BoxStream<'static, (Arc<str>, Event)>>,
}

struct Live {
    abort: AbortHandle,
    /// Free again as soon as the operation is no longer live.
    _place: Place,
}

impl Operations {
    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.live.contains_key(id)
    }

    /// Whether there is nothing to wait for.
    pub(super) fn is_idle(&self) -> bool {
        self.streams.is_empty()
    }

    /// Adds an operation under an id that is not in use.
    pub(super) fn insert(&mut self, id: &str, (responses, place): (BoxStream<'static, Response>, Place)) {
        let id: Arc<str> = id.into();
        let events = responses.map(Some).chain(stream::iter([None]));
        let (events, abort) = stream::abortable(events);
        self.live.insert(id.clone(), Live { abort, _place: place });
        self.streams.push(events.map(move |event| (id.clone(), event)).boxed());
    }

    /// Ends an operation, if it is live: no event of it follows.
    pub(super) fn remove(&mut self, id: &str) {
        if let Some(live) = self.live.remove(id) {
            live.abort.abort();
        }
    }

    /// The next event of any operation; `None` when the last one ended without one, having been removed.
    pub(super) async fn next(&mut self) -> Option<(Arc<str>, Event)> {
        let (id, event) = self.streams.next().await?;
        if event.is_none() {
            self.live.remove(&id);
        }
        Some((id, event))
    }
}
