//! Jobs: the kinds of background work and what one slice of it can end in.

use std::time::Duration;

use super::{account::Service, words};

words! {
    /// A kind of background work; each has a queue of its own.
    JobKind {
        /// Lists and fetches mail.
        GmailSync = "google_gmail_sync",
        /// Lists and fetches meetings.
        CalendarSync = "google_calendar_sync",
        /// Turns stored mail into interactions.
        NormalizeMail = "normalize_google_email",
        /// Turns stored meetings into interactions.
        NormalizeEvent = "normalize_google_event",
        /// Takes a batch back.
        Undo = "undo",
        /// Brings back what an undo took.
        Redo = "redo",
    }
}

impl JobKind {
    /// The job that reads a service.
    pub const fn sync_of(service: Service) -> Self {
        match service {
            Service::Gmail => Self::GmailSync,
            Service::Calendar => Self::CalendarSync,
        }
    }

    /// Whether it works on what a batch has brought in, after the batch has ended.
    pub const fn is_afterwards(self) -> bool {
        matches!(self, Self::Undo | Self::Redo)
    }

    /// The job that normalizes what a service's sync stored.
    pub const fn normalize_of(service: Service) -> Self {
        match service {
            Service::Gmail => Self::NormalizeMail,
            Service::Calendar => Self::NormalizeEvent,
        }
    }
}

words! {
    /// Where a job stands.
    JobState {
        /// Due at its `run_at`.
        Queued = "queued",
        /// Claimed by a worker whose lease has not run out.
        Running = "running",
        /// Nothing to do until another job signals it.
        Waiting = "waiting",
        /// Held with its batch until the person resumes it.
        Paused = "paused",
        /// Finished.
        Succeeded = "succeeded",
        /// Given up; kept with its error, and replayable.
        Dead = "dead",
        /// Stopped with its batch.
        Cancelled = "cancelled",
        /// Given up, and put aside by the person.
        Discarded = "discarded",
    }
}

impl JobState {
    /// Whether the job has ended, well or not.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Dead | Self::Cancelled | Self::Discarded)
    }
}

/// What one slice of a job ended in. A closed set; the worker turns each into one update of the job's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The job is finished.
    Done,
    /// There is more; queue the next slice behind everyone else's.
    Continue,
    /// Nothing to do until another job signals.
    Wait,
    /// Try again after a while, for a reason of this class. Throttling and re-authentication are waits, not attempts.
    RetryAfter {
        /// How long to stay away.
        delay: Duration,
        /// The class of the reason, in one word.
        class: &'static str,
        /// Whether it counts against the job's attempts.
        counts: bool,
    },
    /// Cannot succeed without a change; keep the job with this reason.
    GiveUp {
        /// The class of the reason, in one word.
        class: &'static str,
        /// What happened and what to do next; no content of any mail or meeting.
        reason: String,
    },
}

impl Verdict {
    /// The verdict as one word for metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Continue => "continue",
            Self::Wait => "wait",
            Self::RetryAfter { .. } => "retry_after",
            Self::GiveUp { .. } => "give_up",
        }
    }
}

/// The class of a wait for the minute's budget.
pub const BUDGET: &str = "budget";
/// The class of a wait that the provider has asked for.
pub const THROTTLED: &str = "throttled";
/// The class of a wait for a provider that fails too often.
pub const BREAKER: &str = "breaker";
/// The classes of waits that last until a known time, through no fault of the job's.
pub const WAITS: [&str; 3] = [BUDGET, THROTTLED, BREAKER];

/// The wait before try number `attempt` (from 1) of something transient, given `unit` in 0.0..1.0 drawn at random.
///
/// Full jitter (anywhere between nothing and the ceiling), so that many that failed together do not return together. The
/// ceiling doubles from 15 s and stops at 10 min.
pub fn backoff(attempt: i32, unit: f64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(10);
    let ceiling = Duration::from_secs((15u64 << doublings).min(600));
    ceiling.mul_f64(unit.clamp(0.0, 1.0))
}
