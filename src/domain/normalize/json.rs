//! The provider's JSON, read forgivingly in form and silently in error: no message repeats what it read.

use std::{borrow::Cow, str::FromStr};

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Deserializer, de};

use super::Unreadable;

/// Reads a payload; strings without escapes are borrowed from it.
///
/// # Errors
/// When it is not JSON, or a field is not of its documented type.
pub(super) fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Unreadable> {
    // serde_json's own text quotes the value it did not expect.
    serde_json::from_slice(json)
        .map_err(|error| Unreadable::Shape(format!("{:?} error in column {}", error.classify(), error.column())))
}

/// A copy of the payload in which every escape of half a character (a lone surrogate) is the replacement character.
///
/// JavaScript and Java cut texts in the middle of a character, and their JSON says so; no Rust string can.
pub(super) fn mend(json: &[u8]) -> Vec<u8> {
    let mut out = json.to_vec();
    let mut at = 0;
    while at < out.len() {
        if out[at] != b'\\' {
            at += 1;
            continue;
        }
        match (surrogate(&out[at..]), surrogate(out.get(at + 6..).unwrap_or_default())) {
            (None, _) => at += 2,
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(_), _) => {
                out[at + 2..at + 6].copy_from_slice(b"fffd");
                at += 6;
            }
        }
    }
    out
}

/// The surrogate that an escape at the start of `json` names.
fn surrogate(json: &[u8]) -> Option<u16> {
    let digits = json.strip_prefix(b"\\u")?.get(..4)?;
    let code = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xd800..=0xdfff).contains(&code).then_some(code)
}

/// A number that the provider writes as a string, or, in some places, as a number.
pub(super) fn number<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written<'x> {
        Number(i64),
        Text(#[serde(borrow)] Cow<'x, str>),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Number(number) => Cow::Owned(number.to_string()),
        Written::Text(text) => text,
    };
    text.parse().map_err(|_| de::Error::custom("not a number"))
}

/// A moment that every store can hold: one in the years 1 to 9999.
pub(super) fn storable(moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (1..=9999).contains(&moment.year()).then_some(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_mended_and_pairs_are_kept() {
        for (json, mended) in [
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""a\ud83d""#, r#""a\ufffd""#),
            (r#""\ude00\uD83D\n""#, r#""\ufffd\ufffd\n""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
        ] {
            assert_eq!(String::from_utf8_lossy(&mend(json.as_bytes())), mended);
        }
    }
}
