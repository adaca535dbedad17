//! One run: private services, the sandbox, API and worker in this process, and a person's way through them.

use std::{
    collections::HashMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use omnisync::{
    clock::Clock,
    config::{Config, Google},
    db,
    dev::services::Services,
    http::{auth, server, shutdown::Shutdown},
    seal,
    sync::connect::CALLBACK_PATH,
    telemetry, worker,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    Run, google,
    person::{Person, text},
};

const ISSUER: &str = "omnisync-bench";
const AUTH_SECRET: &str = "a secret of the benchmark and of nobody else";
const ROLE_PASSWORD: &str = "of-a-database-that-lives-a-minute";
/// How often the batch is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Brings in a mailbox of this size.
pub(crate) async fn run(messages: usize) -> anyhow::Result<Run> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    let services = Services::start(&folder).await?;
    let data = services.folder.clone();
    let outcome = with_services(&services, messages).await;
    services.stop().await;
    for folder in [&folder, &data] {
        std::fs::remove_dir_all(folder).ok();
    }
    outcome
}

async fn with_services(services: &Services, messages: usize) -> anyhow::Result<Run> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let api = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
    let (_google, google) = google::start(messages, api.join(CALLBACK_PATH)?.as_str()).await?;
    let config = Arc::new(config(services, &api, &google)?);
    telemetry::init(&config.log).map_err(|error| anyhow::anyhow!("RUST_LOG: {error}"))?;
    db::migrate(&config.database).await?;
    let (serving, working) = (Shutdown::default(), CancellationToken::new());
    let api_task = tokio::spawn(server::run(config.clone(), Clock::default(), listener, serving.clone()));
    let worker_task = tokio::spawn(worker::run(config, Clock::default(), working.clone()));
    let measured = story(api).await;
    serving.begin();
    working.cancel();
    api_task.await??;
    worker_task.await??;
    measured
}

fn config(services: &Services, api: &Url, google: &str) -> anyhow::Result<Config> {
    let (client_id, client_secret) = google::CLIENT;
    let owner = services.database_url.expose_secret();
    let mut vars = HashMap::from([
        ("HTTP_LISTEN", format!("127.0.0.1:{}", api.port().context("a bound address has a port")?)),
        ("AUTH_ISSUER", ISSUER.to_owned()),
        ("AUTH_SECRET", AUTH_SECRET.to_owned()),
        ("OMNISYNC_KEYS", seal::fresh_key()),
        ("DATABASE_URL", owner.to_owned()),
        ("REDIS_URL", services.redis_url.expose_secret().to_owned()),
        ("GOOGLE_CLIENT_ID", client_id.to_owned()),
        ("GOOGLE_CLIENT_SECRET", client_secret.to_owned()),
        // As good as none: what is measured is the program.
        ("GMAIL_UNITS_PER_MINUTE", "1000000000".to_owned()),
        ("GMAIL_PROJECT_UNITS_PER_MINUTE", "1000000000".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ]);
    vars.extend(Google::vars_under(google));
    for (variable, role) in [
        ("API_DATABASE_URL", "omnisync_api"),
        ("WORKER_DATABASE_URL", "omnisync_worker"),
        ("SCHEDULER_DATABASE_URL", "omnisync_scheduler"),
    ] {
        let mut url = Url::parse(owner)?;
        let set = url.set_username(role).and_then(|()| url.set_password(Some(ROLE_PASSWORD)));
        set.map_err(|()| anyhow::anyhow!("the database's address names no host"))?;
        vars.insert(variable, url.into());
    }
    Config::from_vars(|name| vars.get(name).cloned()).map_err(|problems| anyhow::anyhow!("{problems:?}"))
}

/// Connects, previews, approves, waits, reads the timeline.
async fn story(api: Url) -> anyhow::Result<Run> {
    let secret = SecretString::from(AUTH_SECRET);
    let lifetime = Duration::from_secs(3_600);
    let bearer = auth::issue(&secret, ISSUER, "omnisync", "ada", lifetime, Clock::default().now())?;
    let person = Person::new(api, bearer)?;
    let account = person.connect().await?;
    let input =
        json!({ "accountId": account, "services": ["GMAIL"], "gmailQuery": "-in:chats", "mailDaysBack": 3_650 });
    let preview = person
        .ask(
            "mutation($i: PreviewInput!) { preview(input: $i) { preview { id } userErrors { code message } } }",
            json!({ "i": input }),
        )
        .await?;
    let preview = text(&preview["preview"]["preview"]["id"])?;

    let started_at = Instant::now();
    let approve = "mutation($i: ApproveInput!) { approve(input: $i) { batch { id } userErrors { code message } } }";
    let input = json!({ "previewId": preview, "idempotencyKey": "bench" });
    let approved = person.ask(approve, json!({ "i": input })).await?;
    let batch = text(&approved["approve"]["batch"]["id"])?;
    let (counts, stored_at) = succeeded(&person, batch).await?;
    let timeline = person.ask("{ timeline(first: 100) { edges { node { id subject } } } }", json!({})).await?;
    let took = started_at.elapsed();
    let n_shown = timeline["timeline"]["edges"].as_array().map_or(0, Vec::len);
    let peak_mib = peak_mib()?;

    let items = person.count_timeline().await?;
    ensure!(counts["stored"] == items && n_shown == items.min(100), "{items} on the timeline, of {counts}");
    let undo_seconds = undone(&person, batch).await?.as_secs_f64();
    ensure!(person.count_timeline().await? == 0, "the undo left something on the timeline");
    Ok(Run {
        items,
        undo_seconds,
        seconds: took.as_secs_f64(),
        tail_seconds: (started_at + took - stored_at).as_secs_f64(),
        peak_mib,
    })
}

/// Waits for the batch to succeed; returns its counts, and when it was first seen with everything stored.
async fn succeeded(person: &Person, batch: &str) -> anyhow::Result<(Value, Instant)> {
    const LOOK: &str = "query($b: ID!) { node(id: $b) { ... on Batch { state error listingDone
        counts { listed stored filtered failed } } } }";
    let mut stored_at = None;
    loop {
        let seen = person.ask(LOOK, json!({ "b": batch })).await?;
        let (node, counts) = (&seen["node"], &seen["node"]["counts"]);
        let n = |name: &str| counts[name].as_u64().unwrap_or(0);
        if node["listingDone"] == true && n("stored") + n("filtered") == n("listed") {
            stored_at.get_or_insert_with(Instant::now);
        }
        match node["state"].as_str() {
            Some("SUCCEEDED") => return Ok((counts.clone(), stored_at.context("succeeded with items missing")?)),
            Some("QUEUED" | "RUNNING") => tokio::time::sleep(LOOK_EVERY).await,
            _ => bail!("the batch ended as {node}"),
        }
    }
}

/// Takes the batch back; returns how long that took.
async fn undone(person: &Person, batch: &str) -> anyhow::Result<Duration> {
    let started_at = Instant::now();
    let undo = "mutation($i: UndoInput!) { undo(input: $i) { batch { id } userErrors { code message } } }";
    person.ask(undo, json!({ "i": { "batchId": batch } })).await?;
    loop {
        let seen =
            person.ask("query($b: ID!) { node(id: $b) { ... on Batch { state } } }", json!({ "b": batch })).await?;
        match seen["node"]["state"].as_str() {
            Some("UNDONE") => return Ok(started_at.elapsed()),
            Some("UNDOING") => tokio::time::sleep(LOOK_EVERY).await,
            _ => bail!("the undo ended as {seen}"),
        }
    }
}

/// The most memory this process has held, in MiB.
fn peak_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1_024.0)
}
