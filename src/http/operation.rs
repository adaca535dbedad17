//! Runs one operation, the same for every transport: checked before, bounded in time, and its errors made fit to show.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use async_graphql::{Executor, Request, Response, ServerError, Value, parser::types::OperationType, value};
use futures::{
    FutureExt, Stream, StreamExt,
    stream::{self, BoxStream},
};

use super::{body::Received, limits::Place, router::Api};
use crate::config;
use crate::graphql::{
    code::Code,
    precheck::Checked,
    question::Question,
    viewer::{RequestInfo, Viewer},
};
use crate::meters;

/// Errors of one answer; validation can find one in each token.
const MAX_ERRORS: usize = 25;
/// Characters of one message; validation repeats names of the document.
const MAX_MESSAGE_CHARS: usize = 300;
/// How async-graphql begins to say that an argument has a wrong value; the text is its own, and fit to show.
const COERCION: [&str; 3] = ["Failed to parse \"", "Expected input type \"", "Invalid value for argument \""];

/// An operation that passed the checks before execution.
pub(super) struct Operation {
    request: Request,
    /// What it does; decides which transports and methods it may come by.
    pub(super) kind: OperationType,
    /// The id its errors carry.
    request_id: String,
    /// What the first answer says of its cost, when that was asked for.
    cost: Option<Value>,
    place: Place,
}

impl Operation {
    /// Checks what was received, gives it to `viewer`, and takes a place for it.
    ///
    /// # Errors
    /// What [`Documents`](super::documents::Documents), [`Lately`](crate::graphql::precheck::Lately) and
    /// [`Limits`](super::limits::Limits) refuse, with the request id.
    pub(super) async fn prepare<E>(
        api: &Api<E>,
        received: Received,
        viewer: Viewer,
        info: RequestInfo,
    ) -> Result<Self, ServerError> {
        let request_id = info.id.clone();
        Self::admit(api, received, viewer, info).await.map_err(|mut error| {
            meters::refused(Code::of(&error).unwrap_or(Code::InternalServerError).as_str());
            error.extensions.get_or_insert_default().set("requestId", request_id);
            error
        })
    }

    async fn admit<E>(
        api: &Api<E>,
        received: Received,
        viewer: Viewer,
        info: RequestInfo,
    ) -> Result<Self, ServerError> {
        let Received { mut request, document, asks_cost } = received;
        let (user, id, sent) = (viewer.user, document.as_deref(), !request.query.is_empty());
        request.query = api.documents.resolve(user, request.query, id).await?;
        let Checked { kind, cost } = api.lately.check(&mut request, &api.graphql)?;
        let place = api.limits.enter(user, kind)?;
        api.limits.pay(user, cost).await?;
        if sent {
            api.documents.keep(user, &request.query, id).await;
        }
        let cost = match asks_cost {
            true => Some(shown(cost, &api.graphql, api.limits.left(user).await)),
            false => None,
        };
        let request_id = info.id.clone();
        if kind == OperationType::Subscription
            && let Some(question) = Question::of(&request)
        {
            request = request.data(question);
        }
        Ok(Self { request: request.data(viewer).data(info), kind, request_id, cost, place })
    }

    /// Runs a query or a mutation for at most `limit`.
    pub(super) async fn execute<E: Executor>(self, executor: &E, limit: Duration) -> Response {
        let Self { request, request_id, cost, place: _place, .. } = self;
        execute(executor, request, limit, &request_id, cost).await
    }

    /// Runs whatever it is, as a stream of answers; its place is the caller's to keep until it is over. The stream is pulled:
    /// nothing is computed for a reader that does not read.
    pub(super) fn run<E: Executor>(self, executor: &E, limit: Duration) -> (BoxStream<'static, Response>, Place) {
        let Self { request, kind, request_id, cost, place } = self;
        let responses = match kind {
            OperationType::Subscription => subscribe(executor, request, request_id, cost).boxed(),
            OperationType::Query | OperationType::Mutation => {
                let executor = executor.clone();
                let response = async move { execute(&executor, request, limit, &request_id, cost).await };
                response.into_stream().boxed()
            }
        };
        (responses, place)
    }
}

async fn execute<E: Executor>(
    executor: &E,
    request: Request,
    limit: Duration,
    request_id: &str,
    cost: Option<Value>,
) -> Response {
    let run = AssertUnwindSafe(executor.execute(request)).catch_unwind();
    let response = match tokio::time::timeout(limit, run).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => panicked(&*panic, request_id),
        Err(_) => {
            failed(Code::Timeout, &format!("The operation took longer than {} s and was stopped.", limit.as_secs()))
        }
    };
    with_cost(presentable(response, request_id), cost)
}

fn subscribe<E: Executor>(
    executor: &E,
    request: Request,
    request_id: String,
    mut cost: Option<Value>,
) -> impl Stream<Item = Response> + Send + use<E> {
    let events = AssertUnwindSafe(executor.execute_stream(request, None)).catch_unwind();
    // A panic is the last event.
    let events = stream::unfold(Some(Box::pin(events)), |events| async move {
        let mut events = events?;
        let event = events.next().await?;
        let rest = event.is_ok().then_some(events);
        Some((event, rest))
    });
    events.map(move |event| {
        let response = event.unwrap_or_else(|panic| panicked(&*panic, &request_id));
        with_cost(presentable(response, &request_id), cost.take())
    })
}

/// What clients are told of a cost: the document's, the most that a document may have, the most of a minute, and what is left
/// of this one, if that is known.
fn shown(cost: usize, limits: &config::GraphQl, left: Option<u32>) -> Value {
    value!({
        "document": cost, "documentLimit": limits.max_complexity,
        "minuteLimit": limits.cost_per_minute, "minuteLeft": left,
    })
}

fn with_cost(response: Response, cost: Option<Value>) -> Response {
    match cost {
        Some(cost) => response.extension("cost", cost),
        None => response,
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
