//! Quota in the provider's own units, shared by every worker of every process.
//!
//! A budget allows so many units in any window of one minute, as the provider counts them. The clock is Redis's, so that
//! machines whose clocks differ agree.

use std::{ops::RangeInclusive, sync::LazyLock, time::Duration};

use chrono::{DateTime, Utc};
use redis::Script;

use super::{Broker, Error};

/// The provider's window.
const WINDOW_SECS: u32 = 60;
/// The longest a provider's "come back at" is believed. A longer one is a misread date more likely than a wish.
const LONGEST_THROTTLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Sets `now_ms`. Apart from the scripts that read it, so that tests can move it.
pub(super) const REDIS_TIME: &str =
    "local t = redis.call('TIME') local now_ms = t[1] * 1000 + math.floor(t[2] / 1000)\n";
const DRAW: &str = include_str!("draw.lua");
const THROTTLE: &str = r"
    local until_ms = math.min(tonumber(ARGV[1]), now_ms + tonumber(ARGV[2]))
    if until_ms > now_ms and until_ms > tonumber(redis.call('GET', KEYS[1]) or 0) then
        redis.call('SET', KEYS[1], until_ms, 'PXAT', until_ms)
    end";
const SPENT: &str = r"
    local window, spent = tonumber(ARGV[1]), {}
    local ledger = redis.call('HGETALL', KEYS[1])
    for i = 1, #ledger, 2 do
        local second = tonumber(ledger[i])
        local back_ms = second and (second + window + 1) * 1000 - now_ms or 0
        if back_ms > 0 then
            table.insert(spent, {back_ms, tonumber(ledger[i + 1])})
        end
    end
    table.sort(spent, function(left, right) return left[1] < right[1] end)
    return spent";

const DRAWN_TODAY: &str = "return tonumber(redis.call('HGET', KEYS[1], math.floor(now_ms / 86400000)) or 0)";

static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts::by(REDIS_TIME));

struct Scripts {
    draw: Script,
    throttle: Script,
    spent: Script,
    drawn_today: Script,
}

impl Scripts {
    fn by(clock: &str) -> Self {
        let script = |body: &str| Script::new(&[clock, body].concat());
        Self { draw: script(DRAW), throttle: script(THROTTLE), spent: script(SPENT), drawn_today: script(DRAWN_TODAY) }
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
    /// The price of so many calls is ours, from every budget.
    Granted(u32),
    /// Nothing was drawn. Before this time has passed the same draw cannot succeed; after it, it succeeds unless others
    /// were faster.
    Wait(Duration),
}

impl Broker {
    /// Draws the price of `calls` calls, at `price` units each, from all of `budgets` or from none: as many calls as there
    /// are units for.
    ///
    /// # Errors
    /// [`Error::OverBudget`] when a budget is smaller than the least number of calls costs; [`Error::Redis`], and then the
    /// units may be drawn.
    pub async fn draw(&self, budgets: &[Budget], price: u32, calls: RangeInclusive<u32>) -> Result<Drawn, Error> {
        self.draw_by(&SCRIPTS, budgets, price, calls).await
    }

    /// Makes every draw on `key` wait until the time that the provider named, at most a day. Only ever extends the wait.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn throttle(&self, key: &str, until: DateTime<Utc>) -> Result<(), Error> {
        self.throttle_by(&SCRIPTS, key, until).await
    }

    /// What has been drawn from the budget `key` and is not back yet: in how long it comes back, soonest first, and how many
    /// units.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn spent(&self, key: &str) -> Result<Vec<(Duration, u32)>, Error> {
        self.spent_by(&SCRIPTS, key).await
    }

    /// How many units have been drawn from the budget `key` since midnight UTC, as far as Redis remembers.
    ///
    /// # Errors
    /// [`Error::Redis`].
    pub async fn drawn_today(&self, key: &str) -> Result<u64, Error> {
        self.drawn_today_by(&SCRIPTS, key).await
    }

    async fn draw_by(
        &self,
        scripts: &Scripts,
        budgets: &[Budget],
        price: u32,
        calls: RangeInclusive<u32>,
    ) -> Result<Drawn, Error> {
        let (least, most) = calls.into_inner();
        let units = price.saturating_mul(least);
        if let Some(Budget { key, units_per_minute }) = budgets.iter().find(|budget| budget.units_per_minute < units) {
            return Err(Error::OverBudget { units, key: key.clone(), units_per_minute: *units_per_minute });
        }
        let mut draw = scripts.draw.arg(price);
        draw.arg(least).arg(most).arg(WINDOW_SECS);
        for budget in budgets {
            let keys = [self.ledger(&budget.key), self.throttle_key(&budget.key), self.days(&budget.key)];
            draw.key(&keys).arg(budget.units_per_minute);
        }
        let answer: i64 = self.invoke(&draw).await?;
        Ok(match u32::try_from(answer) {
            Ok(paid) => Drawn::Granted(paid),
            Err(_) => Drawn::Wait(Duration::from_millis(answer.unsigned_abs())),
        })
    }

    async fn throttle_by(&self, scripts: &Scripts, key: &str, until: DateTime<Utc>) -> Result<(), Error> {
        let mut throttle = scripts.throttle.key(self.throttle_key(key));
        throttle.arg(until.timestamp_millis()).arg(LONGEST_THROTTLE.as_secs() * 1_000);
        self.invoke(&throttle).await
    }

    async fn spent_by(&self, scripts: &Scripts, key: &str) -> Result<Vec<(Duration, u32)>, Error> {
        let spent: Vec<(u64, u32)> = self.invoke(scripts.spent.key(self.ledger(key)).arg(WINDOW_SECS)).await?;
        Ok(spent.into_iter().map(|(back_ms, units)| (Duration::from_millis(back_ms), units)).collect())
    }

    async fn drawn_today_by(&self, scripts: &Scripts, key: &str) -> Result<u64, Error> {
        self.invoke(&scripts.drawn_today.key(self.days(key))).await
    }

    fn ledger(&self, key: &str) -> String {
        self.key(format_args!("quota:{key}"))
    }

    fn days(&self, key: &str) -> String {
        self.key(format_args!("quota-days:{key}"))
    }

    fn throttle_key(&self, key: &str) -> String {
        self.key(format_args!("throttle:{key}"))
    }
}

#[cfg(test)]
mod tests;
