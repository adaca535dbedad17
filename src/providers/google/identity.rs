//! Who linked an account: Google's identity token, verified against Google's public keys.

use std::time::Duration;

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, JwkSet},
};
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::client::{Client, parse};
use super::error::{Method, failure};
use crate::clock::Clock;
use crate::config;
use crate::providers::{Class, Error};

/// How long fetched keys are used, so that a key Google has withdrawn is not believed for ever.
const KEYS_LIVE: Duration = Duration::from_secs(3_600);

/// How long an unknown key id does not cause another fetch, so that made-up tokens cannot make us hammer Google.
const FETCH_REST: Duration = Duration::from_secs(30);

/// How far the clocks of Google and of this machine may be apart, in seconds.
const LEEWAY_SECS: i64 = 60;

/// The verified identity of an account.
#[derive(Deserialize)]
pub(super) struct Identity {
    /// The account's permanent id.
    pub(super) sub: String,
    /// The account's address.
    pub(super) email: String,
    nonce: Option<String>,
    /// Seconds since 1970.
    exp: i64,
}

/// Verifies identity tokens.
pub(super) struct Verifier {
    client: Client,
    clock: Clock,
    keys_url: Url,
    validation: Validation,
    /// The lock is held over a fetch, so that many who wait for keys cause one.
    keys: Mutex<Option<Keys>>,
}

struct Keys {
    set: JwkSet,
    fetched_at: Instant,
}

impl Verifier {
    pub(super) fn new(config: &config::Google, client: Client, clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.client_id]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
        // The expiry is checked below, by our own clock.
        validation.validate_exp = false;
        Self { client, clock, keys_url: config.jwks_url.clone(), validation, keys: Mutex::default() }
    }

    /// Checks signature, issuer, audience, expiry and nonce.
    ///
    /// # Errors
    /// [`Class::Permanent`] when one of them is wrong; whatever fetching the keys failed with.
    pub(super) async fn verify(&self, id_token: &str, nonce: &str) -> Result<Identity, Error> {
        let refused = |what| failure(Class::Permanent, Method::Token, what);
        let unreadable = |_| refused("identity token unreadable");
        let header = jsonwebtoken::decode_header(id_token).map_err(unreadable)?;
        let kid = header.kid.ok_or_else(|| refused("identity token names no key"))?;
        let key = self.key(&kid).await?.ok_or_else(|| refused("identity token signed by an unknown key"))?;
        let key = DecodingKey::from_jwk(&key).map_err(unreadable)?;
        let token = jsonwebtoken::decode::<Identity>(id_token, &key, &self.validation);
        let identity = token.map_err(|_| refused("identity token not valid"))?.claims;
        if identity.exp.saturating_add(LEEWAY_SECS) <= self.clock.now().timestamp() {
            return Err(refused("identity token expired"));
        }
        if identity.nonce.as_deref() != Some(nonce) {
            return Err(refused("identity token answers another request"));
        }
        Ok(identity)
    }

    async fn key(&self, kid: &str) -> Result<Option<Jwk>, Error> {
        let mut keys = self.keys.lock().await;
        let usable = keys.as_ref().filter(|keys| keys.fetched_at.elapsed() < KEYS_LIVE);
        if let Some(key) = usable.and_then(|keys| keys.set.find(kid)) {
            return Ok(Some(key.clone()));
        }
        if keys.as_ref().is_none_or(|keys| keys.fetched_at.elapsed() >= FETCH_REST) {
            let body = self.client.get_public(Method::Keys, self.keys_url.clone()).await?;
            *keys = Some(Keys { set: parse(Method::Keys, &body)?, fetched_at: Instant::now() });
        }
        Ok(keys.as_ref().and_then(|keys| keys.set.find(kid)).cloned())
    }
}
