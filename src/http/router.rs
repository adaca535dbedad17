//! Puts the routes together, each within the envelope.

use std::sync::Arc;

use async_graphql::Executor;
use axum::{Router, extract::Request, middleware::from_fn_with_state, response::Response, routing::get};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer, Predicate,
        predicate::{NotForContentType, SizeAbove},
    },
};

use super::{
    answer::{Media, refuse},
    auth::Authenticator,
    csrf::{self, Origins},
    documents::Documents,
    envelope::{self, RequestId},
    graphql,
    health::{self, ReadyCheck},
    limits::Limits,
    shutdown::Shutdown,
};
use crate::broker::Broker;
use crate::clock::Clock;
use crate::config;
use crate::graphql::{code::Code, precheck::Lately};

/// Shorter answers fit into one packet anyway.
const MIN_COMPRESSED_BYTES: u16 = 1_024;

/// What the GraphQL routes need.
pub struct Api<E> {
    /// Executes checked operations; finds [`Viewer`](crate::graphql::viewer::Viewer) and
    /// [`RequestInfo`](crate::graphql::viewer::RequestInfo) in the data of each.
    pub(super) executor: E,
    pub(super) authenticator: Authenticator,
    pub(super) http: config::Http,
    pub(super) graphql: config::GraphQl,
    pub(super) documents: Documents,
    /// The pre-check, and the documents that it has met.
    pub(super) lately: Lately,
    pub(super) limits: Limits,
    /// The time by which tokens on open sockets and streams end.
    pub(super) clock: Clock,
    /// Closes sockets and streams when the server stops; the one given to [`serve`](super::shutdown::serve).
    pub(super) shutdown: Shutdown,
}

impl<E> Api<E> {
    /// # Errors
    /// When the trusted documents cannot be read.
    pub fn new(
        executor: E,
        authenticator: Authenticator,
        http: config::Http,
        graphql: config::GraphQl,
        broker: Broker,
        clock: Clock,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        let documents = Documents::from_config(&graphql, broker.clone())?;
        let (lately, limits) = (Lately::default(), Limits::new(&graphql, broker));
        Ok(Self { executor, authenticator, http, graphql, documents, lately, limits, clock, shutdown })
    }
}

/// The whole server: `/graphql`, `/healthz`, `/readyz` and the routes of `extra`, which must have no fallback of its own.
///
/// `/graphql` takes POST, GET for queries, and `graphql-transport-ws`; subscriptions also as one long answer to a POST. The routes of `extra` get the envelope (request id,
/// security headers, an answer to a panic) but neither CORS nor the check of origins: pages of other sites lead people to a
/// callback.
pub fn router<E: Executor>(api: Api<E>, ready: ReadyCheck, extra: Router) -> Router {
    let origins = Origins::from_config(&api.http);
    let https = api.http.public_url.scheme() == "https";
    let graphql = Router::new()
        .route("/graphql", get(graphql::serve::<E>).post(graphql::serve::<E>))
        // Before the layers, so that they wrap it: a preflight is a method that has no route.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(compression())
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

/// Compresses long answers for clients that say they read it. What streams is left alone: it would be gathered on its way.
fn compression() -> CompressionLayer<impl Predicate> {
    let wanted = SizeAbove::new(MIN_COMPRESSED_BYTES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::const_new("multipart/mixed"));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(wanted)
}

async fn not_found(request: Request) -> Response {
    let error = Code::NotFound.error("There is nothing at this path.");
    refuse(Media::Json, error, RequestId::of(request.extensions()))
}

async fn method_not_allowed(request: Request) -> Response {
    let error = Code::MethodNotAllowed.error("This path does not take this method.");
    refuse(Media::Json, error, RequestId::of(request.extensions()))
}
