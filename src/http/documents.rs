//! Documents by name, so that they need not be sent: those that a person has sent before, or those alone that the operator
//! trusts.

mod trusted;

use std::{collections::HashMap, path::Path};

use async_graphql::ServerError;
use sha2::{Digest, Sha256};

use super::dispensable::Dispensable;
use crate::{
    broker::Broker,
    config,
    domain::ids::UserId,
    graphql::{code::Code, precheck::may_hold_words},
};

/// Which documents run.
pub(super) enum Documents {
    /// All. What a person has sent together with its hash can be asked for by the hash alone, by the same person, for a day.
    Any(Dispensable),
    /// These and no others, by their ids and by the hashes of their texts.
    Trusted(HashMap<String, String>),
}

impl Documents {
    /// # Errors
    /// When the trusted documents cannot be read.
    pub(super) fn from_config(config: &config::GraphQl, broker: Broker) -> anyhow::Result<Self> {
        Ok(match &config.trusted_documents {
            Some(path) => Self::Trusted(trusted::load(path)?),
            None => Self::Any(Dispensable::new(broker)),
        })
    }

    /// The document that a request means: `text` as it was sent, if it was, and `id`, if it has one.
    ///
    /// # Errors
    /// [`Code::BadRequest`] when the two contradict each other, [`Code::PersistedQueryNotFound`],
    /// [`Code::DocumentNotTrusted`].
    pub(super) async fn resolve(&self, user: UserId, text: String, id: Option<&str>) -> Result<String, ServerError> {
        match (self, id) {
            (Self::Trusted(documents), id) => trusted(documents, &text, id),
            (Self::Any(_), None) => Ok(text),
            (Self::Any(redis), Some(hash)) if text.is_empty() => {
                let found = match is_sha256(hash) {
                    true => redis.ask(async |broker| broker.find_document(user, hash).await).await.flatten(),
                    false => None,
                };
                // Apollo's clients know the word as well as the message.
                found.ok_or_else(|| Code::PersistedQueryNotFound.error("PersistedQueryNotFound"))
            }
            (Self::Any(_), Some(hash)) if hash != sha256(&text) => {
                Err(Code::BadRequest.error("The hash is not the document's SHA-256."))
            }
            (Self::Any(_), Some(_)) => Ok(text),
        }
    }

    /// Keeps a document that was sent with its hash and has passed the check.
    pub(super) async fn keep(&self, user: UserId, text: &str, id: Option<&str>) {
        let (Self::Any(redis), Some(hash)) = (self, id) else { return };
        // Redis holds no content.
        if may_hold_words(text) {
            return;
        }
        redis.ask(async |broker| broker.keep_document(user, hash, text).await).await;
    }
}

/// How many ids there are for the trusted documents at `path`.
///
/// # Errors
/// Why the server would not start with them.
pub fn n_trusted(path: &Path) -> anyhow::Result<usize> {
    trusted::load(path).map(|documents| documents.len())
}

fn trusted(documents: &HashMap<String, String>, text: &str, id: Option<&str>) -> Result<String, ServerError> {
    let refused = || Code::DocumentNotTrusted.error("This server runs the documents it was given, and no others.");
    let document = match id {
        Some(id) => documents.get(id),
        None => documents.get(&sha256(text)),
    };
    let document = document.ok_or_else(refused)?;
    if text.is_empty() || text == document { Ok(document.clone()) } else { Err(refused()) }
}

/// Whether this can be the name of a document; anything else may be the name of something else in Redis.
fn is_sha256(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// In hexadecimal digits, as clients name documents.
fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
