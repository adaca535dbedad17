//! Quota in the provider's own units, and what a run will cost.
//!
//! Source: Gmail API usage limits, as published for new projects from 2026-05-01; Calendar API quota page.

use std::time::Duration;

/// A call and its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Gmail `users.getProfile`.
    GmailProfile,
    /// Gmail `labels.list`.
    GmailLabels,
    /// Gmail `messages.list`, up to 500 ids.
    GmailList,
    /// Gmail `messages.get`, in any format.
    GmailGet,
    /// Gmail `history.list`, up to 500 records.
    GmailHistory,
    /// Any Calendar call.
    Calendar,
}

impl Call {
    /// Gmail units, or Calendar requests.
    pub const fn units(self) -> u32 {
        match self {
            Self::GmailProfile | Self::GmailLabels | Self::Calendar => 1,
            Self::GmailHistory => 2,
            Self::GmailList => 5,
            Self::GmailGet => 20,
        }
    }
}

/// Ids in one page of `messages.list`: its documented maximum.
pub const GMAIL_PAGE: u32 = 500;
/// Events in one page of `events.list`. The documented maximum is 2,500; a page is held in memory, so we take fewer.
pub const CALENDAR_PAGE: u32 = 250;

/// Units to bring in `messages` mails: list them all, then get each.
pub const fn gmail_units(messages: u64) -> u64 {
    let pages = messages.div_ceil(GMAIL_PAGE as u64);
    1 + pages * Call::GmailList.units() as u64 + messages * Call::GmailGet.units() as u64
}

/// How long a minute's budget takes to come back, in milliseconds: the ledger counts whole seconds, and rounds them up.
const MINUTE_MS: u64 = 61_000;

/// How long `units` take at `units_per_minute`.
///
/// What is drawn comes back a minute later, and a run draws whatever there is, so it goes ahead by a minute's budget at a
/// time; the first is there at the start.
pub fn duration(units: u64, units_per_minute: u32) -> Duration {
    let waits = units.saturating_sub(1) / u64::from(units_per_minute.max(1));
    Duration::from_millis(waits.saturating_mul(MINUTE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_ahead_by_a_minutes_budget_at_a_time() {
        let secs = |units, per_minute| duration(units, per_minute).as_secs();
        assert_eq!([secs(0, 1_200), secs(1_200, 1_200), secs(1_201, 1_200)], [0, 0, 61]);
        // Measured: 154 mails (3,154 units with listing, history and preview) took 122 s.
        assert_eq!(secs(3_154, 1_200), 122);
        // 2,000 mails in nine minutes.
        assert_eq!(secs(gmail_units(2_000), 4_500), 488);
    }
}
