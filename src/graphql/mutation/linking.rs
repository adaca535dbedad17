//! Inputs and payloads of linking an account and of parting from it.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::{
    error::UserError,
    objects::{account::Account, words::Service},
};

/// What to connect.
#[derive(InputObject)]
pub(in crate::graphql) struct ConnectInput {
    /// The services to ask for; all when left out. The person may still leave one out at the provider.
    pub(super) services: Option<Vec<Service>>,
    /// The address to suggest to the provider's account chooser, at most 320 characters.
    pub(super) login_hint: Option<String>,
    /// Where the browser goes afterwards: a path on this server, or an address on an allowed origin; a plain page of this server
    /// when left out. It comes back with `connected=<account id>` or `connectError=<code>` in the query.
    pub(super) return_to: Option<String>,
    /// For an application that cannot share cookies with this server, on another site or on a phone: the browser comes back
    /// with `connectCode=<code>` instead of `connected`, and the application gives that to `finishConnect`.
    #[graphql(default)]
    pub(super) hand_over: bool,
}

/// What to finish with.
#[derive(InputObject)]
pub(in crate::graphql) struct FinishConnectInput {
    /// The code the browser came back with, at most ten minutes after `connect`. It works once, and only for the person who
    /// began.
    pub(super) connect_code: String,
}

/// What was linked.
#[derive(SimpleObject)]
pub(in crate::graphql) struct FinishConnectPayload {
    /// The account; `null` when nothing was linked.
    pub(super) account: Option<Account>,
    /// The account's id; `null` when nothing was linked.
    pub(super) account_id: Option<ID>,
    /// Why nothing was linked; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}

/// Where to send the person.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ConnectPayload {
    /// Open this in the browser that sent the request: it was given a cookie, and only with it the way back works. With
    /// `handOver`, open it in any browser. `null` when nothing was begun.
    pub(super) authorization_url: Option<String>,
    /// After this the address is of no use; `null` when nothing was begun.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// Why nothing was begun; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}

/// What becomes of the data of an account that is disconnected.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::graphql) enum DisconnectData {
    /// It stays as it is.
    Keep,
    /// Every batch of the account is undone, and none can be redone: mail, meetings and their raw copies go. Their ids stay in
    /// `items`, so that they do not come back by themselves.
    Erase,
}

/// How to part from an account.
#[derive(InputObject)]
pub(in crate::graphql) struct DisconnectInput {
    /// The account.
    pub(super) account_id: ID,
    /// What becomes of its data.
    pub(super) data: DisconnectData,
    /// Whether to take the grant back at the provider, too. Careful: that ends this application's access for everyone here
    /// who has linked the same identity, and with all scopes.
    #[graphql(default = true)]
    pub(super) revoke: bool,
}

/// What became of an account.
#[derive(SimpleObject)]
pub(in crate::graphql) struct DisconnectPayload {
    /// The account, which keeps its id for the day it is connected again; `null` when nothing was changed.
    pub(super) account: Option<Account>,
    /// How many batches are being undone; `batches` shows them.
    pub(super) undoing: i32,
    /// Whether the provider took the grant back. `null` when it was not asked, or there was none; when `false`, the person can
    /// take it back on the provider's own page.
    pub(super) revoked_at_provider: Option<bool>,
    /// Why nothing was changed; empty when it was.
    pub(super) user_errors: Vec<UserError>,
}
