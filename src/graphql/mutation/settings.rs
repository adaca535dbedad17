//! Payloads of what a person sets.

use async_graphql::SimpleObject;

use crate::graphql::{
    error::UserError,
    objects::{account::Account, preferences::Preferences},
};

/// The account with the new policy.
#[derive(SimpleObject)]
pub(in crate::graphql) struct SetDeletionPolicyPayload {
    /// The account as it is now; `null` when nothing was changed.
    pub(super) account: Option<Account>,
    /// Why nothing was changed; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}

/// The new preferences.
#[derive(SimpleObject)]
pub(in crate::graphql) struct UpdatePreferencesPayload {
    /// The preferences as they are now; `null` when they were not changed.
    pub(super) preferences: Option<Preferences>,
    /// Why they were not changed; empty when they were.
    pub(super) user_errors: Vec<UserError>,
}
