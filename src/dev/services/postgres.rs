//! The private PostgreSQL.

use std::{fs, process::Command};

use nix::sys::signal::Signal;

use super::{
    Account, During, Error, Folder, Programs, Server, folder,
    server::{self, free_port},
};

/// Fast shutdown (disconnects everyone and writes a checkpoint), immediate shutdown.
const SIGNALS: (Signal, Signal) = (Signal::SIGINT, Signal::SIGQUIT);

/// What it logs once it takes connections; the cluster's language is English.
const READY: &str = "database system is ready to accept connections";

/// Creates the cluster with its owner and the empty database `omnisync`, unless it exists.
pub(super) async fn create(
    folder: &Folder,
    programs: &Programs,
    account: &Account,
    password: &str,
) -> Result<(), Error> {
    let data = folder.postgres();
    if data.exists() {
        return Ok(());
    }
    // Made beside its place and moved there when it is whole, so that a crash leaves no half of a cluster.
    let unfinished = folder.path.join("postgres.new");
    folder::remove(&unfinished)?;
    folder.create_data(&unfinished, account)?;
    let password_file = folder.path.join("postgres.password");
    folder::write_private(&password_file, password)?;
    account.give(&password_file)?;
    let mut initdb = account.command(&programs.initdb, "KILL");
    initdb.args(["--username=omnisync", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]);
    initdb.arg("--pwfile").arg(&password_file).arg("-D").arg(&unfinished);
    if folder.throwaway {
        initdb.arg("--no-sync");
    }
    let made = server::run("initdb", initdb, "", folder).await;
    fs::remove_file(&password_file).during(|| format!("removing {}", password_file.display()))?;
    made?;
    let mut single = account.command(&programs.postgres, "KILL");
    single.arg("--single").arg("-D").arg(&unfinished).args(["-c", "exit_on_error=on", "postgres"]);
    if folder.throwaway {
        single.arg("-F");
    }
    server::run("initdb", single, "CREATE DATABASE omnisync\n", folder).await?;
    fs::rename(&unfinished, &data).during(|| format!("moving the new cluster to {}", data.display()))
}

/// Starts the server and waits until it takes connections; returns its port.
pub(super) async fn spawn(folder: &Folder, programs: &Programs, account: &Account) -> Result<(Server, u16), Error> {
    let port = free_port()?;
    let command = command(folder, programs, account, port);
    let mut server = Server::spawn("postgres", command, "", folder, SIGNALS)?;
    // Its own status file is not ours to read where a container takes root's right to read everything.
    let log = server.log.clone();
    server.ready(async || fs::read_to_string(&log).is_ok_and(|text| text.contains(READY))).await?;
    Ok((server, port))
}

fn command(folder: &Folder, programs: &Programs, account: &Account, port: u16) -> Command {
    let mut command = account.command(&programs.postgres, "INT");
    command.arg("-D").arg(folder.postgres());
    let mut set = |name: &str, value: &str| {
        command.arg("-c").arg(format!("{name}={value}"));
    };
    set("port", &port.to_string());
    set("listen_addresses", "127.0.0.1");
    set("unix_socket_directories", "");
    set("max_connections", "200");
    set("shared_buffers", "128MB");
    set("timezone", "UTC");
    set("log_timezone", "UTC");
    // A crash of the machine may lose the last moment of work on a developer's data, and never breaks it.
    set("synchronous_commit", "off");
    if folder.throwaway {
        set("fsync", "off");
        set("full_page_writes", "off");
        set("wal_level", "minimal");
        set("max_wal_senders", "0");
        set("autovacuum", "off");
    }
    command
}

/// Ends a server that outlived its parent. The folder must be locked by us, so that whatever serves the data is an orphan.
pub(super) async fn stop_orphan(folder: &Folder) -> Result<(), Error> {
    let data = folder.postgres();
    let argument = format!(" -D {} ", data.display());
    let is_ours = |line: &str| line.contains("postgres") && line.contains(&argument);
    server::stop_orphan(&data.join("postmaster.pid"), SIGNALS, is_ours).await
}
