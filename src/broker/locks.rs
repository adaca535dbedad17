//! Locks that expire, for work that is wasteful to do twice at once.
//!
//! A lock here saves work; it protects no row. Its holder may be stalled past the expiry, so whoever must not run twice
//! fences its writes in the database.

use std::{sync::LazyLock, time::Duration};

use redis::Script;
use uuid::Uuid;

use super::{Broker, Error};

static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    // Only the holder may release: after an expiry the key can be another's.
    Script::new("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")
});

/// A lock that is held until it is released or has expired. Dropping it leaves it to expire.
#[must_use = "release the lock, or it is held until it expires"]
pub struct Lock {
    broker: Broker,
    key: String,
    /// Random, so that no two holders are taken for each other.
    holder: String,
}

impl Broker {
    /// Takes the lock `name` for at most `ttl`, or gives `None` when another holds it. Does not wait.
    ///
    /// # Errors
    /// [`Error::Redis`]; the lock may then be held by nobody until it expires.
    pub async fn lock(&self, name: &str, ttl: Duration) -> Result<Option<Lock>, Error> {
        let key = self.key(format_args!("lock:{name}"));
        let holder = Uuid::new_v4().to_string();
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(&holder).arg("NX").arg("PX").arg(ttl_ms);
        let taken: Option<String> = self.query(&set).await?;
        Ok(taken.map(|_| Lock { broker: self.clone(), key, holder }))
    }
}

impl Lock {
    /// Lets the next one in. Tells whether the lock was still ours, that is, had not expired meanwhile.
    ///
    /// # Errors
    /// [`Error::Redis`]; the lock then goes when it expires.
    pub async fn release(self) -> Result<bool, Error> {
        self.broker.invoke(RELEASE.key(&self.key).arg(&self.holder)).await
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::broker::test_redis::TestRedis;

    const TTL: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn one_of_many_holds_the_lock_and_releasing_lets_the_next_in() {
        let redis = TestRedis::start();
        let broker = redis.broker();
        let taken = join_all((0..50).map(|_| broker.lock("refresh", TTL))).await;
        let mut held: Vec<Lock> = taken.into_iter().filter_map(|lock| lock.unwrap()).collect();
        assert_eq!(held.len(), 1);
        assert!(broker.lock("another", TTL).await.unwrap().is_some());

        assert!(held.remove(0).release().await.unwrap());
        assert!(broker.lock("refresh", TTL).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_lock_that_expired_is_not_released_from_under_its_next_holder() {
        let redis = TestRedis::start();
        let broker = redis.broker();
        let late = broker.lock("refresh", TTL).await.unwrap().unwrap();
        // Expire it now instead of waiting for the time to come.
        let () = broker.query(redis::cmd("DEL").arg(broker.key("lock:refresh"))).await.unwrap();
        let next = broker.lock("refresh", TTL).await.unwrap().unwrap();

        assert!(!late.release().await.unwrap());
        assert!(broker.lock("refresh", TTL).await.unwrap().is_none());
        assert!(next.release().await.unwrap());
    }

    #[tokio::test]
    async fn a_lock_expires_by_itself() {
        let redis = TestRedis::start();
        let broker = redis.broker();
        let lock = broker.lock("refresh", TTL).await.unwrap().unwrap();
        let left_ms: i64 = broker.query(redis::cmd("PTTL").arg(&lock.key)).await.unwrap();
        assert!((1..=60_000).contains(&left_ms), "{left_ms}");
    }
}
