//! A private PostgreSQL and a private Redis as child processes, for `omnisync dev` and for the tests.
//!
//! Both listen on 127.0.0.1 only, on ports that happen to be free, behind a random password. They end with the process
//! that started them, however it ends, and whatever a killed process left behind is cleared at the next start.
//!
//! This room knows nothing of tables, roles or keys: it hands out two addresses.

mod account;
mod folder;
mod postgres;
mod programs;
mod redis;
mod server;

use std::{
    io,
    path::{Path, PathBuf},
    thread,
};

use account::Account;
use folder::Folder;
use programs::Programs;
use secrecy::SecretString;
use server::Server;
use tokio::sync::{mpsc, oneshot};

/// Why the servers could not be started, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{program} was not found; install the Debian package {package}")]
    Missing { program: &'static str, package: &'static str },
    #[error("another omnisync is running on {}; stop it first", .0.display())]
    InUse(PathBuf),
    #[error(
        "PostgreSQL does not run as root, and this machine has neither a user `postgres` nor a user `nobody` to run it as"
    )]
    NoAccount,
    #[error("the user `{user}` cannot be let into {}; start omnisync as an ordinary user instead of root", folder.display())]
    Unreachable { user: String, folder: PathBuf },
    #[error("{server} {what}; the end of {}:\n{tail}", log.display())]
    Server { server: &'static str, what: &'static str, log: PathBuf, tail: String },
    #[error("{0}")]
    Io(String, #[source] io::Error),
}

/// Names the step that an I/O error interrupted.
trait During<T> {
    fn during(self, step: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, step: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io(step(), source))
    }
}

/// Where to reach the servers.
struct Addresses {
    database_url: SecretString,
    redis_url: SecretString,
    folder: PathBuf,
}

/// A running PostgreSQL and a running Redis.
///
/// Dropping it stops both without waiting for them; [`Services::stop`] waits.
#[derive(Debug)]
pub struct Services {
    /// Logs in as the cluster's superuser, who also owns the empty database `omnisync`.
    pub database_url: SecretString,
    /// Database 0 of the Redis server.
    pub redis_url: SecretString,
    /// Where data, logs and the password really are.
    pub folder: PathBuf,
    /// Dropped to ask the keeper to stop.
    stop: oneshot::Sender<()>,
    /// Closed once both servers have ended.
    failures: mpsc::Receiver<Error>,
}

impl Services {
    /// Starts both servers on the data kept in `folder`, which is created where it is missing.
    ///
    /// # Errors
    /// A program is not installed, another process uses the folder, or a server did not start; each says what to do, or
    /// what the server said last.
    pub async fn start(folder: &Path) -> Result<Self, Error> {
        let folder = folder.to_owned();
        Self::keep(move |account| Folder::kept(&folder, account)).await
    }

    /// Starts both servers on empty data that need not survive a crash of the machine, in a numbered folder under `under`
    /// that no living process uses. What an earlier run left there is removed.
    ///
    /// # Errors
    /// As [`Services::start`], except that another process is no obstacle.
    pub async fn start_throwaway(under: &Path) -> Result<Self, Error> {
        let under = under.to_owned();
        Self::keep(move |account| Folder::throwaway(&under, account)).await
    }

    /// Waits until a server ends by itself; while both live it does not complete.
    pub async fn failed(&mut self) -> Error {
        match self.failures.recv().await {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    /// Stops Redis and PostgreSQL in order and waits until they have written everything.
    pub async fn stop(mut self) {
        drop(self.stop);
        while self.failures.recv().await.is_some() {}
    }

    /// Runs the servers under a thread of their own.
    ///
    /// The kernel ends the children when the *thread* that spawned them ends, not when the process does, and a thread of an
    /// async runtime may retire at any time.
    async fn keep(open: impl FnOnce(&mut Account) -> Result<Folder, Error> + Send + 'static) -> Result<Self, Error> {
        let (started, ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let (failing, failures) = mpsc::channel(1);
        let keeper = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime.during(|| "starting the runtime that keeps PostgreSQL and Redis".to_owned()) {
                Ok(runtime) => runtime.block_on(keep(open, started, stopped, failing)),
                Err(error) => drop(started.send(Err(error))),
            }
        };
        thread::Builder::new()
            .name("services".to_owned())
            .spawn(keeper)
            .during(|| "starting the thread that keeps PostgreSQL and Redis".to_owned())?;
        let ended = || io::Error::other("the thread that keeps them panicked");
        let addresses = ready.await.map_err(|_| ended()).during(|| "starting PostgreSQL and Redis".to_owned())??;
        let Addresses { database_url, redis_url, folder } = addresses;
        Ok(Self { database_url, redis_url, folder, stop, failures })
    }
}

/// Starts both servers, says so, and keeps them until it is told to stop or one of them ends.
async fn keep(
    open: impl FnOnce(&mut Account) -> Result<Folder, Error>,
    started: oneshot::Sender<Result<Addresses, Error>>,
    stopped: oneshot::Receiver<()>,
    failing: mpsc::Sender<Error>,
) {
    // The folder stays locked until this function returns.
    let (_folder, mut postgres, mut redis) = match start(open).await {
        Ok((addresses, folder, postgres, redis)) => {
            // Fails when the caller has given up; then `stopped` is closed as well, and both are stopped at once.
            let _ = started.send(Ok(addresses));
            (folder, postgres, redis)
        }
        Err(error) => return drop(started.send(Err(error))),
    };
    let failure = tokio::select! {
        _ = stopped => None,
        error = postgres.ended() => Some(error),
        error = redis.ended() => Some(error),
    };
    redis.stop().await;
    postgres.stop().await;
    if let Some(error) = failure {
        // Fails only when the `Services` are gone, and then nobody wants to know.
        let _ = failing.send(error).await;
    }
}

async fn start(
    open: impl FnOnce(&mut Account) -> Result<Folder, Error>,
) -> Result<(Addresses, Folder, Server, Server), Error> {
    let programs = Programs::find()?;
    let mut account = Account::find()?;
    let folder = open(&mut account)?;
    postgres::stop_orphan(&folder).await?;
    redis::stop_orphan(&folder).await?;
    folder.prepare()?;
    let password = folder.password()?;
    postgres::create(&folder, &programs, &account, &password).await?;
    let (mut redis, redis_port) = redis::spawn(&folder, &programs, &account, &password).await?;
    let started = postgres::spawn(&folder, &programs, &account).await;
    let (postgres, postgres_port) = match started {
        Ok(started) => started,
        Err(error) => {
            redis.stop().await;
            return Err(error);
        }
    };
    let addresses = Addresses {
        database_url: format!("postgres://omnisync:{password}@127.0.0.1:{postgres_port}/omnisync").into(),
        redis_url: format!("redis://:{password}@127.0.0.1:{redis_port}/0").into(),
        folder: folder.path.clone(),
    };
    Ok((addresses, folder, postgres, redis))
}

#[cfg(test)]
mod tests;
