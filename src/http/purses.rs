//! What people have drawn from their minute's budget and not spent yet, so that Redis is not asked for each operation of whoever asks often.
//!
//! Whoever draws for the second time within a second draws a second's share of the budget ahead. So those who ask now and then draw what
//! they spend, and those who ask without end ask Redis twice a second at most. What is not spent is kept for a minute: as long as Redis
//! counts it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::domain::ids::UserId;

/// Whoever draws again within this time asks often.
const OFTEN: Duration = Duration::from_secs(1);
/// How long units can be spent after they were drawn.
const KEPT: Duration = Duration::from_secs(60);
/// So many purses are kept before those that are over are looked for.
const FEW: usize = 1_000;

/// A process's purses.
#[derive(Debug, Default)]
pub(super) struct Purses {
    all: HashMap<UserId, Purse>,
    /// At so many, those that are over are looked for.
    look_at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Purse {
    left: u32,
    drawn_at: Instant,
    /// When a share was to be drawn ahead: many operations at once draw one, and the others what they spend.
    ahead_at: Option<Instant>,
}

/// What has to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draw {
    /// What is spent now.
    Cost,
    /// And a second's share of the budget with it.
    Ahead,
}

impl Purses {
    /// Spends `cost` of what the person has.
    ///
    /// # Errors
    /// When they have too little: what has to be drawn.
    pub(super) fn spend(&mut self, user: UserId, cost: u32, now: Instant) -> Result<(), Draw> {
        let Some(purse) = self.all.get_mut(&user).filter(|purse| purse.is_good(now)) else { return Err(Draw::Cost) };
        if purse.left < cost {
            let is_recent = |then: Instant| now.saturating_duration_since(then) < OFTEN;
            if !is_recent(purse.drawn_at) || purse.ahead_at.is_some_and(is_recent) {
                return Err(Draw::Cost);
            }
            purse.ahead_at = Some(now);
            return Err(Draw::Ahead);
        }
        purse.left -= cost;
        Ok(())
    }

    /// Notes that something was drawn, and puts away what was drawn `ahead` of need.
    pub(super) fn fill(&mut self, user: UserId, ahead: u32, now: Instant) {
        let left = self.left(user, now).saturating_add(ahead);
        let ahead_at = self.all.get(&user).and_then(|purse| purse.ahead_at);
        self.all.insert(user, Purse { left, drawn_at: now, ahead_at });
        if self.all.len() >= self.look_at.max(FEW) {
            self.all.retain(|_, purse| purse.is_good(now));
            self.look_at = self.all.len() * 2;
        }
    }

    /// What the person has.
    pub(super) fn left(&self, user: UserId, now: Instant) -> u32 {
        self.all.get(&user).filter(|purse| purse.is_good(now)).map_or(0, |purse| purse.left)
    }
}

impl Purse {
    fn is_good(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.drawn_at) < KEPT
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHARE: u32 = 400;

    fn user(number: u128) -> UserId {
        UserId(uuid::Uuid::from_u128(number))
    }

    /// Spends or draws, as [`Limits`](super::super::limits::Limits) does; gives what was drawn.
    fn pay(purses: &mut Purses, user: UserId, cost: u32, now: Instant) -> u32 {
        let ahead = match purses.spend(user, cost, now) {
            Ok(()) => return 0,
            Err(Draw::Cost) => 0,
            Err(Draw::Ahead) => SHARE / cost * cost,
        };
        purses.fill(user, ahead, now);
        cost + ahead
    }

    proptest! {
        /// Whatever is asked and whenever: nobody spends what was not drawn, and nobody ever has more than a share and what was too little.
        #[test]
        fn what_is_spent_was_drawn(asked in prop::collection::vec((0..3_u128, 0..40_000_u64, 1..50_u32), 1..300)) {
            let mut purses = Purses::default();
            let mut now = Instant::now();
            let mut sums = HashMap::<u128, (u32, u32)>::new();
            for (who, after, cost) in asked {
                // Most come soon.
                now += Duration::from_millis(if after < 2_000 { after * 40 } else { after / 100 });
                let (spent, drawn) = sums.entry(who).or_default();
                *drawn += pay(&mut purses, user(who), cost, now);
                *spent += cost;
                let left = purses.left(user(who), now);
                prop_assert!(*spent + left <= *drawn);
                prop_assert!(left < SHARE + 50);
                prop_assert_eq!(purses.left(user(who), now + KEPT), 0);
            }
        }
    }

    #[test]
    fn who_asks_without_end_draws_now_and_then_and_who_asks_now_and_then_draws_what_they_spend() {
        let mut purses = Purses::default();
        let begun = Instant::now();
        let drawn = (0..1_000_u32).map(|n| pay(&mut purses, user(1), 4, begun + Duration::from_millis(10) * n));
        let drawn: Vec<u32> = drawn.filter(|units| *units > 0).collect();
        assert!(drawn.len() <= 20, "in ten seconds: {drawn:?}");
        assert!(drawn.iter().sum::<u32>() <= 4_000 + SHARE, "{drawn:?}");
        // Many at once draw one share.
        let at = begun + Duration::from_secs(20);
        pay(&mut purses, user(3), 4, at);
        let told: Vec<_> = (0..30).map(|_| purses.spend(user(3), 4, at)).collect();
        assert_eq!(told.iter().filter(|one| **one == Err(Draw::Ahead)).count(), 1, "{told:?}");
        for n in 0..5 {
            assert_eq!(pay(&mut purses, user(2), 4, begun + Duration::from_secs(2) * n), 4);
        }
    }

    #[test]
    fn purses_that_are_over_are_not_kept() {
        let mut purses = Purses::default();
        let begun = Instant::now();
        for n in 0..20_000_u32 {
            pay(&mut purses, user(n.into()), 4, begun + Duration::from_millis(100) * n);
        }
        assert!(purses.all.len() < 2 * FEW, "{}", purses.all.len());
    }
}
