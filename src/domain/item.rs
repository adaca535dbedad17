//! Items: the ledger of every provider id ever seen in a stream.

use super::words;

words! {
    /// What became of one provider id.
    ItemOutcome {
        /// Seen, not fetched yet.
        Pending = "pending",
        /// Fetched and stored.
        Stored = "stored",
        /// Listed again and already stored in this version.
        Unchanged = "unchanged",
        /// Left out by the approved filter; the rule is named beside it.
        Filtered = "filtered",
        /// Could not be fetched or read; the reason and the next try stand beside it.
        Failed = "failed",
        /// No longer at the provider.
        Gone = "gone",
        /// Taken back by an undo.
        Undone = "undone",
    }
}

words! {
    /// What one raw event of an item is.
    RawKind {
        /// A version of it, as the provider sent it.
        Item = "item",
        /// The provider's record that it was deleted: it is out of sight.
        Gone = "gone",
        /// It has left the consent: it is out of sight, and the event holds nothing of it.
        Departed = "departed",
        /// It was deleted at the provider, and stays in sight as its newest version says.
        Kept = "kept",
    }
}

impl RawKind {
    /// Whether an item whose newest raw event is this has a place on the timeline.
    pub const fn is_in_sight(self) -> bool {
        matches!(self, Self::Item | Self::Kept)
    }
}
