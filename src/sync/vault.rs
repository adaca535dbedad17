//! A person's data key at work: what is sealed where.

use zeroize::Zeroizing;

use super::{Error, Result};
use crate::{
    app::App,
    db::{Tx, users},
    domain::{
        ids::{AccountId, PreviewId, StreamId, UserId},
        item::{UniversalHash, UniversalId},
    },
    seal::{DataKey, Place},
};

/// Seals and opens one person's values, each bound to its place.
#[derive(Clone)]
pub struct Vault {
    user: UserId,
    key: DataKey,
}

fn user_key_place(user: UserId) -> Place {
    Place::of("users", "data_key", &[user.0.as_bytes()])
}

impl Vault {
    /// The vault of the transaction's user.
    ///
    /// # Errors
    /// When the person is unknown, or their key was destroyed or is not openable.
    pub async fn open(app: &App, tx: &mut Tx) -> Result<Self> {
        Ok(Self::find(app, tx).await?.ok_or_else(|| anyhow::anyhow!("the user has no data key"))?)
    }

    /// As [`Vault::open`]; `None` for someone who has no key.
    ///
    /// # Errors
    /// When the key is not openable.
    pub async fn find(app: &App, tx: &mut Tx) -> Result<Option<Self>> {
        let user = tx.user();
        let Some(sealed) = users::find_data_key(tx).await? else { return Ok(None) };
        let key = DataKey::open_stored(&app.keyset, &user_key_place(user), &sealed)?;
        Ok(Some(Self { user, key }))
    }

    /// As [`Vault::open`]; gives someone new a key first.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub async fn open_or_create(app: &App, tx: &mut Tx) -> Result<Self> {
        if users::find_data_key(tx).await?.is_none() {
            let (_, sealed) = DataKey::generate(&app.keyset, &user_key_place(tx.user()))?;
            users::ensure(tx, &sealed, app.keyset.primary_id()).await?;
        }
        Self::open(app, tx).await
    }

    fn token_place(&self, account: AccountId, column: &str) -> Place {
        Place::of("accounts", column, &[self.user.0.as_bytes(), account.0.as_bytes()])
    }

    /// Seals a token for its account and column.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn seal_token(&self, account: AccountId, column: &str, token: &str) -> Result<Vec<u8>> {
        Ok(self.key.seal(&self.token_place(account, column), token.as_bytes())?)
    }

    /// Opens a token.
    ///
    /// # Errors
    /// When it was not sealed for this account and column.
    pub fn open_token(&self, account: AccountId, column: &str, sealed: &[u8]) -> Result<secrecy::SecretString> {
        let plain = self.key.open(&self.token_place(account, column), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Error::from(anyhow::anyhow!("a token is not text")))?;
        Ok(text.into())
    }

    fn verifier_place(&self, attempt: uuid::Uuid) -> Place {
        Place::of("connect_attempts", "verifier", &[self.user.0.as_bytes(), attempt.as_bytes()])
    }

    /// Seals a PKCE verifier.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn seal_verifier(&self, attempt: uuid::Uuid, verifier: &str) -> Result<Vec<u8>> {
        Ok(self.key.seal(&self.verifier_place(attempt), verifier.as_bytes())?)
    }

    /// Opens a PKCE verifier.
    ///
    /// # Errors
    /// When it was not sealed for this attempt.
    pub fn open_verifier(&self, attempt: uuid::Uuid, sealed: &[u8]) -> Result<Zeroizing<String>> {
        let plain = self.key.open(&self.verifier_place(attempt), sealed)?;
        Ok(Zeroizing::new(String::from_utf8_lossy(&plain).into_owned()))
    }

    fn samples_place(&self, preview: PreviewId) -> Place {
        Place::of("previews", "samples", &[self.user.0.as_bytes(), preview.0.as_bytes()])
    }

    /// Seals a preview's samples.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn seal_samples(&self, preview: PreviewId, samples: &[u8]) -> Result<Vec<u8>> {
        Ok(self.key.seal(&self.samples_place(preview), samples)?)
    }

    /// Opens a preview's samples.
    ///
    /// # Errors
    /// When they were not sealed for this preview.
    pub fn open_samples(&self, preview: PreviewId, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        Ok(self.key.open(&self.samples_place(preview), sealed)?)
    }

    /// What the ledger keeps of an item's universal name: the same name gives the same hash, in every stream of the person's
    /// and for nobody else.
    pub fn universal_hash(&self, id: &UniversalId) -> UniversalHash {
        let place = Place::of("items", "universal_hash", &[self.user.0.as_bytes()]);
        UniversalHash(self.key.mark(&place, id.as_str().as_bytes()))
    }

    fn raw_place(&self, stream: StreamId, source_id: &str, version: i64) -> Place {
        let key: [&[u8]; 4] =
            [self.user.0.as_bytes(), stream.0.as_bytes(), source_id.as_bytes(), &version.to_be_bytes()];
        Place::of("raw_events", "payload", &key)
    }

    /// Compresses and seals a raw payload.
    ///
    /// # Errors
    /// When compressing or sealing fails.
    pub fn seal_raw(&self, stream: StreamId, source_id: &str, version: i64, payload: &[u8]) -> Result<Vec<u8>> {
        // Level 1: a mail shrinks to little more than at level 3, at half the time.
        let packed = zstd::bulk::compress(payload, 1)?;
        Ok(self.key.seal(&self.raw_place(stream, source_id, version), &packed)?)
    }

    /// Opens and decompresses a raw payload.
    ///
    /// # Errors
    /// When it was not sealed for this version of this item.
    pub fn open_raw(&self, stream: StreamId, source_id: &str, version: i64, sealed: &[u8]) -> Result<Vec<u8>> {
        let packed = self.key.open(&self.raw_place(stream, source_id, version), sealed)?;
        Ok(zstd::stream::decode_all(packed.as_slice())?)
    }
}
