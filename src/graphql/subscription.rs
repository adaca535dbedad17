//! Subscriptions: state as it changes.
//!
//! A hint in Redis only says «look»; what is sent is the row. So a hint that is lost costs a moment, never a state: the row is
//! also looked at on a slow beat.

use std::time::Duration;

use async_graphql::{Context, ID, Result, Subscription};
use futures::{Stream, StreamExt, stream};
use tokio::time::Instant;

use super::{
    code::Code,
    error::{app, failed, viewer},
    id::{self, Kind},
    objects::batch::BatchProgress,
};
use crate::{
    app::App,
    db::batches::Batch as Row,
    domain::ids::{BatchId, UserId},
};

/// Looked at this often without a hint.
const BEAT: Duration = Duration::from_secs(2);
/// At most ten states a second go out.
const PAUSE: Duration = Duration::from_millis(100);

/// The root of subscriptions.
pub struct Subscription;

/// The root of subscriptions.
#[Subscription]
impl Subscription {
    /// A batch as it stands now, then after every change (at most ten a second), and completes when the batch has ended.
    async fn batch_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The batch to watch.")] batch_id: ID,
        #[graphql(desc = "The last `seq` you saw: states up to it are left out. For a client that comes back.")] after: Option<i32>,
    ) -> Result<impl Stream<Item = Result<BatchProgress>> + use<>> {
        let (app, user) = (app(ctx)?.clone(), viewer(ctx)?);
        let missing = || Code::NotFound.field_error("There is no batch with this id.");
        let batch = id::decode_as(Kind::Batch, &batch_id).map(BatchId).ok_or_else(missing)?;
        // Watch first, look second: a change in between is hinted at.
        let hints = app.broker.watch(batch).boxed();
        load(&app, user, batch).await.map_err(|error| failed(ctx, error))?.ok_or_else(missing)?;
        let watch = Watch { app, user, batch, hints, seen: after.map_or(0, i64::from), last: None, ended: false };
        Ok(stream::unfold(watch, Watch::next))
    }
}

struct Watch {
    app: App,
    user: UserId,
    batch: BatchId,
    hints: stream::BoxStream<'static, ()>,
    seen: i64,
    last: Option<Instant>,
    ended: bool,
}

impl Watch {
    async fn next(mut self) -> Option<(Result<BatchProgress>, Self)> {
        while !self.ended {
            self.pace().await;
            let row = match load(&self.app, self.user, self.batch).await {
                Ok(row) => row?,
                Err(error) => {
                    // The database may be back at the next beat; the subscriber keeps what it has.
                    tracing::warn!(batch.id = %self.batch, error = ?error, "could not look at a batch");
                    continue;
                }
            };
            self.ended = row.state.is_terminal();
            if row.seq > self.seen {
                self.seen = row.seq;
                return Some((Ok(BatchProgress(row)), self));
            }
        }
        None
    }

    /// Waits for a hint or the beat, and never less than the pause. The first look is at once.
    async fn pace(&mut self) {
        if let Some(last) = self.last {
            tokio::time::sleep_until(last + PAUSE).await;
            if tokio::time::timeout_at(last + BEAT, self.hints.next()).await == Ok(None) {
                tokio::time::sleep_until(last + BEAT).await;
            }
        }
        self.last = Some(Instant::now());
    }
}

async fn load(app: &App, user: UserId, batch: BatchId) -> anyhow::Result<Option<Row>> {
    let mut tx = app.db.begin(user).await?;
    let row = Row::find(&mut tx, batch).await?;
    tx.commit().await?;
    Ok(row)
}
