//! Servers that forget and fall over: Redis, PostgreSQL, the API.

use std::{sync::Arc, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::Rng;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::{
    judge::{Found, undone, whole},
    rig::{Rig, impatient},
};
use crate::support::{Cluster, Redis, WorkerProcess, eventually, redis_command};

/// Everything in Redis is forgotten, and Redis killed and started empty, in the middle.
pub(super) async fn redis_forgets(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut redis = Redis::start();
    redis.ready().await;
    let mut settings = impatient();
    settings.insert("REDIS_URL", redis.url());
    let mut rig = Rig::new(&cluster, seed, settings).await;
    let batch = rig.import().await;
    let _worker = rig.worker();
    let (mut least, mut met) = (0, false);
    for _ in 0..rig.rng.random_range(1..=3) {
        least += rig.rng.random_range(1..=rig.n_messages / 3);
        met |= rig.stored(&batch, least).await;
        if rig.rng.random_bool(0.5) {
            redis_command(&redis.url(), "FLUSHALL").await.expect("it forgets");
        } else {
            redis.stop();
            rig.linger(1_000).await;
            redis.restart().await;
        }
    }
    whole(&mut rig, &batch, &["succeeded"], Found::met(met)).await
}

/// A process of PostgreSQL is killed, which makes it end all others, recover from its log and start anew.
pub(super) async fn postgres_falls(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    // What was committed stays, as in any database but the one of the tests.
    rig.app.db.rows(&format!("ALTER DATABASE t{} SET synchronous_commit = on", rig.app.db.number)).await;
    let batch = rig.import().await;
    let _workers = (rig.worker(), rig.worker());
    let (mut least, mut met) = (0, false);
    for _ in 0..rig.rng.random_range(1..=2) {
        least += rig.rng.random_range(1..=rig.n_messages / 3);
        met |= rig.stored(&batch, least).await;
        rig.linger(40).await;
        fall(&rig).await;
    }
    whole(&mut rig, &batch, &["succeeded"], Found::met(met)).await
}

async fn fall(rig: &Rig) {
    let url = rig.app.db.owner_url.expose_secret();
    let (victim, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a session");
    let connection = tokio::spawn(connection);
    let row = victim.query_one("SELECT pg_backend_pid()", &[]).await.expect("an answer");
    let pid: i32 = row.get(0);
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("PostgreSQL is ours");
    // The session's end says that the fall has begun.
    connection.await.expect("no panic").ok();
    let answers = || async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.ok()?;
        tokio::spawn(connection);
        client.simple_query("SELECT 1").await.ok().map(drop)
    };
    eventually(answers, || "PostgreSQL answers again".to_owned()).await;
}

/// A way to Redis that stops letting anything through once it has seen a word so many times, and says so.
struct Gate {
    port: u16,
    closed: mpsc::Receiver<()>,
}

impl Gate {
    async fn before(redis: &str, word: &'static str, n_let_through: usize) -> Self {
        let to = url::Url::parse(redis).expect("an address");
        let to = (to.host_str().expect("a host").to_owned(), to.port().expect("a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (close, closed) = mpsc::channel(1);
        let seen = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&to).await.expect("Redis answers");
                let ((mut from, mut back), (mut answers, mut on)) = (client.into_split(), server.into_split());
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
                let (close, seen) = (close.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let mut bytes = vec![0; 64 << 10];
                    while let Ok(n @ 1..) = from.read(&mut bytes).await {
                        let has_word = bytes[..n].windows(word.len()).any(|window| window == word.as_bytes());
                        if has_word && seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= n_let_through {
                            // Whoever listens may have been told before.
                            close.try_send(()).ok();
                            std::future::pending::<()>().await;
                        }
                        on.write_all(&bytes[..n]).await.expect("Redis listens");
                    }
                });
            }
        });
        Self { port, closed }
    }
}

/// Another API, whose way to Redis closes at the first ring (or at the second part of it).
async fn gated_api(rig: &Rig, gate: &Gate) -> (WorkerProcess, url::Url) {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("bound").port();
    let mut vars = rig.app.vars.clone();
    let mut redis = url::Url::parse(rig.app.db.redis_url.expose_secret()).expect("an address");
    redis.set_port(Some(gate.port)).expect("a port");
    vars.extend([("HTTP_LISTEN", format!("127.0.0.1:{port}")), ("REDIS_URL", redis.to_string())]);
    let api = WorkerProcess::start_as("serve", &vars);
    let url = url::Url::parse(&format!("http://127.0.0.1:{port}/graphql")).expect("an address");
    let up = || async { TcpStream::connect(("127.0.0.1", port)).await.ok() };
    eventually(up, || "the API answers".to_owned()).await;
    (api, url)
}

/// The API is killed when it has committed an approval or an undo and has not rung for its jobs.
pub(super) async fn api_dies(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let is_undo = rig.rng.random_bool(0.4);
    let first = if is_undo {
        let _worker = rig.worker();
        let batch = rig.import().await;
        rig.end(&batch).await;
        Some(batch)
    } else {
        None
    };
    let preview = rig.ada.preview_id(&rig.account, rig.consent()).await;
    let word = if is_undo { ":undo" } else { "google_gmail_sync" };
    let mut gate = Gate::before(rig.app.db.redis_url.expose_secret(), word, rig.rng.random_range(0..2)).await;
    let (api, url) = gated_api(&rig, &gate).await;
    let body = match &first {
        Some(batch) => {
            json!({ "query": "mutation($id: ID!) { undo(input: { batchId: $id }) { batch { id } } }", "variables": { "id": batch } })
        }
        None => {
            json!({ "query": "mutation($id: ID!) { approve(input: { previewId: $id, idempotencyKey: $id }) { batch { id } } }", "variables": { "id": preview } })
        }
    };
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let asking = tokio::spawn(http.post(url).bearer_auth(&rig.ada.token).json(&body).send());
    let closed = tokio::time::timeout(Duration::from_secs(20), gate.closed.recv()).await;
    let mut found = Found::met(closed.is_ok());
    api.kill();
    // It got no answer, or one that came before.
    asking.await.expect("no panic").ok();
    let _worker = rig.worker();
    if let Some(batch) = first {
        return undone(&mut rig, &batch, found).await;
    }
    // The person asks again with the same key, and gets the run that is going already.
    let n = rig.app.db.number_of("SELECT count(*) FROM batches").await;
    found.wrong(usize::from(n != 1), || format!("{n} batches after the approval that was not answered"));
    let payload = rig.ada.approve(&preview, &preview).await;
    let batch = payload["batch"]["id"].as_str().unwrap_or_else(|| panic!("{payload:#}")).to_owned();
    let n = rig.app.db.number_of("SELECT count(*) FROM batches").await;
    found.wrong(usize::from(n != 1), || format!("{n} batches for one approval"));
    whole(&mut rig, &batch, &["succeeded"], found).await
}
