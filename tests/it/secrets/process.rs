//! The program itself, as a process of its own that logs everything.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use url::Url;

use crate::support::{TestApp, eventually};

/// A running `omnisync`; dropping it ends it.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
    pub(super) url: Url,
}

impl Process {
    fn start(app: &TestApp, role: &str) -> Self {
        // A port that was free a moment ago.
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{role}-{}-{port}.log", std::process::id()));
        let file = std::fs::File::create(&log).expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_omnisync"))
            .arg(role)
            .env_clear()
            .envs(&app.vars)
            .env("HTTP_LISTEN", format!("127.0.0.1:{port}"))
            .env("RUST_LOG", "trace")
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the program starts");
        Self { child, log, url: Url::parse(&format!("http://127.0.0.1:{port}/")).expect("an address") }
    }

    /// `omnisync serve`, ready.
    pub(super) async fn serve(app: &TestApp) -> Self {
        let process = Self::start(app, "serve");
        let ready = process.url.join("readyz").expect("an address");
        let look = || async {
            reqwest::get(ready.clone()).await.is_ok_and(|answer| answer.status().is_success()).then_some(())
        };
        eventually(look, || "the API is ready".to_owned()).await;
        process
    }

    /// `omnisync work`.
    pub(super) fn work(app: &TestApp) -> Self {
        Self::start(app, "work")
    }

    /// What it has said so far, line by line.
    pub(super) fn log(&self) -> Vec<String> {
        let bytes = std::fs::read(&self.log).expect("the file is there");
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_file(&self.log).ok();
    }
}
