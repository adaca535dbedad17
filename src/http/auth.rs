//! Verifies the bearer tokens of API users (JWT, RFC 7519) and, for development and tests, issues them.
//!
//! Knows no user table: who asks follows from the token's `iss` and `sub` alone.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use super::jwks::KeySet;
use crate::clock::Clock;
use crate::config::{Auth, AuthKey};
use crate::domain::ids::UserId;
use crate::graphql::viewer::Viewer;

/// How far the issuer's clock and ours may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// Bytes of a token; more is not worth decoding.
const MAX_TOKEN_BYTES: usize = 8_192;
/// How often a token's end is compared with the clock, which is not the timer's.
const EXPIRY_CHECK: Duration = Duration::from_secs(5);
/// Bytes of a `sub`, as OpenID Connect bounds it.
const MAX_SUBJECT_BYTES: usize = 255;

/// Why a request has no viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No token was sent. Send one.
    #[error("no bearer token")]
    Missing,
    /// The token is malformed, expired, or not signed by and for whom it must be; which of these is not told to the client.
    #[error("token refused: {0}")]
    Refused(&'static str),
    /// The issuer's keys cannot be had now, so nobody can be told apart. Try again later.
    #[error("the issuer's keys cannot be fetched")]
    Unavailable,
}

/// Turns bearer tokens into viewers. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    /// What a token must be beside signed; the algorithm is its key's.
    validation: Validation,
    keys: Keys,
    clock: Clock,
}

enum Keys {
    Secret(DecodingKey),
    Set(KeySet),
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    /// Seconds since 1970; RFC 7519 allows fractions.
    exp: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<f64>,
}

#[derive(Serialize)]
struct Issued<'a> {
    aud: &'a str,
    iat: i64,
    #[serde(flatten)]
    claims: Claims,
}

impl Authenticator {
    /// Verifies tokens as `config` says, by the time of `clock`.
    ///
    /// # Errors
    /// When the HTTP client for the issuer's keys cannot be set up. Keys are fetched when the first token needs them.
    pub fn from_config(config: &Auth, clock: Clock) -> anyhow::Result<Self> {
        let keys = match &config.key {
            AuthKey::Secret(secret) => Keys::Secret(DecodingKey::from_secret(secret.expose_secret().as_bytes())),
            AuthKey::Jwks(url) => Keys::Set(KeySet::new(url.clone(), clock.clone())?),
        };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are compared by our clock.
        validation.validate_exp = false;
        Ok(Self(Arc::new(Inner { validation, keys, clock })))
    }

    /// The viewer `token` names.
    ///
    /// # Errors
    /// As [`Error`]; never [`Error::Missing`].
    pub async fn verify(&self, token: &str) -> Result<Viewer, Error> {
        let Inner { validation, keys, clock } = &*self.0;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Error::Refused("too long"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Error::Refused("malformed header"))?;
        if header.crit.is_some() {
            return Err(Error::Refused("critical header parameters"));
        }
        // The algorithm is bound to the key, never taken from the token: a public key must not serve as an HMAC secret.
        let decoded = match keys {
            Keys::Secret(key) => jsonwebtoken::decode::<Claims>(token, key, validation),
            Keys::Set(set) => {
                let (key, algorithm) = set.key(&header).await?;
                let validation = Validation { algorithms: vec![algorithm], ..validation.clone() };
                jsonwebtoken::decode(token, &key, &validation)
            }
        };
        let claims = decoded.map_err(|error| Error::Refused(reason(&error)))?.claims;
        viewer(&claims, clock.now())
    }

    /// The viewer of a request by its `Authorization` header.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Error> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(Error::Missing)?;
        if values.next().is_some() {
            return Err(Error::Refused("two Authorization headers"));
        }
        let value = value.to_str().map_err(|_| Error::Refused("Authorization header is not text"))?;
        self.verify(bearer(value).ok_or(Error::Refused("not a bearer token"))?).await
    }
}

/// When to compare the viewer's token with the clock next; `None` when it has ended.
pub(super) fn next_check(viewer: &Viewer, clock: &Clock) -> Option<Instant> {
    let left = (viewer.expires_at - clock.now()).to_std().ok().filter(|left| !left.is_zero())?;
    Some(Instant::now() + left.min(EXPIRY_CHECK))
}

/// Ends when the viewer's token does.
pub(super) async fn until_expired(viewer: &Viewer, clock: &Clock) {
    while let Some(then) = next_check(viewer, clock) {
        sleep_until(then).await;
    }
}

/// The token of an `Authorization` value, whose scheme is case-insensitive (RFC 9110).
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start())
}

fn viewer(claims: &Claims, now: DateTime<Utc>) -> Result<Viewer, Error> {
    let Claims { iss, sub, exp, nbf } = claims;
    let expires_at = time(*exp).ok_or(Error::Refused("exp is not a time"))?;
    if expires_at + LEEWAY <= now {
        return Err(Error::Refused("expired"));
    }
    if let Some(nbf) = nbf {
        let valid_from = time(*nbf).ok_or(Error::Refused("nbf is not a time"))?;
        if valid_from > now + LEEWAY {
            return Err(Error::Refused("not valid yet"));
        }
    }
    if sub.is_empty() || sub.len() > MAX_SUBJECT_BYTES {
        return Err(Error::Refused("sub is empty or too long"));
    }
    Ok(Viewer { user: UserId::of_subject(iss, sub), expires_at })
}

/// A `NumericDate` of a year with four digits; far enough from the ends of time to be added to.
fn time(seconds: f64) -> Option<DateTime<Utc>> {
    const YEAR_10000: f64 = 253_402_300_800.0;
    // The cast is exact: the range is checked, and parts of a second do not matter.
    (0.0..YEAR_10000).contains(&seconds).then(|| DateTime::from_timestamp(seconds as i64, 0))?
}

/// For the log; the library's own text may repeat parts of the token.
fn reason(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "wrong signature",
        ErrorKind::InvalidIssuer => "wrong issuer",
        ErrorKind::InvalidAudience => "wrong audience",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "wrong algorithm",
        ErrorKind::MissingRequiredClaim(_) => "a required claim is missing",
        _ => "malformed",
    }
}

/// Issues a token signed with a shared secret (HS256), for `omnisync dev` and tests.
///
/// # Errors
/// When `lifetime` or `now` is out of range, or signing fails.
pub fn issue(
    secret: &SecretString,
    issuer: &str,
    audience: &str,
    subject: &str,
    lifetime: Duration,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    let expires_at = now + TimeDelta::from_std(lifetime)?;
    let claims =
        Claims { iss: issuer.to_owned(), sub: subject.to_owned(), exp: expires_at.timestamp() as f64, nbf: None };
    let issued = Issued { aud: audience, iat: now.timestamp(), claims };
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &issued, &key)?)
}

#[cfg(test)]
mod tests;
