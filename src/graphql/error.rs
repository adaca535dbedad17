//! From the verbs' errors to what clients read: user errors in payloads, or GraphQL errors with a stable code.

use std::pin::Pin;

use async_graphql::{Context, Error, Result, SimpleObject};

use super::{
    code::Code,
    viewer::{RequestInfo, Viewer},
};
use crate::{
    app::App,
    db::{self, Tx},
    domain::ids::UserId,
    sync::{self, Caller, Refusal},
};

/// A reason why a mutation did not do what was asked, which the caller can do something about. Nothing was changed.
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct UserError {
    /// A stable word to branch on, such as `PREVIEW_EXPIRED`. The README lists them all.
    pub code: &'static str,
    /// The input field it is about; `null` when it is about the whole.
    pub field: Option<&'static str>,
    /// What happened and what to do next, in English, fit to show to a person.
    pub message: String,
}

impl From<Refusal> for UserError {
    fn from(refusal: Refusal) -> Self {
        Self { code: refusal.code(), field: refusal.field(), message: refusal.to_string() }
    }
}

/// The handles.
pub(super) fn app<'a>(ctx: &Context<'a>) -> Result<&'a App> {
    ctx.data::<App>().map_err(|_| Code::InternalServerError.field_error("The server is set up wrongly."))
}

/// Who asks. The HTTP layer answers a request without a viewer before any resolver runs.
pub(super) fn viewer(ctx: &Context<'_>) -> Result<UserId> {
    let viewer = ctx.data::<Viewer>().map_err(|_| Code::Unauthenticated.field_error("Sign in first."))?;
    Ok(viewer.user)
}

/// Who asks, as the audit names them.
pub(super) fn caller(ctx: &Context<'_>) -> Result<Caller> {
    let user = viewer(ctx)?;
    let (request_id, client) = match ctx.data::<RequestInfo>() {
        Ok(info) => (info.id.clone(), info.client.clone()),
        Err(_) => (String::new(), String::new()),
    };
    Ok(Caller { user, request_id, client })
}

/// Reads in a transaction of the person who asks.
///
/// # Errors
/// When nobody has signed in, or the failure is ours.
///
/// On the heap, as [`super::once::once`].
pub(super) fn read<T>(
    ctx: &Context<'_>,
    look: impl AsyncFnOnce(&mut Tx) -> db::Result<T>,
) -> Pin<Box<impl Future<Output = Result<T>>>> {
    Box::pin(async move {
        let (app, user) = (app(ctx)?, viewer(ctx)?);
        let found = async {
            let mut tx = app.db.begin_reading(user).await?;
            let found = look(&mut tx).await?;
            tx.commit().await?;
            Ok::<_, db::Error>(found)
        };
        found.await.map_err(|error| failed(ctx, error))
    })
}

/// Our own failure: the cause goes to the log with the request's id, and the client reads only that it happened, and whether
/// it will pass.
pub(super) fn failed(ctx: &Context<'_>, cause: impl Into<anyhow::Error>) -> Error {
    let cause = cause.into();
    let request_id = ctx.data::<RequestInfo>().map(|info| info.id.as_str()).unwrap_or_default();
    tracing::error!(request.id = request_id, error = ?cause, "an operation failed");
    if cause.downcast_ref().is_some_and(db::Error::is_out_of_reach) {
        return Code::Unavailable.field_error("The database is out of reach at the moment. Try again in a minute.");
    }
    Code::InternalServerError.field_error("Something went wrong here. Try again; the request id finds it in our log.")
}

/// A verb's result as a payload: what it gave, or the errors the caller can act on.
///
/// # Errors
/// When the failure is ours.
pub(super) fn payload<T>(ctx: &Context<'_>, result: sync::Result<T>) -> Result<(Option<T>, Vec<UserError>)> {
    match result {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(sync::Error::Refused(refusal)) => Ok((None, vec![refusal.into()])),
        Err(error) => Err(refused(ctx, error)),
    }
}

/// A refusal outside a mutation, where there is no payload to put it in.
pub(super) fn refused(ctx: &Context<'_>, error: sync::Error) -> Error {
    match error {
        sync::Error::Refused(refusal) => {
            let mut error = Code::BadUserInput.field_error(refusal.to_string());
            error.extensions.get_or_insert_default().set("reason", refusal.code());
            error
        }
        sync::Error::Failed(cause) => failed(ctx, cause),
        sync::Error::Busy => failed(ctx, error),
    }
}
