//! Habits of Google that a test turns on: none of them is a fault, and a client has to live with all.

use serde::{Deserialize, Serialize};

/// Habits. At the start history is kept for a week, and all else is off. Not kept over a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Behaviour {
    /// For how many seconds `history.list` does not know of a change that everything else shows.
    pub history_lag_secs: u32,
    /// For how many hours history is kept: who asks for what came after an older change gets a 404. Google says it is a week as
    /// a rule, and in rare cases only hours.
    pub history_hours: u32,
    /// Every list of events begins with an empty page, and every page with events is followed by one.
    pub empty_pages: bool,
    /// The parts of a batch come back in an order that follows from this seed, instead of their own.
    pub shuffle_batches: Option<u64>,
    /// Each refresh gives a new refresh token and ends the one it was asked with.
    pub rotate_refresh_tokens: bool,
    /// The app is in testing: refresh tokens end after 7 days, and token replies say so.
    pub in_testing: bool,
    /// How many seconds a revoked token goes on working.
    pub revoke_delay_secs: u32,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            history_lag_secs: 0,
            history_hours: 7 * 24,
            empty_pages: false,
            shuffle_batches: None,
            rotate_refresh_tokens: false,
            in_testing: false,
            revoke_delay_secs: 0,
        }
    }
}
