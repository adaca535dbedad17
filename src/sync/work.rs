//! One slice of one job: claim, work, let go.

use std::time::Duration;

use tokio::time::Instant;

use super::{Error, Refusal, Result, batch, normalize, reconcile, redo, step, undo};
use crate::{
    app::App,
    broker::{Ring, Topic},
    db::{
        batches,
        jobs::{self, Claim, Release},
    },
    domain::{
        ids::{BatchId, UserId},
        job::{BREAKER, JobKind, JobState, THROTTLED, Verdict, WAITS, backoff},
    },
    meters,
};

/// Times in a row that a job may take its worker down before it is given up.
const MAX_CRASHES: i32 = 3;

/// The pauses between tries to let go of a job.
const LET_GO_PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];

/// What became of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was due: a second ring, or one that came late.
    Nothing,
    /// A slice was worked.
    Worked,
}

/// Works one slice of the job a ring names, if it is due.
///
/// # Errors
/// When the database fails; the job's lease then runs out, and another worker takes it over.
pub async fn work(app: &App, owner: &str, ring: Ring) -> Result<Outcome> {
    let mut tx = app.db.begin(ring.user).await?;
    let Some(mut claim) = jobs::claim(&mut tx, ring.job, owner, app.config.sync.lease).await? else {
        return Ok(Outcome::Nothing);
    };
    if matches!(claim.kind, JobKind::GmailSync | JobKind::CalendarSync) {
        batches::start(&mut tx, claim.batch_id).await?;
    }
    if claim.error_class.as_deref().is_some_and(|class| WAITS.contains(&class)) {
        batches::note_waits(&mut tx, claim.batch_id).await?;
    }
    tx.commit().await?;
    let began_at = Instant::now();
    let verdict = if claim.taken_over && claim.attempt > MAX_CRASHES {
        let reason =
            "Its worker went down three times while working on it. Look at the worker's log, then retry the job.";
        Verdict::GiveUp { class: "crash", reason: reason.to_owned() }
    } else {
        match slice(app, ring.user, &mut claim).await {
            Ok(verdict) => verdict,
            Err(error) => verdict_of(app, &claim, error),
        }
    };
    meters::worked(claim.kind.as_str(), verdict.as_str(), began_at.elapsed());
    let_go(app, ring.user, &claim, &verdict).await?;
    Ok(Outcome::Worked)
}

async fn slice(app: &App, user: UserId, claim: &mut Claim) -> Result<Verdict> {
    match claim.kind {
        JobKind::GmailSync | JobKind::CalendarSync => step::slice(app, user, claim).await,
        JobKind::NormalizeMail | JobKind::NormalizeEvent => normalize::slice(app, user, claim).await,
        JobKind::Undo => undo::slice(app, user, claim).await,
        JobKind::Redo => redo::slice(app, user, claim).await,
    }
}

/// What an error means for the job. The text goes to the log; the job's row gets a class and words without content.
fn verdict_of(app: &App, claim: &Claim, error: Error) -> Verdict {
    let delay = backoff(claim.attempt, rand::random());
    match error {
        Error::Refused(refusal) => match refusal {
            Refusal::Throttled { seconds } => {
                Verdict::RetryAfter { delay: Duration::from_secs(seconds), class: THROTTLED, counts: false }
            }
            Refusal::ProviderFailing { seconds } => {
                Verdict::RetryAfter { delay: Duration::from_secs(seconds), class: BREAKER, counts: false }
            }
            Refusal::ProviderUnavailable => retry_or_give_up(app, claim, "transient", delay),
            other => Verdict::GiveUp { class: class_of(&other), reason: other.to_string() },
        },
        // It has waited for them already.
        Error::Busy => Verdict::RetryAfter { delay: Duration::ZERO, class: "busy", counts: false },
        Error::Failed(cause) => {
            tracing::error!(job.id = %claim.job_id, job.kind = %claim.kind, attempt = claim.attempt, error = ?cause, "a slice failed");
            retry_or_give_up(app, claim, "internal", delay)
        }
    }
}

const fn class_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NeedsReauth => "needs_reauth",
        Refusal::ScopeMissing { .. } => "needs_scope",
        Refusal::Blocked { .. } => "blocked",
        Refusal::Disconnected => "disconnected",
        _ => "refused",
    }
}

/// Tries again after a while, as often as the configuration allows.
fn retry_or_give_up(app: &App, claim: &Claim, class: &'static str, delay: Duration) -> Verdict {
    if claim.attempt < app.config.sync.max_attempts {
        return Verdict::RetryAfter { delay, class, counts: true };
    }
    let reason = format!("Failed {} times in a row. Retry the job when the cause is mended.", claim.attempt);
    Verdict::GiveUp { class, reason }
}

async fn let_go(app: &App, user: UserId, claim: &Claim, verdict: &Verdict) -> Result<()> {
    let release = match verdict {
        Verdict::Done => Release { state: JobState::Succeeded, delay: Duration::ZERO, fresh: true, error: None },
        Verdict::Continue => Release { state: JobState::Queued, delay: Duration::ZERO, fresh: true, error: None },
        Verdict::Wait => Release { state: JobState::Waiting, delay: Duration::ZERO, fresh: true, error: None },
        Verdict::RetryAfter { delay, class, counts } => {
            let error = Some((*class, "Will be tried again."));
            Release { state: JobState::Queued, delay: *delay, fresh: !counts, error }
        }
        Verdict::GiveUp { class, reason } => {
            Release { state: JobState::Dead, delay: Duration::ZERO, fresh: false, error: Some((class, reason)) }
        }
    };
    let mut pauses = LET_GO_PAUSES.iter();
    let due = loop {
        match (release_job(app, user, claim, &release).await, pauses.next()) {
            (Ok(due), _) => break due,
            (Err(error), None) => return Err(error),
            // A job that is not let go stands still until its lease runs out.
            (Err(error), Some(pause)) => {
                tracing::warn!(job.id = %claim.job_id, error = ?error, "could not let go of a job; trying again");
                tokio::time::sleep(*pause).await;
            }
        }
    };
    reconcile::ring(app, &due).await;
    hint(app, claim.batch_id).await;
    hint_accounts(app, user).await;
    Ok(())
}

/// Lets go in one transaction, and ends the batch with the last of its jobs; returns the jobs that are due now.
async fn release_job(app: &App, user: UserId, claim: &Claim, release: &Release<'_>) -> Result<Vec<jobs::Due>> {
    let mut tx = app.db.begin(user).await?;
    let Some(left_in) = jobs::release(&mut tx, claim, release).await? else { return Ok(Vec::new()) };
    let mut due = Vec::new();
    // Also a job that meant to wait and was signalled meanwhile: whoever signalled it saw it at work and did not ring.
    if left_in == JobState::Queued && release.delay.is_zero() {
        due.push(jobs::Due { user_id: user, job_id: claim.job_id, kind: claim.kind });
    }
    if release.error.is_some_and(|(class, _)| WAITS.contains(&class)) {
        batches::note_waits(&mut tx, claim.batch_id).await?;
    }
    if matches!(left_in, JobState::Succeeded | JobState::Dead) {
        // A normalize job waits until nothing more can come in, so the end of a sync job is news to it.
        let woken = match claim.kind {
            JobKind::GmailSync => jobs::signal(&mut tx, claim.batch_id, JobKind::NormalizeMail).await?,
            JobKind::CalendarSync => jobs::signal(&mut tx, claim.batch_id, JobKind::NormalizeEvent).await?,
            JobKind::NormalizeMail | JobKind::NormalizeEvent | JobKind::Undo | JobKind::Redo => None,
        };
        due.extend(woken);
        if !claim.kind.is_afterwards() {
            batch::finish_if_done(&mut tx, claim.batch_id).await?;
        }
    }
    tx.commit().await?;
    Ok(due)
}

/// Tells those who watch the batch to look. A hint that is lost is harmless: they also look by themselves now and then.
pub(super) async fn hint(app: &App, batch: BatchId) {
    if let Err(error) = app.broker.changed(batch).await {
        tracing::debug!(batch.id = %batch, error = %error, "could not hint at progress");
    }
}

/// Tells those who watch the person's timeline to look, as [`hint`] does those of a batch.
pub(super) async fn hint_timeline(app: &App, user: UserId) {
    if let Err(error) = app.broker.changed(Topic::timeline(user)).await {
        tracing::debug!(user.id = %user, error = %error, "could not hint at changes");
    }
}

/// Tells those who watch the person's accounts to look, as [`hint`] does those of a batch.
pub(super) async fn hint_accounts(app: &App, user: UserId) {
    if let Err(error) = app.broker.changed(Topic::accounts(user)).await {
        tracing::debug!(user.id = %user, error = %error, "could not hint at accounts");
    }
}
