//! The real worker, as a process that can be killed and frozen.

use std::{
    collections::HashMap,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::eventually;

/// A running `omnisync work`; killed when it is dropped.
pub(crate) struct WorkerProcess(Child);

impl WorkerProcess {
    pub(crate) fn start(vars: &HashMap<&'static str, String>) -> Self {
        Self::start_as("work", vars)
    }

    /// The binary in another of its roles.
    pub(crate) fn start_as(role: &str, vars: &HashMap<&'static str, String>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_omnisync"));
        command.arg(role).env_clear().envs(vars).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the worker starts"))
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.0.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("the worker is there");
    }

    /// Stops it where it stands; what it holds stays held.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets a frozen one go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Asks it to finish what it has begun, and waits until it has.
    pub(crate) async fn finish(mut self) {
        self.signal(Signal::SIGTERM);
        let child = std::cell::RefCell::new(&mut self.0);
        eventually(|| async { child.borrow_mut().try_wait().expect("our child") }, || "the worker ends".to_owned())
            .await;
    }

    fn end(&mut self) {
        // It may be gone already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.end();
    }
}
