//! The sandbox's own clock: the wall clock moved by an offset that tests push forward.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// A virtual clock. Everything the sandbox dates or lets expire reads it.
#[derive(Debug, Default)]
pub(super) struct VirtualClock {
    offset_ms: AtomicI64,
}

impl VirtualClock {
    /// The sandbox's current time.
    #[expect(clippy::disallowed_methods, reason = "the sandbox shares no line with the program, its clock included")]
    pub(super) fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::milliseconds(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Moves the clock by so many milliseconds.
    pub(super) fn advance_ms(&self, ms: i64) {
        self.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }
}
