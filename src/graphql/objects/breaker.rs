//! Breakers: whether a provider that has failed is asked at the moment.

use async_graphql::{Context, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::words::{BreakerScope, BreakerState, Service};
use crate::{
    broker,
    domain::{account, ids::AccountId},
    graphql::error::{app, failed},
};

/// Whether a service is asked at the moment. A provider that fails too often is left alone for a while; running batches
/// wait for it, and `preview`, `approve`, `calendars` and `labels` are refused with `PROVIDER_UNAVAILABLE`.
#[derive(SimpleObject)]
pub(crate) struct Breaker {
    /// The service.
    service: Service,
    /// Whose calls it counts.
    scope: BreakerScope,
    /// How it stands.
    state: BreakerState,
    /// When the provider is asked again, in state `OPEN`; `null` otherwise.
    open_until: Option<DateTime<Utc>>,
}

/// Those that an account's calls pass, service by service.
///
/// # Errors
/// When Redis does not answer.
pub(crate) async fn of_account(ctx: &Context<'_>, account: AccountId) -> Result<Vec<Breaker>> {
    let scopes = [broker::Scope::Account(account), broker::Scope::Project];
    let passed: Vec<_> =
        account::Service::ALL.iter().flat_map(|service| scopes.map(|scope| (*service, scope))).collect();
    let states = app(ctx)?.broker.breaker_states(&passed).await.map_err(|error| failed(ctx, error))?;
    let breaker = |((service, scope), state): ((account::Service, broker::Scope), broker::BreakerState)| {
        let (state, open_until) = match state {
            broker::BreakerState::Closed => (BreakerState::Closed, None),
            broker::BreakerState::Open(until) => (BreakerState::Open, Some(until)),
            broker::BreakerState::HalfOpen => (BreakerState::HalfOpen, None),
        };
        let scope = match scope {
            broker::Scope::Account(_) => BreakerScope::Account,
            broker::Scope::Project => BreakerScope::Project,
        };
        Breaker { service: service.into(), scope, state, open_until }
    };
    Ok(passed.into_iter().zip(states).map(breaker).collect())
}
