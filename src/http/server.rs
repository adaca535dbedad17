//! The API process: handles, schema and routes, served until told to stop.

use std::sync::Arc;

use axum::Router;
use futures::FutureExt;
use tokio::net::TcpListener;

use super::{
    attachments,
    auth::Authenticator,
    callback, console, graphiql,
    health::ReadyCheck,
    images,
    router::{Api, router},
    shutdown::{Shutdown, serve},
};
use crate::{app::App, clock::Clock, config::Config, graphql};

/// Serves the API on `listener` until `shutdown` begins.
///
/// # Errors
/// When the configuration lacks something the API needs.
pub async fn run(config: Arc<Config>, clock: Clock, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let app = App::for_api(config, clock)?;
    serve(listener, routes(&app, shutdown.clone())?, shutdown).await;
    Ok(())
}

/// All routes of the API.
///
/// # Errors
/// When tokens cannot be verified with the configuration, or the trusted documents cannot be read.
pub fn routes(app: &App, shutdown: Shutdown) -> anyhow::Result<Router> {
    let config = &app.config;
    let authenticator = Authenticator::from_config(&config.auth, app.clock.clone())?;
    let schema = graphql::schema(app.clone());
    let (http, limits) = (config.http.clone(), config.graphql.clone());
    let api = Api::new(schema, authenticator, http, limits, app.broker.clone(), app.clock.clone(), shutdown)?;
    let mut extra = callback::router(app.clone()).merge(attachments::router(app.clone()));
    if app.images.is_some() {
        extra = extra.merge(images::router(app.clone()));
    }
    if config.http.console {
        extra = extra.merge(console::router(&config.http));
    }
    if config.http.graphiql {
        extra = extra.merge(graphiql::router());
    }
    Ok(router(api, ready(app.clone()), extra))
}

/// Ready means that the database answers. Redis may be away: work then waits, and nothing is lost.
fn ready(app: App) -> ReadyCheck {
    Arc::new(move || {
        let db = app.db.clone();
        async move { db.ping().await.map_err(|_| vec!["database"]) }.boxed()
    })
}
