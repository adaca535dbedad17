use std::{
    env,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio_postgres::NoTls;

use super::*;

/// Tells `a_killed_parent_blocks_nothing`, run again by itself, which folder to start servers on until it is killed.
const PARENT: &str = "OMNISYNC_TEST_PARENT_OF";

async fn sql(services: &Services, statement: &str) -> Vec<String> {
    let (client, conn) = tokio_postgres::connect(services.database_url.expose_secret(), NoTls).await.unwrap();
    tokio::spawn(conn);
    let messages = client.simple_query(statement).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    rows.collect()
}

async fn redis(services: &Services, words: &[&str]) -> ::redis::RedisResult<String> {
    let client = ::redis::Client::open(services.redis_url.expose_secret()).unwrap();
    let mut conn = client.get_multiplexed_async_connection().await.unwrap();
    ::redis::cmd(words[0]).arg(&words[1..]).query_async(&mut conn).await
}

#[tokio::test]
async fn a_second_start_finds_the_data_of_the_first() {
    let folder = TempDir::new().unwrap();
    let services = Services::start(folder.path()).await.unwrap();
    sql(&services, "CREATE TABLE kept AS SELECT 'here' AS word").await;
    redis(&services, &["SET", "kept", "here"]).await.unwrap();
    services.stop().await;

    let services = Services::start(folder.path()).await.unwrap();
    assert_eq!(sql(&services, "SELECT word FROM kept").await, ["here"]);
    assert_eq!(redis(&services, &["GET", "kept"]).await.unwrap(), "here");
    services.stop().await;
}

#[tokio::test]
async fn only_the_password_lets_in() {
    let folder = TempDir::new().unwrap();
    let services = Services::start_throwaway(folder.path()).await.unwrap();
    let password = std::fs::read_to_string(services.folder.join("password")).unwrap();
    let mode = std::fs::metadata(services.folder.join("password")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let wrong = services.database_url.expose_secret().replace(&password, "wrong");
    let error = tokio_postgres::connect(&wrong, NoTls).await.err().unwrap();
    assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::INVALID_PASSWORD));
    let wrong = services.redis_url.expose_secret().replace(&password, "wrong");
    let error = ::redis::Client::open(wrong).unwrap().get_multiplexed_async_connection().await.err().unwrap();
    assert_eq!(error.kind(), ::redis::ErrorKind::AuthenticationFailed);

    assert_eq!(sql(&services, "SHOW listen_addresses").await, ["127.0.0.1"]);
    assert_eq!(sql(&services, "SHOW unix_socket_directories").await, [""]);
    assert_eq!(sql(&services, "SHOW password_encryption").await, ["scram-sha-256"]);
    services.stop().await;
}

#[tokio::test]
async fn a_second_start_on_the_same_folder_is_refused_in_words() {
    let folder = TempDir::new().unwrap();
    let services = Services::start(folder.path()).await.unwrap();
    let error = Services::start(folder.path()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("another omnisync is running on {}; stop it first", services.folder.display())
    );
    services.stop().await;
}

#[tokio::test]
async fn throwaway_data_is_apart_while_used_and_gone_when_used_again() {
    let folder = TempDir::new().unwrap();
    let first = Services::start_throwaway(folder.path()).await.unwrap();
    let second = Services::start_throwaway(folder.path()).await.unwrap();
    assert_ne!(first.folder, second.folder);
    sql(&first, "CREATE TABLE gone ()").await;
    let first_folder = first.folder.clone();
    first.stop().await;

    let third = Services::start_throwaway(folder.path()).await.unwrap();
    assert_eq!(third.folder, first_folder);
    assert_eq!(sql(&third, "SELECT count(*) FROM pg_tables WHERE tablename = 'gone'").await, ["0"]);
    third.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_copy_of_a_folder_in_use_does_not_end_its_servers() {
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let services = Services::start(folder.path()).await.unwrap();
    let copy = elsewhere.path().join("copy");
    let copied = Command::new("cp").arg("-a").arg(&services.folder).arg(&copy).status().unwrap();
    assert!(copied.success());
    // A copy of what is being written may not serve; what matters is the first.
    if let Ok(second) = Services::start(&copy).await {
        second.stop().await;
    }
    assert_eq!(redis(&services, &["PING"]).await.unwrap(), "PONG");
    assert_eq!(sql(&services, "SELECT 'here'").await, ["here"]);
    services.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_start_shows_its_last_words() {
    let folder = TempDir::new().unwrap();
    let services = Services::start(folder.path()).await.unwrap();
    let settings = services.folder.join("postgres/postgresql.conf");
    services.stop().await;
    std::fs::write(settings, "no_such_setting = on\n").unwrap();
    let error = Services::start(folder.path()).await.unwrap_err().to_string();
    assert!(error.contains("postgres did not start") && error.contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_killed_is_reported() {
    let folder = TempDir::new().unwrap();
    let mut services = Services::start_throwaway(folder.path()).await.unwrap();
    redis(&services, &["SHUTDOWN", "NOSAVE"]).await.unwrap_err();
    let error = services.failed().await.to_string();
    assert!(error.starts_with("redis ended by itself"), "{error}");
    services.stop().await;
}

#[tokio::test]
async fn a_killed_parent_blocks_nothing() {
    if let Some(folder) = env::var_os(PARENT) {
        return be_killed(Path::new(&folder)).await;
    }
    let folder = TempDir::new().unwrap();
    for _ in 0..2 {
        let mut parent = Command::new(env::current_exe().unwrap())
            .args(["--exact", "dev::services::tests::a_killed_parent_blocks_nothing", "--nocapture"])
            .env(PARENT, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(parent.stdout.take().unwrap()));
        assert!(lines.map_while(Result::ok).any(|line| line.ends_with("started")), "the parent did not start");
        parent.kill().unwrap();
        parent.wait().unwrap();
    }
    let services = Services::start(folder.path()).await.unwrap();
    assert_eq!(sql(&services, "SELECT count(*) FROM starts").await, ["2"]);
    services.stop().await;
}

async fn be_killed(folder: &Path) {
    let services = Services::start(folder).await.unwrap();
    sql(&services, "CREATE TABLE IF NOT EXISTS starts (at timestamptz); INSERT INTO starts VALUES (now())").await;
    println!("started");
    std::future::pending().await
}
