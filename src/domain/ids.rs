//! Typed ids, so that one table's id cannot be passed for another's.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id whose order follows its time of birth (UUID version 7).
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A person who uses an application built on omnisync.
    UserId,
    /// A linked identity at a provider.
    AccountId,
    /// One cursor's worth of a service: a mailbox, or one calendar.
    StreamId,
    /// A stored draft of what a sync would bring in.
    PreviewId,
    /// What one approve, or one later run under the same consent, brought in.
    BatchId,
    /// A unit of background work.
    JobId,
    /// A row of the timeline.
    InteractionId,
    /// Someone whom the owner knows, under whichever addresses.
    ContactId,
}

impl UserId {
    /// The id of the person a token names.
    ///
    /// A pure function of the issuer and the subject (RFC 7519, `iss` and `sub`), so that finding out who asks needs no
    /// query and no table that all tenants share.
    pub fn of_subject(issuer: &str, subject: &str) -> Self {
        // Length first, so that no two pairs can spell the same name.
        let name = format!("{}:{issuer}{subject}", issuer.len());
        Self(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
    }
}

impl InteractionId {
    /// The id of a row of the timeline: a function of what it is projected from.
    ///
    /// A row that goes away and comes back, or a timeline that is rebuilt, keeps its ids.
    pub fn of_source(stream: StreamId, group: &str, occurrence: &str) -> Self {
        let name = format!("{}:{group}{occurrence}", group.len());
        Self(Uuid::new_v5(&stream.0, name.as_bytes()))
    }
}

impl ContactId {
    /// The id of the contact that an address is by itself: it comes back with the address, whatever happened meanwhile.
    pub fn of_address(user: UserId, address: &str) -> Self {
        Self(Uuid::new_v5(&user.0, address.as_bytes()))
    }

    /// The id of the contact that an address begins when it leaves the one which bears its own id.
    pub fn apart(user: UserId, address: &str) -> Self {
        // No address begins with a line's end.
        Self(Uuid::new_v5(&user.0, format!("\n{address}").as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_issuer_and_subject_together() {
        assert_eq!(UserId::of_subject("a", "bc"), UserId::of_subject("a", "bc"));
        assert_ne!(UserId::of_subject("a", "bc"), UserId::of_subject("ab", "c"));
    }
}
