//! Workers against a real Redis that is flushed, killed and stalled under them.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
    time::timeout,
};

use super::*;
use crate::broker::test_redis::{PATIENCE, TestRedis, eventually};
use crate::domain::ids::{JobId, UserId};

const KIND: JobKind = JobKind::GmailSync;

/// Workers in the background, and the rings they have begun to handle.
struct Workers {
    handled: UnboundedReceiver<Ring>,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

impl Workers {
    /// Starts workers whose handlers report the ring and then do `work`.
    fn start(
        broker: &Broker,
        concurrency: usize,
        work: impl Fn(Ring) -> BoxFuture<'static, ()> + Clone + Send + Sync + 'static,
    ) -> Self {
        let (report, handled) = unbounded_channel();
        let handle = move |ring| {
            // The test may have ended already.
            let _ = report.send(ring);
            work(ring)
        };
        let shutdown = CancellationToken::new();
        let ended = tokio::spawn(run_queue(KIND, broker.clone(), concurrency, handle, shutdown.clone()));
        Self { handled, shutdown, ended }
    }

    fn idle(broker: &Broker, concurrency: usize) -> Self {
        Self::start(broker, concurrency, |_| async {}.boxed())
    }

    async fn next(&mut self) -> Ring {
        timeout(PATIENCE, self.handled.recv()).await.expect("a ring is handled").expect("workers run")
    }

    async fn finish(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.ended).await.expect("workers end").expect("without a panic");
    }
}

fn ring() -> Ring {
    Ring { user: UserId::generate(), job: JobId::generate() }
}

/// Rings for a new job as soon as Redis lets us, and waits until it is handled.
async fn a_new_ring_is_handled(broker: &Broker, workers: &mut Workers) {
    let ring = ring();
    eventually("a ring is pushed", || async { broker.ring(KIND, &[ring]).await.is_ok() }).await;
    while workers.next().await != ring {}
}

#[tokio::test]
async fn a_ring_reaches_an_idle_worker_soon_and_every_time() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let mut workers = Workers::idle(&broker, 4);
    let again = ring();
    let mut took = Vec::new();
    for _ in 0..9 {
        let rung = Instant::now();
        assert_eq!(broker.ring(KIND, &[again]).await.unwrap(), 1);
        assert_eq!(workers.next().await, again);
        took.push(rung.elapsed());
        // The next one comes to a worker at rest.
        eventually("the ring is taken", || async { broker.outstanding(KIND).await.unwrap() == 0 }).await;
    }
    took.sort();
    assert!(took[4] < Duration::from_millis(150), "{took:?}");
    workers.finish().await;
}

/// How many scripts Redis has run.
async fn n_scripts(redis: &TestRedis) -> u64 {
    let stats: String = redis.command(&["INFO", "commandstats"]).await;
    let calls = |line: &str| line.strip_prefix("cmdstat_evalsha:calls=")?.split(',').next()?.parse().ok();
    stats.lines().find_map(calls).unwrap_or(0)
}

#[tokio::test]
async fn idle_queues_side_by_side_let_redis_rest() {
    const N_SCRIPTS: u64 = 200;
    let redis = TestRedis::start();
    let (broker, shutdown) = (redis.broker(), CancellationToken::new());
    let running = {
        let (broker, shutdown) = (broker.clone(), shutdown.clone());
        tokio::spawn(async move { run_queues(JobKind::ALL, &broker, 4, |_| async {}.boxed(), &shutdown).await })
    };
    let (began, already) = (Instant::now(), n_scripts(&redis).await);
    eventually("scripts have run", || async { n_scripts(&redis).await >= already + N_SCRIPTS }).await;
    // Five queues look ten times a second and tidy up once; queues that wake each other look thousands of times.
    assert!(began.elapsed() > Duration::from_secs(1), "{N_SCRIPTS} scripts in {:?}", began.elapsed());
    shutdown.cancel();
    timeout(PATIENCE, running).await.expect("workers end").expect("without a panic");
}

#[tokio::test]
async fn a_flush_costs_the_rings_in_redis_and_nothing_else() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let mut workers = Workers::idle(&broker, 2);
    for _ in 0..3 {
        a_new_ring_is_handled(&broker, &mut workers).await;
        let () = redis.command(&["FLUSHALL"]).await;
    }
    a_new_ring_is_handled(&broker, &mut workers).await;
    workers.finish().await;
}

#[tokio::test]
async fn workers_outlive_a_redis_that_comes_back_empty() {
    let mut redis = TestRedis::start();
    let broker = redis.broker();
    let mut workers = Workers::idle(&broker, 2);
    a_new_ring_is_handled(&broker, &mut workers).await;
    redis.stop();
    eventually("redis is missed", || async { broker.ping().await.is_err() }).await;
    redis.start_again();
    let back = Instant::now();
    a_new_ring_is_handled(&broker, &mut workers).await;
    assert!(back.elapsed() < Duration::from_secs(10), "{:?}", back.elapsed());
    workers.finish().await;
}

#[tokio::test]
async fn workers_outlive_a_redis_that_stalls() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let mut workers = Workers::idle(&broker, 2);
    a_new_ring_is_handled(&broker, &mut workers).await;
    redis.signal("STOP");
    // Longer than any answer is waited for.
    assert!(broker.ping().await.is_err());
    redis.signal("CONT");
    a_new_ring_is_handled(&broker, &mut workers).await;
    workers.finish().await;
}

#[tokio::test]
async fn workers_may_start_before_redis() {
    let mut redis = TestRedis::start();
    redis.stop();
    let broker = redis.broker();
    let mut workers = Workers::idle(&broker, 2);
    assert!(broker.ping().await.is_err());
    redis.start_again();
    a_new_ring_is_handled(&broker, &mut workers).await;
    workers.finish().await;
}

#[tokio::test]
async fn a_handler_that_panics_takes_nothing_else_down() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let bad = ring();
    let mut workers =
        Workers::start(&broker, 1, move |ring| async move { assert!(ring != bad, "the bad one") }.boxed());
    let good = ring();
    broker.ring(KIND, &[bad]).await.unwrap();
    assert_eq!(workers.next().await, bad);
    broker.ring(KIND, &[good]).await.unwrap();
    assert_eq!(workers.next().await, good);
    // Nor is it tried again behind our back.
    workers.shutdown.cancel();
    assert!(workers.handled.recv().await.is_none());
    workers.finish().await;
}

#[tokio::test]
async fn what_redis_cannot_give_back_does_not_wedge_the_queue() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    // An id whose payload is missing ends every worker that fetches it; a payload that is no ring fails in its handler.
    let () = redis.command(&["RPUSH", "test:google_gmail_sync:active", "no-such-task", "no-ring"]).await;
    let () = redis.command(&["HSET", "test:google_gmail_sync:data", "no-ring", "{\"user\":1}"]).await;
    let meta = ["attempts", "0", "max_attempts", "1", "status", "Pending"];
    let () = redis.command(&[&["HSET", "test:google_gmail_sync:meta:no-ring"], &meta[..]].concat()).await;
    let mut workers = Workers::idle(&broker, 1);
    a_new_ring_is_handled(&broker, &mut workers).await;
    workers.finish().await;
    let held: Vec<String> = redis.command(&["KEYS", "test:google_gmail_sync:inflight:*"]).await;
    assert!(held.is_empty(), "would end the next worker: {held:?}");
}

#[tokio::test]
async fn no_more_handlers_run_than_allowed_even_when_the_worker_is_replaced() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let gate = Arc::new(Semaphore::new(0));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut workers = Workers::start(&broker, 2, {
        let (gate, running, most) = (Arc::clone(&gate), Arc::clone(&running), Arc::clone(&most));
        move |_| {
            let (gate, running, most) = (Arc::clone(&gate), Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.acquire().await.expect("never closed").forget();
                running.fetch_sub(1, Ordering::SeqCst);
            }
            .boxed()
        }
    });
    broker.ring(KIND, &[ring(), ring()]).await.unwrap();
    workers.next().await;
    workers.next().await;
    let () = redis.command(&["FLUSHALL"]).await;
    broker.ring(KIND, &[ring(), ring(), ring()]).await.unwrap();
    // The next worker has fetched a ring, although both slots are taken.
    eventually("a ring is fetched", || async { broker.outstanding(KIND).await.unwrap() < 3 }).await;
    gate.add_permits(5);
    for _ in 0..3 {
        workers.next().await;
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
    workers.finish().await;
}

#[tokio::test]
async fn shutdown_waits_for_running_handlers_and_takes_no_more_rings() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let gate = Arc::new(Semaphore::new(0));
    let mut workers = Workers::start(&broker, 1, {
        let gate = Arc::clone(&gate);
        move |_| {
            let gate = Arc::clone(&gate);
            async move { gate.acquire().await.expect("never closed").forget() }.boxed()
        }
    });
    let (first, second) = (ring(), ring());
    broker.ring(KIND, &[first]).await.unwrap();
    assert_eq!(workers.next().await, first);
    broker.ring(KIND, &[second]).await.unwrap();
    workers.shutdown.cancel();
    assert!(!workers.ended.is_finished());
    gate.add_permits(1);
    assert!(timeout(PATIENCE, workers.handled.recv()).await.expect("workers end").is_none(), "no second ring");
    workers.ended.await.unwrap();
    assert_eq!(broker.outstanding(KIND).await.unwrap(), 1);
    let left: usize = redis.command(&["ZCARD", "test:google_gmail_sync:workers"]).await;
    assert_eq!(left, 0, "the worker signed off");
}

#[tokio::test]
async fn a_handler_that_never_ends_does_not_hold_the_shutdown_for_ever() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let begun = CancellationToken::new();
    let handle = {
        let begun = begun.clone();
        move |_| {
            begun.cancel();
            std::future::pending().boxed()
        }
    };
    let queue = Queue::new(KIND, broker.clone(), 1, handle);
    broker.ring(KIND, &[ring()]).await.unwrap();
    // Ends only because the running handler is given up on.
    timeout(PATIENCE, queue.run(&begun, Duration::from_millis(10))).await.expect("workers end");
    assert_eq!(queue.running.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_nothing_of_rings_that_were_handled() {
    let redis = TestRedis::start();
    let broker = redis.broker();
    let mut workers = Workers::idle(&broker, 8);
    let rings: Vec<Ring> = (0..5_000).map(|_| ring()).collect();
    for chunk in rings.chunks(500) {
        assert_eq!(broker.ring(KIND, chunk).await.unwrap(), chunk.len());
        for _ in chunk {
            workers.next().await;
        }
    }
    let worker = "test:google_gmail_sync:workers";
    eventually("only the worker is left", || async {
        let keys: Vec<String> = redis.command(&["KEYS", "test:*"]).await;
        !keys.is_empty() && keys.iter().all(|key| key.starts_with(worker))
    })
    .await;
    workers.finish().await;
    let keys: Vec<String> = redis.command(&["KEYS", "*"]).await;
    assert_eq!(keys, ["core:apalis:queues:list"]);
}
