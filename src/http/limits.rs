//! What one person may have under way at once, and ask for in a minute.
//!
//! Places are a process's own: they keep one person from having it to themselves. The minute's budget is shared by all
//! processes, through Redis, from which a process draws some of it ahead; while that is away, the places are what is left.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use async_graphql::{ServerError, parser::types::OperationType};

use super::{
    dispensable::Dispensable,
    purses::{Draw, Purses},
};
use crate::{
    broker::{Broker, Budget, Drawn},
    config,
    domain::ids::UserId,
    graphql::code::Code,
    meters,
};

/// Keeps the count. Cheap to clone.
#[derive(Clone)]
pub(super) struct Limits {
    taken: Arc<Mutex<HashMap<UserId, Taken>>>,
    redis: Dispensable,
    purses: Arc<Mutex<Purses>>,
    max_running: usize,
    max_subscriptions: usize,
    cost_per_minute: u32,
}

/// What one person has under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    running: usize,
    subscriptions: usize,
}

impl Taken {
    fn of(&mut self, kind: OperationType) -> &mut usize {
        match kind {
            OperationType::Query | OperationType::Mutation => &mut self.running,
            OperationType::Subscription => &mut self.subscriptions,
        }
    }
}

/// One operation's place, free again when it is dropped.
#[must_use = "the place is free again when it is dropped"]
pub(super) struct Place {
    taken: Arc<Mutex<HashMap<UserId, Taken>>>,
    user: UserId,
    kind: OperationType,
}

impl Drop for Place {
    fn drop(&mut self) {
        meters::live(word(self.kind), false);
        let mut all = lock(&self.taken);
        if let Some(taken) = all.get_mut(&self.user) {
            *taken.of(self.kind) -= 1;
            if *taken == Taken::default() {
                all.remove(&self.user);
            }
        }
    }
}

/// As metrics name it.
const fn word(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Limits {
    pub(super) fn new(config: &config::GraphQl, broker: Broker) -> Self {
        Self {
            taken: Arc::default(),
            redis: Dispensable::new(broker),
            purses: Arc::default(),
            max_running: config.max_running,
            max_subscriptions: config.max_subscriptions,
            cost_per_minute: config.cost_per_minute,
        }
    }

    /// Takes a place for an operation of this kind.
    ///
    /// # Errors
    /// [`Code::TooManyOperations`] when the person has as many under way as a person may.
    pub(super) fn enter(&self, user: UserId, kind: OperationType) -> Result<Place, ServerError> {
        let (most, what) = match kind {
            OperationType::Query | OperationType::Mutation => (self.max_running, "queries and mutations running"),
            OperationType::Subscription => (self.max_subscriptions, "subscriptions open"),
        };
        let mut all = lock(&self.taken);
        let n_taken = all.entry(user).or_default().of(kind);
        if *n_taken >= most {
            let message = format!("You have {most} {what} at once, and no more may be. Let one of them end.");
            return Err(Code::TooManyOperations.over(most, message));
        }
        *n_taken += 1;
        meters::live(word(kind), true);
        Ok(Place { taken: self.taken.clone(), user, kind })
    }

    /// Draws the cost of an operation from the person's minute.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the seconds to wait.
    pub(super) async fn pay(&self, user: UserId, cost: usize) -> Result<(), ServerError> {
        // A document over the minute's budget is over that of a document, which is smaller.
        let cost = u32::try_from(cost).unwrap_or(u32::MAX).min(self.cost_per_minute);
        let ahead = match lock(&self.purses).spend(user, cost, Instant::now()) {
            Ok(()) => return Ok(()),
            Err(Draw::Cost) => 0,
            Err(Draw::Ahead) => self.cost_per_minute / 60 / cost.max(1),
        };
        let budgets = [Budget { key: key(user), units_per_minute: self.cost_per_minute }];
        let wait = match self.redis.ask(async |broker| broker.draw(&budgets, cost, 1..=1 + ahead).await).await {
            None => return Ok(()),
            Some(Drawn::Granted(times)) => {
                lock(&self.purses).fill(user, cost * times.saturating_sub(1), Instant::now());
                return Ok(());
            }
            Some(Drawn::Wait(wait)) => wait,
        };
        let seconds = wait.as_secs() + 1;
        let most = self.cost_per_minute;
        let message = format!("What you ask for in a minute may cost {most}. Try again in {seconds} s.");
        let mut error = Code::RateLimited.over(most as usize, message);
        error.extensions.get_or_insert_default().set("retryAfterSeconds", seconds);
        Err(error)
    }

    /// What is left of the person's minute; `None` while nobody knows.
    pub(super) async fn left(&self, user: UserId) -> Option<u32> {
        let spent = self.redis.ask(async |broker| broker.spent(&key(user)).await).await?;
        let left = spent.iter().fold(self.cost_per_minute, |left, (_, cost)| left.saturating_sub(*cost));
        Some(left.saturating_add(lock(&self.purses).left(user, Instant::now())))
    }
}

fn key(user: UserId) -> String {
    format!("api:{user}")
}
