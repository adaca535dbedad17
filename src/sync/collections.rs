//! What a person can choose from: an account's calendars and labels, asked of the provider now.

use super::{Caller, Error, Refusal, Result, session::Session};
use crate::{
    app::App,
    domain::{account::Service, consent::Label, ids::AccountId, stream::Collection},
};

/// The calendars an account can read, asked of the provider now.
///
/// # Errors
/// Refused when the account cannot be read.
pub async fn calendars(app: &App, caller: &Caller, account: AccountId) -> Result<Vec<Collection>> {
    let session = Session::open(app, caller.user, account).await?;
    session.require(Service::Calendar)?;
    match session.calendars(app).await {
        // The provider may end a token before its time; a fresh one tells whether the grant has ended, too.
        Err(Error::Refused(Refusal::NeedsReauth)) => session.refresh(app).await?.calendars(app).await,
        found => found,
    }
}

/// The labels of an account, asked of the provider now.
///
/// # Errors
/// Refused when the account cannot be read.
pub async fn labels(app: &App, caller: &Caller, account: AccountId) -> Result<Vec<Label>> {
    let session = Session::open(app, caller.user, account).await?;
    session.require(Service::Gmail)?;
    match session.labels(app).await {
        Err(Error::Refused(Refusal::NeedsReauth)) => session.refresh(app).await?.labels(app).await,
        found => found,
    }
}
