//! What a person can choose from: an account's calendars and labels, asked of the provider now.

use super::{Caller, Result, session::Session};
use crate::{
    app::App,
    domain::{account::Service, consent::Label, ids::AccountId, quota::Call, stream::Collection},
    providers::Provider,
};

/// The calendars an account can read, asked of the provider now.
///
/// # Errors
/// Refused when the account cannot be read.
pub async fn calendars(app: &App, caller: &Caller, account: AccountId) -> Result<Vec<Collection>> {
    let session = Session::open(app, caller.user, account).await?;
    session.require(Service::Calendar)?;
    session.draw_now(app, Call::Calendar, 1).await?;
    Ok(app.google.collections(&session.access, Service::Calendar).await?)
}

/// The labels of an account, asked of the provider now.
///
/// # Errors
/// Refused when the account cannot be read.
pub async fn labels(app: &App, caller: &Caller, account: AccountId) -> Result<Vec<Label>> {
    let session = Session::open(app, caller.user, account).await?;
    session.require(Service::Gmail)?;
    session.draw_now(app, Call::GmailLabels, 1).await?;
    Ok(app.google.labels(&session.access).await?)
}
