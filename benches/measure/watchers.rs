//! How progress reaches many who watch, beside a server of graphql-ws and graphql-redis-subscriptions: `script/bench watchers`.
//!
//! A server of each kind runs in a process of its own. A thousand sockets watch one batch while it changes ten and fifty times a
//! second: how many states a second arrive, how old they are then, what one costs the server in processor time, and a socket in
//! memory. In the end ten thousand watch ours while nothing happens, and then the batch ends.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use omnisync::{
    broker::Broker,
    clock::Clock,
    config::Config,
    domain::ids::BatchId,
    http::{server, shutdown::Shutdown},
    telemetry,
};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::{net::TcpListener, process::Command, sync::Semaphore, task::JoinHandle, time::interval};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig};
use url::Url;

use super::{
    peers,
    stage::{self, Stage, percentile},
};

const WATCHERS: usize = 1_000;
const IDLE: usize = 10_000;
/// Changes a second, and how often each server is measured with them, by turns: the medians are compared.
const RATES: [(u32, usize); 2] = [(10, 3), (50, 1)];
const LASTS: Duration = Duration::from_secs(10);
/// Sockets that are opened at once.
const OPENING: usize = 100;
/// How long the last state may take to reach everyone.
const PATIENCE: Duration = Duration::from_secs(60);

const COUNTS: &str = "counts { listed stored unchanged filtered failed gone normalized }";

pub(crate) async fn measure() -> anyhow::Result<()> {
    let settings = [("GRAPHQL_MAX_SUBSCRIPTIONS", "20000")];
    stage::play(20, &settings, async |stage| {
        let batch = stage.person.import().await?;
        let changes = Arc::new(Changes::of(&stage).await?);
        println!(
            "{:<10} {:>9} {:>12} {:>10} {:>10} {:>12} {:>12} {:>12}",
            "", "changes/s", "states/s", "median ms", "p99 ms", "last after", "CPU us/state", "KiB/socket"
        );
        for (rate, rounds) in RATES {
            let mut p99_ms: [Vec<f64>; 2] = Default::default();
            for _ in 0..rounds {
                for (number, kind) in [Kind::Omnisync, Kind::Peer].into_iter().enumerate() {
                    p99_ms[number].push(watched(&stage, &changes, kind, &batch, rate).await?);
                }
            }
            let [ours, theirs] = p99_ms.map(stage::median);
            println!("{rate} changes a second: p99 {ours:.1} ms, the peer's is {:.1} times that", theirs / ours);
        }
        idle(&stage, &changes, &batch).await
    })
    .await
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Omnisync,
    Peer,
}

impl Kind {
    async fn serve(self, stage: &Stage) -> anyhow::Result<(tokio::process::Child, Url)> {
        match self {
            Self::Omnisync => {
                let mut server = Command::new(std::env::current_exe()?);
                server.arg("serve").env_clear().envs(&stage.vars);
                peers::announced(server).await
            }
            Self::Peer => peers::start("progress.mjs", &[("REDIS_URL", stage.config.redis.url.expose_secret())]).await,
        }
    }

    fn query(self) -> String {
        let inner = match self {
            Self::Omnisync => format!("seq batch {{ state {COUNTS} }}"),
            Self::Peer => format!("seq {COUNTS}"),
        };
        format!("subscription($id: ID!) {{ batchProgress(batchId: $id) {{ {inner} }} }}")
    }
}

/// Serves the API; the settings are in the environment.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let config = Config::from_env().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    telemetry::init(&config.log).map_err(|error| anyhow::anyhow!("RUST_LOG: {error}"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/", listener.local_addr()?);
    server::run(Arc::new(config), Clock::default(), listener, Shutdown::default()).await
}

/// Changes the batch, and knows when it did.
struct Changes {
    client: tokio_postgres::Client,
    broker: Broker,
    redis: redis::aio::ConnectionManager,
    batch: BatchId,
    begun: Instant,
    /// When each state was made, in microseconds; by its number.
    made: Vec<AtomicU64>,
}

impl Changes {
    async fn of(stage: &Stage) -> anyhow::Result<Self> {
        let client = stage.owner().await?;
        let batch = client.query_one("SELECT batch_id::text FROM batches", &[]).await?.get::<_, String>(0);
        let redis = redis::Client::open(stage.config.redis.url.expose_secret())?.get_connection_manager().await?;
        let made = (0..1_000_000).map(|_| AtomicU64::new(0)).collect();
        let broker = Broker::connect(&stage.config.redis)?;
        Ok(Self { client, broker, redis, batch: BatchId(batch.parse()?), begun: Instant::now(), made })
    }

    /// Puts the batch into this state, and tells whoever watches; gives the state's number.
    async fn make(&self, kind: Kind, batch: &str, state: &str) -> anyhow::Result<i64> {
        let row = self
            .client
            .query_one(
                "UPDATE batches SET seq = seq + 1, n_stored = n_stored + 1, state = $1,
                     finished_at = CASE WHEN $1 = 'succeeded' THEN now() END
                 WHERE batch_id = $2::text::uuid RETURNING seq, n_stored",
                &[&state, &self.batch.to_string()],
            )
            .await?;
        let (seq, stored): (i64, i64) = (row.get(0), row.get(1));
        let now = u64::try_from(self.begun.elapsed().as_micros())?;
        self.made.get(usize::try_from(seq)?).context("so many changes")?.store(now, Ordering::Relaxed);
        match kind {
            Kind::Omnisync => self.broker.changed(self.batch).await?,
            Kind::Peer => {
                let counts = json!({ "listed": 20, "stored": stored, "unchanged": 0, "filtered": 0, "failed": 0, "gone": 0, "normalized": 0 });
                let message = json!({ "batchProgress": null, "seq": seq, "counts": counts }).to_string();
                let mut redis = self.redis.clone();
                redis::cmd("PUBLISH").arg(format!("peer:{batch}")).arg(message).exec_async(&mut redis).await?;
            }
        }
        Ok(seq)
    }

    /// How old a state is, in milliseconds.
    fn age(&self, seq: i64) -> f64 {
        let made = self.made[usize::try_from(seq).unwrap_or(0)].load(Ordering::Relaxed);
        self.begun.elapsed().as_secs_f64() * 1_000.0 - made as f64 / 1_000.0
    }
}

/// Those who watch: what they have seen, together.
#[derive(Default)]
struct Seen {
    /// Whether states count: not those that stood when they came.
    counting: std::sync::atomic::AtomicBool,
    ages: std::sync::Mutex<Vec<f64>>,
    /// How many have seen the last one.
    at_last: AtomicUsize,
    last: std::sync::atomic::AtomicI64,
    completed: AtomicUsize,
}

/// Has a thousand sockets watch; gives how old states are at the ninety-ninth percentile, in milliseconds.
async fn watched(stage: &Stage, changes: &Arc<Changes>, kind: Kind, batch: &str, rate: u32) -> anyhow::Result<f64> {
    changes.make(kind, batch, "paused").await?;
    let (server, url) = kind.serve(stage).await?;
    let pid = server.id().context("it runs")?;
    let seen = Arc::new(Seen::default());
    // Connections to the database and the like are there with the first.
    let _first = open(stage, changes, kind, &url, batch, OPENING, &Arc::default()).await?;
    let before = resident_kib(pid)?;
    let _watchers = open(stage, changes, kind, &url, batch, WATCHERS, &seen).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let per_socket = (resident_kib(pid)? - before) / WATCHERS as f64;
    let (cpu, begun) = (cpu_ms(pid)?, Instant::now());
    seen.counting.store(true, Ordering::Relaxed);
    let mut beat = interval(Duration::from_secs(1) / rate);
    let mut last = 0;
    while begun.elapsed() < LASTS {
        beat.tick().await;
        last = changes.make(kind, batch, "paused").await?;
        seen.last.store(last, Ordering::Relaxed);
        seen.at_last.store(0, Ordering::Relaxed);
    }
    let n_before_the_end = seen.ages.lock().expect("no panic").len();
    let lasted = begun.elapsed();
    let n_at_last = reached(|| seen.at_last.load(Ordering::Relaxed), WATCHERS).await;
    let last_after = begun.elapsed() - lasted;
    let cpu = cpu_ms(pid)? - cpu;
    let mut ages = std::mem::take(&mut *seen.ages.lock().expect("no panic"));
    ages.sort_by(f64::total_cmp);
    ensure!(!ages.is_empty(), "nothing arrived, up to {last}");
    let p99_ms = percentile(&ages, 0.99);
    println!(
        "{:<10} {rate:>9} {:>12.0} {:>10.1} {:>10.1} {:>10.0}ms {:>12.1} {per_socket:>12.1}  {n_at_last} of {WATCHERS} saw the last",
        if kind == Kind::Omnisync { "omnisync" } else { "graphql-ws" },
        n_before_the_end as f64 / lasted.as_secs_f64(),
        percentile(&ages, 0.5),
        p99_ms,
        last_after.as_secs_f64() * 1_000.0,
        cpu * 1_000.0 / ages.len() as f64,
    );
    Ok(p99_ms)
}

async fn idle(stage: &Stage, changes: &Arc<Changes>, batch: &str) -> anyhow::Result<()> {
    changes.make(Kind::Omnisync, batch, "paused").await?;
    let (server, url) = Kind::Omnisync.serve(stage).await?;
    let pid = server.id().context("it runs")?;
    let seen = Arc::new(Seen::default());
    let before = resident_kib(pid)?;
    let begun = Instant::now();
    let _watchers = open(stage, changes, Kind::Omnisync, &url, batch, IDLE, &seen).await?;
    let opened = begun.elapsed();
    let (cpu, quiet) = (cpu_ms(pid)?, Instant::now());
    tokio::time::sleep(LASTS).await;
    let busy = (cpu_ms(pid)? - cpu) / quiet.elapsed().as_millis() as f64 * 100.0;
    let per_socket = (resident_kib(pid)? - before) / IDLE as f64;
    let ended = Instant::now();
    let last = changes.make(Kind::Omnisync, batch, "succeeded").await?;
    seen.last.store(last, Ordering::Relaxed);
    let n = reached(|| seen.completed.load(Ordering::Relaxed), IDLE).await;
    println!(
        "{IDLE} sockets opened in {:.1} s, {per_socket:.1} KiB each, {busy:.1} % of a processor while nothing happens; {n} got the end and were completed, within {:.1} s",
        opened.as_secs_f64(),
        ended.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Waits until a number is reached, and gives how far it has come.
async fn reached(number: impl Fn() -> usize, wanted: usize) -> usize {
    let begun = Instant::now();
    while number() < wanted && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    number()
}

async fn open(
    stage: &Stage,
    changes: &Arc<Changes>,
    kind: Kind,
    url: &Url,
    batch: &str,
    n: usize,
    seen: &Arc<Seen>,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let mut url = url.join("graphql")?;
    url.set_scheme("ws").map_err(|()| anyhow::anyhow!("no address for sockets"))?;
    let subscribe =
        json!({ "id": "1", "type": "subscribe", "payload": { "query": kind.query(), "variables": { "id": batch } } });
    let init =
        json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", stage.person.bearer) } });
    let first = [init.to_string(), subscribe.to_string()];
    let is_subscribed = Arc::new(Semaphore::new(0));
    let opened = stream::iter(0..n)
        .map(|_| watcher(url.clone(), first.clone(), changes.clone(), seen.clone(), is_subscribed.clone()));
    let all: Vec<_> = opened.buffer_unordered(OPENING).try_collect().await?;
    if kind == Kind::Omnisync {
        // Each is sent what stands now.
        let _all = tokio::time::timeout(PATIENCE, is_subscribed.acquire_many(u32::try_from(n)?)).await??;
    }
    Ok(all)
}

async fn watcher(
    url: Url,
    first: [String; 2],
    changes: Arc<Changes>,
    seen: Arc<Seen>,
    is_subscribed: Arc<Semaphore>,
) -> anyhow::Result<JoinHandle<()>> {
    let mut request = url.as_str().into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
    // The library clears as much room as it may read for each read: 128 KiB, unless it is told that messages are short.
    let config = WebSocketConfig::default().read_buffer_size(1_024);
    let (mut socket, _) = tokio_tungstenite::connect_async_with_config(request, Some(config), true).await?;
    let [init, subscribe] = first;
    socket.send(Message::text(init)).await?;
    // The peer closes the socket of whoever goes on before it has answered.
    let answer = socket.next().await.context("the socket was closed")??;
    ensure!(answer.to_text()?.contains("connection_ack"), "no acknowledgement: {answer}");
    socket.send(Message::text(subscribe)).await?;
    Ok(tokio::spawn(async move {
        let mut is_first = true;
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            if text.contains(r#""complete""#) {
                seen.completed.fetch_add(1, Ordering::Relaxed);
            }
            if text.contains(r#""ping""#) {
                socket.send(Message::text(r#"{"type":"pong"}"#)).await.ok();
            }
            let Some(seq) = seq_of(&text) else { continue };
            if std::mem::take(&mut is_first) {
                is_subscribed.add_permits(1);
            }
            if seen.counting.load(Ordering::Relaxed) {
                seen.ages.lock().expect("no panic").push(changes.age(seq));
            }
            if seq == seen.last.load(Ordering::Relaxed) {
                seen.at_last.fetch_add(1, Ordering::Relaxed);
            }
        }
    }))
}

/// The number of a state. Reading the whole message would measure the reader.
fn seq_of(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once(r#""seq":"#)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn resident_kib(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Processor time of a process so far, in milliseconds; the kernel counts hundredths of a second.
fn cpu_ms(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in brackets, which may hold anything.
    let (_, rest) = stat.rsplit_once(") ").context("no name")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).context("no times");
    Ok((ticks(11)? + ticks(12)?) * 10.0)
}
