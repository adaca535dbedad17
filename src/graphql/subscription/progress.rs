//! `batchProgress`: a batch until it ends.
//!
//! A batch is looked at once for all who watch it through this process, so that a thousand of them cost the database what one does; and
//! what those who ask the same are told of a state is made once for all of them.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_graphql::{
    ContextSelectionSet, OutputType, Pos, Positioned, Result, ServerError, ServerResult, Value, parser::types::Field,
    registry::Registry,
};
use tokio::sync::{OnceCell, watch};
use tokio_util::task::AbortOnDropHandle;

use super::Pace;
use crate::{
    app::App,
    db::batches::Batch as Row,
    domain::ids::{BatchId, UserId},
    graphql::{objects::batch::BatchProgress, question::Question},
};

/// Looked at this often without a hint.
const BEAT: Duration = Duration::from_secs(2);
/// At most ten states a second go out.
const PAUSE: Duration = Duration::from_millis(100);

/// A batch as its owner sees it.
type Key = (UserId, BatchId);

/// A batch as it stands at one moment, and what has been told of it.
pub(super) struct Moment {
    row: Arc<Row>,
    /// The viewer of all of them is the same: a batch has one owner.
    told: Mutex<HashMap<Asked, Arc<OnceCell<Value>>>>,
}

/// What was asked, and where in its document.
type Asked = (Question, Pos);

impl Moment {
    fn of(row: Row) -> Arc<Self> {
        Arc::new(Self { row: Arc::new(row), told: Mutex::default() })
    }
}

/// `BatchProgress`, told to all who ask the same by whoever comes first.
pub(super) struct Told(Arc<Moment>);

impl OutputType for Told {
    fn type_name() -> Cow<'static, str> {
        BatchProgress::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        BatchProgress::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let question = ctx.data_opt::<Question>().map(|question| (*question, field.pos));
        let cell = question.map(|asked| lock(&self.0.told).entry(asked).or_default().clone()).unwrap_or_default();
        match cell.get() {
            Some(told) => Ok(told.clone()),
            // On the heap: every subscription would keep room for it, and few come first.
            None => Box::pin(self.tell(&cell, ctx, field)).await,
        }
    }
}

impl Told {
    /// Makes the answer, or waits for whoever is about to.
    async fn tell(
        &self,
        cell: &OnceCell<Value>,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        /// Why an answer is its own asker's only.
        enum Own {
            Failed(ServerError),
            /// A field is `null` because it failed, and the errors are in this asker's answer.
            InPart(Value),
        }
        let progress = BatchProgress(self.0.row.clone());
        let told = cell.get_or_try_init(async || match progress.resolve(ctx, field).await {
            Err(error) => Err(Own::Failed(error)),
            Ok(value) if lock(&ctx.query_env.errors).is_empty() => Ok(value),
            Ok(value) => Err(Own::InPart(value)),
        });
        match told.await {
            Ok(value) => Ok(value.clone()),
            Err(Own::InPart(value)) => Ok(value),
            Err(Own::Failed(error)) => Err(error),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The batches that are watched through this process.
#[derive(Clone, Default)]
pub(in crate::graphql) struct Lookouts(Arc<Mutex<HashMap<Key, Weak<Lookout>>>>);

impl Lookouts {
    /// The one who looks at a batch, which somebody else may have posted.
    fn join(&self, app: &App, key: Key) -> Arc<Lookout> {
        let mut all = lock(&self.0);
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
    states: watch::Receiver<Option<Arc<Moment>>>,
    _looking: AbortOnDropHandle<()>,
}

impl Drop for Lookout {
    fn drop(&mut self) {
        let mut all = lock(&self.all.0);
        // Another may have been posted meanwhile.
        if all.get(&self.key).is_some_and(|known| known.strong_count() == 0) {
            all.remove(&self.key);
        }
    }
}

async fn look(app: App, (user, batch): Key, mut pace: Pace, states: watch::Sender<Option<Arc<Moment>>>) {
    loop {
        pace.wait().await;
        match load(&app, user, batch).await {
            Ok(row) => {
                states.send_if_modified(|known| {
                    let is_new = known.as_ref().map(|moment| &*moment.row) != row.as_ref();
                    if is_new {
                        *known = row.map(Moment::of);
                    }
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
    states: watch::Receiver<Option<Arc<Moment>>>,
    /// The batch when the subscriber came.
    first: Option<Arc<Moment>>,
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
        let watch = |first| {
            let first = Some(Moment::of(first));
            Self { _lookout: lookout, states, first, last: 0, seen, ended: false }
        };
        Ok(first.map(watch))
    }

    pub(super) async fn next(mut self) -> Option<(Result<Told>, Self)> {
        while !self.ended {
            let moment = match self.first.take() {
                Some(moment) => moment,
                None => {
                    self.states.changed().await.ok()?;
                    self.states.borrow_and_update().clone()?
                }
            };
            // Whoever has joined may be told of what was looked at before they came.
            let row = &moment.row;
            if row.seq < self.last {
                continue;
            }
            self.last = row.seq;
            self.ended = row.state.is_terminal();
            if row.seq > self.seen {
                self.seen = row.seq;
                return Some((Ok(Told(moment)), self));
            }
        }
        None
    }
}

async fn load(app: &App, user: UserId, batch: BatchId) -> anyhow::Result<Option<Row>> {
    let mut tx = app.db.begin_reading(user).await?;
    let row = Row::find(&mut tx, batch).await?;
    tx.commit().await?;
    Ok(row)
}
