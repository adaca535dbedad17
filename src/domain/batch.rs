//! Batches: their states and the legal moves between them.
//!
//! ```text
//! queued ──> running ──> succeeded | partial | failed | cancelled
//!    │         │  ^             │         │
//!    │         │  └── retry ────┴─────────┘
//!    └─────────┴────────> undoing ──> undone ──> redoing ──> as it was before
//! ```
//! A preview row is the draft; a batch is born queued, by `approve`. `paused` stands beside `queued` and `running`.

use super::words;

words! {
    /// Where a batch stands.
    BatchState {
        /// Approved; no worker has begun.
        Queued = "queued",
        /// Workers fetch and normalize.
        Running = "running",
        /// Held by the person; nothing is fetched until it is resumed.
        Paused = "paused",
        /// Every listed item has a good outcome.
        Succeeded = "succeeded",
        /// Finished, but some items failed; they are listed with their reasons.
        Partial = "partial",
        /// Could not finish; the reason says what to do.
        Failed = "failed",
        /// Stopped by the person; what had come in stays until it is undone.
        Cancelled = "cancelled",
        /// Being taken back.
        Undoing = "undoing",
        /// Taken back.
        Undone = "undone",
        /// What was taken back comes back.
        Redoing = "redoing",
    }
}

impl BatchState {
    /// Whether nothing will change any more unless the person asks for it.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Partial | Self::Failed | Self::Cancelled | Self::Undone)
    }

    /// Whether workers may still write under this batch.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Paused)
    }
}

words! {
    /// Why a batch exists.
    BatchOrigin {
        /// The person approved a preview.
        Approve = "approve",
        /// A later run under a consent approved before: by schedule or by request.
        Sync = "sync",
        /// A later run that lists everything anew and compares it with the ledger.
        Audit = "audit",
    }
}
