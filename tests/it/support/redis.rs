//! A Redis that a test may take away and bring back.

use std::process::{Child, Command, Stdio};

use super::eventually;

/// A Redis of one test's own, that keeps nothing.
pub(crate) struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    pub(crate) fn start() -> Self {
        // Below the range from which outgoing connections get their ports, so that none takes it while the server is down.
        let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = std::iter::repeat_with(|| rand::random_range(30_000..32_000)).find(is_free).expect("a free port");
        Self { port, child: Self::spawn(port) }
    }

    fn spawn(port: u16) -> Child {
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("Redis starts")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(crate) async fn ready(&self) {
        let ping = || async { redis_command(&self.url(), "PING").await };
        eventually(ping, || "Redis answers".to_owned()).await;
    }

    pub(crate) fn stop(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    pub(crate) async fn restart(&mut self) {
        self.child = Self::spawn(self.port);
        self.ready().await;
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may be down already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Has the Redis at this address do something; `None` when it does not.
pub(crate) async fn redis_command(url: &str, command: &str) -> Option<()> {
    let client = ::redis::Client::open(url).ok()?;
    let mut conn = client.get_multiplexed_async_connection().await.ok()?;
    ::redis::cmd(command).query_async::<::redis::Value>(&mut conn).await.ok().map(drop)
}
