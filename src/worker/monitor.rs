//! Keeps one apalis worker alive for each queue, whatever happens to Redis or to a handler.
//!
//! An apalis worker ends with any error of Redis, be it gone, slow, or emptied. The monitor starts another one. It does
//! not know what a job is: it hands rings to the handler, one at a time for each slot.

use std::{
    convert::Infallible,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use apalis::prelude::{BackendExt, Event, WorkerBuilder, WorkerBuilderExt, WorkerContext, WorkerError};
use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{BoxStream, FuturesUnordered},
};
use tokio::{
    sync::Semaphore,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::broker::{self, Broker, Ring};
use crate::domain::job::JobKind;

/// How often an idle worker looks for rings. The library wakes for nothing else, so this bounds the latency.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// The pause before a worker is started again; it doubles up to [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often what finished rings leave in Redis is removed.
const TIDY_EVERY: Duration = Duration::from_secs(1);
/// How long running handlers may take to finish after the shutdown began.
const DRAIN_WITHIN: Duration = Duration::from_secs(25);

/// Answers the rings of several queues, each as [`run_queue`] does.
pub(super) async fn run_queues<H>(
    kinds: &[JobKind],
    broker: &Broker,
    concurrency: usize,
    handle: H,
    shutdown: &CancellationToken,
) where
    H: Fn(Ring) -> BoxFuture<'static, ()> + Clone + Send + Sync + 'static,
{
    // Not `join_all`, which polls every future when one of them wakes: a polled worker that has nothing to do asks Redis at
    // once, and the answer wakes the next one, so that together they would never rest.
    let mut queues: FuturesUnordered<_> = kinds
        .iter()
        .map(|kind| run_queue(*kind, broker.clone(), concurrency, handle.clone(), shutdown.clone()))
        .collect();
    while queues.next().await.is_some() {}
}

/// Answers the rings of one queue until `shutdown`, then lets the running handlers finish, for 25 s at most.
///
/// At most `concurrency` handlers run at once, also across restarts of the worker. A handler that panics takes nothing
/// else down. The same ring may be handled twice, at once even; a ring that was lost is not handled at all.
///
/// # Cancel safety
/// Dropping the future stops taking rings, and leaves running handlers running.
async fn run_queue<H>(kind: JobKind, broker: Broker, concurrency: usize, handle: H, shutdown: CancellationToken)
where
    H: Fn(Ring) -> BoxFuture<'static, ()> + Clone + Send + Sync + 'static,
{
    Queue::new(kind, broker, concurrency, handle).run(&shutdown, DRAIN_WITHIN).await;
}

#[derive(Clone)]
struct Queue<H> {
    kind: JobKind,
    broker: Broker,
    concurrency: usize,
    /// Held by running handlers. A worker's own limit forgets the handlers of the worker before it.
    slots: Arc<Semaphore>,
    running: TaskTracker,
    handle: H,
}

/// Why a worker ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the worker could not be started")]
    NotStarted(#[source] broker::Error),
    #[error("the worker failed")]
    Failed(#[source] WorkerError),
    #[error("the worker ended without being told to")]
    Unasked,
}

impl<H> Queue<H>
where
    H: Fn(Ring) -> BoxFuture<'static, ()> + Clone + Send + Sync + 'static,
{
    fn new(kind: JobKind, broker: Broker, concurrency: usize, handle: H) -> Self {
        let slots = Arc::new(Semaphore::new(concurrency));
        Self { kind, broker, concurrency, slots, running: TaskTracker::new(), handle }
    }

    async fn run(&self, shutdown: &CancellationToken, drain_within: Duration) {
        let work = async {
            self.supervise(shutdown).await;
            self.running.close();
            self.running.wait().await;
        };
        let deadline = async {
            shutdown.cancelled().await;
            sleep(drain_within).await;
        };
        tokio::select! {
            () = work => {}
            never = self.keep_tidy() => match never {},
            () = deadline => tracing::warn!(queue = %self.kind, n_running = self.running.len(), "left running at shutdown"),
        }
    }

    /// Runs one worker after the other until `shutdown`.
    async fn supervise(&self, shutdown: &CancellationToken) {
        let mut pause = SHORTEST_PAUSE;
        while !shutdown.is_cancelled() {
            // A fresh name each time: Redis refuses a name whose last heartbeat is younger than 30 s.
            let name = format!("{}-{}", self.kind, Uuid::now_v7());
            let started = Instant::now();
            let outcome = self.work(&name, shutdown).await;
            if let Err(error) = self.broker.dismiss(self.kind, &name).await {
                tracing::debug!(queue = %self.kind, error = &error as &dyn Error, "a worker could not be dismissed");
            }
            let ended = match outcome {
                Err(ended) if !shutdown.is_cancelled() => ended,
                _ => return,
            };
            if started.elapsed() > LONGEST_PAUSE {
                pause = SHORTEST_PAUSE;
            }
            tracing::warn!(
                queue = %self.kind,
                error = &ended as &dyn Error,
                pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                "worker ended; starting another",
            );
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Keeps Redis from growing with every ring.
    async fn keep_tidy(&self) -> Infallible {
        let mut due = interval(TIDY_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            if let Err(error) = self.broker.tidy(self.kind).await {
                tracing::debug!(queue = %self.kind, error = &error as &dyn Error, "a queue could not be tidied");
            }
        }
    }

    /// Runs one worker. `Ok` means that it stopped because of `shutdown`.
    async fn work(&self, name: &str, shutdown: &CancellationToken) -> Result<(), Ended> {
        self.broker.enlist(self.kind, name).await.map_err(Ended::NotStarted)?;
        let context = WorkerContext::new(name);
        let mut events = self.worker(context.clone()).map_err(Ended::NotStarted)?;
        let mut stopping = false;
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(Ended::Failed(error)),
                    None if stopping => return Ok(()),
                    None => return Err(Ended::Unasked),
                },
                // A worker that has not begun refuses to stop; then ask again once it has.
                () = shutdown.cancelled(), if !stopping => stopping = context.stop().is_ok(),
            }
        }
    }

    /// The worker as a stream of its events, which runs while it is polled.
    ///
    /// Not an `async fn`: the compiler cannot prove the future of a whole worker `Send` ("`FnOnce` is not general enough").
    fn worker(&self, context: WorkerContext) -> Result<BoxStream<'static, Result<Event, WorkerError>>, broker::Error> {
        let rings = self.broker.storage(self.kind)?.poll_with_interval(POLL_EVERY);
        let queue = self.clone();
        let answer = move |ring: Ring| {
            let queue = queue.clone();
            async move { queue.answer(ring).await }
        };
        let worker = WorkerBuilder::new(context).backend(rings).concurrency(self.concurrency).build(answer);
        Ok(worker.stream().boxed())
    }

    /// Handles one ring and always succeeds in the eyes of apalis, whose retries are not ours.
    ///
    /// The handler runs as a task of its own, so that it neither shares the worker's thread, nor dies with the worker,
    /// nor takes it along in a panic.
    async fn answer(self, ring: Ring) {
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return };
        let running = self.running.clone();
        let handled = running.spawn(async move {
            let _slot = slot;
            if let Err(error) = self.broker.take(self.kind, ring).await {
                tracing::debug!(queue = %self.kind, job = %ring.job, error = &error as &dyn Error, "ring not marked taken");
            }
            (self.handle)(ring).await;
        });
        if handled.await.is_err() {
            tracing::error!(job = %ring.job, "the handler of a job panicked");
        }
    }
}

#[cfg(test)]
mod tests;
