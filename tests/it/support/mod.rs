//! What a test stands on: an application of its own, and people who use it through the public door.

mod app;
mod client;
mod dump;
mod sdl;
mod servers;

pub(crate) use app::{Settings, TestApp};
pub(crate) use client::{Consent, Person, source_ids, uuid_of};
pub(crate) use dump::{Opener, cells, holds};
pub(crate) use sdl::{Place, Sdl};
pub(crate) use servers::{TestDatabase, connect};

use std::{future::Future, time::Duration};

/// How long any state may take to come about before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until `look` finds something, and fails with `what` when it never does.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, looking).await {
        Ok(found) => found,
        Err(_) => panic!("never came about: {what}"),
    }
}
