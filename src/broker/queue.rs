//! The doorbell: which job of whom wants a worker's attention.
//!
//! A ring carries ids and nothing else. It may be lost, late or doubled; the row of the job decides whether there is
//! anything to do, and the sweeper rings again for whatever stands still. So a ring is never retried and never delayed.

use std::{sync::LazyLock, time::Duration};

use apalis_core::task::{builder::TaskBuilder, task_id::TaskId};
use apalis_redis::{Config, RedisStorage, queries::push_tasks};
use redis::Script;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Broker, Error};
use crate::domain::{
    ids::{JobId, UserId},
    job::JobKind,
};

/// Rings that may wait in one queue. At 8,000 the library's fetch script fails for good ("too many results to unpack").
pub const OUTSTANDING_CAP: usize = 1_000;

/// How long a ring that nobody took keeps the same job from being rung again.
const RING_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Finished tasks whose traces one script removes; it holds up every other client of Redis meanwhile.
const TIDY_AT_ONCE: usize = 500;
/// How long the library's note about a worker is kept. Only its admin board reads it.
const WORKER_NOTE_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

static OUTSTANDING: LazyLock<Script> =
    LazyLock::new(|| Script::new("return redis.call('ZCARD', KEYS[1]) + redis.call('LLEN', KEYS[2])"));

/// Removes the payloads and notes of finished tasks, and tells how many there were.
static TIDY: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local data, meta, finished = KEYS[1], KEYS[2], KEYS[3]
        local tasks = redis.call('SPOP', finished, ARGV[1])
        for _, task in ipairs(tasks) do
            redis.call('HDEL', data, task)
            redis.call('DEL', meta .. ':' .. task)
        end
        return #tasks",
    )
});

/// Removes a worker, and the tasks it held: a task left in its hands would be handed to the next worker, and one that
/// cannot be read would end that worker, too.
static DISMISS: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local held, data, meta, rung, workers, note = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
        for _, task in ipairs(redis.call('SMEMBERS', held)) do
            local job = redis.call('HGET', meta .. ':' .. task, 'idempotency_key')
            if job then redis.call('DEL', rung .. ':' .. job) end
            redis.call('HDEL', data, task)
            redis.call('DEL', meta .. ':' .. task)
        end
        redis.call('DEL', held, note)
        redis.call('ZREM', workers, ARGV[1])",
    )
});

/// A job that wants attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ring {
    /// Whose job it is: the claim needs it, because rows are found only in their user's scope.
    pub user: UserId,
    /// The job.
    pub job: JobId,
}

impl Broker {
    /// Rings for jobs and tells how many rings were added. To be called after the commit that made the jobs due.
    ///
    /// Left out are a job whose last ring nobody has taken yet (for 30 s at most) and whatever exceeds the queue's
    /// cap; the sweeper rings for the latter in time.
    ///
    /// # Errors
    /// [`Error::Redis`], [`Error::Queue`]; some of the rings may have been added.
    pub async fn ring(&self, kind: JobKind, rings: &[Ring]) -> Result<usize, Error> {
        let room = OUTSTANDING_CAP.saturating_sub(self.outstanding(kind).await?);
        let mut tasks = Vec::with_capacity(room.min(rings.len()));
        for ring in rings.iter().take(room) {
            let payload = serde_json::to_vec(ring).map_err(|error| Error::Queue(apalis_redis::Error::Json(error)))?;
            let task = TaskBuilder::new(payload)
                .task_id(TaskId::from_string(Uuid::now_v7().to_string()))
                .idempotency_key(ring.job.to_string());
            tasks.push(task.build());
        }
        if tasks.is_empty() {
            return Ok(0);
        }
        match push_tasks(&mut self.connection(), &self.queue(kind), &tasks).await {
            Ok((active, scheduled)) => Ok(usize::try_from(active + scheduled).unwrap_or(usize::MAX)),
            Err(apalis_redis::Error::Database(error)) => Err(Error::Redis(self.distrust(error))),
            Err(error) => Err(Error::Queue(error)),
        }
    }

    /// The rings that wait for a worker.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn outstanding(&self, kind: JobKind) -> Result<usize, Error> {
        let queue = self.queue(kind);
        self.invoke(OUTSTANDING.key(queue.scheduled_jobs_set()).key(queue.active_jobs_list())).await
    }

    /// Says that a worker turns to the ring. To be called before it claims the job, so that whoever finds the job due
    /// after the claim can ring again.
    ///
    /// # Errors
    /// [`Error::Redis`]; the job can then be rung again after 30 s.
    pub async fn take(&self, kind: JobKind, ring: Ring) -> Result<(), Error> {
        let rung = format!("{}:{}", self.queue(kind).idempotency_key_set(), ring.job);
        self.query(redis::cmd("DEL").arg(rung)).await
    }

    /// Removes what the library keeps of finished tasks, which it does for ever. Its own `vacuum` also removes tasks that
    /// are not finished.
    ///
    /// # Errors
    /// [`Error::Redis`]; the rest is removed next time.
    pub async fn tidy(&self, kind: JobKind) -> Result<(), Error> {
        let queue = self.queue(kind);
        for finished in [queue.done_jobs_set(), queue.dead_jobs_set()] {
            let mut tidy = TIDY.key(queue.job_data_hash());
            tidy.key(queue.job_meta_hash()).key(finished).arg(TIDY_AT_ONCE);
            while self.invoke::<usize>(&tidy).await? == TIDY_AT_ONCE {}
        }
        Ok(())
    }

    /// What an apalis worker of this queue reads from, on a connection of its own.
    ///
    /// # Errors
    /// [`Error::Address`].
    pub fn storage(&self, kind: JobKind) -> Result<RedisStorage<Ring>, Error> {
        Ok(RedisStorage::new(self.own_connection()?).with_config(self.queue(kind)))
    }

    /// Prepares for a worker that is about to start: what the library will note about it must not outlive it for ever.
    ///
    /// # Errors
    /// [`Error::Redis`]; there is no sense in starting a worker then.
    pub async fn enlist(&self, kind: JobKind, worker: &str) -> Result<(), Error> {
        // The library adds fields to this hash and leaves its expiry alone.
        let note = worker_note(&self.queue(kind), worker);
        self.query::<()>(redis::cmd("HSET").arg(&note).arg("worker").arg(worker)).await?;
        self.query(redis::cmd("EXPIRE").arg(&note).arg(WORKER_NOTE_KEPT.as_secs())).await
    }

    /// Removes all that is left of a worker that has ended. Rings it held are dropped and can be rung again at once.
    ///
    /// # Errors
    /// [`Error::Redis`]; other workers then take over what it held once its heartbeat is 30 s old.
    pub async fn dismiss(&self, kind: JobKind, worker: &str) -> Result<(), Error> {
        let queue = self.queue(kind);
        let mut dismiss = DISMISS.key(format!("{}:{worker}", queue.inflight_jobs_set()));
        dismiss.key(queue.job_data_hash()).key(queue.job_meta_hash()).key(queue.idempotency_key_set());
        dismiss.key(queue.workers_set()).key(worker_note(&queue, worker)).arg(worker);
        self.invoke(&dismiss).await
    }

    /// The settings under which the library loses and doubles nothing by itself.
    fn queue(&self, kind: JobKind) -> Config {
        Config::default()
            .queue(self.key(kind))
            // With more, a worker whose buffer is not empty sends no heartbeats, and its tasks are run twice.
            .batch_size(1)
            // One scan of the whole list for each task, and no gain.
            .lock_tasks(false)
            .emit_events(false)
            // Without it, finished tasks are never acknowledged and run again.
            .persist_results(true)
            .heartbeat_interval(Duration::from_secs(5))
            .missed_heartbeats(6)
            .idempotency_ttl(Some(RING_AGAIN_AFTER))
    }
}

/// Where the library notes what it knows about a worker.
fn worker_note(queue: &Config, worker: &str) -> String {
    format!("{}:metadata:{worker}", queue.workers_set())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use futures::future::join_all;

    use super::*;
    use crate::broker::test_redis::TestRedis;

    const KIND: JobKind = JobKind::GmailSync;

    fn rings(n: usize) -> Vec<Ring> {
        let user = UserId::generate();
        (0..n).map(|_| Ring { user, job: JobId::generate() }).collect()
    }

    #[tokio::test]
    async fn a_job_is_rung_once_until_the_ring_is_taken() {
        let redis = TestRedis::start();
        let broker = redis.broker();
        let ring = rings(1)[0];
        assert_eq!(broker.ring(KIND, &[ring, ring]).await.unwrap(), 1);
        let again = join_all([[ring]; 20].iter().map(|ring| broker.ring(KIND, ring))).await;
        assert!(again.into_iter().all(|rung| rung.unwrap() == 0));
        // Queues know nothing of each other.
        assert_eq!(broker.ring(JobKind::Undo, &[ring]).await.unwrap(), 1);

        broker.take(KIND, ring).await.unwrap();
        assert_eq!(broker.ring(KIND, &[ring]).await.unwrap(), 1);
        assert_eq!(broker.outstanding(KIND).await.unwrap(), 2);
        let held_secs: i64 = redis.command(&["TTL", &format!("test:{KIND}:idempotency:{}", ring.job)]).await;
        assert!((1..=30).contains(&held_secs), "{held_secs}");
    }

    #[tokio::test]
    async fn no_more_than_the_cap_is_outstanding() {
        let redis = TestRedis::start();
        let broker = redis.broker();
        assert_eq!(broker.ring(KIND, &rings(600)).await.unwrap(), 600);
        assert_eq!(broker.ring(KIND, &rings(600)).await.unwrap(), 400);
        assert_eq!(broker.ring(KIND, &rings(1)).await.unwrap(), 0);
        assert_eq!(broker.outstanding(KIND).await.unwrap(), OUTSTANDING_CAP);
        assert_eq!(broker.outstanding(JobKind::Undo).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn every_key_but_the_librarys_own_list_of_queues_lies_under_the_prefix() {
        let redis = TestRedis::start();
        let broker = redis.broker();
        broker.enlist(KIND, "w").await.unwrap();
        broker.ring(KIND, &rings(3)).await.unwrap();
        let keys: HashSet<String> = redis.command(&["KEYS", "*"]).await;
        assert!(keys.iter().all(|key| key.starts_with("test:")), "{keys:?}");
    }
}
