//! The same mails by parallel requests and by batches: `script/bench fetch`.
//!
//! 2,000 mails, `format=raw`, from the sandbox in a process of its own: by eight requests at a time, which is how the program
//! fetches, and by multipart batches, one at a time: of 20 parts, and of eight, which keeps as much in flight as the
//! requests do. Once without latency and once with 40 ms for each request; the parts of a batch wait together, as one.
//! Ways take turns within each round. Each is a process of its own, so that its peak of memory is its own; a way that does
//! nothing says what that costs by itself.
//!
//! Last, the sandbox lets no more than ten requests of a person run at once, as Google does (reports go from 10 to 50), and
//! counts what each way was refused.

use std::{
    collections::VecDeque,
    io::Read,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use flate2::read::GzDecoder;
use futures::{StreamExt, stream};
use reqwest::{Client, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use super::{google, person, stage};

/// Times each way is taken.
pub(crate) const ROUNDS: usize = 5;
const MESSAGES: usize = 2_112;
const WAYS: [&str; 4] = ["requests", "batches-20", "batches-8", "nothing"];
/// Requests in flight at once.
const IN_FLIGHT: usize = 8;
/// Where nobody listens: the code is taken from the address.
const REDIRECT: &str = "http://127.0.0.1:1/back";

/// What one fetch of everything came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fetched {
    mails: usize,
    seconds: f64,
    /// Processor time of the process that fetched.
    cpu_seconds: f64,
    /// As they came, compressed.
    wire_bytes: usize,
    requests: usize,
    /// Mails refused because too many requests ran at once; each was asked for again.
    refused: usize,
    peak_mib: f64,
}

pub(crate) async fn measure(rounds: usize) -> anyhow::Result<()> {
    let (_google, address) = google::start(MESSAGES, REDIRECT).await?;
    let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let token = token(&http, &address).await?;
    let control = format!("{address}/_sandbox/");
    println!(
        "{:<11} {:>9} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "way", "latency", "mails", "seconds", "ratio", "cpu s", "MB wire", "requests", "refused", "peak MiB"
    );
    for latency_ms in [0, 40] {
        delay(&http, &control, latency_ms).await?;
        compare(&address, &token, rounds, &format!("{latency_ms} ms")).await?;
    }
    let ten_at_once = json!({ "gmailPerUser": u32::MAX, "gmailPerProject": u32::MAX, "concurrentPerUser": 10 });
    http.put(format!("{control}quota")).json(&ten_at_once).send().await?.error_for_status()?;
    compare(&address, &token, rounds, "40 ms, 10").await
}

async fn delay(http: &Client, control: &str, latency_ms: u64) -> anyhow::Result<()> {
    http.delete(format!("{control}faults")).send().await?.error_for_status()?;
    if latency_ms > 0 {
        let always = json!({ "share": { "probability": 1.0, "seed": 1 } });
        let plan = json!({ "which": { "pathPrefix": "/gmail/" }, "latencyMs": latency_ms, "when": always });
        http.post(format!("{control}faults")).json(&plan).send().await?.error_for_status()?;
    }
    Ok(())
}

/// Takes each way so many times, in turns, and prints its median.
async fn compare(address: &str, token: &str, rounds: usize, latency: &str) -> anyhow::Result<()> {
    let mut taken: [Vec<Fetched>; WAYS.len()] = Default::default();
    for _ in 0..rounds {
        for (way, runs) in WAYS.iter().zip(&mut taken) {
            runs.push(apart(way, address, token).await?);
        }
    }
    let median = |runs: &mut Vec<Fetched>| {
        runs.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
        runs[(runs.len() - 1) / 2].clone()
    };
    let medians: Vec<Fetched> = taken.iter_mut().map(median).collect();
    for (way, run) in WAYS.iter().zip(&medians) {
        let ratio = run.seconds / medians[0].seconds;
        let wire_mb = run.wire_bytes as f64 / 1e6;
        let Fetched { mails, seconds, cpu_seconds, requests, refused, peak_mib, .. } = run;
        println!(
            "{way:<11} {latency:>9} {mails:>6} {seconds:>8.2} {ratio:>8.2} {cpu_seconds:>8.2} {wire_mb:>8.1} \
             {requests:>8} {refused:>8} {peak_mib:>8.1}"
        );
    }
    Ok(())
}

/// One way, in a process of its own; the token goes by standard input.
async fn apart(way: &str, address: &str, token: &str) -> anyhow::Result<Fetched> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["fetch-once", way])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut told = child.stdin.take().context("standard input is piped")?;
    tokio::io::AsyncWriteExt::write_all(&mut told, format!("{address} {token}").as_bytes()).await?;
    drop(told);
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "{way} failed");
    serde_json::from_slice(&output.stdout).context("a way said something else than its result")
}

/// Fetches everything one way, in this process.
pub(crate) async fn once(way: &str) -> anyhow::Result<Fetched> {
    let told = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await??;
    let (address, token) = told.split_once(' ').context("an address and a token")?;
    // Replies are unpacked here, so that what came over the wire can be counted.
    let http = Client::builder().no_proxy().no_gzip().user_agent("omnisync-bench (gzip)").build()?;
    let mail = Mail { http, address: address.to_owned(), token: token.to_owned() };
    let ids = mail.ids().await?;
    let (started_at, cpu_before) = (Instant::now(), cpu_time()?);
    let mut fetched = match way {
        "requests" => mail.by_requests(ids).await?,
        "batches-20" => mail.by_batches(ids, 20).await?,
        "batches-8" => mail.by_batches(ids, 8).await?,
        "nothing" => Fetched::nothing(),
        _ => bail!("no such way: {way}"),
    };
    fetched.seconds = started_at.elapsed().as_secs_f64();
    fetched.cpu_seconds = (cpu_time()? - cpu_before).as_secs_f64();
    fetched.peak_mib = stage::peak_mib()?;
    Ok(fetched)
}

impl Fetched {
    const fn nothing() -> Self {
        Self { mails: 0, seconds: 0.0, cpu_seconds: 0.0, wire_bytes: 0, requests: 0, refused: 0, peak_mib: 0.0 }
    }

    /// Counts one mail, or says that it was refused.
    fn take(&mut self, id: &str, status: StatusCode, json: &[u8]) -> anyhow::Result<bool> {
        #[derive(Deserialize)]
        struct Reply<'a> {
            id: &'a str,
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            self.refused += 1;
            return Ok(false);
        }
        ensure!(status.is_success(), "{status} for {id}");
        let reply: Reply<'_> = serde_json::from_slice(json)?;
        ensure!(reply.id == id, "{} instead of {id}", reply.id);
        self.mails += 1;
        Ok(true)
    }
}

/// A mailbox at the sandbox.
struct Mail {
    http: Client,
    address: String,
    token: String,
}

impl Mail {
    async fn ids(&self) -> anyhow::Result<Vec<String>> {
        let (mut ids, mut page) = (Vec::new(), None::<String>);
        loop {
            let mut url = Url::parse(&format!("{}/gmail/v1/users/me/messages?maxResults=500", self.address))?;
            url.query_pairs_mut().extend_pairs(page.iter().map(|page| ("pageToken", page)));
            let listed: Value = self.http.get(url).bearer_auth(&self.token).send().await?.json().await?;
            let named = listed["messages"].as_array().context("messages")?;
            ids.extend(named.iter().filter_map(|message| message["id"].as_str().map(str::to_owned)));
            match listed["nextPageToken"].as_str() {
                Some(next) => page = Some(next.to_owned()),
                None => return Ok(ids),
            }
        }
    }

    async fn by_requests(&self, mut ids: Vec<String>) -> anyhow::Result<Fetched> {
        let mut fetched = Fetched::nothing();
        while !ids.is_empty() {
            let mut again = Vec::new();
            let get = |id: String| async move {
                let url = format!("{}/gmail/v1/users/me/messages/{id}?format=raw", self.address);
                let request = self.http.get(url).bearer_auth(&self.token).header(header::ACCEPT_ENCODING, "gzip");
                let reply = request.send().await?;
                let status = reply.status();
                let (wire, body) = unpacked(reply).await?;
                anyhow::Ok((id, status, wire, body))
            };
            let mut replies = std::pin::pin!(stream::iter(ids).map(get).buffer_unordered(IN_FLIGHT));
            while let Some(reply) = replies.next().await {
                let (id, status, wire, body) = reply?;
                fetched.requests += 1;
                fetched.wire_bytes += wire;
                if !fetched.take(&id, status, &body)? {
                    again.push(id);
                }
            }
            ids = again;
        }
        Ok(fetched)
    }

    async fn by_batches(&self, ids: Vec<String>, size: usize) -> anyhow::Result<Fetched> {
        let mut fetched = Fetched::nothing();
        let mut ids = VecDeque::from(ids);
        while !ids.is_empty() {
            let parts: Vec<String> = ids.drain(..size.min(ids.len())).collect();
            let (boundary, wire, body) = self.batch(&parts).await?;
            fetched.requests += 1;
            fetched.wire_bytes += wire;
            let mut n_answers = 0;
            for (index, status, json) in answers(&body, &boundary)? {
                let id = parts.get(index).context("an answer to no part")?;
                n_answers += 1;
                if !fetched.take(id, status, json)? {
                    ids.push_back(id.clone());
                }
            }
            ensure!(n_answers == parts.len(), "{n_answers} answers to {} parts", parts.len());
        }
        Ok(fetched)
    }

    /// Sends a batch; gives the answer's boundary, its length on the wire, and its text.
    async fn batch(&self, ids: &[String]) -> anyhow::Result<(String, usize, Vec<u8>)> {
        let part = |(index, id): (usize, &String)| {
            format!(
                "--part\r\nContent-Type: application/http\r\nContent-ID: <{index}>\r\n\r\n\
                 GET /gmail/v1/users/me/messages/{id}?format=raw HTTP/1.1\r\n\r\n\r\n"
            )
        };
        let body: String = ids.iter().enumerate().map(part).collect::<String>() + "--part--\r\n";
        let request = self.http.post(format!("{}/batch/gmail/v1", self.address)).bearer_auth(&self.token);
        let request = request.header(header::CONTENT_TYPE, "multipart/mixed; boundary=part");
        let reply = request.header(header::ACCEPT_ENCODING, "gzip").body(body).send().await?.error_for_status()?;
        let content_type = reply.headers()[header::CONTENT_TYPE].to_str()?;
        let boundary = content_type.split_once("boundary=").context("a boundary")?.1.trim_matches('"').to_owned();
        let (wire, body) = unpacked(reply).await?;
        Ok((boundary, wire, body))
    }
}

/// A reply's length on the wire, and its body.
async fn unpacked(reply: Response) -> anyhow::Result<(usize, Vec<u8>)> {
    let is_packed = reply.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    let wire = reply.bytes().await?;
    let mut body = Vec::new();
    if is_packed {
        GzDecoder::new(&wire[..]).read_to_end(&mut body)?;
    } else {
        body.extend_from_slice(&wire);
    }
    Ok((wire.len(), body))
}

/// Each answer of a batch: the index of its part, its status, and its JSON.
fn answers<'a>(body: &'a [u8], boundary: &str) -> anyhow::Result<Vec<(usize, StatusCode, &'a [u8])>> {
    let mut answers = Vec::new();
    let delimiter = format!("--{boundary}");
    let starts: Vec<usize> = memchr_all(body, delimiter.as_bytes());
    for pair in starts.windows(2) {
        let part = &body[pair[0] + delimiter.len()..pair[1]];
        let after = |bytes: &'a [u8]| -> anyhow::Result<(&'a str, &'a [u8])> {
            let end = memchr_all(bytes, b"\r\n\r\n").first().copied().context("a head")?;
            Ok((std::str::from_utf8(&bytes[..end])?, &bytes[end + 4..]))
        };
        let (head, answer) = after(part)?;
        let (inner, json) = after(answer)?;
        let index = head.split_once("<response-").and_then(|(_, rest)| rest.split_once('>')).context("an id")?.0;
        let status = inner.split_ascii_whitespace().nth(1).context("a status")?;
        answers.push((index.parse()?, StatusCode::from_bytes(status.as_bytes())?, json.trim_ascii_end()));
    }
    Ok(answers)
}

/// Where `what` is in `bytes`.
fn memchr_all(bytes: &[u8], what: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some(next) = bytes[at..].windows(what.len()).position(|window| window == what) {
        found.push(at + next);
        at += next + what.len();
    }
    found
}

/// Processor time of this process so far.
fn cpu_time() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("a name")?;
    let ticks: Vec<u64> = fields.split_ascii_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    // Linux counts in hundredths of a second for every program.
    Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 10))
}

/// An access token, by the consent page.
async fn token(http: &Client, address: &str) -> anyhow::Result<String> {
    let (id, secret) = google::CLIENT;
    let mut url = Url::parse(&format!("{address}/o/oauth2/v2/auth"))?;
    url.query_pairs_mut()
        .append_pair("client_id", id)
        .append_pair("redirect_uri", REDIRECT)
        .append_pair("response_type", "code")
        .append_pair("scope", "https://www.googleapis.com/auth/gmail.readonly");
    let back = person::consent(http, url).await?;
    let code = Url::parse(&back)?.query_pairs().find(|(name, _)| name == "code").context("a code")?.1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("client_id", id),
        ("client_secret", secret),
    ];
    let tokens: Value = http.post(format!("{address}/token")).form(&form).send().await?.json().await?;
    Ok(person::text(&tokens["access_token"])?.to_owned())
}
