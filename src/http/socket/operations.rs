//! The live operations of one socket.

use std::{collections::HashMap, sync::Arc};

use async_graphql::Response;
use futures::{
    Stream, StreamExt,
    future::AbortHandle,
    stream::{self, BoxStream, SelectAll},
};

/// What an operation answered; `None` when it is over.
pub(super) type Event = Option<Response>;

/// Operations by the ids their client chose. They are polled by turns, and only when somebody asks for the next event.
#[derive(Default)]
pub(super) struct Operations {
    live: HashMap<Arc<str>, AbortHandle>,
    streams: SelectAll<BoxStream<'static, (Arc<str>, Event)>>,
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
    pub(super) fn insert(&mut self, id: &str, responses: impl Stream<Item = Response> + Send + 'static) {
        let id: Arc<str> = id.into();
        let events = responses.map(Some).chain(stream::iter([None]));
        let (events, abort) = stream::abortable(events);
        self.live.insert(id.clone(), abort);
        self.streams.push(events.map(move |event| (id.clone(), event)).boxed());
    }

    /// Ends an operation, if it is live: no event of it follows.
    pub(super) fn remove(&mut self, id: &str) {
        if let Some(abort) = self.live.remove(id) {
            abort.abort();
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
