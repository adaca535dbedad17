//! The issuer's public keys (JWKS, RFC 7517), fetched when a token needs them and remembered by `kid`.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use tokio::sync::RwLock;
use url::Url;

use super::auth::Error;
use crate::clock::Clock;

/// The least time between two fetches, so that tokens with made-up key ids cannot make us hammer the issuer.
const BETWEEN_FETCHES: TimeDelta = TimeDelta::seconds(30);
/// How long keys are trusted without asking again, so that a key the issuer withdrew dies.
const MAX_AGE: TimeDelta = TimeDelta::hours(1);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BODY_BYTES: usize = 256 * 1024;

pub(super) struct KeySet {
    url: Url,
    client: reqwest::Client,
    clock: Clock,
    known: RwLock<Known>,
}

/// What was learned so far.
#[derive(Default)]
struct Known {
    /// By `kid`, the empty string for a key without one. The algorithm is the only one its key serves.
    keys: HashMap<String, (DecodingKey, Algorithm)>,
    fetched_at: Option<DateTime<Utc>>,
    tried_at: Option<DateTime<Utc>>,
}

impl Known {
    fn find(&self, header: &Header) -> Option<(DecodingKey, Algorithm)> {
        let (key, algorithm) = match &header.kid {
            Some(kid) => self.keys.get(kid)?,
            // A token that names no key is fine while there is no choice.
            None if self.keys.len() == 1 => self.keys.values().next()?,
            None => return None,
        };
        (*algorithm == header.alg).then(|| (key.clone(), *algorithm))
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.fetched_at.is_some_and(|at| now - at < MAX_AGE)
    }
}

impl KeySet {
    pub(super) fn new(url: Url, clock: Clock) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(FETCH_TIMEOUT)
            .build()
            .context("setting up the client for the issuer's keys")?;
        Ok(Self { url, client, clock, known: RwLock::default() })
    }

    /// The key that must have signed a token with this header, and its algorithm.
    ///
    /// # Errors
    /// [`Error::Refused`] for another algorithm or an unknown key, [`Error::Unavailable`] when no keys could be fetched yet.
    pub(super) async fn key(&self, header: &Header) -> Result<(DecodingKey, Algorithm), Error> {
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(Error::Refused("wrong algorithm"));
        }
        let known = self.known.read().await;
        if known.is_fresh(self.clock.now())
            && let Some(found) = known.find(header)
        {
            return Ok(found);
        }
        drop(known);
        // Whoever waits here for another's fetch finds its result.
        let mut known = self.known.write().await;
        let now = self.clock.now();
        let may_fetch = known.tried_at.is_none_or(|at| now - at >= BETWEEN_FETCHES);
        if may_fetch && !(known.is_fresh(now) && known.find(header).is_some()) {
            known.tried_at = Some(now);
            match self.fetch().await {
                Ok(keys) => {
                    known.keys = keys;
                    known.fetched_at = Some(now);
                }
                Err(error) => tracing::warn!(error = format!("{error:#}"), "the issuer's keys could not be fetched"),
            }
        }
        // Keys that could not be fetched anew still serve: an issuer that is away must not lock everybody out.
        match known.find(header) {
            Some(found) => Ok(found),
            None if known.fetched_at.is_none() => Err(Error::Unavailable),
            None => Err(Error::Refused("unknown key")),
        }
    }

    async fn fetch(&self) -> anyhow::Result<HashMap<String, (DecodingKey, Algorithm)>> {
        let response = self.client.get(self.url.clone()).send().await?;
        if response.status() != http::StatusCode::OK {
            bail!("the issuer answered {}", response.status());
        }
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk?);
            if body.len() > MAX_BODY_BYTES {
                bail!("the issuer's key set is larger than {MAX_BODY_BYTES} bytes");
            }
        }
        let set: JwkSet = serde_json::from_slice(&body).context("reading the issuer's key set")?;
        Ok(set.keys.iter().filter_map(usable).collect())
    }
}

/// A signing key of a kind we verify with, and the one algorithm it is for; others in the set are passed over.
fn usable(key: &Jwk) -> Option<(String, (DecodingKey, Algorithm))> {
    let (algorithm, named) = match &key.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    let for_signing = key.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let for_algorithm = key.common.key_algorithm.as_ref().is_none_or(|stated| *stated == named);
    let decoding = DecodingKey::from_jwk(key).ok()?;
    (for_signing && for_algorithm).then(|| (key.common.key_id.clone().unwrap_or_default(), (decoding, algorithm)))
}
