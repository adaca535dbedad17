//! Inputs and payloads of what is done about a job that was given up.

use async_graphql::{ID, InputObject, SimpleObject};

use crate::graphql::{error::UserError, objects::batch::Job};

/// Which job to try again.
#[derive(InputObject)]
pub(in crate::graphql) struct RetryJobInput {
    /// The job; it must be `DEAD`.
    pub(super) job_id: ID,
}

/// The job as it stands now.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RetryJobPayload {
    /// The job; `null` when nothing was changed.
    pub(super) job: Option<Job>,
    /// Why nothing was changed; empty when it is as was asked.
    pub(super) user_errors: Vec<UserError>,
}

/// Which job to put aside.
#[derive(InputObject)]
pub(in crate::graphql) struct DiscardJobInput {
    /// The job; it must be `DEAD`.
    pub(super) job_id: ID,
}

/// The job as it stands now.
#[derive(SimpleObject)]
pub(in crate::graphql) struct DiscardJobPayload {
    /// The job; `null` when nothing was changed.
    pub(super) job: Option<Job>,
    /// Why nothing was changed; empty when it is as was asked.
    pub(super) user_errors: Vec<UserError>,
}
