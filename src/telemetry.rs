//! Tracing: what is logged and in which form. Fields hold ids and numbers; no token, address or content is ever one.

use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::Log;

/// Whether an event may be logged, whatever the filter asks for.
///
/// Below `info` libraries print what passes through them: the database driver every statement with its parameters, so the
/// text of mails. Only what we wrote ourselves is known to hold none of that.
fn is_discreet(event: &Metadata<'_>) -> bool {
    *event.level() <= Level::INFO || event.target().split("::").next() == Some("omnisync")
}

/// Starts logging to standard error. Called once, by `main`.
///
/// # Errors
/// When the filter cannot be read, or logging has already been started.
pub fn init(log: &Log) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let registry = tracing_subscriber::registry().with(filter).with(filter_fn(is_discreet));
    if log.json {
        let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
        registry.with(layer).try_init()?;
    } else {
        registry.with(tracing_subscriber::fmt::layer().with_target(false).with_writer(std::io::stderr)).try_init()?;
    }
    Ok(())
}
