//! The private Redis.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    Account, During, Error, Folder, Programs, Server,
    server::{self, free_port},
};

/// Redis writes everything and ends; nothing gentler than SIGKILL remains after that.
const SIGNALS: (Signal, Signal) = (Signal::SIGTERM, Signal::SIGKILL);
/// How long an answer may take; a Redis that is loading answers at once that it is.
const ANSWER: Duration = Duration::from_secs(10);

/// Starts the server and waits until it answers; returns its port.
pub(super) async fn spawn(
    folder: &Folder,
    programs: &Programs,
    account: &Account,
    password: &str,
) -> Result<(Server, u16), Error> {
    let port = free_port()?;
    let data = folder.redis();
    folder.create_data(&data, account)?;
    // Written first: if we die in between, the next start finds the orphan by it.
    let port_file = port_file(folder);
    fs::write(&port_file, port.to_string()).during(|| format!("writing {}", port_file.display()))?;
    let mut command = account.command(&programs.redis, "TERM");
    // Its settings come by standard input, because they hold the password and arguments are for all to see.
    command.arg("-").current_dir("/");
    let settings = settings(folder, port, password);
    let mut server = Server::spawn("redis", command, &settings, folder, SIGNALS)?;
    server.ready(async || ask(port, password, "PING").await.is_ok_and(|answer| answer.contains("+PONG"))).await?;
    Ok((server, port))
}

fn settings(folder: &Folder, port: u16, password: &str) -> String {
    let keep = if folder.throwaway { "no" } else { "yes" };
    let dir = quoted(&folder.redis());
    let pid_file = quoted(&pid_file(folder));
    format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {dir}\npidfile {pid_file}\nsave \"\"\n\
         appendonly {keep}\nappendfsync everysec\nmaxmemory-policy noeviction\n"
    )
}

/// A path as Redis reads it in its settings: it may hold spaces.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""))
}

/// Ends a server that outlived its parent. The folder must be locked by us.
pub(super) async fn stop_orphan(folder: &Folder) -> Result<(), Error> {
    let Ok(port) = fs::read_to_string(port_file(folder)) else { return Ok(()) };
    // Redis shows its program and its address as its command line.
    let address = format!("127.0.0.1:{port}");
    let is_ours = |line: &str| line.contains("redis-server") && line.contains(&address);
    server::stop_orphan(&pid_file(folder), SIGNALS, is_ours).await
}

/// Written by Redis.
fn pid_file(folder: &Folder) -> PathBuf {
    folder.redis().join("redis.pid")
}

/// Written by us.
fn port_file(folder: &Folder) -> PathBuf {
    folder.path.join("redis.port")
}

/// Logs in, gives one command and reads all that comes back until the server has nothing more to say.
async fn ask(port: u16, password: &str, command: &str) -> io::Result<String> {
    let talk = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(format!("AUTH {password}\r\n{command}\r\nQUIT\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(ANSWER, talk).await?
}
