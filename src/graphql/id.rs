//! Ids as clients see them: opaque, and typed, so that a batch's id is never taken for an account's.

use async_graphql::ID;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::{db::threads::ThreadKey, domain::ids::AccountId};

/// The kinds of objects that have ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Account,
    Stream,
    Preview,
    Batch,
    Job,
    Interaction,
    Contact,
    AuditEntry,
    Viewer,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Account,
        Self::Stream,
        Self::Preview,
        Self::Batch,
        Self::Job,
        Self::Interaction,
        Self::Contact,
        Self::AuditEntry,
        Self::Viewer,
    ];
}

/// The id of an object.
pub(super) fn encode(kind: Kind, id: Uuid) -> ID {
    URL_SAFE_NO_PAD.encode(format!("{kind:?}:{}", id.simple())).into()
}

/// The id of a part of a mail, such as a file.
pub(super) fn encode_part(interaction: Uuid, part: u32) -> ID {
    URL_SAFE_NO_PAD.encode(format!("Attachment:{}:{part}", interaction.simple())).into()
}

/// The id of a thread: its account, and the provider's id in that.
pub(super) fn encode_thread((account, thread): &ThreadKey) -> ID {
    URL_SAFE_NO_PAD.encode(format!("Thread:{}:{thread}", account.0.simple())).into()
}

/// The thread that an id names; `None` when it names none.
pub(super) fn decode_thread(id: &ID) -> Option<ThreadKey> {
    // Providers' ids have at most 1,024 characters.
    let bytes = URL_SAFE_NO_PAD.decode(Some(id.as_str()).filter(|id| id.len() <= 1_500)?).ok()?;
    let (account, thread) = std::str::from_utf8(&bytes).ok()?.strip_prefix("Thread:")?.split_once(':')?;
    let is_plain = !thread.is_empty() && !thread.contains('\0');
    Some((AccountId(Uuid::try_parse(account).ok()?), thread.to_owned())).filter(|_| is_plain)
}

/// What an id names; `None` when it is not one of ours.
pub(super) fn decode(id: &ID) -> Option<(Kind, Uuid)> {
    // The longest of ours has 59 characters; anything much longer is not worth decoding.
    let bytes = URL_SAFE_NO_PAD.decode(Some(id.as_str()).filter(|id| id.len() <= 100)?).ok()?;
    let (kind, uuid) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    let kind = Kind::ALL.into_iter().find(|known| format!("{known:?}") == kind)?;
    Some((kind, Uuid::try_parse(uuid).ok()?))
}

/// The UUID in an id of this kind.
pub(super) fn decode_as(kind: Kind, id: &ID) -> Option<Uuid> {
    decode(id).filter(|(found, _)| *found == kind).map(|(_, uuid)| uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_kind() {
        let uuid = Uuid::now_v7();
        let id = encode(Kind::Batch, uuid);
        assert_eq!(decode(&id), Some((Kind::Batch, uuid)));
        assert_eq!(decode_as(Kind::Account, &id), None);
    }

    #[test]
    fn a_thread_is_named_by_its_account_and_whatever_the_provider_calls_it() {
        for thread in ["18c2a5b7", "series:with:colons", &"é".repeat(500)] {
            let key = (AccountId(Uuid::now_v7()), thread.to_owned());
            assert_eq!(decode_thread(&encode_thread(&key)), Some(key));
        }
        assert_eq!(decode_thread(&encode(Kind::Batch, Uuid::now_v7())), None);
        let broken = URL_SAFE_NO_PAD.encode(format!("Thread:{}:a\0", Uuid::nil().simple()));
        assert_eq!(decode_thread(&broken.into()), None);
    }

    #[test]
    fn anything_else_is_no_id() {
        for text in ["", "x", "QmF0Y2g6", "4pyT", &"A".repeat(1_000_000), "\u{0}", "QmF0Y2g6bm90LWEtdXVpZA"] {
            assert_eq!(decode(&ID::from(text)), None);
        }
    }
}
