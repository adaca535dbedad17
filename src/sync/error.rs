//! Two ways a verb can fail to do what was asked.

use crate::{broker, db, providers, seal};

/// A result of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a verb did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's doing; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else works on the same rows; nothing was changed, and it can be tried again at once.
    #[error("somebody else works on the same rows")]
    Busy,
    /// Our doing; the text is for the log only.
    #[error("failed")]
    Failed(#[source] anyhow::Error),
}

/// A reason the caller can do something about. The texts are shown to people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing, or it is someone else's.
    #[error("There is no {what} with this id.")]
    NotFound {
        /// `account`, `preview`, `batch`, `job`, `contact`, `interaction`, `file`.
        what: &'static str,
    },
    /// A value that cannot be used.
    #[error("{message}")]
    Invalid {
        /// The input field.
        field: &'static str,
        /// What is wrong with it and what would be right.
        message: String,
    },
    /// Nothing would come in.
    #[error("Choose at least one of mail and calendar.")]
    NothingChosen,
    /// The consent lacks a scope.
    #[error("The account was linked without access to {service}. Connect it again and leave {service} ticked.")]
    ScopeMissing {
        /// `mail` or `calendar`.
        service: &'static str,
    },
    /// The person granted nothing.
    #[error("No access was granted, so nothing was linked. Connect again and leave at least one service ticked.")]
    ConsentDenied,
    /// The grant is dead.
    #[error("The link to this account has expired or was taken back at the provider. Connect the account again.")]
    NeedsReauth,
    /// The link was taken away here.
    #[error("This account is disconnected. Connect it again to use it.")]
    Disconnected,
    /// The provider refuses for good.
    #[error("{reason}")]
    Blocked {
        /// Why, and who can change it.
        reason: String,
    },
    /// The preview is too old.
    #[error("This preview has expired. Make a new one and approve that.")]
    PreviewExpired,
    /// The preview has been approved before.
    #[error("This preview has been approved already.")]
    AlreadyApproved,
    /// The idempotency key stands for another approval.
    #[error("This idempotency key was used to approve another preview. Use a fresh key.")]
    KeyReused,
    /// Another run is at work on the account.
    #[error("Another sync of this account is running. Wait until it has finished, cancel it, or undo it.")]
    AccountBusy,
    /// There is nothing left to hold or to stop.
    #[error("This batch has ended already. Undo takes back what it brought in.")]
    BatchOver,
    /// There is nothing to bring back.
    #[error("This batch is not undone, so there is nothing to redo.")]
    NotUndone,
    /// What the undo took is no longer kept.
    #[error(
        "What this undo took away is no longer kept. Make a preview that includes what was undone, and approve it."
    )]
    RedoExpired,
    /// Only a job that was given up can be tried again or put aside.
    #[error("This job has not been given up, so there is nothing to retry or to discard.")]
    JobNotDead,
    /// Nothing has been approved for this account.
    #[error("Nothing is approved for this account. Make a preview and approve it first.")]
    NoConsent,
    /// The provider asks for patience.
    #[error("The provider asks for patience. Try again in {seconds} seconds.")]
    Throttled {
        /// How long.
        seconds: u64,
    },
    /// The provider fails too often, so it is left alone for a while.
    #[error("The provider fails too often at the moment. Try again in {seconds} seconds.")]
    ProviderFailing {
        /// How long.
        seconds: u64,
    },
    /// The provider does not answer.
    #[error("The provider does not answer at the moment. Try again in a minute.")]
    ProviderUnavailable,
}

impl Refusal {
    /// The stable word clients branch on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "NOT_FOUND",
            Self::Invalid { .. } => "INVALID_INPUT",
            Self::NothingChosen => "NOTHING_CHOSEN",
            Self::ScopeMissing { .. } => "SCOPE_MISSING",
            Self::ConsentDenied => "CONSENT_DENIED",
            Self::NeedsReauth => "NEEDS_REAUTH",
            Self::Disconnected => "DISCONNECTED",
            Self::Blocked { .. } => "BLOCKED",
            Self::PreviewExpired => "PREVIEW_EXPIRED",
            Self::AlreadyApproved => "ALREADY_APPROVED",
            Self::KeyReused => "KEY_REUSED",
            Self::AccountBusy => "ACCOUNT_BUSY",
            Self::BatchOver => "BATCH_OVER",
            Self::NotUndone => "NOT_UNDONE",
            Self::RedoExpired => "REDO_EXPIRED",
            Self::JobNotDead => "JOB_NOT_DEAD",
            Self::NoConsent => "NO_CONSENT",
            Self::Throttled { .. } => "THROTTLED",
            Self::ProviderFailing { .. } | Self::ProviderUnavailable => "PROVIDER_UNAVAILABLE",
        }
    }

    /// The input field it is about, where there is one.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            Self::NotFound { what: "account" } => Some("accountId"),
            Self::NotFound { what: "preview" } => Some("previewId"),
            Self::NotFound { what: "batch" } | Self::BatchOver | Self::NotUndone | Self::RedoExpired => Some("batchId"),
            Self::NotFound { what: "job" } | Self::JobNotDead => Some("jobId"),
            Self::NotFound { what: "contact" } => Some("contactId"),
            Self::NotFound { what: "contact in contactIds" } => Some("contactIds"),
            _ => None,
        }
    }
}

macro_rules! failed {
    ($($type:ty),*) => {$(
        impl From<$type> for Error {
            fn from(error: $type) -> Self {
                Self::Failed(error.into())
            }
        }
    )*};
}
failed!(broker::Error, seal::Error, serde_json::Error, std::io::Error, tokio::task::JoinError, anyhow::Error);

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        if error.is_lock_timeout() { Self::Busy } else { Self::Failed(error.into()) }
    }
}

/// What a provider's refusal means to someone who waits for the answer.
impl From<providers::Error> for Error {
    fn from(error: providers::Error) -> Self {
        use providers::Class;
        match error.class {
            Class::NeedsReauth | Class::Unauthorized => Refusal::NeedsReauth.into(),
            Class::NeedsScope => Refusal::ScopeMissing { service: "this service" }.into(),
            Class::Blocked => Refusal::Blocked {
                reason: "The provider or an administrator does not allow this account to be read.".to_owned(),
            }
            .into(),
            Class::Throttled(_) => Refusal::Throttled { seconds: 60 }.into(),
            Class::Transient => Refusal::ProviderUnavailable.into(),
            Class::CursorDead | Class::ItemGone | Class::Misconfigured | Class::Permanent => Self::Failed(error.into()),
        }
    }
}
