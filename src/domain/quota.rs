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

/// How long `units` take at `units_per_minute`. A minute's budget is there at the start.
pub fn duration(units: u64, units_per_minute: u32) -> Duration {
    let per_minute = u64::from(units_per_minute.max(1));
    Duration::from_millis(units.saturating_sub(per_minute).saturating_mul(60_000) / per_minute)
}
