//! A private Redis server for one test, on a port of its own, gone with the test.

use std::{
    future::Future,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use redis::{Client, FromRedisValue};
use secrecy::ExposeSecret;

use super::Broker;
use crate::config;

/// How long a test waits for a state before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server without persistence: stopped, it has forgotten everything.
pub(crate) struct TestRedis {
    port: u16,
    running: Option<(Child, BufReader<ChildStdout>)>,
}

impl TestRedis {
    pub(crate) fn start() -> Self {
        // Another process may take the port between asking for a free one and using it; then ask again.
        for _ in 0..10 {
            let free = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
            let port = free.local_addr().expect("a bound socket has an address").port();
            drop(free);
            if let Some(running) = launch(port) {
                return Self { port, running: Some(running) };
            }
        }
        panic!("redis-server does not start; is it installed?");
    }

    pub(crate) fn stop(&mut self) {
        if let Some((mut server, _)) = self.running.take() {
            server.kill().expect("our own child can be killed");
            server.wait().expect("a killed child ends");
        }
    }

    /// Starts an empty server at the same address.
    pub(crate) fn start_again(&mut self) {
        self.running = Some(launch(self.port).expect("the port is still ours"));
    }

    /// Sends the server a signal, such as `STOP` and `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let (server, _) = self.running.as_ref().expect("running");
        let sent = Command::new("kill").args([&format!("-{name}"), &server.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    pub(crate) fn config(&self) -> config::Redis {
        self.config_as("")
    }

    /// The configuration with a log-in, as `user:password@`.
    pub(crate) fn config_as(&self, login: &str) -> config::Redis {
        config::Redis { url: format!("redis://{login}127.0.0.1:{}/0", self.port).into(), prefix: "test".to_owned() }
    }

    pub(crate) fn broker(&self) -> Broker {
        Broker::connect(&self.config()).expect("the address is well formed")
    }

    /// Runs one command on a connection of its own.
    pub(crate) async fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let client = Client::open(self.config().url.expose_secret()).expect("the address is well formed");
        let mut conn = client.get_multiplexed_async_connection().await.expect("the server runs");
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut conn).await.expect("the command is right")
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a server that dies with us, and returns once it accepts connections; `None` if it ends before.
fn launch(port: u16) -> Option<(Child, BufReader<ChildStdout>)> {
    let mut server = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "redis-server", "--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut output = BufReader::new(server.stdout.take()?);
    let mut line = String::new();
    while output.read_line(&mut line).ok()? > 0 {
        if line.contains("Ready to accept connections") {
            return Some((server, output));
        }
        line.clear();
    }
    server.wait().ok()?;
    None
}

/// Asks again and again until `state` holds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut state: impl FnMut() -> F) {
    let mut ask = tokio::time::interval(Duration::from_millis(10));
    let asking = async {
        while !state().await {
            ask.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("never came: {what}"));
}
