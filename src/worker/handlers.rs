//! What a ring leads to, and the sweep that rings again.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, TryFutureExt, future::BoxFuture};
use tokio_util::sync::CancellationToken;

use super::run_queues;
use crate::{
    app::{App, scheduler_db},
    broker::Ring,
    clock::Clock,
    config::Config,
    domain::job::JobKind,
    sync,
};

/// Works every queue and sweeps, until `shutdown` is asked for; then lets the running slices end.
///
/// # Errors
/// When the configuration lacks something a worker needs.
pub async fn run(config: Arc<Config>, clock: Clock, shutdown: CancellationToken) -> anyhow::Result<()> {
    let scheduler = scheduler_db(&config)?;
    let app = App::for_worker(config, clock)?;
    // A fresh name each start: whoever held leases under an old one is no more.
    let owner: Arc<str> = format!("worker-{}", uuid::Uuid::now_v7()).into();
    let (broker, concurrency) = (app.broker.clone(), app.config.sync.concurrency);
    let answering = app.clone();
    let handle = move |ring: Ring| handle(answering.clone(), owner.clone(), ring).boxed();
    tokio::join!(
        run_queues(JobKind::ALL, &broker, concurrency, handle, &shutdown),
        every_so_often(&app, &shutdown, || sync::reconcile::sweep(&app, &scheduler).boxed()),
        // Apart from the ringing, which must not wait for it.
        every_so_often(&app, &shutdown, || sync::purge::sweep(&app, &scheduler).map_ok(|()| None).boxed()),
        every_so_often(&app, &shutdown, || sync::changes::sweep(&app, &scheduler).map_ok(|()| None).boxed()),
        every_so_often(&app, &shutdown, || sync::reproject::sweep(&app, &scheduler).map_ok(|()| None).boxed()),
        every_so_often(&app, &shutdown, || sync::statistics::sweep(&scheduler).map_ok(|()| None).boxed()),
    );
    Ok(())
}

/// A failure here is the database's: the job's lease runs out, and the sweep rings for it again.
async fn handle(app: App, owner: Arc<str>, ring: Ring) {
    if let Err(error) = sync::work(&app, &owner, ring).await {
        tracing::error!(job.id = %ring.job, error = ?error, "a slice could not be claimed or let go");
    }
}

/// The least time between two sweeps.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// Sweeps, again and again with a pause between: the usual one, or less where the sweep says that something is due before. A
/// job that waits for the minute's budget would waste of it whatever it comes late.
async fn every_so_often<'a>(
    app: &App,
    shutdown: &CancellationToken,
    sweep: impl Fn() -> BoxFuture<'a, sync::Result<Option<Duration>>>,
) {
    let longest = app.config.sync.sweep.max(SHORTEST_PAUSE);
    let mut pause = longest;
    while shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = match shutdown.run_until_cancelled(sweep()).await {
            Some(Ok(due_in)) => due_in.unwrap_or(longest).clamp(SHORTEST_PAUSE, longest),
            Some(Err(error)) => {
                tracing::error!(error = ?error, "a sweep failed; it tries again");
                longest
            }
            None => return,
        };
    }
}
