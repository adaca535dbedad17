//! Quota in the provider's own units, and what a run will cost.
//!
//! Source: Gmail API usage limits, as published for new projects from 2026-05-01; Calendar API quota page.

use std::time::Duration;

use super::account::Service;

/// A call and its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Gmail `users.getProfile`.
    GmailProfile,
    /// Gmail `settings.sendAs.list`.
    GmailAddresses,
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
    /// What is called.
    pub const fn service(self) -> Service {
        match self {
            Self::Calendar => Service::Calendar,
            Self::GmailProfile
            | Self::GmailAddresses
            | Self::GmailLabels
            | Self::GmailList
            | Self::GmailGet
            | Self::GmailHistory => Service::Gmail,
        }
    }

    /// A service's cheapest call.
    pub const fn cheapest(service: Service) -> Self {
        match service {
            Service::Gmail => Self::GmailProfile,
            Service::Calendar => Self::Calendar,
        }
    }

    /// Gmail units, or Calendar requests.
    pub const fn units(self) -> u32 {
        match self {
            Self::GmailProfile | Self::GmailAddresses | Self::GmailLabels | Self::Calendar => 1,
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

/// Units to bring in `messages` mails: ask for the profile and the addresses, list them all, then get each.
pub const fn gmail_units(messages: u64) -> u64 {
    let pages = messages.div_ceil(GMAIL_PAGE as u64);
    2 + pages * Call::GmailList.units() as u64 + messages * Call::GmailGet.units() as u64
}

/// How long a minute's budget takes to come back, in milliseconds: the ledger counts whole seconds, and rounds them up.
const MINUTE_MS: u64 = 61_000;

/// How long it takes until `units` more are drawn, by someone who draws whatever there is. `spent` says what of the budget is
/// spent: in how long it comes back, soonest first, and how many units.
///
/// What is there is drawn at once. What comes back is drawn when it does, and so comes back again a minute later: from
/// then on each minute is like the one before.
pub fn wait_for(units: u64, units_per_minute: u32, spent: &[(Duration, u32)]) -> Duration {
    let budget = u64::from(units_per_minute.max(1));
    let used: u64 = spent.iter().map(|(_, units)| u64::from(*units)).sum();
    let Some(rest) = units.checked_sub(budget.saturating_sub(used)).filter(|rest| *rest > 0) else {
        return Duration::ZERO;
    };
    let (minutes, last) = ((rest - 1) / budget, (rest - 1) % budget + 1);
    let mut back = 0;
    let last_at = spent.iter().find_map(|(at, units)| {
        back += u64::from(*units);
        (back >= last).then_some(*at)
    });
    Duration::from_millis(minutes.saturating_mul(MINUTE_MS)) + last_at.unwrap_or(Duration::from_millis(MINUTE_MS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_run_goes_ahead_by_a_minutes_budget_at_a_time() {
        let secs = |units, per_minute| wait_for(units, per_minute, &[]).as_secs();
        assert_eq!([secs(0, 1_200), secs(1_200, 1_200), secs(1_201, 1_200)], [0, 0, 61]);
        // Measured: 154 mails (3,154 units with listing, history and preview) took 122 s.
        assert_eq!(secs(3_154, 1_200), 122);
        // 2,000 mails in nine minutes.
        assert_eq!(secs(gmail_units(2_000), 4_500), 488);
    }

    #[test]
    fn what_is_spent_is_waited_for_in_the_order_it_comes_back() {
        let spent = [(Duration::from_secs(10), 300), (Duration::from_secs(40), 500)];
        for (units, secs) in [(400, 0), (401, 10), (700, 10), (701, 40), (1_200, 40), (1_201, 61), (1_600, 61)] {
            assert_eq!(wait_for(units, 1_200, &spent), Duration::from_secs(secs), "{units}");
        }
        // The minute after is the same again.
        for (units, secs) in [(1_601, 71), (1_901, 101), (2_401, 122), (400 + 1_200 * 8 + 300, 498)] {
            assert_eq!(wait_for(units, 1_200, &spent), Duration::from_secs(secs), "{units}");
        }
    }

    proptest! {
        /// The sum agrees with drawing unit by unit.
        #[test]
        fn waiting_is_as_long_as_drawing_takes(
            units in 1..400u64,
            budget in 1..60u32,
            spent in prop::collection::vec((1..=61u64, 1..20u32), 0..6),
        ) {
            let mut spent: Vec<(u64, u32)> = spent;
            spent.sort_unstable();
            let mut room = budget;
            spent.retain(|(_, units)| room.checked_sub(*units).map(|left| room = left).is_some());
            // Each unit of the budget is free from a time on; the one that is free first is drawn.
            let mut free: Vec<u64> = vec![0; room as usize];
            spent.iter().for_each(|(back, units)| free.extend(std::iter::repeat_n(*back, *units as usize)));
            let mut now = 0;
            for _ in 0..units {
                let first = free.iter_mut().min().expect("a budget");
                now = now.max(*first);
                *first = now + 61;
            }
            let spent: Vec<_> = spent.iter().map(|(back, units)| (Duration::from_secs(*back), *units)).collect();
            prop_assert_eq!(wait_for(units, budget, &spent), Duration::from_secs(now));
        }
    }
}
