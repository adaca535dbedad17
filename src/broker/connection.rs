//! One shared connection that outlives every way Redis can fail.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{
    Client, Cmd, FromRedisValue, RedisError, ScriptInvocation,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::progress::Watchers;
use crate::config;

/// How long an answer or a new connection may take. The library's own 500 ms takes a short stall for an outage.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection is kept at least, so that a burst of failures leads to one reconnection.
const KEEP_AT_LEAST: Duration = Duration::from_secs(1);

/// Why Redis did not serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configured address is not one of a Redis server.
    #[error("the Redis address cannot be used")]
    Address(#[source] RedisError),
    /// Redis is away, too slow, or refused the command. It may have carried the command out all the same.
    #[error("Redis did not answer as expected")]
    Redis(#[source] RedisError),
    /// As [`Error::Redis`], while ringing.
    #[error("the queue could not be rung")]
    Queue(#[source] apalis_redis::Error),
    /// More units were asked for than the whole budget, which no wait would ever grant.
    #[error("{units} units were asked for, but `{key}` allows {units_per_minute} a minute")]
    OverBudget {
        /// The units asked for.
        units: u32,
        /// The budget's key.
        key: String,
        /// All that the budget allows.
        units_per_minute: u32,
    },
}

/// The handle to Redis. Cheap to clone; every key and channel lies under the configured prefix.
#[derive(Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    prefix: String,
    shared: Mutex<Shared>,
    watchers: Watchers,
}

/// The connection all commands share, and when it was made.
struct Shared {
    manager: ConnectionManager,
    made_at: Instant,
}

impl Broker {
    /// Prepares the handle; the first command connects, so Redis may be away now. To be called within the runtime.
    ///
    /// # Errors
    /// [`Error::Address`] when the address cannot be read.
    pub fn connect(config: &config::Redis) -> Result<Self, Error> {
        let client = Client::open(config.url.expose_secret()).map_err(Error::Address)?;
        let manager = lazy_connection(&client).map_err(Error::Address)?;
        let prefix = config.prefix.clone();
        let watchers = Watchers::new(client.clone(), format!("{prefix}:hints"));
        let shared = Mutex::new(Shared { manager, made_at: Instant::now() });
        Ok(Self { inner: Arc::new(Inner { client, prefix, shared, watchers }) })
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// [`Error::Redis`] when it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.query(&redis::cmd("PING")).await
    }

    /// The full name of a key or channel.
    pub(super) fn key(&self, name: impl std::fmt::Display) -> String {
        format!("{}:{name}", self.inner.prefix)
    }

    pub(super) fn watchers(&self) -> &Watchers {
        &self.inner.watchers
    }

    /// A connection that nothing else uses, made on its first command.
    pub(super) fn own_connection(&self) -> Result<ConnectionManager, Error> {
        lazy_connection(&self.inner.client).map_err(Error::Address)
    }

    /// The connection all commands share.
    pub(super) fn connection(&self) -> ConnectionManager {
        self.inner.shared.lock().unwrap_or_else(PoisonError::into_inner).manager.clone()
    }

    /// Runs one command on the shared connection.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let answer = command.query_async(&mut self.connection()).await;
        answer.map_err(|error| Error::Redis(self.distrust(error)))
    }

    /// Runs one script on the shared connection.
    pub(super) async fn invoke<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        let answer = script.invoke_async(&mut self.connection()).await;
        answer.map_err(|error| Error::Redis(self.distrust(error)))
    }

    /// Replaces the shared connection after an error, and hands the error back.
    ///
    /// The manager reconnects by itself only after an I/O error. A refused log-in, a server that has become a replica, or
    /// a peer that vanished without a word would stay with it for ever.
    pub(super) fn distrust(&self, error: RedisError) -> RedisError {
        let mut shared = self.inner.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.made_at.elapsed() >= KEEP_AT_LEAST
            && let Ok(manager) = lazy_connection(&self.inner.client)
        {
            *shared = Shared { manager, made_at: Instant::now() };
        }
        error
    }
}

fn lazy_connection(client: &Client) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(ANSWER_WITHIN))
        .set_connection_timeout(Some(ANSWER_WITHIN))
        // A caller in a request would rather hear of an outage than wait for its end.
        .set_number_of_retries(2)
        .set_min_delay(Duration::from_millis(50))
        .set_max_delay(Duration::from_millis(500));
    client.get_connection_manager_lazy(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::test_redis::{TestRedis, eventually};

    #[tokio::test]
    async fn the_handle_outlives_an_absent_and_a_restarted_server() {
        let mut redis = TestRedis::start();
        redis.stop();
        let broker = redis.broker();
        assert!(matches!(broker.ping().await, Err(Error::Redis(_))));
        for _ in 0..2 {
            redis.start_again();
            eventually("a server that has come", || async { broker.ping().await.is_ok() }).await;
            redis.stop();
            eventually("a server that has gone", || async { broker.ping().await.is_err() }).await;
        }
    }

    #[tokio::test]
    async fn a_refused_log_in_is_tried_again() {
        let redis = TestRedis::start();
        let broker = Broker::connect(&redis.config_as(":sesame@")).unwrap();
        assert!(broker.ping().await.is_err(), "no password is set yet");
        let () = redis.command(&["CONFIG", "SET", "requirepass", "sesame"]).await;
        eventually("the log-in", || async { broker.ping().await.is_ok() }).await;
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_refused_without_being_shown() {
        let config = config::Redis { url: "nonsense://user:secret@host".to_owned().into(), prefix: "t".to_owned() };
        let Err(error) = Broker::connect(&config) else { panic!("accepted") };
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
