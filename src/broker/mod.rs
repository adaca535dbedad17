//! Redis: the queue's doorbell, hints of progress, budgets of quota, breakers, locks, and documents by their hashes.
//!
//! Nothing here is the truth of anything. Whatever Redis loses is found again in the database, so every caller may carry
//! on when a call fails. This room does not know what a job does, what a provider is, or who listens to a hint.

mod breaker;
mod connection;
mod documents;
mod locks;
mod progress;
mod queue;
mod quota;
#[cfg(test)]
pub(crate) mod test_redis;

pub use breaker::{Admitted, BreakerState, Scope, Tally};
pub use connection::{Broker, Error};
pub use locks::Lock;
pub use progress::Topic;
pub use queue::{OUTSTANDING_CAP, Ring};
pub use quota::{Budget, Drawn};
