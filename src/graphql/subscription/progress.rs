//! `batchProgress`: a batch until it ends.
//!
//! A batch is looked at once for all who watch it through this process, so that a thousand of them cost the database what one does.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_graphql::Result;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::Pace;
use crate::{
    app::App,
    db::batches::Batch as Row,
    domain::ids::{BatchId, UserId},
    graphql::objects::batch::BatchProgress,
};

/// Looked at this often without a hint.
const BEAT: Duration = Duration::from_secs(2);
/// At most ten states a second go out.
const PAUSE: Duration = Duration::from_millis(100);

/// A batch as its owner sees it.
type Key = (UserId, BatchId);

/// The batches that are watched through this process.
#[derive(Clone, Default)]
pub(in crate::graphql) struct Lookouts(Arc<Mutex<HashMap<Key, Weak<Lookout>>>>);

impl Lookouts {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Weak<Lookout>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one who looks at a batch, which somebody else may have posted.
    fn join(&self, app: &App, key: Key) -> Arc<Lookout> {
        let mut all = self.lock();
        if let Some(posted) = all.get(&key).and_then(Weak::upgrade) {
            return posted;
        }
        let (sender, states) = watch::channel(None);
        let pace = Pace::of(app, key.1, PAUSE, BEAT);
        let _looking = AbortOnDropHandle::new(tokio::spawn(look(app.clone(), key, pace, sender)));
        let lookout = Arc::new(Lookout { all: self.clone(), key, states, _looking });
        all.insert(key, Arc::downgrade(&lookout));
        lookout
    }
}

/// Looks at one batch for as long as anybody watches it.
struct Lookout {
    all: Lookouts,
    key: Key,
    /// The batch at the last look; `None` before the first, and when there is no such batch any more. All who watch have the same one.
    states: watch::Receiver<Option<Arc<Row>>>,
    _looking: AbortOnDropHandle<()>,
}

impl Drop for Lookout {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        // Another may have been posted meanwhile.
        if all.get(&self.key).is_some_and(|known| known.strong_count() == 0) {
            all.remove(&self.key);
        }
    }
}

async fn look(app: App, (user, batch): Key, mut pace: Pace, states: watch::Sender<Option<Arc<Row>>>) {
    loop {
        pace.wait().await;
        match load(&app, user, batch).await {
            Ok(row) => {
                states.send_if_modified(|known| {
                    let is_new = *known != row;
                    *known = row;
                    is_new
                });
            }
            // The database may be back at the next beat; the subscribers keep what they have.
            Err(error) => tracing::warn!(batch.id = %batch, error = ?error, "could not look at a batch"),
        }
    }
}

/// What one subscriber has seen of a batch.
pub(super) struct Watch {
    /// Held for as long as somebody watches.
    _lookout: Arc<Lookout>,
    states: watch::Receiver<Option<Arc<Row>>>,
    /// The batch when the subscriber came.
    first: Option<Arc<Row>>,
    /// The number of what is known.
    last: i64,
    /// The number of what the client has, by its own account.
    seen: i64,
    ended: bool,
}

impl Watch {
    /// The batch from now on, without what has a number up to `after`; `None` when the person has no such batch.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn begin(
        lookouts: &Lookouts,
        app: &App,
        key: Key,
        after: Option<i32>,
    ) -> anyhow::Result<Option<Self>> {
        // Joined first, read second: whatever changes in between is told of.
        let lookout = lookouts.join(app, key);
        let mut states = lookout.states.clone();
        states.mark_unchanged();
        let first = load(app, key.0, key.1).await?;
        let seen = after.map_or(0, i64::from);
        Ok(first.map(|first| Self { _lookout: lookout, states, first: Some(first), last: 0, seen, ended: false }))
    }

    pub(super) async fn next(mut self) -> Option<(Result<BatchProgress>, Self)> {
        while !self.ended {
            let row = match self.first.take() {
                Some(row) => row,
                None => {
                    self.states.changed().await.ok()?;
                    self.states.borrow_and_update().clone()?
                }
            };
            // Whoever has joined may be told of what was looked at before they came.
            if row.seq < self.last {
                continue;
            }
            self.last = row.seq;
            self.ended = row.state.is_terminal();
            if row.seq > self.seen {
                self.seen = row.seq;
                return Some((Ok(BatchProgress(row)), self));
            }
        }
        None
    }
}

async fn load(app: &App, user: UserId, batch: BatchId) -> anyhow::Result<Option<Arc<Row>>> {
    let mut tx = app.db.begin(user).await?;
    let row = Row::find(&mut tx, batch).await?;
    tx.commit().await?;
    Ok(row.map(Arc::new))
}
