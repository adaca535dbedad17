//! What keeps work moving when Redis forgets, a ring is lost, or a worker dies: a sweep by the database's clock.

use std::time::Duration;

use super::Result;
use crate::{
    app::App,
    broker::Ring,
    db::{
        Db,
        jobs::{self, Due},
        previews::Preview,
    },
    domain::job::JobKind,
};

/// Jobs one sweep rings at most; the longest due come first.
const SWEEP: i64 = 1_000;

/// Rings for jobs whose rows are committed. Never fails: what cannot be rung now, the sweep rings later.
pub async fn ring(app: &App, due: &[Due]) {
    for kind in JobKind::ALL {
        let rings: Vec<Ring> =
            due.iter().filter(|job| job.kind == *kind).map(|job| Ring { user: job.user_id, job: job.job_id }).collect();
        if rings.is_empty() {
            continue;
        }
        if let Err(error) = app.broker.ring(*kind, &rings).await {
            tracing::warn!(queue = %kind, error = %error, "could not ring; the sweep will");
        }
    }
}

/// Rings every job that is due and unclaimed or whose worker is no more, and forgets the samples of expired previews.
/// Returns how long until the next job is due, where one is to be.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App, scheduler: &Db) -> Result<Option<Duration>> {
    let mut tx = scheduler.begin_unscoped().await?;
    let due = jobs::due(&mut tx, SWEEP).await?;
    let next_due_in = jobs::next_due_in(&mut tx).await?;
    Preview::forget_expired_samples(&mut tx).await?;
    tx.commit().await?;
    ring(app, &due).await;
    Ok(next_due_in)
}
