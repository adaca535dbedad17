//! Connections.

use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{BuildError, Object, Pool, PoolError},
    },
};
use futures::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::statement::sql;

/// What can go wrong at the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection could be had in time.
    #[error("no connection to the database")]
    Connect(#[source] PoolError),
    /// The pool could not be made.
    #[error("the pool of database connections could not be made")]
    Build(#[source] BuildError),
    /// A statement failed.
    #[error("a statement failed")]
    Statement(#[from] diesel::result::Error),
    /// The migrations failed.
    #[error("the migrations failed: {0}")]
    Migrate(String),
}

impl Error {
    /// Whether the database could not be reached, had no connection to spare, or ended the one it was asked on.
    ///
    /// Where the server says so as it shuts down, it is in the error's text, as in [`Error::is_lock_timeout`].
    pub fn is_out_of_reach(&self) -> bool {
        use diesel::result::{
            DatabaseErrorKind::{UnableToSendCommand, Unknown},
            Error::DatabaseError,
        };
        match self {
            Self::Connect(_) | Self::Statement(DatabaseError(UnableToSendCommand, _)) => true,
            Self::Statement(DatabaseError(Unknown, info)) => info.message().starts_with("terminating connection"),
            _ => false,
        }
    }

    /// Whether somebody else held a row or a lock for longer than this connection waits.
    ///
    /// The driver keeps the error's code (55P03) to itself, so this reads the text, which is English wherever `lc_messages`
    /// is. Elsewhere the wait counts as a failure like any other, and is tried again like one.
    pub fn is_lock_timeout(&self) -> bool {
        use diesel::result::{DatabaseErrorKind::Unknown, Error::DatabaseError};
        match self {
            Self::Statement(DatabaseError(Unknown, info)) => info.message().contains("lock timeout"),
            _ => false,
        }
    }

    /// Whether a unique constraint or index of this name refused the statement.
    pub fn is_unique_violation(&self, constraint: &str) -> bool {
        use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
        match self {
            Self::Statement(DatabaseError(UniqueViolation, info)) => info.constraint_name() == Some(constraint),
            _ => false,
        }
    }
}

/// A result of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A pool of connections that log in as one role. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pub(super) pool: Pool<AsyncPgConnection>,
}

/// How long a connection waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// With one statement.
    pub statement: Duration,
    /// With others who hold a row or a lock; zero is as long as with the statement.
    pub lock: Duration,
    /// With a client that has left a transaction open and does nothing. Then the server ends the session.
    pub idle_in_transaction: Duration,
}

impl Timeouts {
    /// Waits for a statement this long, for locks no less, and for a silent client half a minute.
    pub const fn of_statement(statement: Duration) -> Self {
        Self { statement, lock: Duration::ZERO, idle_in_transaction: Duration::from_secs(30) }
    }
}

/// How long a caller may wait for a connection before it is told that there is none.
const WAIT: Duration = Duration::from_secs(5);

impl Db {
    /// A pool for `url`; connects on first use.
    ///
    /// # Errors
    /// When the pool's settings are unusable. A database that is away shows only on use.
    pub fn new(url: &SecretString, size: usize, timeouts: Timeouts) -> Result<Self> {
        let mut config = ManagerConfig::default();
        // A connection whose backend is gone is noticed without a round trip at every checkout.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |url| connect(url.to_owned(), timeouts).boxed());
        let manager = AsyncDieselConnectionManager::new_with_config(url.expose_secret(), config);
        let pool = Pool::builder(manager)
            .max_size(size)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .recycle_timeout(Some(WAIT))
            .build()
            .map_err(Error::Build)?;
        Ok(Self { pool })
    }

    pub(super) async fn connection(&self) -> Result<Object<AsyncPgConnection>> {
        self.pool.get().await.map_err(Error::Connect)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        let mut conn = self.connection().await?;
        sql("SELECT 1").execute(&mut conn).await?;
        Ok(())
    }
}

/// Opens one connection: TLS unless the server is this machine or the address says `sslmode=disable`.
fn connect(url: String, timeouts: Timeouts) -> BoxFuture<'static, ConnectionResult<AsyncPgConnection>> {
    async move {
        let mut config: tokio_postgres::Config = url.parse().map_err(bad)?;
        config.connect_timeout(WAIT);
        config.application_name("omnisync");
        config.options(format!(
            "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} \
             -c plan_cache_mode=force_custom_plan",
            timeouts.statement.as_millis(),
            timeouts.lock.as_millis(),
            timeouts.idle_in_transaction.as_millis()
        ));
        let local = config.get_hosts().iter().all(is_local);
        if local || config.get_ssl_mode() == SslMode::Disable {
            // Whatever calls off a statement of this connection goes by this, too.
            config.ssl_mode(SslMode::Disable);
            let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        } else {
            config.ssl_mode(SslMode::Require);
            let (client, connection) = config.connect(tls()?).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
    }
    .boxed()
}

/// Ends a connection and the statement that runs on it, if one does. The server takes this on a connection of its own.
pub(super) async fn call_off(conn: AsyncPgConnection) {
    let running = conn.cancel_token();
    let called_off = match tls() {
        Ok(tls) => running.cancel_query(tls).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = called_off {
        tracing::warn!(error, "a statement could not be called off; it ends with its own timeout");
    }
}

fn is_local(host: &tokio_postgres::config::Host) -> bool {
    match host {
        tokio_postgres::config::Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        tokio_postgres::config::Host::Unix(_) => true,
    }
}

/// TLS that trusts what the operating system trusts.
fn tls() -> ConnectionResult<MakeRustlsConnect> {
    use rustls_platform_verifier::ConfigVerifierExt;
    let config = rustls::ClientConfig::with_platform_verifier().map_err(bad)?;
    Ok(MakeRustlsConnect::new(config))
}

fn bad(error: impl std::fmt::Display) -> ConnectionError {
    ConnectionError::BadConnection(error.to_string())
}
