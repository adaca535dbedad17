//! Hints that something has changed, from whoever changed it to whoever watches, in any process.
//!
//! A hint carries no news, only a topic: the watcher reads the row. Hints coalesce, and they may be lost with Redis; so
//! every watcher also gets one whenever the subscription is (re)established.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream, stream::BoxStream};
use redis::{
    Client,
    aio::{PubSub, PubSubSink, PubSubStream},
};
use tokio::{
    sync::watch,
    time::{interval, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{Broker, Error, connection::ANSWER_WITHIN};
use crate::domain::ids::{BatchId, UserId};

/// How often the subscription is asked whether it is still alive; a dead one stays silent just as a healthy one does.
const PING_EVERY: Duration = Duration::from_secs(5);
/// The wait before the first attempt to subscribe anew; it doubles up to [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What can change and be watched: a batch, or the timeline or the accounts of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic(String);

impl From<BatchId> for Topic {
    fn from(batch: BatchId) -> Self {
        Self(format!("batch:{batch}"))
    }
}

impl Topic {
    /// What a person's timeline shows.
    pub fn timeline(user: UserId) -> Self {
        Self(format!("timeline:{user}"))
    }

    /// How a person's accounts stand.
    pub fn accounts(user: UserId) -> Self {
        Self(format!("accounts:{user}"))
    }
}

impl Broker {
    /// Tells all watchers of the topic, in every process, to look again. To be called after the commit.
    ///
    /// # Errors
    /// [`Error::Redis`]; then the watchers learn of the change with the next hint.
    pub async fn changed(&self, topic: impl Into<Topic>) -> Result<(), Error> {
        let Topic(topic) = topic.into();
        self.query(redis::cmd("PUBLISH").arg(self.watchers().channel()).arg(topic)).await
    }

    /// A hint for every change of the topic from now on; several changes may come as one hint. Never ends.
    ///
    /// Watch first and read the row then: a change in between is hinted, one before is in the row. All watchers of a
    /// process share one connection, and a slow one costs the others nothing.
    pub fn watch(&self, topic: impl Into<Topic>) -> BoxStream<'static, ()> {
        let watcher = self.watchers().join(topic.into());
        stream::unfold(watcher, |mut watcher| async {
            watcher.hints.changed().await.ok()?;
            Some(((), watcher))
        })
        .boxed()
    }
}

/// The watchers of this process and the one subscription that serves them.
pub(super) struct Watchers {
    client: Client,
    channel: String,
    topics: Arc<Topics>,
    /// Started by the first watcher, ended with the last handle to Redis.
    listener: OnceLock<AbortOnDropHandle<()>>,
}

impl Watchers {
    pub(super) fn new(client: Client, channel: String) -> Self {
        Self { client, channel, topics: Arc::default(), listener: OnceLock::new() }
    }

    /// The one channel that carries all topics. A process hears of topics nobody watches in it, and need not tell Redis
    /// which ones it wants; a few hints a second for each running batch make that the cheaper way.
    fn channel(&self) -> &str {
        &self.channel
    }

    fn join(&self, topic: Topic) -> Watcher {
        let watcher = self.topics.join(topic);
        self.listener.get_or_init(|| {
            let listening = listen(self.client.clone(), self.channel.clone(), Arc::clone(&self.topics));
            AbortOnDropHandle::new(tokio::spawn(listening))
        });
        watcher
    }
}

/// The topics watched in this process, each with one sender for all its watchers.
#[derive(Default)]
struct Topics(Mutex<HashMap<Topic, watch::Sender<()>>>);

impl Topics {
    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(self: &Arc<Self>, topic: Topic) -> Watcher {
        let hints = self.lock().entry(topic.clone()).or_default().subscribe();
        Watcher { topics: Arc::clone(self), topic, hints }
    }

    fn hint(&self, topic: &Topic) {
        if let Some(watchers) = self.lock().get(topic) {
            watchers.send_replace(());
        }
    }

    fn hint_all(&self) {
        for watchers in self.lock().values() {
            watchers.send_replace(());
        }
    }
}

/// One watcher; its going lets the topic go with the last of them.
struct Watcher {
    topics: Arc<Topics>,
    topic: Topic,
    hints: watch::Receiver<()>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut topics = self.topics.lock();
        // Our own receiver is dropped only after this.
        if topics.get(&self.topic).is_some_and(|watchers| watchers.receiver_count() <= 1) {
            topics.remove(&self.topic);
        }
    }
}

/// Keeps the process subscribed for as long as it runs.
async fn listen(client: Client, channel: String, topics: Arc<Topics>) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        match timeout(ANSWER_WITHIN, subscribe(&client, &channel)).await {
            Ok(Ok(subscription)) => {
                pause = SHORTEST_PAUSE;
                // Whatever changed before this moment was hinted to nobody here.
                topics.hint_all();
                let (sink, messages) = subscription.split();
                deliver(sink, messages, &topics).await;
                tracing::warn!("the subscription to progress hints broke; subscribing anew");
            }
            Ok(Err(error)) => tracing::warn!(error = &error as &dyn std::error::Error, "cannot subscribe to hints"),
            Err(_) => tracing::warn!("cannot subscribe to hints: Redis does not answer"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn subscribe(client: &Client, channel: &str) -> Result<PubSub, redis::RedisError> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(channel).await?;
    Ok(subscription)
}

/// Hands hints on until the connection ends or no longer answers.
async fn deliver(mut sink: PubSubSink, mut messages: PubSubStream, topics: &Topics) {
    let mut ping = interval(PING_EVERY);
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => topics.hint(&Topic(String::from_utf8_lossy(message.get_payload_bytes()).into_owned())),
                None => return,
            },
            _ = ping.tick() => match timeout(ANSWER_WITHIN, sink.ping::<redis::Value>()).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::time::timeout;

    use super::*;
    use crate::broker::test_redis::{PATIENCE, TestRedis, eventually};

    async fn hinted(watch: &mut BoxStream<'static, ()>) {
        timeout(PATIENCE, watch.next()).await.expect("a hint").expect("watching never ends");
    }

    /// A broker whose subscription stands, and a watcher that has had its first hint for that.
    async fn watching(redis: &TestRedis, topic: impl Into<Topic>) -> (Broker, BoxStream<'static, ()>) {
        let broker = redis.broker();
        let mut watch = broker.watch(topic);
        hinted(&mut watch).await;
        (broker, watch)
    }

    async fn subscribers(redis: &TestRedis) -> usize {
        let (_, subscribers): (String, usize) = redis.command(&["PUBSUB", "NUMSUB", "test:hints"]).await;
        subscribers
    }

    #[tokio::test]
    async fn one_subscription_serves_every_watcher_of_a_process_and_only_of_the_topic() {
        let redis = TestRedis::start();
        let (ours, theirs, user) = (BatchId::generate(), BatchId::generate(), UserId::generate());
        let (broker, first) = watching(&redis, ours).await;
        let mut all: Vec<_> = (0..1_000).map(|_| broker.watch(ours)).chain([first]).collect();
        let (mut other, mut timeline) = (broker.watch(theirs), broker.watch(Topic::timeline(user)));
        assert_eq!(subscribers(&redis).await, 1);

        // From another process, as it were.
        redis.broker().changed(ours).await.unwrap();
        join_all(all.iter_mut().map(hinted)).await;
        redis.broker().changed(Topic::timeline(user)).await.unwrap();
        hinted(&mut timeline).await;
        assert!(futures::poll!(other.next()).is_pending());
    }

    #[tokio::test]
    async fn hints_to_a_slow_watcher_coalesce_and_cost_the_others_nothing() {
        let redis = TestRedis::start();
        let batch = BatchId::generate();
        let (broker, mut slow) = watching(&redis, batch).await;
        let mut fast = broker.watch(batch);
        for _ in 0..100 {
            broker.changed(batch).await.unwrap();
            hinted(&mut fast).await;
        }
        hinted(&mut slow).await;
        assert!(futures::poll!(slow.next()).is_pending());
    }

    #[tokio::test]
    async fn a_watcher_is_hinted_after_redis_was_away_and_from_then_on_again() {
        let mut redis = TestRedis::start();
        let batch = BatchId::generate();
        let (broker, mut watch) = watching(&redis, batch).await;
        redis.stop();
        assert!(broker.changed(batch).await.is_err());
        redis.start_again();
        hinted(&mut watch).await;

        eventually("a change is published", || async { broker.changed(batch).await.is_ok() }).await;
        hinted(&mut watch).await;
    }

    #[tokio::test]
    async fn a_watcher_may_come_before_redis() {
        let mut redis = TestRedis::start();
        redis.stop();
        let broker = redis.broker();
        let mut watch = broker.watch(BatchId::generate());
        assert!(futures::poll!(watch.next()).is_pending());
        redis.start_again();
        hinted(&mut watch).await;
    }

    #[tokio::test]
    async fn nothing_is_kept_of_topics_and_brokers_that_are_gone() {
        let redis = TestRedis::start();
        let batch = BatchId::generate();
        let (broker, first) = watching(&redis, batch).await;
        let second = broker.watch(batch);
        drop(first);
        assert_eq!(broker.watchers().topics.lock().len(), 1);
        drop(second);
        assert_eq!(broker.watchers().topics.lock().len(), 0);
        drop(broker);
        eventually("the subscription is gone", || async { subscribers(&redis).await == 0 }).await;
    }
}
