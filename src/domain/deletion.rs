//! Deletions at the provider: what becomes here of what was deleted there.

use std::ops::RangeInclusive;

use super::{item::RawKind, words};

words! {
    /// What a deletion at the provider means here.
    DeletionKind {
        /// The item goes, and what is stored of it with it.
        Mirror = "mirror",
        /// It stays in sight, with the time since when the provider no longer has it.
        Keep = "keep",
        /// The item goes; what is stored of it stays for a while, so that an undo brings it back.
        Tombstone = "tombstone",
    }
}

/// What deletions at the provider mean for one account. Each follows the policy that it met; a new one changes no old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletionPolicy {
    pub kind: DeletionKind,
    /// How many days what is stored outlives its deletion under [`DeletionKind::Tombstone`].
    pub tombstone_days: i32,
}

impl DeletionPolicy {
    /// What `tombstone_days` may be.
    pub const DAYS: RangeInclusive<i32> = 1..=3_650;

    /// After how many days the versions of what has left the timeline are deleted; `None` means never.
    pub const fn purge_after_days(self) -> Option<i32> {
        match self.kind {
            DeletionKind::Mirror => Some(0),
            DeletionKind::Keep => None,
            DeletionKind::Tombstone => Some(self.tombstone_days),
        }
    }
}

/// Why an item is no longer what the consent brings in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The provider has deleted it.
    Deleted,
    /// It lies in the provider's bin, which is where people put what they delete.
    Trashed,
    /// A rule of the consent keeps it out now. That is no deletion: it goes under every policy.
    Outside,
}

/// The raw event that tells of a departure, given the newest one there is; `None` when that tells of it already.
pub fn marker(newest: RawKind, departure: Departure, policy: DeletionKind) -> Option<RawKind> {
    use Departure::{Deleted, Outside, Trashed};
    match (newest, departure) {
        (RawKind::Item, Deleted | Trashed) if policy == DeletionKind::Keep => Some(RawKind::Kept),
        // It was thrown away before, and that stays as it was decided then.
        (RawKind::Kept, Deleted | Trashed) | (RawKind::Gone, Deleted) => None,
        (RawKind::Item | RawKind::Departed, Deleted) => Some(RawKind::Gone),
        (_, Trashed | Outside) => Some(RawKind::Departed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_sight_stays_only_when_it_was_deleted_under_keep() {
        use DeletionKind::{Keep, Mirror, Tombstone};
        use Departure::{Deleted, Outside, Trashed};
        use RawKind::{Departed, Gone, Item, Kept};
        for (newest, departure, under_keep, otherwise) in [
            (Item, Deleted, Some(Kept), Some(Gone)),
            (Item, Trashed, Some(Kept), Some(Departed)),
            (Item, Outside, Some(Departed), Some(Departed)),
            // What is out of sight never comes back by being deleted once more.
            (Departed, Deleted, Some(Gone), Some(Gone)),
            (Departed, Trashed, Some(Departed), Some(Departed)),
            (Departed, Outside, Some(Departed), Some(Departed)),
            (Gone, Deleted, None, None),
            (Gone, Trashed, Some(Departed), Some(Departed)),
            (Gone, Outside, Some(Departed), Some(Departed)),
            // What was kept stays, whatever the policy is by now, until it leaves the consent.
            (Kept, Deleted, None, None),
            (Kept, Trashed, None, None),
            (Kept, Outside, Some(Departed), Some(Departed)),
        ] {
            let told = |policy| marker(newest, departure, policy);
            let case = format!("{newest} {departure:?}");
            assert_eq!((told(Keep), told(Mirror), told(Tombstone)), (under_keep, otherwise, otherwise), "{case}");
        }
    }

    #[test]
    fn versions_outlive_a_deletion_as_the_policy_says() {
        let after = |kind| DeletionPolicy { kind, tombstone_days: 30 }.purge_after_days();
        let days = [DeletionKind::Mirror, DeletionKind::Keep, DeletionKind::Tombstone].map(after);
        assert_eq!(days, [Some(0), None, Some(30)]);
    }
}
