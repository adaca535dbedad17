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
