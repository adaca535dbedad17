//! Tracing: what is logged and in which form. Fields hold ids and numbers; no token, address or content is ever one.

use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::Log;

/// Starts logging to standard error. Called once, by `main`.
///
/// # Errors
/// When the filter cannot be read, or logging has already been started.
pub fn init(log: &Log) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    if log.json {
        let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
        registry.with(layer).try_init()?;
    } else {
        registry.with(tracing_subscriber::fmt::layer().with_target(false).with_writer(std::io::stderr)).try_init()?;
    }
    Ok(())
}
