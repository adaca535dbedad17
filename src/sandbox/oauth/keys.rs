//! The keys that sign identity tokens: made at start, changed on demand, published as JWKs.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::super::{error::Error, lock::Shared, rng::digest64};

/// The keys in use, newest last: it signs, and the one before it is still published.
#[derive(Debug)]
pub(crate) struct SigningKeys(Shared<Vec<SigningKey>>);

impl SigningKeys {
    pub(crate) fn generate() -> Result<Self, Error> {
        Ok(Self(Shared::new(vec![SigningKey::generate()?])))
    }

    /// Signs with a new key from now on.
    pub(crate) fn rotate(&self) -> Result<(), Error> {
        let key = SigningKey::generate()?;
        let mut keys = self.0.write();
        keys.push(key);
        let n_old = keys.len().saturating_sub(2);
        keys.drain(..n_old);
        Ok(())
    }

    /// A compact JWS over `claims` (RFC 7515).
    pub(super) fn sign(&self, claims: &Value) -> Result<String, Error> {
        self.0.read().last().ok_or(Error::Key)?.sign(claims)
    }

    /// The public halves as a JWK set (RFC 7517).
    pub(super) fn jwks(&self) -> Value {
        json!({"keys": self.0.read().iter().map(SigningKey::jwk).collect::<Vec<_>>()})
    }
}

/// An RSA key for RS256.
#[derive(Debug)]
struct SigningKey {
    pair: KeyPair,
    id: String,
}

impl SigningKey {
    fn generate() -> Result<Self, Error> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| Error::Key)?;
        let id = format!("{:016x}", digest64(&[pair.public_key().as_ref()]));
        Ok(Self { pair, id })
    }

    fn sign(&self, claims: &Value) -> Result<String, Error> {
        let header = json!({"alg": "RS256", "kid": self.id, "typ": "JWT"});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| Error::Key)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id,
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
        })
    }
}
