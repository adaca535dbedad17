//! The handles a process works with, built from the configuration and cheap to clone.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;

use crate::{
    broker::Broker,
    clock::Clock,
    config::Config,
    db::{Db, Timeouts},
    providers::{google::Google, images::Images},
    seal::Keyset,
};

/// Everything the verbs need. A process that serves and one that works hold the same, but log in to the database as
/// different roles.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub db: Db,
    pub broker: Broker,
    pub google: Arc<Google>,
    pub keyset: Keyset,
    /// Where the operator has turned the proxy on.
    pub images: Option<Images>,
}

impl App {
    /// The handles of a process that serves the API.
    ///
    /// # Errors
    /// When an address is missing or unusable; a server that is merely away shows on use.
    pub fn for_api(config: Arc<Config>, clock: Clock) -> anyhow::Result<Self> {
        let url = required(&config.database.api_url, "API_DATABASE_URL")?.clone();
        let timeouts = Timeouts::of_statement(config.database.statement_timeout);
        Self::build(config, clock, &url, timeouts)
    }

    /// The handles of a process that works.
    ///
    /// # Errors
    /// As [`App::for_api`].
    pub fn for_worker(config: Arc<Config>, clock: Clock) -> anyhow::Result<Self> {
        let url = required(&config.database.worker_url, "WORKER_DATABASE_URL")?.clone();
        let timeouts = worker_timeouts(&config);
        Self::build(config, clock, &url, timeouts)
    }

    fn build(config: Arc<Config>, clock: Clock, url: &SecretString, timeouts: Timeouts) -> anyhow::Result<Self> {
        let db = Db::new(url, config.database.pool_size, timeouts)?;
        let broker = Broker::connect(&config.redis)?;
        let google = Arc::new(Google::new(&config.google, clock.clone())?);
        let keyset = Keyset::new(&config.keys);
        let images = config.images.proxy.then(|| Images::new(&config.images)).transpose()?;
        Ok(Self { config, clock, db, broker, google, keyset, images })
    }
}

/// The pool of the scheduler, which sees what is due across people and nothing of what it is.
///
/// # Errors
/// When `SCHEDULER_DATABASE_URL` is missing.
pub fn scheduler_db(config: &Config) -> anyhow::Result<Db> {
    let url = required(&config.database.scheduler_url, "SCHEDULER_DATABASE_URL")?;
    Ok(Db::new(url, 2, Timeouts::of_statement(config.database.statement_timeout))?)
}

/// A worker that freezes in the middle of a transaction keeps what it has locked. Nobody waits for that long enough to
/// outlive a lease, and nothing stays locked for longer than a lease.
fn worker_timeouts(config: &Config) -> Timeouts {
    let (statement, lease) = (config.database.statement_timeout, config.sync.lease);
    Timeouts { lock: (lease / 4).min(LOCK_PATIENCE), idle_in_transaction: lease, ..Timeouts::of_statement(statement) }
}

/// How long a worker waits for a row that somebody else holds before it turns to something else.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

fn required<'a>(url: &'a Option<SecretString>, name: &str) -> anyhow::Result<&'a SecretString> {
    url.as_ref()
        .ok_or_else(|| anyhow::anyhow!("{name} is not set; it holds the database address this process logs in with"))
}
