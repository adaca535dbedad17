//! The Gmail API, version 1, as far as a sync needs it: profile, addresses, labels, messages, attachments,
//! threads, history.

mod access;
mod changes;
mod grammar;
mod history;
mod labels;
mod mailbox;
mod message;
mod messages;
mod payload;
mod query;
mod settings;
mod threads;

use axum::{Router, routing::get};

pub use self::settings::Alias;
pub(super) use self::{
    mailbox::{Incoming, Mailbox, Stored, Threading},
    message::{Content, Id},
    messages::search,
};
use super::world::SharedWorld;

pub(super) fn routes() -> Router<SharedWorld> {
    let user = "/gmail/v1/users/{user}";
    Router::new()
        .route(&format!("{user}/profile"), get(labels::profile))
        .route(&format!("{user}/settings/sendAs"), get(settings::send_as))
        .route(&format!("{user}/labels"), get(labels::list))
        .route(&format!("{user}/labels/{{id}}"), get(labels::find))
        .route(&format!("{user}/messages"), get(messages::list))
        .route(&format!("{user}/messages/{{id}}"), get(messages::find))
        .route(&format!("{user}/messages/{{id}}/attachments/{{attachment}}"), get(messages::attachment))
        .route(&format!("{user}/threads"), get(threads::list))
        .route(&format!("{user}/threads/{{id}}"), get(threads::find))
        .route(&format!("{user}/history"), get(history::list))
}
