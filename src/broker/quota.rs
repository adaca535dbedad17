//! Quota in the provider's own units, shared by every worker of every process.
//!
//! A budget allows so many units in any window of one minute, as the provider counts them. The clock is Redis's, so that
//! machines whose clocks differ agree.

use std::{sync::LazyLock, time::Duration};

use chrono::{DateTime, Utc};
use redis::Script;

use super::{Broker, Error};

/// The provider's window.
const WINDOW_SECS: u32 = 60;
/// The longest a provider's "come back at" is believed. A longer one is a misread date more likely than a wish.
const LONGEST_THROTTLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Sets `now_ms`. Apart from the scripts that read it, so that tests can move it.
const REDIS_TIME: &str = "local t = redis.call('TIME') local now_ms = t[1] * 1000 + math.floor(t[2] / 1000)\n";
const DRAW: &str = include_str!("draw.lua");
const THROTTLE: &str = r"
    local until_ms = math.min(tonumber(ARGV[1]), now_ms + tonumber(ARGV[2]))
    if until_ms > now_ms and until_ms > tonumber(redis.call('GET', KEYS[1]) or 0) then
        redis.call('SET', KEYS[1], until_ms, 'PXAT', until_ms)
    end";
const USED: &str = r"
    local oldest, total = math.floor(now_ms / 1000) - tonumber(ARGV[1]), 0
    local ledger = redis.call('HGETALL', KEYS[1])
    for i = 1, #ledger, 2 do
        if tonumber(ledger[i]) >= oldest then total = total + tonumber(ledger[i + 1]) end
    end
    return total";

static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts::by(REDIS_TIME));

struct Scripts {
    draw: Script,
    throttle: Script,
    used: Script,
}

impl Scripts {
    fn by(clock: &str) -> Self {
        let script = |body: &str| Script::new(&[clock, body].concat());
        Self { draw: script(DRAW), throttle: script(THROTTLE), used: script(USED) }
    }
}

/// What one party, such as a user or the whole project, may draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Names the party and the unit; drawing under one key counts together.
    pub key: String,
    /// The units any minute allows.
    pub units_per_minute: u32,
}

/// What drawing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// The units are ours, from every budget.
    Granted,
    /// Nothing was drawn. Before this time has passed the same draw cannot succeed; after it, it succeeds unless others
    /// were faster.
    Wait(Duration),
}

impl Broker {
    /// Draws `units` from all of `budgets` or from none.
    ///
    /// # Errors
    /// [`Error::OverBudget`] when a budget is smaller than `units`; [`Error::Redis`], and then the units may be drawn.
    pub async fn draw(&self, budgets: &[Budget], units: u32) -> Result<Drawn, Error> {
        self.draw_by(&SCRIPTS, budgets, units).await
    }

    /// Makes every draw on `key` wait until the time that the provider named, at most a day. Only ever extends the wait.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn throttle(&self, key: &str, until: DateTime<Utc>) -> Result<(), Error> {
        self.throttle_by(&SCRIPTS, key, until).await
    }

    /// The units of the budget `key` drawn within the last minute.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn used(&self, key: &str) -> Result<u32, Error> {
        self.used_by(&SCRIPTS, key).await
    }

    async fn draw_by(&self, scripts: &Scripts, budgets: &[Budget], units: u32) -> Result<Drawn, Error> {
        if let Some(Budget { key, units_per_minute }) = budgets.iter().find(|budget| budget.units_per_minute < units) {
            return Err(Error::OverBudget { units, key: key.clone(), units_per_minute: *units_per_minute });
        }
        let mut draw = scripts.draw.arg(units);
        draw.arg(WINDOW_SECS);
        for budget in budgets {
            draw.key(self.ledger(&budget.key)).key(self.throttle_key(&budget.key)).arg(budget.units_per_minute);
        }
        Ok(match self.invoke(&draw).await? {
            0 => Drawn::Granted,
            wait_ms => Drawn::Wait(Duration::from_millis(wait_ms)),
        })
    }

    async fn throttle_by(&self, scripts: &Scripts, key: &str, until: DateTime<Utc>) -> Result<(), Error> {
        let mut throttle = scripts.throttle.key(self.throttle_key(key));
        throttle.arg(until.timestamp_millis()).arg(LONGEST_THROTTLE.as_secs() * 1_000);
        self.invoke(&throttle).await
    }

    async fn used_by(&self, scripts: &Scripts, key: &str) -> Result<u32, Error> {
        self.invoke(scripts.used.key(self.ledger(key)).arg(WINDOW_SECS)).await
    }

    fn ledger(&self, key: &str) -> String {
        self.key(format_args!("quota:{key}"))
    }

    fn throttle_key(&self, key: &str) -> String {
        self.key(format_args!("throttle:{key}"))
    }
}

#[cfg(test)]
mod tests;
