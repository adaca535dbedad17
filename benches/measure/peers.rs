//! What is measured beside omnisync: servers in Node.js with the packages that `benches/peers` pins.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use url::Url;

fn described() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

/// A folder with the packages and the programs, kept for the next run.
async fn installed() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    fs::create_dir_all(&folder)?;
    let wanted = fs::read(described().join("package-lock.json"))?;
    let marker = folder.join(".installed");
    if !fs::read(&marker).is_ok_and(|known| known == wanted) {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(described().join(file), folder.join(file))?;
        }
        println!("installing the peers");
        let quiet = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
        let installed = Command::new("npm").args(quiet).current_dir(&folder).status().await.context("npm")?;
        anyhow::ensure!(installed.success(), "npm ci: {installed}");
        fs::write(marker, wanted)?;
    }
    for file in ["pages.mjs", "progress.mjs"] {
        fs::copy(described().join(file), folder.join(file))?;
    }
    Ok(folder)
}

/// A server of one of these programs, and where it answers.
pub(crate) async fn start(program: &str, vars: &[(&str, &str)]) -> anyhow::Result<(Child, Url)> {
    let folder = installed().await?;
    let mut node = Command::new("node");
    node.arg(program).current_dir(folder).env("NODE_ENV", "production").envs(vars.iter().copied());
    announced(node).await
}

/// Starts a server that writes its address to standard output first.
pub(crate) async fn announced(mut server: Command) -> anyhow::Result<(Child, Url)> {
    let mut child = server.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut said = BufReader::new(child.stdout.take().context("standard output is piped")?).lines();
    while let Some(line) = said.next_line().await? {
        if let Ok(url) = Url::parse(line.trim()) {
            // Whatever else it says, somebody has to read.
            tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
            return Ok((child, url));
        }
    }
    bail!("the server did not start: {:?}", child.wait().await)
}
