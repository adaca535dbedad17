//! How fast a mailbox becomes a timeline, and in how much memory: `script/bench sync`.
//!
//! For each size, a fresh process runs the API and a worker on a fresh database, and plays the way of a person through
//! HTTP: connect, preview, approve, timeline. The sandbox Google runs in a process of its own, and PostgreSQL and Redis
//! in theirs, so that the memory measured is the program's alone. The clock runs from `approve` until the batch has
//! succeeded and the timeline answers; afterwards the whole timeline is read and counted, and the batch undone.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use super::{
    person::{Person, text},
    stage,
};

/// Sizes of mailbox and how often each is measured.
pub(crate) const SIZES: [(usize, usize); 2] = [(2_000, 3), (20_000, 2)];
/// The longest one run may take.
const RUN_WITHIN: Duration = Duration::from_secs(300);
/// How often the batch is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What one run came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
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

pub(crate) async fn measure(sizes: &[(usize, usize)]) -> anyhow::Result<()> {
    let mut medians = Vec::new();
    println!(
        "{:>8} {:>8} {:>9} {:>11} {:>9} {:>9} {:>9}",
        "size", "items", "seconds", "messages/s", "tail s", "peak MiB", "undo s"
    );
    for (messages, n_runs) in sizes {
        let mut runs = Vec::with_capacity(*n_runs);
        for _ in 0..*n_runs {
            let run = apart(*messages).await?;
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
async fn apart(messages: usize) -> anyhow::Result<Run> {
    let child = Command::new(std::env::current_exe()?)
        .args(["sync-once", &messages.to_string()])
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

/// Brings in a mailbox of this size, in this process.
pub(crate) async fn once(messages: usize) -> anyhow::Result<Run> {
    // As good as no budgets: what is measured is the program.
    let plenty = [("GMAIL_UNITS_PER_MINUTE", "1000000000"), ("GMAIL_PROJECT_UNITS_PER_MINUTE", "1000000000")];
    stage::play(messages, &plenty, async |stage| story(stage.person).await).await
}

/// Connects, previews, approves, waits, reads the timeline, undoes.
async fn story(person: Person) -> anyhow::Result<Run> {
    let preview = person.preview("id").await?;
    let started_at = Instant::now();
    let batch = person.approve(text(&preview["id"])?).await?;
    let (counts, stored_at) = succeeded(&person, &batch).await?;
    let timeline = person.ask("{ timeline(first: 100) { edges { node { id subject } } } }", json!({})).await?;
    let took = started_at.elapsed();
    let n_shown = timeline["timeline"]["edges"].as_array().map_or(0, Vec::len);
    let peak_mib = stage::peak_mib()?;

    let items = person.count_timeline().await?;
    ensure!(counts["stored"] == items && n_shown == items.min(100), "{items} on the timeline, of {counts}");
    let undo_seconds = undone(&person, &batch).await?.as_secs_f64();
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
