//! `batchProgress`: a batch until it ends.

use std::time::Duration;

use async_graphql::Result;

use super::Pace;
use crate::{
    app::App,
    db::batches::Batch as Row,
    domain::ids::{BatchId, UserId},
    graphql::objects::batch::BatchProgress,
};

/// Looked at this often without a hint.
pub(super) const BEAT: Duration = Duration::from_secs(2);
/// At most ten states a second go out.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Watch {
    app: App,
    user: UserId,
    batch: BatchId,
    pace: Pace,
    seen: i64,
    ended: bool,
}

impl Watch {
    pub(super) fn new(app: App, user: UserId, batch: BatchId, pace: Pace, after: Option<i32>) -> Self {
        Self { app, user, batch, pace, seen: after.map_or(0, i64::from), ended: false }
    }

    pub(super) async fn next(mut self) -> Option<(Result<BatchProgress>, Self)> {
        while !self.ended {
            self.pace.wait().await;
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
}

pub(super) async fn load(app: &App, user: UserId, batch: BatchId) -> anyhow::Result<Option<Row>> {
    let mut tx = app.db.begin(user).await?;
    let row = Row::find(&mut tx, batch).await?;
    tx.commit().await?;
    Ok(row)
}
