//! `GET /metrics` on a listener of its own, which is never the API's: whoever reaches it may read it.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, routing::get};
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;

use super::shutdown::{Shutdown, serve};
use crate::{
    broker::{BreakerState, Broker, Scope},
    config::Config,
    domain::account::Service,
    meters::{self, Meters},
};

/// Prometheus's text form.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How often histograms are gathered between two looks.
const GATHER_EVERY: Duration = Duration::from_secs(5);
/// How long Redis may take to tell how the breakers stand; the rest is shown without.
const REDIS_WITHIN: Duration = Duration::from_secs(2);

/// Starts counting and answering where the configuration names an address, and goes on until the process ends; returns the
/// address listened on.
///
/// # Errors
/// When the address is taken.
pub async fn start(config: &Config) -> anyhow::Result<Option<SocketAddr>> {
    let Some(address) = config.metrics.listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let (meters, broker) = (Meters::install()?, Broker::connect(&config.redis)?);
    let gathered = meters.clone();
    tokio::spawn(async move {
        let mut due = tokio::time::interval(GATHER_EVERY);
        loop {
            due.tick().await;
            gathered.gather();
        }
    });
    let show = move || {
        let (meters, broker) = (meters.clone(), broker.clone());
        async move {
            if tokio::time::timeout(REDIS_WITHIN, look_at_breakers(&broker)).await.is_err() {
                tracing::warn!("Redis does not tell how the breakers stand; the metrics show how they stood");
            }
            ([(CONTENT_TYPE, TEXT)], meters.render())
        }
    };
    tokio::spawn(serve(listener, Router::new().route("/metrics", get(show)), Shutdown::default()));
    Ok(Some(bound))
}

/// Reads how the breakers stand, which no process knows by itself.
async fn look_at_breakers(broker: &Broker) {
    for service in Service::ALL {
        let states = broker.breaker_states(&[(*service, Scope::Project)]).await;
        let (Ok(states), Ok(n_open)) = (states, broker.count_open_breakers(*service).await) else { return };
        let is = |state: fn(&BreakerState) -> bool| states.first().is_some_and(state);
        let states = [
            ("closed", is(|state| matches!(state, BreakerState::Closed))),
            ("open", is(|state| matches!(state, BreakerState::Open(_)))),
            ("half_open", is(|state| matches!(state, BreakerState::HalfOpen))),
        ];
        meters::breakers(service.as_str(), &states, n_open);
    }
}
