//! Runs one operation, the same for every transport: checked before, bounded in time, and its errors made fit to show.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use async_graphql::{Executor, Request, Response, ServerError, parser::types::OperationType};
use futures::{FutureExt, Stream, StreamExt, stream};

use super::router::Api;
use crate::graphql::{
    code::Code,
    precheck,
    viewer::{RequestInfo, Viewer},
};

/// Errors of one answer; validation can find one in each token.
const MAX_ERRORS: usize = 25;
/// Characters of one message; validation repeats names of the document.
const MAX_MESSAGE_CHARS: usize = 300;
/// How async-graphql begins to say that an argument has a wrong value; the text is its own, and fit to show.
const COERCION: [&str; 3] = ["Failed to parse \"", "Expected input type \"", "Invalid value for argument \""];

/// An operation that passed the check before execution.
pub(super) struct Operation {
    request: Request,
    /// What it does; decides which transports and methods it may come by.
    pub(super) kind: OperationType,
    /// The id its errors carry.
    request_id: String,
}

impl Operation {
    /// Checks `request` and gives it to `viewer`.
    ///
    /// # Errors
    /// What [`precheck::check`] refuses, with the request id.
    pub(super) fn prepare<E>(
        api: &Api<E>,
        mut request: Request,
        viewer: Viewer,
        info: RequestInfo,
    ) -> Result<Self, ServerError> {
        let request_id = info.id.clone();
        match precheck::check(&mut request, &api.graphql) {
            Ok(kind) => Ok(Self { request: request.data(viewer).data(info), kind, request_id }),
            Err(refusal) => {
                let mut error = ServerError::from(refusal);
                error.extensions.get_or_insert_default().set("requestId", request_id);
                Err(error)
            }
        }
    }

    /// Runs a query or a mutation for at most `limit`.
    pub(super) async fn execute<E: Executor>(self, executor: &E, limit: Duration) -> Response {
        let Self { request, request_id, .. } = self;
        let run = AssertUnwindSafe(executor.execute(request)).catch_unwind();
        let response = match tokio::time::timeout(limit, run).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => panicked(&*panic, &request_id),
            Err(_) => failed(Code::Timeout, "The operation took too long and was stopped."),
        };
        presentable(response, &request_id)
    }

    /// Starts a subscription. The stream is pulled: nothing is computed for a reader that does not read.
    pub(super) fn subscribe<E: Executor>(self, executor: &E) -> impl Stream<Item = Response> + Send + use<E> {
        let Self { request, request_id, .. } = self;
        let events = AssertUnwindSafe(executor.execute_stream(request, None)).catch_unwind();
        // A panic is the last event.
        let events = stream::unfold(Some(Box::pin(events)), |events| async move {
            let mut events = events?;
            let event = events.next().await?;
            let rest = event.is_ok().then_some(events);
            Some((event, rest))
        });
        events.map(move |event| presentable(event.unwrap_or_else(|panic| panicked(&*panic, &request_id)), &request_id))
    }
}

fn failed(code: Code, message: &str) -> Response {
    Response::from_errors(vec![code.error(message)])
}

fn panicked(panic: &(dyn Any + Send), request_id: &str) -> Response {
    log_panic(panic, request_id);
    failed(Code::InternalServerError, INTERNAL)
}

/// What clients are told of our failures.
pub(super) const INTERNAL: &str = "Something went wrong on our side.";

/// Writes a caught panic to the log.
pub(super) fn log_panic(panic: &(dyn Any + Send), request_id: &str) {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(request.id = request_id, panic = text.unwrap_or("no text"), "a request panicked");
}

/// Gives each error a code and the request id, and hides texts nobody wrote for clients.
fn presentable(mut response: Response, request_id: &str) -> Response {
    response.errors.truncate(MAX_ERRORS);
    for error in &mut response.errors {
        if error.extensions.as_ref().is_none_or(|extensions| extensions.get("code").is_none()) {
            let coercion = COERCION.iter().any(|start| error.message.starts_with(start));
            let code = match (error.path.is_empty(), coercion) {
                (_, true) => Code::BadUserInput,
                (true, false) => Code::GraphqlValidationFailed,
                (false, false) => {
                    // An error without a code was never meant for clients: `?` turns any `Display` into one.
                    tracing::error!(request.id = request_id, error = error.message, "a resolver failed");
                    INTERNAL.clone_into(&mut error.message);
                    Code::InternalServerError
                }
            };
            code.attach(&mut error.extensions);
        }
        if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE_CHARS) {
            error.message.truncate(end);
        }
        error.extensions.get_or_insert_default().set("requestId", request_id);
    }
    response
}
