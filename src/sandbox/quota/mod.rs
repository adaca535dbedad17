//! Google's budgets: what a request costs, how much a minute allows, and what is said to those who ask for more.

mod ledger;
mod table;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(super) use self::{
    ledger::{Ask, Excess, Ledger, Place},
    table::Service,
};
pub use self::{
    ledger::{Limit, Spent},
    table::UnitTable,
};
use super::envelope::ApiError;

/// The budgets of the one Cloud project, each over any minute that ends now.
///
/// A budget of 0 lets nothing through. The defaults are those of a project made since 2026-05-01.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Quota {
    /// What Gmail's methods cost.
    pub table: UnitTable,
    /// Gmail units a person may use.
    pub gmail_per_user: u32,
    /// Gmail units all people may use together.
    pub gmail_per_project: u32,
    /// Calendar requests for a person.
    pub calendar_per_user: u32,
    /// Calendar requests for all people together.
    pub calendar_per_project: u32,
    /// Gmail requests that may run at once for a person. Google does not say how many; reports go from 10 to 50.
    pub concurrent_per_user: u32,
    /// Gmail units all people may use together in a day of Google's, which ends at midnight in California.
    pub gmail_per_day: u64,
    /// Calendar requests of all people together in such a day.
    pub calendar_per_day: u64,
    /// What becomes of a request beyond the day's.
    pub past_day: PastDay,
    /// How much longer a person who is throttled has to wait for each request they send all the same, in milliseconds; 0
    /// throttles nobody beyond the minute.
    pub penalty_ms: u32,
    /// Which of its two forms a refusal over a minute's budget takes.
    pub form: RefusalForm,
    /// The message ends in `Retry after` and the time from which the request would fit.
    pub names_time: bool,
    /// A `Retry-After` header says the same in seconds. Google seldom sends one.
    pub sends_header: bool,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            table: UnitTable::New,
            gmail_per_user: 6_000,
            gmail_per_project: 1_200_000,
            calendar_per_user: 600,
            calendar_per_project: 10_000,
            concurrent_per_user: 10,
            gmail_per_day: 80_000_000,
            calendar_per_day: 1_000_000,
            past_day: PastDay::Billed,
            penalty_ms: 1_000,
            form: RefusalForm::Forbidden,
            names_time: true,
            sends_header: false,
        }
    }
}

impl Quota {
    /// The budgets of a project that was active before: cheaper reads, and more of them.
    pub fn legacy() -> Self {
        Self { table: UnitTable::Legacy, gmail_per_user: 15_000, ..Self::default() }
    }
}

/// Google means to bill what goes beyond; a project may set itself a limit there instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PastDay {
    /// It runs, and is counted as beyond.
    #[default]
    Billed,
    /// 403 with `dailyLimitExceeded`.
    Refused,
}

/// Google uses both for the same event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefusalForm {
    /// 403 with `userRateLimitExceeded` or `rateLimitExceeded`.
    #[default]
    Forbidden,
    /// 429 with `rateLimitExceeded` and `RESOURCE_EXHAUSTED`.
    TooManyRequests,
}

/// The refusal of a request that does not fit.
pub(super) fn refusal(excess: &Excess, service: Service, now: DateTime<Utc>) -> ApiError {
    let quota = &excess.quota;
    if excess.limit == Limit::ProjectDay {
        let status = http::StatusCode::FORBIDDEN;
        return ApiError::new(status, "dailyLimitExceeded", "Daily Limit Exceeded").in_domain("usageLimits");
    }
    let too_many = quota.form == RefusalForm::TooManyRequests || excess.limit == Limit::Concurrency;
    let reason = match excess.limit {
        Limit::UserMinute if !too_many => "userRateLimitExceeded",
        _ => "rateLimitExceeded",
    };
    let mut message = match (excess.limit, service) {
        (Limit::Concurrency, _) => "Too many concurrent requests for user.".to_owned(),
        (Limit::UserMinute, Service::Gmail) => "User-rate limit exceeded.".to_owned(),
        (Limit::UserMinute, Service::Calendar) => "Rate Limit Exceeded".to_owned(),
        (Limit::ProjectMinute | Limit::ProjectDay, _) => format!(
            "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service '{}' for consumer \
             'project_number:1'.",
            service.host()
        ),
    };
    let status = if too_many { http::StatusCode::TOO_MANY_REQUESTS } else { http::StatusCode::FORBIDDEN };
    let Some(fits_at) = excess.fits_at else {
        return ApiError::new(status, reason, message).in_domain("usageLimits");
    };
    if quota.names_time {
        // Rounded up, so that who waits until then is let in.
        let named = fits_at + chrono::TimeDelta::microseconds(999);
        message.push_str(&format!("  Retry after {}", named.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)));
    }
    let refusal = ApiError::new(status, reason, message).in_domain("usageLimits");
    let seconds = (fits_at - now).num_milliseconds().max(0) as u64;
    if quota.sends_header { refusal.retry_after(seconds.div_ceil(1_000).to_string()) } else { refusal }
}
