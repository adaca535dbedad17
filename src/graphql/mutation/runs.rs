//! Inputs and payloads of everything that begins, holds, ends or takes back a run.

use async_graphql::{ID, InputObject, SimpleObject};

use crate::graphql::{
    error::UserError,
    objects::{
        batch::{Batch, UndoCount},
        preview::Preview,
        words::Service,
    },
};

/// What to look at. What is left out is taken from the preferences.
#[derive(InputObject)]
pub(in crate::graphql) struct PreviewInput {
    /// The account to look at.
    pub(super) account_id: ID,
    /// The services to look at; every granted one when left out.
    pub(super) services: Option<Vec<Service>>,
    /// A mail query in the part of Gmail's grammar that can be evaluated here as well: `from:` `to:` `cc:` `bcc:` `subject:` `label:`
    /// `in:` `is:` `has:attachment` `category:` `after:` `before:` `older_than:` `newer_than:` `larger:` `smaller:` `rfc822msgid:`, `-`,
    /// `OR`, `{}` and `()`. At most 2,000 bytes.
    pub(super) gmail_query: Option<String>,
    /// Only mail with one of these label ids.
    pub(super) include_labels: Option<Vec<String>>,
    /// No mail with one of these label ids.
    pub(super) exclude_labels: Option<Vec<String>>,
    /// Days of mail to look back, 1 to 36,500.
    pub(super) mail_days_back: Option<i32>,
    /// The ids of the calendars to look at, 1 to 50; the main one when left out.
    pub(super) calendars: Option<Vec<String>>,
    /// Days of meetings to look back, 0 to 3,650.
    pub(super) calendar_days_back: Option<i32>,
    /// Days of meetings to look ahead, 0 to 3,650.
    pub(super) calendar_days_ahead: Option<i32>,
    /// Whether events marked private may come in.
    pub(super) private_events: Option<bool>,
    /// Addresses whose mail and meetings stay out, at most 500.
    pub(super) excluded_senders: Option<Vec<String>>,
    /// Domains whose mail and meetings stay out, with their subdomains, at most 500.
    pub(super) excluded_domains: Option<Vec<String>>,
    /// Whether what an earlier undo took away may come in again.
    #[graphql(default)]
    pub(super) include_undone: bool,
}

/// What was found.
#[derive(SimpleObject)]
pub(in crate::graphql) struct PreviewPayload {
    /// The preview; `null` when it could not be made.
    pub(super) preview: Option<Preview>,
    /// Why it could not be made; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}

/// What to approve.
#[derive(InputObject)]
pub(in crate::graphql) struct ApproveInput {
    /// The preview to make binding.
    pub(super) preview_id: ID,
    /// Addresses to leave out beyond what the preview leaves out.
    #[graphql(default)]
    pub(super) excluded_senders: Vec<String>,
    /// Domains to leave out beyond what the preview leaves out.
    #[graphql(default)]
    pub(super) excluded_domains: Vec<String>,
    /// The same key approves once, however often it is sent; 1 to 200 characters, such as a random UUID.
    pub(super) idempotency_key: String,
}

/// What was started.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ApprovePayload {
    /// The batch that runs; `null` when nothing was started.
    pub(super) batch: Option<Batch>,
    /// Why nothing was started; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}

/// Which account to bring up to date.
#[derive(InputObject)]
pub(in crate::graphql) struct SyncNowInput {
    /// The account.
    pub(super) account_id: ID,
}

/// What was started.
#[derive(SimpleObject)]
pub(in crate::graphql) struct SyncNowPayload {
    /// The batch that runs; one that was running before is returned as it stands. `null` when nothing was started.
    pub(super) batch: Option<Batch>,
    /// Why nothing was started; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}

/// Which account to check.
#[derive(InputObject)]
pub(in crate::graphql) struct AuditCompletenessInput {
    /// The account.
    pub(super) account_id: ID,
}

/// What was started.
#[derive(SimpleObject)]
pub(in crate::graphql) struct AuditCompletenessPayload {
    /// The batch that runs; one that was running before is returned as it stands. `null` when nothing was started.
    pub(super) batch: Option<Batch>,
    /// Why nothing was started; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}

/// What to take back.
#[derive(InputObject)]
pub(in crate::graphql) struct UndoInput {
    /// The batch to take back.
    pub(super) batch_id: ID,
    /// Only say what it would do.
    #[graphql(default)]
    pub(super) dry_run: bool,
}

/// What is taken back, or with `dryRun` would be.
#[derive(SimpleObject)]
pub(in crate::graphql) struct UndoPayload {
    /// The batch; `batchProgress` tells when it is undone. `null` when there is none.
    pub(super) batch: Option<Batch>,
    /// What the undo takes away, sets back and leaves, counted before it began.
    pub(super) counts: Vec<UndoCount>,
    /// Why it was not begun; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}

/// What to bring back.
#[derive(InputObject)]
pub(in crate::graphql) struct RedoInput {
    /// The batch to bring back; it must be `UNDONE`, and its `redoUntil` not over.
    pub(super) batch_id: ID,
}

/// What comes back.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RedoPayload {
    /// The batch; `batchProgress` tells when it is what it was before the undo. `null` when nothing was begun.
    pub(super) batch: Option<Batch>,
    /// Why it was not begun; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}

/// Which run to hold.
#[derive(InputObject)]
pub(in crate::graphql) struct PauseInput {
    /// The batch.
    pub(super) batch_id: ID,
}

/// The run as it stands now.
#[derive(SimpleObject)]
pub(in crate::graphql) struct PausePayload {
    /// The batch; `null` when nothing was changed.
    pub(super) batch: Option<Batch>,
    /// Why nothing was changed; empty when it is as was asked.
    pub(super) user_errors: Vec<UserError>,
}

/// Which run to let go on.
#[derive(InputObject)]
pub(in crate::graphql) struct ResumeInput {
    /// The batch.
    pub(super) batch_id: ID,
}

/// The run as it stands now.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ResumePayload {
    /// The batch; `null` when nothing was changed.
    pub(super) batch: Option<Batch>,
    /// Why nothing was changed; empty when it is as was asked.
    pub(super) user_errors: Vec<UserError>,
}

/// Which run to stop.
#[derive(InputObject)]
pub(in crate::graphql) struct CancelInput {
    /// The batch.
    pub(super) batch_id: ID,
}

/// The run as it stands now.
#[derive(SimpleObject)]
pub(in crate::graphql) struct CancelPayload {
    /// The batch; `null` when nothing was changed.
    pub(super) batch: Option<Batch>,
    /// Why nothing was changed; empty when it is as was asked.
    pub(super) user_errors: Vec<UserError>,
}
