//! The stage: private services, a sandbox Google with a filled mailbox, API and worker in this process, and a person.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
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
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{google, person::Person};

pub(crate) const ISSUER: &str = "omnisync-bench";
pub(crate) const AUTH_SECRET: &str = "a secret of the benchmark and of nobody else";
const ROLE_PASSWORD: &str = "of-a-database-that-lives-a-minute";

/// Variables that a story changes.
pub(crate) type Settings = [(&'static str, &'static str)];

/// What a story plays on.
pub(crate) struct Stage {
    pub(crate) person: Person,
    /// The sandbox's address without the slash.
    pub(crate) google: String,
    pub(crate) config: Arc<Config>,
    /// The same as the environment of another process.
    pub(crate) vars: HashMap<&'static str, String>,
    /// Where the private services keep data and logs.
    pub(crate) folder: PathBuf,
}

impl Stage {
    /// A connection of the tables' owner, whom row-level security does not hold.
    pub(crate) async fn owner(&self) -> anyhow::Result<tokio_postgres::Client> {
        let url = self.config.database.owner_url.as_ref().context("an owner")?;
        let (client, connection) = tokio_postgres::connect(url.expose_secret(), tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// The value below which this share of the values lies; they are sorted, and there are some.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// The value in the middle of some.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 0.5)
}

/// Plays a story on a stage of its own, with a mailbox of this size.
pub(crate) async fn play<T>(
    messages: usize,
    settings: &Settings,
    story: impl AsyncFnOnce(Stage) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    let services = Services::start(&folder).await?;
    let data = services.folder.clone();
    let outcome = with_services(&services, messages, settings, story).await;
    services.stop().await;
    for folder in [&folder, &data] {
        std::fs::remove_dir_all(folder).ok();
    }
    outcome
}

async fn with_services<T>(
    services: &Services,
    messages: usize,
    settings: &Settings,
    story: impl AsyncFnOnce(Stage) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let api = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
    let (_google, google) = google::start(messages, api.join(CALLBACK_PATH)?.as_str()).await?;
    let vars = vars(services, &api, &google, settings)?;
    let config =
        Config::from_vars(|name| vars.get(name).cloned()).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let config = Arc::new(config);
    telemetry::init(&config.log).map_err(|error| anyhow::anyhow!("RUST_LOG: {error}"))?;
    db::migrate(&config.database).await?;
    let (serving, working) = (Shutdown::default(), CancellationToken::new());
    let api_task = tokio::spawn(server::run(config.clone(), Clock::default(), listener, serving.clone()));
    let worker_task = tokio::spawn(worker::run(config.clone(), Clock::default(), working.clone()));
    let lifetime = Duration::from_secs(3_600);
    let bearer =
        auth::issue(&SecretString::from(AUTH_SECRET), ISSUER, "omnisync", "ada", lifetime, Clock::default().now())?;
    let told =
        story(Stage { person: Person::new(api, bearer)?, google, config, vars, folder: services.folder.clone() }).await;
    serving.begin();
    working.cancel();
    api_task.await??;
    worker_task.await??;
    told
}

fn vars(
    services: &Services,
    api: &Url,
    google: &str,
    settings: &Settings,
) -> anyhow::Result<HashMap<&'static str, String>> {
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
        // What is measured asks for more than a person does.
        ("GRAPHQL_COST_PER_MINUTE", "1000000000".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ]);
    vars.extend(Google::vars_under(google));
    vars.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
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
    Ok(vars)
}

/// The most memory this process has held, in MiB.
pub(crate) fn peak_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1_024.0)
}
