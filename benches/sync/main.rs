//! How fast a mailbox becomes a timeline, and in how much memory: `script/bench sync`.
//!
//! For each size, a fresh process runs the API and a worker on a fresh database, and plays the way of a person through
//! HTTP: connect, preview, approve, timeline. The sandbox Google runs in a process of its own, and PostgreSQL and Redis
//! in theirs, so that the memory measured is the program's alone. The clock runs from `approve` until the batch has
//! succeeded and the timeline answers; afterwards the whole timeline is read and counted, and the batch undone.
//!
//! Not a criterion benchmark: one run takes seconds and is a story, not a function.

mod google;
mod person;
mod stage;

use std::{process::Stdio, time::Duration};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::{process::Command, time::timeout};

/// Sizes of mailbox and how often each is measured.
const SIZES: [(usize, usize); 2] = [(2_000, 3), (20_000, 2)];
/// The longest one run may take.
const RUN_WITHIN: Duration = Duration::from_secs(300);

/// What one run came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Run {
    /// Messages on the timeline at the end.
    items: usize,
    /// From `approve` to a queryable timeline.
    seconds: f64,
    /// From the last item stored, as far as polling sees it, to the same.
    tail_seconds: f64,
    /// From `undo` to a batch that is undone.
    undo_seconds: f64,
    /// The most memory the process held (`VmHWM`) until everything was in.
    peak_mib: f64,
}

impl Run {
    fn per_second(&self) -> f64 {
        self.items as f64 / self.seconds
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    // `cargo bench` adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => measure(&SIZES).await,
        ["google", messages, redirect] => google::serve(messages.parse()?, redirect).await,
        ["run", messages] => {
            println!("{}", serde_json::to_string(&stage::run(messages.parse()?).await?)?);
            Ok(())
        }
        [size, runs] => measure(&[(size.parse()?, runs.parse()?)]).await,
        _ => bail!("usage: script/bench sync [MESSAGES RUNS]"),
    }
}

async fn measure(sizes: &[(usize, usize)]) -> anyhow::Result<()> {
    let mut medians = Vec::new();
    println!(
        "{:>8} {:>8} {:>9} {:>11} {:>9} {:>9} {:>9}",
        "size", "items", "seconds", "messages/s", "tail s", "peak MiB", "undo s"
    );
    for (messages, n_runs) in sizes {
        let mut runs = Vec::with_capacity(*n_runs);
        for _ in 0..*n_runs {
            let run = one(*messages).await?;
            print_row(&messages.to_string(), &run);
            runs.push(run);
        }
        runs.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
        medians.push((messages, runs[(runs.len() - 1) / 2]));
    }
    println!("median of each size:");
    medians.iter().for_each(|(messages, run)| print_row(&messages.to_string(), run));
    if let [(_, small), .., (_, large)] = medians.as_slice() {
        println!("peak memory, large to small: {:.2}", large.peak_mib / small.peak_mib);
    }
    Ok(())
}

fn print_row(size: &str, run: &Run) {
    let Run { items, seconds, tail_seconds, undo_seconds, peak_mib } = run;
    let per_second = run.per_second();
    println!(
        "{size:>8} {items:>8} {seconds:>9.2} {per_second:>11.0} {tail_seconds:>9.2} {peak_mib:>9.1} {undo_seconds:>9.2}"
    );
}

/// One run in a process of its own, because a process's peak of memory never sinks.
async fn one(messages: usize) -> anyhow::Result<Run> {
    let child = Command::new(std::env::current_exe()?)
        .args(["run", &messages.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = timeout(RUN_WITHIN, child.wait_with_output()).await.context("a run took too long")??;
    if !output.status.success() {
        bail!("a run of {messages} messages failed");
    }
    serde_json::from_slice(&output.stdout).context("a run said something else than its result")
}
