//! The private Redis.

use std::{
    io,
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
    Account, Error, Folder, Programs, Server,
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
    folder.create_data(&folder.redis(), account)?;
    let mut command = account.command(&programs.redis, "TERM");
    // Its settings come by standard input, because they hold the password and arguments are for all to see. The one that is an
    // argument tells whose it is.
    command.arg("-").arg("--pidfile").arg(pid_file(folder)).current_dir("/");
    let settings = settings(folder, port, password);
    let mut server = Server::spawn("redis", command, &settings, folder, SIGNALS)?;
    server.ready(async || ask(port, password, "PING").await.is_ok_and(|answer| answer.contains("+PONG"))).await?;
    Ok((server, port))
}

fn settings(folder: &Folder, port: u16, password: &str) -> String {
    let keep = if folder.throwaway { "no" } else { "yes" };
    let dir = quoted(&folder.redis());
    format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {dir}\nset-proc-title no\nsave \"\"\n\
         appendonly {keep}\nappendfsync everysec\nmaxmemory-policy noeviction\n"
    )
}

/// A path as Redis reads it in its settings: it may hold spaces.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""))
}

/// Ends a server that outlived its parent. The folder must be locked by us.
pub(super) async fn stop_orphan(folder: &Folder) -> Result<(), Error> {
    // It would show nothing but its address as its command line, were it not told to leave that alone.
    let argument = format!(" --pidfile {} ", pid_file(folder).display());
    let is_ours = |line: &str| line.contains("redis-server") && line.contains(&argument);
    server::stop_orphan(&pid_file(folder), SIGNALS, is_ours).await
}

/// Written by Redis.
fn pid_file(folder: &Folder) -> PathBuf {
    folder.redis().join("redis.pid")
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
