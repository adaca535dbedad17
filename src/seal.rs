//! Sealing: AES-256-GCM with a key id and bound to the place a value belongs in.
//!
//! Each person has a data key; it seals their tokens and raw events and is itself sealed by a wrapping key from the
//! configuration. Destroying the data key erases what it sealed, backups included. A sealed value carries its format, the id
//! of its key and its nonce:
//!
//! ```text
//! 02 | length of key id | key id | nonce (12 bytes) | ciphertext and tag
//! ```
//! The associated data names table, column and row, so that a value copied elsewhere does not open. Nonces are random: at
//! fewer than 2^32 values under one key, as NIST SP 800-38D asks, a repetition stays out of reach.

use std::sync::Arc;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use aws_lc_rs::{hkdf, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::config::Keys;

const FORMAT: u8 = 2;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// The place a sealed value belongs in. Opening it anywhere else fails.
pub struct Place {
    bound: Vec<u8>,
}

impl Place {
    /// A column of the row that `key` names; `key` lists the row's key, the user's id first.
    pub fn of(table: &str, column: &str, key: &[&[u8]]) -> Self {
        let mut bound = vec![FORMAT];
        for part in [table.as_bytes(), column.as_bytes()].iter().chain(key) {
            // Length first, so that no two places spell the same bytes.
            bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bound.extend_from_slice(part);
        }
        Self { bound }
    }
}

/// Why a value could not be sealed or opened. It says nothing about the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The value is not in the sealed format.
    #[error("the value is not sealed in the known format")]
    Malformed,
    /// No configured key has the id the value names.
    #[error("the value is sealed with key {0:?}, which is not configured")]
    UnknownKey(String),
    /// Wrong key, wrong place, or changed bytes.
    #[error("the value does not open with its key at this place")]
    Refused,
}

/// One AES-256 key with the id that sealed values name. The library forgets the key's bytes when the last copy goes.
#[derive(Clone)]
struct NamedKey {
    id: String,
    cipher: Arc<Aes256Gcm>,
}

impl NamedKey {
    fn new(id: &str, key: &[u8; 32]) -> Self {
        Self { id: id.to_owned(), cipher: Arc::new(Aes256Gcm::new(key.into())) }
    }

    /// Sealed where it will stay: a value has up to 70 MB.
    fn seal(&self, place: &Place, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let id_len = u8::try_from(self.id.len()).map_err(|_| Error::Malformed)?;
        let nonce: [u8; NONCE_LEN] = *random();
        let text_at = 2 + self.id.len() + NONCE_LEN;
        let mut out = Vec::with_capacity(text_at + plain.len() + TAG_LEN);
        out.extend_from_slice(&[FORMAT, id_len]);
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plain);
        let text = InOutBuf::from(&mut out[text_at..]);
        let tag = self.cipher.encrypt_inout_detached(&nonce.into(), &place.bound, text).map_err(|_| Error::Refused)?;
        out.extend_from_slice(&tag);
        Ok(out)
    }

    fn open(&self, place: &Place, parts: &Parts<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut plain = Zeroizing::new(parts.text.to_vec());
        let text = InOutBuf::from(plain.as_mut_slice());
        let opened = self.cipher.decrypt_inout_detached(parts.nonce.into(), &place.bound, text, parts.tag.into());
        opened.map_err(|_| Error::Refused)?;
        Ok(plain)
    }
}

struct Parts<'a> {
    key_id: &'a str,
    nonce: &'a [u8; NONCE_LEN],
    text: &'a [u8],
    tag: &'a [u8; TAG_LEN],
}

fn parts(sealed: &[u8]) -> Option<Parts<'_>> {
    let (header, rest) = sealed.split_first_chunk::<2>()?;
    if header[0] != FORMAT {
        return None;
    }
    let (key_id, rest) = rest.split_at_checked(usize::from(header[1]))?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
    let (text, tag) = rest.split_last_chunk::<TAG_LEN>()?;
    Some(Parts { key_id: std::str::from_utf8(key_id).ok()?, nonce, text, tag })
}

/// The wrapping keys of the installation: the first one seals, all of them open.
#[derive(Clone)]
pub struct Keyset {
    keys: Vec<NamedKey>,
}

impl Keyset {
    /// The keys of the configuration, which has checked that there is at least one.
    pub fn new(keys: &Keys) -> Self {
        Self { keys: keys.wrapping.iter().map(|(id, key)| NamedKey::new(id, key)).collect() }
    }

    /// The id of the key that seals.
    pub fn primary_id(&self) -> &str {
        self.keys.first().map_or("", |key| &key.id)
    }

    /// Seals with the primary key.
    ///
    /// # Errors
    /// When no key is configured.
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.keys.first().ok_or_else(|| Error::UnknownKey(String::new()))?.seal(place, plain)
    }

    /// Opens with the key the value names; keys are looked up by id, never tried in turn.
    ///
    /// # Errors
    /// When the value is malformed, its key unknown, or it was not sealed for this place.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let parts = parts(sealed).ok_or(Error::Malformed)?;
        let key = self.keys.iter().find(|key| key.id == parts.key_id);
        key.ok_or_else(|| Error::UnknownKey(parts.key_id.to_owned()))?.open(place, &parts)
    }
}

/// One person's own key, and one derived from it for what must be found without being kept.
#[derive(Clone)]
pub struct DataKey {
    key: NamedKey,
    marking: hmac::Key,
}

/// A fresh wrapping key as `OMNISYNC_KEYS` takes it: a random id and 32 random bytes.
pub fn fresh_key() -> String {
    format!("k{:08x}:{}", rand::random::<u32>(), STANDARD.encode(random::<32>().as_slice()))
}

fn random<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    aws_lc_rs::rand::fill(bytes.as_mut_slice()).expect("the system has random bytes");
    bytes
}

/// The id under which values sealed with a data key name it: whose it is, the row says.
const DATA_KEY_ID: &str = "user";

impl DataKey {
    /// A fresh key, and the same sealed for its place by the primary wrapping key.
    ///
    /// # Errors
    /// When no wrapping key is configured.
    pub fn generate(keyset: &Keyset, place: &Place) -> Result<(Self, Vec<u8>), Error> {
        let bytes = random::<32>();
        let sealed = keyset.seal(place, bytes.as_slice())?;
        Ok((Self::new(&bytes), sealed))
    }

    /// Opens a stored data key.
    ///
    /// # Errors
    /// As [`Keyset::open`].
    pub fn open_stored(keyset: &Keyset, place: &Place, sealed: &[u8]) -> Result<Self, Error> {
        let bytes = keyset.open(place, sealed)?;
        let key = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| Error::Malformed)?;
        Ok(Self::new(key))
    }

    fn new(key: &[u8; 32]) -> Self {
        // RFC 5869, 3.3: a key that is random already needs no extraction. Each purpose has a key of its own.
        let random = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key);
        let derived = random.expand(&[b"omnisync mark"], hkdf::HKDF_SHA256.hmac_algorithm());
        let marking = derived.expect("32 bytes can be derived").into();
        Self { key: NamedKey::new(DATA_KEY_ID, key), marking }
    }

    /// Marks a value for a place: the same value gives the same mark there, and nothing about the value can be told from it
    /// without this key. HMAC-SHA-256 over the place and the value, each part with its length first.
    pub fn mark(&self, place: &Place, value: &[u8]) -> [u8; 32] {
        let mut mark = hmac::Context::with_key(&self.marking);
        mark.update(&place.bound);
        mark.update(&(value.len() as u64).to_be_bytes());
        mark.update(value);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(mark.sign().as_ref());
        bytes
    }

    /// Seals a value for its place.
    ///
    /// # Errors
    /// When the value is longer than AES-GCM allows (64 GiB).
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.key.seal(place, plain)
    }

    /// Opens a value at its place.
    ///
    /// # Errors
    /// When the value is malformed, sealed with another key, or was not sealed for this place.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let parts = parts(sealed).ok_or(Error::Malformed)?;
        if parts.key_id != self.key.id {
            return Err(Error::UnknownKey(parts.key_id.to_owned()));
        }
        self.key.open(place, &parts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keyset(ids: &[&str]) -> Keyset {
        let wrapping = ids.iter().map(|id| ((*id).to_owned(), Zeroizing::new([id.as_bytes()[0]; 32]))).collect();
        Keyset::new(&Keys { wrapping })
    }

    fn place(row: &str, column: &str) -> Place {
        Place::of("accounts", column, &[b"user", row.as_bytes()])
    }

    #[test]
    fn invariant_9_a_value_opens_only_at_its_place() {
        let keyset = keyset(&["a"]);
        let (key, _) = DataKey::generate(&keyset, &place("row", "key")).unwrap();
        let sealed = key.seal(&place("row", "access_token"), b"secret").unwrap();
        assert_eq!(key.open(&place("row", "access_token"), &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(key.open(&place("other", "access_token"), &sealed).unwrap_err(), Error::Refused);
        assert_eq!(key.open(&place("row", "refresh_token"), &sealed).unwrap_err(), Error::Refused);
        let (other, _) = DataKey::generate(&keyset, &place("row", "key")).unwrap();
        assert_eq!(other.open(&place("row", "access_token"), &sealed).unwrap_err(), Error::Refused);
    }

    #[test]
    fn places_that_spell_alike_differ() {
        let (left, right) = (Place::of("a", "bc", &[b"d"]), Place::of("ab", "c", &[b"d"]));
        assert_ne!(left.bound, right.bound);
    }

    #[test]
    fn a_new_primary_key_still_opens_what_the_old_one_sealed() {
        let (old, both) = (keyset(&["a"]), keyset(&["b", "a"]));
        let (_, stored) = DataKey::generate(&old, &place("row", "key")).unwrap();
        assert!(DataKey::open_stored(&both, &place("row", "key"), &stored).is_ok());
        let gone = DataKey::open_stored(&keyset(&["b"]), &place("row", "key"), &stored);
        assert_eq!(gone.err(), Some(Error::UnknownKey("a".to_owned())));
    }

    #[test]
    fn a_mark_is_of_one_key_one_place_and_one_value() {
        let keyset = keyset(&["a"]);
        let (key, stored) = DataKey::generate(&keyset, &place("row", "key")).unwrap();
        let again = DataKey::open_stored(&keyset, &place("row", "key"), &stored).unwrap();
        let (other, _) = DataKey::generate(&keyset, &place("row", "key")).unwrap();
        let mark = key.mark(&place("row", "c"), b"value");
        assert_eq!(again.mark(&place("row", "c"), b"value"), mark);
        assert_ne!(other.mark(&place("row", "c"), b"value"), mark);
        assert_ne!(key.mark(&place("row", "d"), b"value"), mark);
        assert_ne!(key.mark(&place("row", "c"), b"values"), mark);
    }

    #[test]
    fn the_same_value_never_looks_the_same() {
        let keyset = keyset(&["a"]);
        let seal = || keyset.seal(&place("row", "c"), b"value").unwrap();
        assert_ne!(seal(), seal());
    }

    /// What was sealed before must open: the format and the cipher are AES-GCM as NIST SP 800-38D has it, here test case 16
    /// of its authors.
    #[test]
    fn the_cipher_is_the_published_one() {
        let hex = |text: &str| hex::decode(text).unwrap();
        let key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let named = NamedKey::new("k", key.as_slice().try_into().unwrap());
        let place = Place { bound: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2") };
        let text = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";
        let sealed = [
            vec![FORMAT, 1, b'k'],
            hex("cafebabefacedbaddecaf888"),
            hex(text),
            hex("76fc6ece0f4e1768cddf8853bb2d551b"),
        ];
        let opened = named.open(&place, &parts(&sealed.concat()).unwrap()).unwrap();
        let plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
        assert_eq!(hex::encode(opened), plain);
    }

    proptest! {
        #[test]
        fn every_changed_byte_is_refused(position in 0usize..200, flip in 1u8..) {
            let keyset = keyset(&["a"]);
            let mut sealed = keyset.seal(&place("row", "c"), b"value").unwrap();
            let position = position % sealed.len();
            sealed[position] ^= flip;
            prop_assert!(keyset.open(&place("row", "c"), &sealed).is_err());
        }

        #[test]
        fn any_bytes_are_refused_without_panic(bytes: Vec<u8>) {
            prop_assert!(keyset(&["a"]).open(&place("row", "c"), &bytes).is_err());
        }
    }
}
