//! Batches: their states, the legal moves between them, and their counters.
//!
//! ```text
//! queued ──> running ──> succeeded | partial | failed | cancelled
//!    │         │  ^             │         │
//!    │         │  └── retry ────┴─────────┘
//!    └─────────┴────────> undoing ──> undone
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

    /// Whether a batch may go from this state to `next`.
    pub const fn may_become(self, next: Self) -> bool {
        use BatchState::{Cancelled, Failed, Partial, Paused, Queued, Running, Succeeded, Undoing, Undone};
        match self {
            Queued => matches!(next, Running | Paused | Failed | Cancelled | Undoing),
            Running => matches!(next, Paused | Succeeded | Partial | Failed | Cancelled | Undoing),
            Paused => matches!(next, Queued | Running | Cancelled | Undoing),
            Partial | Failed => matches!(next, Running | Undoing),
            Succeeded | Cancelled => matches!(next, Undoing),
            Undoing => matches!(next, Undone),
            Undone => false,
        }
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
