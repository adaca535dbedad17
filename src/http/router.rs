//! Puts the routes together, each within the envelope.

use std::sync::Arc;

use async_graphql::Executor;
use axum::{Router, extract::Request, middleware::from_fn_with_state, response::Response, routing::get};

use super::{
    answer::{Media, refuse},
    auth::Authenticator,
    csrf::{self, Origins},
    envelope::{self, RequestId},
    graphql,
    health::{self, ReadyCheck},
    shutdown::Shutdown,
};
use crate::clock::Clock;
use crate::config;
use crate::graphql::code::Code;

/// What the GraphQL routes need.
pub struct Api<E> {
    /// Executes checked operations; finds [`Viewer`](crate::graphql::viewer::Viewer) and
    /// [`RequestInfo`](crate::graphql::viewer::RequestInfo) in the data of each.
    pub executor: E,
    pub authenticator: Authenticator,
    pub http: config::Http,
    pub graphql: config::GraphQl,
    /// The time by which tokens on open sockets end.
    pub clock: Clock,
    /// Closes the sockets when the server stops; the one given to [`serve`](super::shutdown::serve).
    pub shutdown: Shutdown,
}

/// The whole server: `/graphql`, `/healthz`, `/readyz` and the routes of `extra`, which must have no fallback of its own.
///
/// `/graphql` takes POST, GET for queries, and `graphql-transport-ws`. The routes of `extra` get the envelope (request id,
/// security headers, an answer to a panic) but neither CORS nor the check of origins: pages of other sites lead people to a
/// callback.
pub fn router<E: Executor>(api: Api<E>, ready: ReadyCheck, extra: Router) -> Router {
    let origins = Origins::from_config(&api.http);
    let https = api.http.public_url.scheme() == "https";
    let graphql = Router::new()
        .route("/graphql", get(graphql::serve::<E>).post(graphql::serve::<E>))
        // Before the layers, so that they wrap it: a preflight is a method that has no route.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(origins.clone(), csrf::guard))
        .layer(origins.cors())
        .with_state(Arc::new(api));
    graphql
        .merge(health::routes(ready))
        .merge(extra)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(https, envelope::wrap))
}

async fn not_found(request: Request) -> Response {
    let error = Code::NotFound.error("There is nothing at this path.");
    refuse(Media::Json, error, RequestId::of(request.extensions()))
}

async fn method_not_allowed(request: Request) -> Response {
    let error = Code::MethodNotAllowed.error("This path does not take this method.");
    refuse(Media::Json, error, RequestId::of(request.extensions()))
}
