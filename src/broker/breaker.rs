//! Breakers: whoever fails too often is left alone for a while, by every worker of every process.
//!
//! A call to a provider passes two: that of its account, and that of the project, which all accounts share; each service has
//! its own, since mail can be down while meetings are not. A breaker **opens** when too large a share of enough calls
//! has failed within its window. When it has been open for its time it is **half open**: one caller may probe, and how that
//! goes closes it or opens it anew. The clock is Redis's.
//!
//! A breaker is a hash. While it is closed, `c<second>` counts calls and `f<second>` those that failed. Otherwise
//! `until_ms` says until when it is open, and, once somebody probes, `prober` who that is and `probe_until_ms` until when
//! the others believe that the answer will still come. A probe that is answered closes it `on_trial`: if what comes next
//! fails all the same, it opens again at once.

use std::{sync::LazyLock, time::Duration};

use chrono::{DateTime, Utc};
use redis::Script;
use uuid::Uuid;

use super::{Broker, Error, quota::REDIS_TIME};
use crate::{
    config,
    domain::{account::Service, ids::AccountId},
};

/// How long to stay away at most while somebody else probes: most probes are answered by then.
const PROBE_PATIENCE: Duration = Duration::from_secs(1);
/// How long an open breaker that nobody probes is remembered. Whoever comes later finds it closed.
const REMEMBER: Duration = Duration::from_secs(3_600);

const ADMIT: &str = include_str!("breaker/admit.lua");
const NOTE: &str = include_str!("breaker/note.lua");
const STATE: &str = r"
    local until_ms = {}
    for i = 1, #KEYS do until_ms[i] = tonumber(redis.call('HGET', KEYS[i], 'until_ms') or 0) end
    table.insert(until_ms, now_ms)
    return until_ms";
const NOT_CLOSED: &str = r"
    local n = redis.call('ZCOUNT', KEYS[1], now_ms, '+inf')
    if tonumber(redis.call('ZSCORE', KEYS[1], KEYS[2]) or 0) >= now_ms then n = n - 1 end
    return n";

static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts::by(REDIS_TIME));

struct Scripts {
    admit: Script,
    note: Script,
    state: Script,
    not_closed: Script,
}

impl Scripts {
    fn by(clock: &str) -> Self {
        let script = |body: &str| Script::new(&[clock, body].concat());
        Self { admit: script(ADMIT), note: script(NOTE), state: script(STATE), not_closed: script(NOT_CLOSED) }
    }
}

/// Whose calls a breaker counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of one account.
    Account(AccountId),
    /// Those of all accounts.
    Project,
}

/// What a breaker says to those who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls are made.
    Closed,
    /// No calls are made until then.
    Open(DateTime<Utc>),
    /// One call is made, to see whether the provider has recovered.
    HalfOpen,
}

/// What asking for leave came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// The breakers are closed: calls may be made.
    Freely,
    /// One call may be made, on whose outcome the others wait.
    AsProbe,
    /// No call may be made before this time has passed.
    Wait(Duration),
}

/// How some calls went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were made.
    pub calls: u32,
    /// How many of them the provider failed to answer properly.
    pub failed: u32,
}

impl Broker {
    /// Asks the breakers of an account's service whether `who` may call.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn admit(
        &self,
        rules: &config::Breaker,
        service: Service,
        account: AccountId,
        who: Uuid,
    ) -> Result<Admitted, Error> {
        self.admit_by(&SCRIPTS, rules, service, account, who).await
    }

    /// Tells the breakers of an account's service how the calls of `who` went; says for how long no more are to be made.
    ///
    /// # Errors
    /// [`Error::Redis`]; the calls are then not counted.
    pub async fn note(
        &self,
        rules: &config::Breaker,
        service: Service,
        account: AccountId,
        who: Uuid,
        tally: Tally,
    ) -> Result<Option<Duration>, Error> {
        self.note_by(&SCRIPTS, rules, service, account, who, tally).await
    }

    /// How these breakers of a service stand, in the order asked for.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn breaker_states(&self, of: &[(Service, Scope)]) -> Result<Vec<BreakerState>, Error> {
        self.breaker_states_by(&SCRIPTS, of).await
    }

    /// How many accounts' breakers of a service are not closed.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn count_open_breakers(&self, service: Service) -> Result<u64, Error> {
        let mut count = SCRIPTS.not_closed.key(self.not_closed(service));
        count.key(self.breaker(service, Scope::Project));
        self.invoke(&count).await
    }

    async fn admit_by(
        &self,
        scripts: &Scripts,
        rules: &config::Breaker,
        service: Service,
        account: AccountId,
        who: Uuid,
    ) -> Result<Admitted, Error> {
        let mut admit = scripts.admit.key(self.breaker(service, Scope::Account(account)));
        admit.key(self.breaker(service, Scope::Project));
        admit.arg(who.to_string()).arg(millis(rules.probe)).arg(millis(PROBE_PATIENCE));
        let answer: i64 = self.invoke(&admit).await?;
        Ok(match u64::try_from(answer) {
            Ok(0) => Admitted::Freely,
            Ok(wait_ms) => Admitted::Wait(Duration::from_millis(wait_ms)),
            Err(_) => Admitted::AsProbe,
        })
    }

    async fn note_by(
        &self,
        scripts: &Scripts,
        rules: &config::Breaker,
        service: Service,
        account: AccountId,
        who: Uuid,
        tally: Tally,
    ) -> Result<Option<Duration>, Error> {
        if tally.calls == 0 {
            return Ok(None);
        }
        let mut note = scripts.note.key(self.breaker(service, Scope::Account(account)));
        note.key(self.breaker(service, Scope::Project)).key(self.not_closed(service));
        note.arg(who.to_string()).arg(tally.calls).arg(tally.failed);
        note.arg(rules.window.as_secs()).arg(rules.least_calls).arg(rules.failed_percent);
        note.arg(millis(rules.open)).arg(millis(REMEMBER));
        let wait_ms: u64 = self.invoke(&note).await?;
        Ok((wait_ms > 0).then(|| Duration::from_millis(wait_ms)))
    }

    async fn breaker_states_by(&self, scripts: &Scripts, of: &[(Service, Scope)]) -> Result<Vec<BreakerState>, Error> {
        let mut ask = scripts.state.prepare_invoke();
        for (service, scope) in of {
            ask.key(self.breaker(*service, *scope));
        }
        let mut until: Vec<i64> = self.invoke(&ask).await?;
        let now_ms = until.pop().unwrap_or_default();
        let state = |until_ms| match DateTime::from_timestamp_millis(until_ms) {
            Some(until) if until_ms > now_ms => BreakerState::Open(until),
            _ if until_ms > 0 => BreakerState::HalfOpen,
            _ => BreakerState::Closed,
        };
        Ok(until.into_iter().map(state).collect())
    }

    fn breaker(&self, service: Service, scope: Scope) -> String {
        match scope {
            Scope::Account(account) => self.key(format_args!("breaker:{service}:{account}")),
            Scope::Project => self.key(format_args!("breaker:{service}:project")),
        }
    }

    fn not_closed(&self, service: Service) -> String {
        self.key(format_args!("breakers:{service}"))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
