//! How fast pages of a long timeline are answered, beside `PostGraphile` and beside the bare statements: `script/bench pages`.
//!
//! 1,000,000 interactions of 200 people, row-level security on. Sixteen connections ask for the newest 25 of a hundred of them, one page
//! after another, of our API and of `PostGraphile` by turns, and by turns with them pgbench runs the very statements that our API sends for
//! such a page, as PostgreSQL has logged them, as the same role and prepared: one after the other, and as many together as our API sends.
//! Medians of the rounds are compared.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use omnisync::{clock::Clock, domain::ids::UserId, http::auth};
use reqwest::{Client, RequestBuilder, header::ACCEPT_ENCODING};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use super::{
    peers,
    stage::{self, AUTH_SECRET, ISSUER, Stage, percentile},
};

pub(crate) const ROWS: usize = 1_000_000;
const PEOPLE: usize = 200;
/// pgbench takes 128 scripts, and each of them is one person's.
const ASKING: usize = 100;
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 3;
const LASTS: Duration = Duration::from_secs(10);

const OURS: &str = "{ timeline(first: 25) { edges { cursor node { id kind subject snippet occurredAt participants { address name role } } }
    pageInfo { hasNextPage endCursor } } }";
const THEIRS: &str = "{ allInteractions(first: 25, orderBy: OCCURRED_AT_DESC) { edges { cursor node {
    id kind subject snippet occurredAt participants } } pageInfo { hasNextPage endCursor } } }";

/// Someone who asks, by number.
fn subject(number: usize) -> String {
    format!("reader {number}")
}

fn user(number: usize) -> UserId {
    UserId::of_subject(ISSUER, &subject(number))
}

/// What a way of asking came to.
struct Figures {
    per_second: f64,
    median_ms: f64,
    p99_ms: f64,
}

pub(crate) async fn measure(rows: usize) -> anyhow::Result<()> {
    let settings = [("GRAPHQL_MAX_RUNNING", "1000"), ("DATABASE_POOL_SIZE", "16")];
    stage::play(20, &settings, async |stage| {
        stage.person.import().await?;
        fill(&stage.owner().await?, rows).await?;
        let api = stage.config.database.api_url.as_ref().context("an API")?.expose_secret();
        let vars = [("DATABASE_URL", api), ("CONNECTIONS", "16")];
        let (_peer, peer) = peers::start("pages.mjs", &vars).await?;
        let http = Client::builder().no_proxy().pool_max_idle_per_host(CONNECTIONS).build()?;
        let ours = requests(&http, &stage.person.api, OURS, |number, request| {
            let life = Duration::from_secs(3_600);
            let now = Clock::default().now();
            let secret = SecretString::from(AUTH_SECRET);
            Ok(request.bearer_auth(auth::issue(&secret, ISSUER, "omnisync", &subject(number), life, now)?))
        })?;
        let theirs =
            requests(&http, &peer, THEIRS, |number, request| Ok(request.header("x-user", user(number).to_string())))?;
        let statements = statements(&stage, &ours[0]).await?;
        println!("{:<14} {:>12} {:>10} {:>10}", "", "pages a sec.", "median ms", "p99 ms");
        let mut all: [Vec<Figures>; 2] = Default::default();
        let mut bare: [Vec<f64>; 2] = Default::default();
        let ours: Vec<_> = ours.iter().map(on_the_wire).collect::<Result<_, _>>()?;
        let theirs: Vec<_> = theirs.iter().map(on_the_wire).collect::<Result<_, _>>()?;
        for round in 0..=ROUNDS {
            for (name, server, requests, figures) in
                [("omnisync", &stage.person.api, &ours, 0), ("PostGraphile", &peer, &theirs, 1)]
            {
                let asked = tokio::task::block_in_place(|| ask(server, requests))?;
                if round > 0 {
                    println!("{name:<14} {:>12.0} {:>10.1} {:>10.1}", asked.per_second, asked.median_ms, asked.p99_ms);
                    all[figures].push(asked);
                }
            }
            for (name, at_once, figures) in [("pgbench", false, 0), ("pgbench, piped", true, 1)] {
                if round > 0 {
                    let per_second = pgbench(api, &statements, at_once).await?;
                    println!("{name:<14} {per_second:>12.0}");
                    bare[figures].push(per_second);
                }
            }
        }
        let [bare, piped] = bare.map(stage::median);
        let [ours, theirs] = all.map(median);
        println!(
            "omnisync answers {:.1} times as many as PostGraphile, and {:.0} % of the bare statements ({:.0} % where these are sent together); p99 {:.1} ms",
            ours.per_second / theirs.per_second,
            ours.per_second / bare * 100.0,
            ours.per_second / piped * 100.0,
            ours.p99_ms
        );
        Ok(())
    })
    .await
}

fn median(mut rounds: Vec<Figures>) -> Figures {
    rounds.sort_by(|left, right| left.per_second.total_cmp(&right.per_second));
    rounds.swap_remove(rounds.len() / 2)
}

fn requests(
    http: &Client,
    url: &Url,
    document: &str,
    sign: impl Fn(usize, RequestBuilder) -> anyhow::Result<RequestBuilder>,
) -> anyhow::Result<Vec<RequestBuilder>> {
    let url = url.join("graphql")?;
    // The peer compresses nothing, so that nobody is asked to.
    let request = || http.post(url.clone()).header(ACCEPT_ENCODING, "identity").json(&json!({ "query": document }));
    (0..ASKING).map(|number| sign(number, request())).collect()
}

/// A request as it goes over the wire.
pub(crate) fn on_the_wire(request: &RequestBuilder) -> anyhow::Result<Vec<u8>> {
    let request = request.try_clone().context("a request with a body of bytes")?.build()?;
    let (url, body) = (request.url(), request.body().and_then(|body| body.as_bytes()).context("a body of bytes")?);
    let mut bytes = Vec::new();
    write!(bytes, "{} {} HTTP/1.1\r\nhost: {}\r\n", request.method(), url.path(), url.authority())?;
    for (name, value) in request.headers() {
        write!(bytes, "{name}: {}\r\n", value.to_str()?)?;
    }
    write!(bytes, "content-length: {}\r\n\r\n", body.len())?;
    bytes.extend(body);
    Ok(bytes)
}

/// Asks over all connections at once for as long as a round lasts. Each connection has a thread that writes and reads, and does nothing
/// else: what a client does beside that would be taken from the server on the same processors.
fn ask(server: &Url, requests: &[Vec<u8>]) -> anyhow::Result<Figures> {
    let address = (server.host_str().context("a host")?, server.port().context("a port")?);
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let connection = || {
        let mut times = Vec::new();
        let mut stream = BufReader::with_capacity(65_536, TcpStream::connect(address)?);
        stream.get_ref().set_nodelay(true)?;
        while begun.elapsed() < LASTS {
            let request = &requests[next.fetch_add(1, Ordering::Relaxed) % requests.len()];
            let asked = Instant::now();
            stream.get_mut().write_all(request)?;
            let length = answered(&mut stream)?;
            times.push(asked.elapsed().as_secs_f64() * 1_000.0);
            // Twenty-five rows are longer than any refusal.
            ensure!(length > 5_000, "an answer of {length} bytes is no page");
        }
        anyhow::Ok(times)
    };
    let times: anyhow::Result<Vec<Vec<f64>>> = thread::scope(|threads| {
        let all: Vec<_> = (0..CONNECTIONS).map(|_| threads.spawn(connection)).collect();
        all.into_iter().map(|one| one.join().map_err(|_| anyhow::anyhow!("a connection's thread panicked"))?).collect()
    });
    let mut times = times?.concat();
    let per_second = times.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    Ok(Figures { per_second, median_ms: percentile(&times, 0.5), p99_ms: percentile(&times, 0.99) })
}

/// Reads an answer to its end and throws it away; gives how many bytes its body had.
pub(crate) fn answered(stream: &mut impl BufRead) -> anyhow::Result<u64> {
    let mut line = String::new();
    let mut length = None;
    while line != "\r\n" {
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "the connection ended");
        let value = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        length = value.and_then(|(_, value)| value.trim().parse().ok()).or(length);
    }
    let length = length.context("an answer without its length")?;
    io::copy(&mut stream.by_ref().take(length), &mut io::sink())?;
    Ok(length)
}

/// The statements of one page, as PostgreSQL logs them, with what was bound in its place.
async fn statements(stage: &Stage, request: &RequestBuilder) -> anyhow::Result<Vec<String>> {
    let client = stage.owner().await?;
    let page = async || anyhow::Ok(request.try_clone().context("a request")?.send().await?.json::<Value>().await?);
    // Whoever asks for the first time is written down.
    page().await?;
    let log = stage.folder.join("postgres.log");
    client.batch_execute("ALTER SYSTEM SET log_statement = 'all'").await?;
    // Whose sessions they are: the worker has its own, and looks around.
    client.batch_execute("ALTER SYSTEM SET log_line_prefix = '%u '").await?;
    client.batch_execute("SELECT pg_reload_conf()").await?;
    let mut before = fs::metadata(&log)?.len();
    // The setting reaches other sessions a moment later.
    let found = loop {
        let answer = page().await?;
        ensure!(answer["data"]["timeline"]["edges"].as_array().is_some_and(|rows| rows.len() == 25), "{answer}");
        let text = fs::read(&log)?;
        let found = logged(&String::from_utf8_lossy(&text[usize::try_from(before)?..]));
        let is_whole = found.first().is_some_and(|first| first.starts_with("BEGIN"));
        if is_whole && found.last().is_some_and(|last| last == "COMMIT") {
            break found;
        }
        before = text.len() as u64;
    };
    client.batch_execute("ALTER SYSTEM RESET log_statement").await?;
    client.batch_execute("ALTER SYSTEM RESET log_line_prefix").await?;
    client.batch_execute("SELECT pg_reload_conf()").await?;
    Ok(found)
}

/// The statements in a log of PostgreSQL's.
fn logged(log: &str) -> Vec<String> {
    let mut found = Vec::<String>::new();
    let mut is_statement = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let Some(last) = found.last_mut().filter(|_| is_statement) {
                last.push(' ');
                last.push_str(more.trim());
            }
            continue;
        }
        is_statement = false;
        let Some(line) = line.strip_prefix("omnisync_api ") else { continue };
        let said = |mark: &str| line.split_once(mark).map(|(_, rest)| rest);
        if let Some(bound) = said("DETAIL:  Parameters: ").or_else(|| said("DETAIL:  parameters: ")) {
            if let Some(last) = found.last_mut() {
                *last = with_bound(last, bound);
            }
        } else if let Some(statement) = said("LOG:  statement: ")
            .or_else(|| said("LOG:  execute ").and_then(|rest| rest.split_once(": ")).map(|(_, statement)| statement))
        {
            is_statement = true;
            found.push(statement.trim().to_owned());
        }
    }
    found
}

/// A statement with `$1 = 'a', $2 = NULL` in it. The last first, for `$1` is the beginning of `$10`.
fn with_bound(statement: &str, bound: &str) -> String {
    let mut values: Vec<(usize, String)> = Vec::new();
    for (number, rest) in bound.split('$').filter_map(|one| one.split_once(" = ")) {
        let value = rest.trim_end().trim_end_matches(',');
        // What an array is of, the log does not say: here it is ids, or texts.
        let kind = match value.strip_prefix("'{") {
            Some(items) if items.split(',').all(|item| uuid::Uuid::try_parse(item.trim_end_matches("}'")).is_ok()) => {
                "::uuid[]"
            }
            Some(_) => "::text[]",
            None => "",
        };
        let value = format!("{value}{kind}");
        values.extend(number.parse().ok().map(|number: usize| (number, value)));
    }
    values.iter().rev().fold(statement.to_owned(), |text, (number, value)| text.replace(&format!("${number}"), value))
}

/// Runs the statements, each time with somebody else's id; gives how many pages a second. One waits for the other, or, `at_once`, all but the
/// last go out together, as we send them.
async fn pgbench(url: &str, statements: &[String], at_once: bool) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let first = user(0).to_string();
    let mut command = Command::new(program()?);
    let lasts = LASTS.as_secs().to_string();
    let connections = CONNECTIONS.to_string();
    command.args(["-n", "-M", "prepared", "-j", "2", "-c", &connections, "-T", &lasts]);
    for number in 0..ASKING {
        let file = folder.path().join(format!("{number}.sql"));
        let mut script: Vec<String> =
            statements.iter().map(|statement| statement.replace(&first, &user(number).to_string()) + ";\n").collect();
        if at_once {
            script.insert(script.len() - 1, "\\endpipeline\n".to_owned());
            script.insert(0, "\\startpipeline\n".to_owned());
        }
        fs::write(&file, script.concat())?;
        command.arg("-f").arg(file);
    }
    let output = command.arg(url).output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.with_context(|| format!("pgbench: {said}{}", String::from_utf8_lossy(&output.stderr)))
}

/// pgbench, which Debian keeps beside the server.
fn program() -> anyhow::Result<std::path::PathBuf> {
    let mut found: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|one| one.path().join("bin/pgbench"))
        .collect();
    found.sort();
    Ok(found.into_iter().rfind(|path| path.is_file()).unwrap_or_else(|| Path::new("pgbench").to_owned()))
}

/// Makes interactions as a projection would write them.
async fn fill(client: &tokio_postgres::Client, rows: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    let people: Vec<String> = (0..PEOPLE).map(|number| user(number).to_string()).collect();
    let made = client
        .execute(
            &format!(
                "INSERT INTO interactions (user_id, interaction_id, account_id, stream_id, group_key, occurrence, batch_id, service, kind,
                     subject, body_text, snippet, occurred_at, participants, labels, attachments, version, normalizer_version, universal_id, search)
                 SELECT ($1::text[])[n % {PEOPLE} + 1]::uuid, gen_random_uuid(), account_id, stream_id, 'made' || n, '', batch_id, service, kind,
                     'Subject ' || n, repeat(md5(n::text), 12), left(repeat(md5(n::text), 12), 200), i.occurred_at - n * interval '1 minute',
                     i.participants, i.labels, '[]', version, normalizer_version, 'made' || n || '@brightwater.example', ''
                 FROM (SELECT * FROM interactions WHERE user_id = '{}' LIMIT 1) AS i CROSS JOIN generate_series(1, {rows}) AS n",
                UserId::of_subject(ISSUER, "ada")
            ),
            &[&people],
        )
        .await?;
    ensure!(usize::try_from(made)? == rows, "{made} rows were made");
    client.batch_execute("VACUUM ANALYZE interactions").await?;
    println!("{made} interactions of {PEOPLE} people made in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}
