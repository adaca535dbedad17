//! The sandbox Google in a process of its own.

use std::{io::Read, process::Stdio};

use anyhow::{Context, bail};
use omnisync::{
    clock::Clock,
    sandbox::{Generate, OAuthClient, Options, Sandbox},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// Our OAuth client there.
pub(crate) const CLIENT: (&str, &str) = ("omnisync-bench", "a secret between two processes");
/// Whose mailbox it is.
const PERSON: (&str, &str) = ("ada@brightwater.example", "Ada Brook");

/// Serves a generated mailbox until standard input ends, which is when the process that started this one does.
pub(crate) async fn serve(messages: usize, redirect: &str) -> anyhow::Result<()> {
    let (id, secret) = CLIENT;
    let sandbox = Sandbox::start(Options {
        clients: vec![OAuthClient {
            id: id.to_owned(),
            secret: secret.to_owned(),
            redirect_uris: vec![redirect.to_owned()],
        }],
        ..Options::default()
    })?;
    let (email, name) = PERSON;
    sandbox.control().add_account(email, name)?;
    sandbox.control().generate(email, &Generate { messages, ..Generate::usual(Clock::default().now()) })?;
    println!("{}", sandbox.url());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    sandbox.stop().await;
    Ok(())
}

/// Starts the process and waits until its mailbox is filled; returns its address without the slash.
pub(crate) async fn start(messages: usize, redirect: &str) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["google", &messages.to_string(), redirect])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut said = BufReader::new(child.stdout.take().context("standard output is piped")?);
    let mut address = String::new();
    said.read_line(&mut address).await?;
    match address.trim().strip_suffix('/') {
        Some(address) => Ok((child, address.to_owned())),
        None => bail!("the sandbox Google did not start"),
    }
}
