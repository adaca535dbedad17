//! Believable mail and meetings, the same for the same seed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{error::Error, world::Account};

/// How much to invent, and when it is supposed to have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generate {
    /// The same seed gives the same account.
    pub seed: u64,
    /// Messages in all, Spam and Trash included.
    pub messages: usize,
    /// Events in all calendars: masters, singles and exceptions.
    pub events: usize,
    /// How many months before `now` it begins.
    pub months: u32,
    /// The moment it ends; meetings go on for a while after.
    pub now: DateTime<Utc>,
}

impl Generate {
    /// The usual account: 2,000 messages and 300 events over the year before `now`.
    pub fn usual(now: DateTime<Utc>) -> Self {
        Self { seed: 1, messages: 2_000, events: 300, months: 12, now }
    }
}

pub(super) fn fill(_account: &Account, _generate: &Generate) -> Result<(), Error> {
    Ok(())
}
