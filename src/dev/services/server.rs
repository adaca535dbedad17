//! One server as a child process: started, watched until it is ready, stopped.

use std::{
    fs,
    io::{self, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::Child,
    time::{Instant, sleep, timeout},
};

use super::{During, Error, Folder};

/// How long a server may take to start (PostgreSQL may have to recover first) and to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a server that is starting or ending is looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// How many lines of a log an error shows.
const TAIL_LINES: usize = 15;

/// A running child.
pub(super) struct Server {
    name: &'static str,
    child: Child,
    pub(super) log: PathBuf,
    /// Asks it to write everything and end.
    polite: Signal,
    /// Ends it at once; the next start recovers.
    hard: Signal,
}

impl Server {
    /// Starts `command` in a process group of its own, so that Ctrl-C in the terminal reaches us alone.
    pub(super) fn spawn(
        name: &'static str,
        mut command: Command,
        input: &str,
        folder: &Folder,
        (polite, hard): (Signal, Signal),
    ) -> Result<Self, Error> {
        let (file, log) = folder.log(name)?;
        let step = || format!("starting {name}");
        let errors = file.try_clone().during(step)?;
        command.stdin(Stdio::piped()).stdout(file).stderr(errors);
        let mut child = tokio::process::Command::from(command).process_group(0).spawn().during(step)?;
        if let Some(stdin) = child.stdin.take() {
            // A few hundred bytes, which the pipe holds: this cannot block.
            let mut pipe = fs::File::from(stdin.into_owned_fd().during(step)?);
            pipe.write_all(input.as_bytes()).during(step)?;
        }
        Ok(Self { name, child, log, polite, hard })
    }

    /// Waits until `is_ready` says so.
    ///
    /// # Errors
    /// [`Error::Server`] when the child ends first or takes longer than a minute; it is stopped then.
    pub(super) async fn ready(&mut self, is_ready: impl AsyncFn() -> bool) -> Result<(), Error> {
        let watch = async {
            while !is_ready().await {
                sleep(GLANCE).await;
            }
        };
        let what = tokio::select! {
            _ = self.child.wait() => "did not start",
            outcome = timeout(PATIENCE, watch) => match outcome {
                Ok(()) => return Ok(()),
                Err(_) => "was not ready after a minute",
            },
        };
        self.stop().await;
        Err(self.error(what))
    }

    /// Waits for the end that nobody asked for.
    pub(super) async fn ended(&mut self) -> Error {
        self.wait().await;
        self.error("ended by itself")
    }

    /// Ends the server and waits until it is gone.
    pub(super) async fn stop(&mut self) {
        for signal in [self.polite, self.hard, Signal::SIGKILL] {
            // No pid means that it has ended and was waited for.
            let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) else { return };
            if let Err(error) = kill(Pid::from_raw(pid), signal) {
                tracing::warn!(server = self.name, %signal, %error, "the signal was not delivered");
            }
            if timeout(PATIENCE, self.wait()).await.is_ok() {
                return;
            }
        }
    }

    async fn wait(&mut self) {
        if let Err(error) = self.child.wait().await {
            tracing::warn!(server = self.name, %error, "cannot tell whether the server has ended");
        }
    }

    fn error(&self, what: &'static str) -> Error {
        Error::Server { server: self.name, what, log: self.log.clone(), tail: tail(&self.log) }
    }
}

/// Runs a command that ends by itself, with `input` as its input.
///
/// # Errors
/// [`Error::Server`] when it fails, with what it printed last.
pub(super) async fn run(name: &'static str, command: Command, input: &str, folder: &Folder) -> Result<(), Error> {
    let mut server = Server::spawn(name, command, input, folder, (Signal::SIGTERM, Signal::SIGKILL))?;
    let status = server.child.wait().await.during(|| format!("running {name}"))?;
    if status.success() { Ok(()) } else { Err(server.error("failed")) }
}

/// Ends the process named in the first line of `pid_file`, if `is_ours` recognises its command line, and removes the file,
/// which would make the next server refuse to start.
pub(super) async fn stop_orphan(
    pid_file: &Path,
    (polite, hard): (Signal, Signal),
    is_ours: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    let Ok(text) = fs::read_to_string(pid_file) else { return Ok(()) };
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
    if let Some(pid) = pid.filter(|pid| *pid > 1) {
        for signal in [polite, hard, Signal::SIGKILL] {
            let deadline = Instant::now() + PATIENCE;
            while is_ours(&command_line(pid)) && Instant::now() < deadline {
                // Repeated, because a server that has just been started may not listen to signals yet.
                match kill(Pid::from_raw(pid), signal) {
                    Ok(()) | Err(Errno::ESRCH) => sleep(GLANCE).await,
                    Err(error) => return Err(error.into()).during(|| format!("stopping the orphaned process {pid}")),
                }
            }
        }
    }
    match fs::remove_file(pid_file) {
        Err(error) if pid_file.exists() => Err(error).during(|| format!("removing {}", pid_file.display())),
        _ => Ok(()),
    }
}

/// The words of a process's command line, with spaces between and behind. A process that has ended, and one that merely
/// waits to be reaped, has none.
fn command_line(pid: i32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ")
}

/// A loopback port that is free now.
///
/// Drawn from below the range the kernel gives to outgoing connections, so that none of those takes it before the server
/// does.
pub(super) fn free_port() -> Result<u16, Error> {
    let mut last = None;
    for _ in 0..100 {
        let port = rand::random_range(20_000..30_000);
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrInUse));
    Err(error).during(|| "looking for a free port on 127.0.0.1".to_owned())
}

/// The last lines of a log, indented.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines[from..].iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
