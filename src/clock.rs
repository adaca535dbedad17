//! The wall clock, and the only place that reads it.
//!
//! Leases, schedules and expiries are compared in the database by its own `now()`; this clock serves what has to be decided
//! before a statement is sent (windows of a preview, expiry of a token) and can be fixed in tests.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};

/// A source of the current time, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds added to the system's time; tests move it.
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The current time, in UTC, with the clock's offset applied.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::milliseconds(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Moves this clock, and all its clones, by `delta`.
    pub fn advance(&self, delta: TimeDelta) {
        self.offset_ms.fetch_add(delta.num_milliseconds(), Ordering::Relaxed);
    }
}
