//! Proof by fault: the real binaries against the sandbox, with one kind of trouble in each case, and at the end of each run
//! the database compared with the sandbox. Nothing may be lost, nothing doubled, nothing stand still.
//!
//! A seed decides the mailbox, when the trouble comes, how often and of which sort. It does not decide how the processes
//! take turns: a run with the same seed meets the same trouble at the same amount of work, not at the same instruction.
//!
//! `script/test` runs every case once, `script/chaos` as often as wanted.

mod content;
mod google;
mod judge;
mod person;
mod rig;
mod servers;
mod table;
mod workers;

use std::{env, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};

use self::{
    judge::Found,
    table::{Row, Table},
};
use crate::support::Cluster;

/// How long one run may take before it counts as stuck.
const RUN_WITHIN: Duration = Duration::from_secs(300);

/// The seed of the bounded run, and of the long one when none is given.
const SEED: u64 = 1;

/// Plays one run and judges it.
type Play = fn(Arc<Cluster>, u64) -> BoxFuture<'static, Found>;

/// One kind of trouble.
struct Case {
    name: &'static str,
    /// How many runs may go at once: fewer where a run does something to the servers, more where it mostly waits.
    at_once: usize,
    play: Play,
}

macro_rules! cases {
    ($($name:literal, $at_once:literal, $play:path;)*) => {
        &[$(Case { name: $name, at_once: $at_once, play: |cluster, seed| $play(cluster, seed).boxed() }),*]
    };
}

const CASES: &[Case] = cases! {
    "a worker killed at a write step", 5, workers::killed_at_a_write;
    "workers killed at random times", 5, workers::killed_at_random;
    "every job delivered twice, two workers", 4, workers::twice;
    "clocks 10 minutes off", 5, workers::skewed;
    "Redis flushed, killed, started empty", 5, servers::redis_forgets;
    "the API killed between commit and ring", 5, servers::api_dies;
    "history and sync tokens expired", 5, google::forgets;
    "429, 403, 500, timeouts, cut bodies on 20 %", 6, google::refuses;
    "grant revoked, account linked again", 5, google::revokes;
    "a scope taken away and given back", 5, google::narrows;
    "a mailbox that changes while it is read", 5, google::changes;
    "undo in the middle", 5, person::undoes;
    "undo and redo, once and again", 5, person::redoes;
    "cancel in the middle", 5, person::cancels;
    "pause and resume in the middle", 5, person::pauses;
    "a run races disconnect and linking again", 5, person::leaves;
    "two accounts at once, one of them in trouble", 4, person::two_accounts;
    "a poison message", 6, content::poison;
    "a message of 50 MiB", 2, content::huge;
    "PostgreSQL killed and recovered", 1, servers::postgres_falls;
};

/// Plays one run; what never ends, and what fails an assertion on its way, counts as well.
async fn play(case: &Case, cluster: Arc<Cluster>, seed: u64) -> Found {
    let run = tokio::spawn(tokio::time::timeout(RUN_WITHIN, (case.play)(cluster, seed)));
    match run.await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => Found::stuck("the run took too long"),
        Err(error) => {
            let cause = error.try_into_panic().ok();
            let words = cause.as_ref().and_then(|cause| {
                cause
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string))
            });
            let words = words.unwrap_or_else(|| "a panic without words".to_owned());
            if words.starts_with("never came about") { Found::stuck(words) } else { Found::broken(words) }
        }
    }
}

/// Plays a case as often as asked.
async fn play_case(case: &Case, cluster: &Arc<Cluster>, seeds: impl Iterator<Item = u64>) -> Row {
    let mut row = Row::new(case.name);
    let mut runs = stream::iter(seeds)
        .map(|seed| play(case, Arc::clone(cluster), seed).map(move |found| (seed, found)))
        .buffer_unordered(case.at_once);
    while let Some((seed, found)) = runs.next().await {
        row.add(seed, found);
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_loses_doubles_or_stops_anything() {
    let cluster = Arc::new(Cluster::start());
    // What disturbs the servers of all goes alone, after the others.
    let (shared, alone): (Vec<&Case>, Vec<&Case>) = CASES.iter().partition(|case| case.at_once > 1);
    let rows = |cases: Vec<&'static Case>, at_once| {
        let cluster = Arc::clone(&cluster);
        stream::iter(cases)
            .map(move |case| {
                let cluster = Arc::clone(&cluster);
                async move { play_case(case, &cluster, SEED..=SEED).await }
            })
            .buffered(at_once)
            .collect::<Vec<Row>>()
    };
    let mut table = Table::default();
    for row in rows(shared, 4).await.into_iter().chain(rows(alone, 1).await) {
        table.add(row);
    }
    println!("{table}");
    assert!(table.is_clean(), "{table}");
}

/// The long run: `script/chaos`. `CHAOS_RUNS` runs in all, at least one of each case, with seeds from `CHAOS_SEED` on;
/// `CHAOS_CASE` picks the cases whose name holds it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes many minutes; script/chaos runs it"]
#[expect(
    clippy::disallowed_methods,
    reason = "the script's arguments come this way; it configures no part of the program"
)]
async fn chaos() {
    // An API that answers with an error of its own says why in its log only.
    tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_writer(std::io::stderr).init();
    let number = |name: &str| env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let only = env::var("CHAOS_CASE").unwrap_or_default();
    let cases: Vec<&Case> = CASES.iter().filter(|case| case.name.contains(&only)).collect();
    let n_cases = u64::try_from(cases.len()).expect("a few").max(1);
    let each = number("CHAOS_RUNS").unwrap_or(380).div_ceil(n_cases);
    let first = number("CHAOS_SEED").unwrap_or(SEED);
    let cluster = Arc::new(Cluster::start());
    let mut table = Table::default();
    println!("{}", Table::HEAD);
    for case in cases {
        let row = play_case(case, &cluster, first..first + each).await;
        println!("{row}");
        table.add(row);
    }
    println!("\n{table}");
    assert!(table.is_clean(), "not all zeros");
}
