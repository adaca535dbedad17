//! What deletions at the provider mean for an account.

use async_graphql::{ID, InputObject, SimpleObject};

use super::words::DeletionPolicyKind;
use crate::domain::deletion::{self, DeletionKind};

/// What becomes here of what is deleted at the provider.
#[derive(SimpleObject)]
pub(crate) struct DeletionPolicy {
    /// Whether it goes, stays, or goes and can be had back for a while.
    kind: DeletionPolicyKind,
    /// For how many days it can be had back; `null` unless the kind is `TOMBSTONE`.
    days: Option<i32>,
}

impl From<deletion::DeletionPolicy> for DeletionPolicy {
    fn from(policy: deletion::DeletionPolicy) -> Self {
        let days = (policy.kind == DeletionKind::Tombstone).then_some(policy.tombstone_days);
        Self { kind: policy.kind.into(), days }
    }
}

/// What deletions shall mean from now on.
#[derive(InputObject)]
pub(crate) struct SetDeletionPolicyInput {
    /// The account.
    pub(crate) account_id: ID,
    /// What becomes of what is deleted.
    pub(crate) kind: DeletionPolicyKind,
    /// For how many days it can be had back, 1 to 3,650; for `TOMBSTONE` only. Left out, it stays as it was, which is 30 at
    /// first.
    pub(crate) days: Option<i32>,
}
