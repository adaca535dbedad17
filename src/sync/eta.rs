//! How long a run still takes, by what is left of it and by the budget that is really there; and what of that is spent.

use std::time::Duration;

use futures::future::{try_join, try_join_all};

use super::{Result, calls::budgets, preview::Facts};
use crate::{
    app::App,
    broker::Budget,
    db::{batches::Batch, previews::Preview},
    domain::{
        account::Service,
        batch::{BatchOrigin, BatchState},
        ids::{AccountId, UserId},
        quota::{self, Call},
    },
};

/// How long the rest of a run takes; `None` when it does not run, nothing is left, or nobody can know yet.
///
/// # Errors
/// When the database fails.
pub async fn eta(app: &App, user: UserId, batch: &Batch) -> Result<Option<Duration>> {
    if !matches!(batch.state, BatchState::Queued | BatchState::Running) {
        return Ok(None);
    }
    let total = if batch.listing_done { Some(batch.n_listed) } else { expected(app, user, batch).await? };
    let left = total.map_or(0, |total| total.max(batch.n_listed) - batch.n_settled());
    let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else { return Ok(None) };
    let held = batch.throttled_until.and_then(|until| (until - app.clock.now()).to_std().ok()).unwrap_or_default();
    // Nearly all that is ever left is mail: a listing brings meetings along.
    let units = left.saturating_mul(Call::GmailGet.units().into());
    let Some(waits) = waits(app, Service::Gmail, batch.account_id, units, held).await else { return Ok(None) };
    Ok(if waits.is_zero() { by_rate(app, batch, left) } else { Some(waits) })
}

/// How many items the preview found, for a run that has not listed everything yet.
async fn expected(app: &App, user: UserId, batch: &Batch) -> Result<Option<i64>> {
    if batch.origin != BatchOrigin::Approve {
        return Ok(None);
    }
    let mut tx = app.db.begin_reading(user).await?;
    let preview = Preview::find(&mut tx, batch.preview_id).await?;
    tx.commit().await?;
    let Some(preview) = preview else { return Ok(None) };
    let facts: Facts = serde_json::from_value(preview.facts)?;
    let n = facts.mail.at_most.zip(facts.meetings.at_most).map(|(mails, meetings)| mails.saturating_add(meetings));
    Ok(n.and_then(|n| i64::try_from(n).ok()))
}

/// How long the budgets make someone wait who draws so many units once `held` has passed; `None` when Redis does not tell.
pub(super) async fn waits(
    app: &App,
    service: Service,
    account: AccountId,
    units: u64,
    held: Duration,
) -> Option<Duration> {
    let mut longest = Duration::ZERO;
    for budget in budgets(app, service, account) {
        // What comes back meanwhile is there then.
        let mut spent = app.broker.spent(&budget.key).await.ok()?;
        spent.retain_mut(|(back, _)| {
            *back = back.saturating_sub(held);
            !back.is_zero()
        });
        longest = longest.max(held + quota::wait_for(units, budget.units_per_minute, &spent));
    }
    Some(longest)
}

/// What an account has drawn of its budget for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    pub service: Service,
    pub units_per_minute: u32,
    /// In the last minute.
    pub in_minute: u32,
    /// Since midnight UTC, as far as Redis remembers.
    pub today: u64,
}

/// What an account has drawn of each of its budgets, asked of all of them at once.
///
/// # Errors
/// When Redis does not answer.
pub async fn drawn(app: &App, account: AccountId) -> Result<Vec<Drawn>> {
    let of = async |service| {
        let [Budget { key, units_per_minute }, _] = budgets(app, service, account);
        let (spent, today) = try_join(app.broker.spent(&key), app.broker.drawn_today(&key)).await?;
        Ok(Drawn { service, units_per_minute, in_minute: spent.iter().map(|(_, units)| units).sum(), today })
    };
    try_join_all(Service::ALL.iter().copied().map(of)).await
}

/// How long the rest takes where no budget holds it up: at the rate so far, not counting what the budget has made wait.
/// `None` when nothing has been done.
fn by_rate(app: &App, batch: &Batch, left: u64) -> Option<Duration> {
    let done = u64::try_from(batch.n_settled()).ok().filter(|done| *done > 0)?;
    let elapsed = batch.started_at.and_then(|at| (app.clock.now() - at).to_std().ok()).unwrap_or_default();
    let units = done.saturating_mul(Call::GmailGet.units().into());
    let waited = quota::wait_for(units, app.config.quota.gmail_units_per_minute, &[]);
    let millis = elapsed.saturating_sub(waited).as_millis().saturating_mul(left.into()) / u128::from(done);
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
}
