//! The verbs. Every write passes here, and what belongs in one transaction is decided here.
//!
//! A verb takes the [`App`](crate::app::App), the person and its input, and ends in a value or an [`Error`]: refused, which is
//! the caller's doing and fit to show, or failed, which is ours. No transaction here contains a call to a provider.

pub mod approve;
pub mod batch;
mod brake;
mod calls;
pub mod changes;
pub mod collections;
pub mod connect;
pub mod content;
pub mod control;
pub mod deletions;
pub mod disconnect;
mod error;
pub mod eta;
pub mod images;
pub mod ledger;
pub mod links;
mod normalize;
pub mod people;
pub mod preferences;
pub mod preview;
pub mod purge;
pub mod reconcile;
pub mod redo;
pub mod reproject;
pub mod search;
mod session;
pub mod statistics;
mod step;
mod store;
pub mod timeline;
pub mod undo;
mod vault;
mod work;

pub use error::{Error, Refusal, Result};
pub use vault::Vault;
pub use work::{Outcome, work};

/// Who asks, for the audit: the request's id and the client's own name of itself.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person.
    pub user: crate::domain::ids::UserId,
    /// The request's id.
    pub request_id: String,
    /// The client, cut to 200 characters.
    pub client: String,
}
