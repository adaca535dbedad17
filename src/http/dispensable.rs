//! Redis, for requests that can do without its answer.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use crate::broker::{Broker, Error};

/// How long an answer is waited for. Somebody waits for the request.
const WITHIN: Duration = Duration::from_secs(1);
/// For how long nothing is asked after an answer did not come.
const LEAVE_ALONE: Duration = Duration::from_secs(5);

/// A Redis that is asked while it answers and left alone while it does not, so that its absence costs one request a moment
/// and the others nothing. Cheap to clone.
#[derive(Clone)]
pub(super) struct Dispensable {
    broker: Broker,
    away_until: Arc<Mutex<Option<Instant>>>,
}

impl Dispensable {
    pub(super) fn new(broker: Broker) -> Self {
        Self { broker, away_until: Arc::default() }
    }

    /// What Redis answers to `question`; `None` when it is away.
    pub(super) async fn ask<T, F: Future<Output = Result<T, Error>>>(
        &self,
        question: impl FnOnce(Broker) -> F,
    ) -> Option<T> {
        let now = Instant::now();
        if self.away_until().is_some_and(|until| now < until) {
            return None;
        }
        let why = match timeout(WITHIN, question(self.broker.clone())).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => anyhow::Error::from(error),
            Err(late) => late.into(),
        };
        tracing::warn!(error = ?why, "Redis does not answer; requests go on without it");
        *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + LEAVE_ALONE);
        None
    }

    fn away_until(&self) -> Option<Instant> {
        *self.away_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::test_redis::{TestRedis, eventually};

    #[tokio::test]
    async fn an_absent_redis_is_asked_once_and_then_left_alone_for_a_while() {
        let mut redis = TestRedis::start();
        let asked = Dispensable::new(redis.broker());
        let ask = || asked.ask(async |broker| broker.ping().await);
        assert_eq!(ask().await, Some(()));
        // A server that stands still is the worst: it refuses nothing.
        redis.signal("STOP");
        assert_eq!(ask().await, None);
        redis.signal("CONT");
        assert_eq!(ask().await, None, "it is left alone, though it is back");
        eventually("it is asked again", async || ask().await.is_some()).await;
        redis.stop();
        assert_eq!(ask().await, None);
    }
}
