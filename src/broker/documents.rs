//! GraphQL documents that people have sent before, so that they need not send them again.
//!
//! Each person has their own: nobody can fill another's, or learn from it what another asks.

use std::sync::LazyLock;

use redis::Script;

use super::{Broker, Error};
use crate::domain::ids::UserId;

/// Bytes of one person's documents, the names not counted. An application has a hundred of some kilobytes.
const MAX_BYTES: usize = 512 * 1024;
/// How long a person's documents are kept after the last was added, in seconds.
const KEEP_SECS: u32 = 24 * 60 * 60;

/// Whoever has too many begins anew: which of them are still in use, nobody knows.
static KEEP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local documents, hash, text = KEYS[1], ARGV[1], ARGV[2]
        if redis.call('HEXISTS', documents, hash) == 0 then
            if redis.call('HINCRBY', documents, 'bytes', #text) > tonumber(ARGV[3]) then
                redis.call('DEL', documents)
                redis.call('HSET', documents, 'bytes', #text)
            end
            redis.call('HSET', documents, hash, text)
        end
        redis.call('EXPIRE', documents, ARGV[4])",
    )
});

impl Broker {
    /// The document that this person has sent under this hash, if it is still known.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn find_document(&self, user: UserId, hash: &str) -> Result<Option<String>, Error> {
        self.query(redis::cmd("HGET").arg(self.documents(user)).arg(hash)).await
    }

    /// Keeps a person's document for a day after the last. `hash` must be its own; a document of more than 512 KiB is not
    /// to be kept.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn keep_document(&self, user: UserId, hash: &str, text: &str) -> Result<(), Error> {
        self.invoke(KEEP.key(self.documents(user)).arg(hash).arg(text).arg(MAX_BYTES).arg(KEEP_SECS)).await
    }

    fn documents(&self, user: UserId) -> String {
        self.key(format_args!("documents:{user}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::test_redis::TestRedis;

    #[tokio::test]
    async fn each_person_has_their_own_documents_and_not_too_many() {
        let redis = TestRedis::start();
        let (broker, ada, bob) = (redis.broker(), UserId::generate(), UserId::generate());
        broker.keep_document(ada, "1", "{ a }").await.unwrap();
        assert_eq!(broker.find_document(ada, "1").await.unwrap().as_deref(), Some("{ a }"));
        assert_eq!(broker.find_document(bob, "1").await.unwrap(), None);
        let left: u32 = broker.query(redis::cmd("TTL").arg(broker.documents(ada))).await.unwrap();
        assert!((1..=KEEP_SECS).contains(&left));

        let large = "x".repeat(MAX_BYTES / 4);
        for n in 2..20 {
            broker.keep_document(ada, &n.to_string(), &large).await.unwrap();
            // What is kept already counts once.
            broker.keep_document(ada, &n.to_string(), &large).await.unwrap();
            let kept: Vec<String> = broker.query(redis::cmd("HVALS").arg(broker.documents(ada))).await.unwrap();
            let n_bytes: usize = kept.iter().map(String::len).sum();
            assert!(n_bytes <= MAX_BYTES + 10, "{n_bytes}");
            assert_eq!(broker.find_document(ada, &n.to_string()).await.unwrap(), Some(large.clone()));
        }
        assert_eq!(broker.find_document(ada, "1").await.unwrap(), None, "it has begun anew");
    }
}
