//! Calls to the provider: leave is asked before, and how they went is told after.
//!
//! Whatever is read of an account passes here, so that every call is paid for, counted by the breakers, and metered. What
//! renews or ends the grant itself does not: it goes to another of the provider's servers, which has no price.

use std::{future::Future, ops::RangeInclusive, time::Duration};

use tokio::time::Instant;

use super::{Refusal, Result, session::Session};
use crate::{
    app::App,
    broker::{Admitted, Budget, Drawn, Tally},
    domain::{
        account::Service,
        ids::AccountId,
        job::{BREAKER, BUDGET, THROTTLED},
        quota::Call,
    },
    meters,
    providers::{self, Class, Provider},
};

/// How long someone who waits for the answer is kept waiting for leave.
const PATIENCE: Duration = Duration::from_secs(3);

/// Until when no call is to be made, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) until: Instant,
    /// The reason in one word: one of [`WAITS`](crate::domain::job::WAITS).
    pub(super) class: &'static str,
}

impl Hold {
    fn after(wait: Duration, class: &'static str) -> Self {
        Self { until: Instant::now() + wait, class }
    }

    /// How much longer.
    pub(super) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// The same to someone who waits for the answer.
    fn refusal(self) -> Refusal {
        let seconds = u64::try_from(self.left().as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1);
        if self.class == BREAKER { Refusal::ProviderFailing { seconds } } else { Refusal::Throttled { seconds } }
    }
}

/// What asking for leave came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// So many calls may be made; they are paid.
    Granted(usize),
    /// None may be made now.
    Held(Hold),
}

/// What one call came to.
pub(super) enum Called<T> {
    Answered(T),
    Refused(providers::Error),
    /// It was not made, or the provider fails at large, which is not this call's doing.
    Held(Hold),
}

/// What the calls of an account to a service are paid from: its own budget and that of all accounts together.
pub(super) fn budgets(app: &App, service: Service, account: AccountId) -> [Budget; 2] {
    let quota = &app.config.quota;
    let (per_user, per_project) = match service {
        Service::Gmail => (quota.gmail_units_per_minute, quota.gmail_project_units_per_minute),
        Service::Calendar => (quota.calendar_requests_per_minute, quota.calendar_project_requests_per_minute),
    };
    [
        Budget { key: format!("{service}:{account}"), units_per_minute: per_user },
        Budget { key: format!("{service}:project"), units_per_minute: per_project },
    ]
}

/// Counts a call that was made: a failure is what the provider did not answer properly. A refusal is a proper answer.
pub(super) fn count<T>(tally: &mut Tally, service: Service, outcome: &Result<T, providers::Error>) {
    tally.calls += 1;
    tally.failed += u32::from(outcome.as_ref().is_err_and(|error| error.class == Class::Transient));
    meters::called(service.as_str(), outcome.as_ref().err().map_or("ok", |error| error.class.as_str()));
}

impl Session {
    /// Asks for leave to make some calls of one kind, and pays for as many as may be made.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub(super) async fn leave(&self, app: &App, call: Call, calls: RangeInclusive<usize>) -> Result<Leave> {
        let service = call.service();
        let admitted = app.broker.admit(&app.config.breaker, service, self.account.account_id, self.id).await;
        match admitted {
            Ok(Admitted::Freely) => {}
            Ok(Admitted::Wait(wait)) => return Ok(Leave::Held(Hold::after(wait, BREAKER))),
            Ok(Admitted::AsProbe) => {
                if let Some(hold) = self.probe(app, service).await? {
                    return Ok(Leave::Held(hold));
                }
            }
            // A breaker saves calls that would be in vain; that it cannot be asked is no reason to make none. Where Redis is
            // away altogether, it is the price that cannot be paid.
            Err(error) => tracing::debug!(error = %error, "a breaker could not be asked"),
        }
        self.pay(app, call, calls).await
    }

    /// Pays for as many calls as there are units for.
    async fn pay(&self, app: &App, call: Call, calls: RangeInclusive<usize>) -> Result<Leave> {
        let service = call.service();
        let number = |n: &usize| u32::try_from(*n).unwrap_or(u32::MAX);
        let calls = number(calls.start())..=number(calls.end());
        let budgets = budgets(app, service, self.account.account_id);
        Ok(match app.broker.draw(&budgets, call.units(), calls).await? {
            Drawn::Granted(paid) => {
                meters::paid(service.as_str(), call.units().saturating_mul(paid));
                Leave::Granted(usize::try_from(paid).unwrap_or(usize::MAX))
            }
            Drawn::Wait(wait) => {
                meters::waited(service.as_str());
                Leave::Held(Hold::after(wait, BUDGET))
            }
        })
    }

    /// Sees whether a provider that has failed answers again.
    ///
    /// The probe is a call of its own that concerns no item: one that always fails would keep the breaker open, and one that
    /// is well would lose a try by it. A probe that could not be paid for is lent to somebody else after a while.
    async fn probe(&self, app: &App, service: Service) -> Result<Option<Hold>> {
        if let Leave::Held(hold) = self.pay(app, Call::cheapest(service), 1..=1).await? {
            return Ok(Some(hold));
        }
        let (_, hold) = self.ask(app, service, app.google.ping(&self.access, service)).await;
        Ok(hold)
    }

    /// Makes a call, and says also for how long no more are to be made.
    async fn ask<T>(
        &self,
        app: &App,
        service: Service,
        call: impl Future<Output = Result<T, providers::Error>>,
    ) -> (Result<T, providers::Error>, Option<Hold>) {
        let outcome = call.await;
        let mut tally = Tally::default();
        count(&mut tally, service, &outcome);
        (outcome, self.note(app, service, tally).await)
    }

    /// Tells the breakers how calls went; says for how long no more are to be made.
    pub(super) async fn note(&self, app: &App, service: Service, tally: Tally) -> Option<Hold> {
        let noted = app.broker.note(&app.config.breaker, service, self.account.account_id, self.id, tally).await;
        match noted {
            Ok(wait) => wait.map(|wait| Hold::after(wait, BREAKER)),
            // What was not counted is no reason to stop.
            Err(error) => {
                tracing::debug!(error = %error, "a breaker could not be told");
                None
            }
        }
    }

    /// Makes one call as soon as it has leave: `ask` is not begun before.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub(super) async fn call<T>(
        &self,
        app: &App,
        call: Call,
        ask: impl Future<Output = Result<T, providers::Error>>,
    ) -> Result<Called<T>> {
        if let Leave::Held(hold) = self.leave(app, call, 1..=1).await? {
            return Ok(Called::Held(hold));
        }
        Ok(match self.ask(app, call.service(), ask).await {
            (Ok(answer), _) => Called::Answered(answer),
            (Err(error), Some(hold)) if error.class == Class::Transient => Called::Held(hold),
            (Err(error), _) => Called::Refused(error),
        })
    }

    /// As [`Session::call`], for someone who waits for the answer: a short wait is waited.
    ///
    /// # Errors
    /// Refused when the wait is long, or the provider refuses.
    pub(super) async fn call_now<T>(
        &self,
        app: &App,
        call: Call,
        ask: impl Future<Output = Result<T, providers::Error>>,
    ) -> Result<T> {
        self.leave_now(app, call, 1..=1).await?;
        match self.ask(app, call.service(), ask).await {
            (Ok(answer), _) => Ok(answer),
            (Err(error), Some(hold)) if error.class == Class::Transient => Err(hold.refusal().into()),
            (Err(error), _) => {
                let Class::Throttled(Some(until)) = error.class else { return Err(error.into()) };
                self.throttle(app, call.service(), until).await?;
                let wait = (until - app.clock.now()).to_std().unwrap_or_default();
                Err(Hold::after(wait, THROTTLED).refusal().into())
            }
        }
    }

    /// As [`Session::leave`], for someone who waits for the answer.
    ///
    /// # Errors
    /// Refused when the wait is long.
    pub(super) async fn leave_now(&self, app: &App, call: Call, calls: RangeInclusive<usize>) -> Result<usize> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.leave(app, call, calls.clone()).await? {
                Leave::Granted(paid) => return Ok(paid),
                Leave::Held(hold) if hold.until > deadline => return Err(hold.refusal().into()),
                Leave::Held(hold) => tokio::time::sleep_until(hold.until).await,
            }
        }
    }
}
