//! How long others wait while documents made to cost much arrive: `script/bench siege`.
//!
//! Fifty connections send one such document after another, of each form and size in turn, without a pause; another one asks
//! `{ __typename }` all the while. On the same processors, the connections' other ends included.

use std::{
    io::{BufReader, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, ensure};
use serde_json::{Value, json};

use super::{
    bombs::bombs,
    pages::{answered, on_the_wire},
    stage::{self, Stage, percentile},
};

const CONNECTIONS: usize = 50;
const LASTS: Duration = Duration::from_secs(10);
const HEALTH: &str = "{ __typename }";

pub(crate) async fn measure() -> anyhow::Result<()> {
    stage::play(20, &[("GRAPHQL_MAX_RUNNING", "1000")], async |stage| {
        let health = wire(&stage, HEALTH, |answer| answer["data"]["__typename"] == "Query").await?;
        let mut costly = Vec::new();
        for (_, bomb) in bombs() {
            // The smallest are within the limits; none may be sent back for how many there are.
            let is_looked_at = |answer: &Value| {
                let code = answer["errors"][0]["extensions"]["code"].as_str();
                !matches!(code, Some("RATE_LIMITED" | "TOO_MANY_OPERATIONS" | "UNAVAILABLE"))
            };
            costly.push(wire(&stage, &bomb, is_looked_at).await?);
        }
        let address = (stage.person.api.host_str().context("a host")?, stage.person.api.port().context("a port")?);
        println!("{:<24} {:>10} {:>10} {:>10} {:>12}", "", "median ms", "p99 ms", "at most ms", "answered/s");
        for (name, connections) in [("health alone", 0), ("health under siege", CONNECTIONS)] {
            let (mut times, n_sent) = tokio::task::block_in_place(|| besiege(address, &health, &costly, connections))?;
            times.sort_by(f64::total_cmp);
            let [median, p99, most] = [0.5, 0.99, 1.0].map(|share| percentile(&times, share));
            let per_second = n_sent as f64 / LASTS.as_secs_f64();
            println!("{name:<24} {median:>10.1} {p99:>10.1} {most:>10.1} {per_second:>12.0}");
        }
        Ok(())
    })
    .await
}

/// A request for this document as it goes over the wire, once its answer has been looked at.
async fn wire(stage: &Stage, document: &str, is_right: impl Fn(&Value) -> bool) -> anyhow::Result<Vec<u8>> {
    let person = &stage.person;
    let request = person.http.post(person.api.join("graphql")?).bearer_auth(&person.bearer);
    let request = request.json(&json!({ "query": document }));
    let bytes = on_the_wire(&request)?;
    let answer: Value = request.send().await?.json().await?;
    ensure!(is_right(&answer), "{answer} to {document}");
    Ok(bytes)
}

/// What each question after health took, in milliseconds, and how many of the documents were answered meanwhile.
fn besiege(
    address: (&str, u16),
    health: &[u8],
    bombs: &[Vec<u8>],
    connections: usize,
) -> anyhow::Result<(Vec<f64>, usize)> {
    let begun = Instant::now();
    let n_sent = AtomicUsize::new(0);
    let attack = || {
        let mut stream = open(address)?;
        while begun.elapsed() < LASTS {
            ask(&mut stream, &bombs[n_sent.fetch_add(1, Ordering::Relaxed) % bombs.len()])?;
        }
        anyhow::Ok(())
    };
    let watch = || {
        let (mut stream, mut times) = (open(address)?, Vec::new());
        while begun.elapsed() < LASTS {
            let asked = Instant::now();
            ask(&mut stream, health)?;
            times.push(asked.elapsed().as_secs_f64() * 1_000.0);
        }
        anyhow::Ok(times)
    };
    let times = thread::scope(|threads| {
        let attacks: Vec<_> = (0..connections).map(|_| threads.spawn(attack)).collect();
        let times = threads.spawn(watch).join();
        for attack in attacks {
            attack.join().map_err(|_| anyhow!("a connection's thread panicked"))??;
        }
        times.map_err(|_| anyhow!("the thread that asks after health panicked"))?
    })?;
    Ok((times, n_sent.into_inner()))
}

fn open(address: (&str, u16)) -> anyhow::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn ask(stream: &mut BufReader<TcpStream>, request: &[u8]) -> anyhow::Result<()> {
    stream.get_mut().write_all(request)?;
    answered(stream)?;
    Ok(())
}
