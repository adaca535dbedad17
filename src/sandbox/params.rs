//! Query parameters and the opaque tokens (pages, sync) that travel in them.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use super::rng::digest64;

/// The query string's pairs in their order; Google's parameters may repeat.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The last value of `name`, when it is not empty.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.find(name) == Some("true")
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// `maxResults`: absent or 0 is the default, more than the cap is the cap, anything else is `None`.
    pub(super) fn max_results(&self, default: usize, cap: usize) -> Option<usize> {
        match self.find("maxResults") {
            None => Some(default),
            Some(text) => text.parse().ok().map(|n: usize| if n == 0 { default } else { n.min(cap) }),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// Packs a value into an opaque token. Stateless, so that tokens outlive a restart; checked, so that a client that makes
/// one up is found out.
pub(super) fn seal_token(kind: &str, value: &impl Serialize) -> String {
    let body = serde_json::to_vec(value).expect("tokens hold only string keys and plain values");
    let mut token = digest64(&[b"token", kind.as_bytes(), &body]).to_be_bytes().to_vec();
    token.extend_from_slice(&body);
    URL_SAFE_NO_PAD.encode(token)
}

/// Unpacks a token of that kind; `None` for anything else.
pub(super) fn open_token<T: DeserializeOwned>(kind: &str, token: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (check, body) = bytes.split_at_checked(8)?;
    let expected = digest64(&[b"token", kind.as_bytes(), body]).to_be_bytes();
    if check != expected { None } else { serde_json::from_slice(body).ok() }
}
