//! Whether the minute's budget is used, kept, and forecast: `script/bench quota`.
//!
//! The sandbox enforces what Google grants a new project: 6,000 units for a person and minute, ten requests at once. The
//! program has its defaults, so it may draw 4,500. It brings in a mailbox through HTTP; nine minutes go by, most of them in
//! waiting. What it drew, and when, is read from the sandbox's journal, which is kept by another clock and another code than
//! the budget.
//!
//! Two numbers say how well the budget is used. **In use** is the share of 4,500 units that the last minute holds, averaged
//! over all moments from a minute after the first request until the last. **Of the fastest** is the least time that any
//! client could take for as many units, which draws 4,500 at once every 60 s, divided by the time it took.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{person::text, stage};

/// Of these, 2,000 are neither spam nor trash.
pub(crate) const MESSAGES: usize = 2_112;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often a forecast is printed.
const PRINT_EVERY: Duration = Duration::from_secs(45);
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// What the batch said at a moment.
struct Forecast {
    at: Duration,
    eta: Option<Duration>,
    done: u64,
}

/// One request that the sandbox charged.
struct Charge {
    at: DateTime<Utc>,
    units: i64,
}

pub(crate) async fn measure(messages: usize) -> anyhow::Result<()> {
    stage::play(messages, &[], story).await
}

async fn story(stage: stage::Stage) -> anyhow::Result<()> {
    let control = format!("{}/_sandbox/", stage.google);
    let http = &stage.person.http;
    // As for a new project.
    http.put(format!("{control}quota")).json(&json!({})).send().await?.error_for_status()?;
    let preview = stage.person.preview("id estimatedSeconds mail { atLeast atMost }").await?;
    let estimated = preview["estimatedSeconds"].as_u64().context("an estimate")?;
    println!("preview: {} mails, {estimated} s", preview["mail"]["atLeast"]);

    let started_at = Instant::now();
    let batch = stage.person.approve(text(&preview["id"])?).await?;
    let (forecasts, counts) = watch(&stage, &batch, started_at).await?;
    let took = started_at.elapsed();
    println!("batch:   {counts}");

    let journal: Vec<Value> = http.get(format!("{control}journal")).send().await?.json().await?;
    let budget = i64::from(stage.config.quota.gmail_units_per_minute);
    judge_budget(&journal, budget)?;
    judge_forecasts(&forecasts, estimated, took);
    Ok(())
}

/// Looks at the batch until it has succeeded.
async fn watch(stage: &stage::Stage, batch: &str, started_at: Instant) -> anyhow::Result<(Vec<Forecast>, Value)> {
    const LOOK: &str = "query($b: ID!) { node(id: $b) { ... on Batch { state error etaSeconds throttledUntil
        counts { listed stored filtered failed } } } }";
    let mut forecasts = Vec::new();
    loop {
        let seen = stage.person.ask(LOOK, json!({ "b": batch })).await?;
        let (node, counts) = (&seen["node"], &seen["node"]["counts"]);
        match node["state"].as_str() {
            Some("SUCCEEDED") => return Ok((forecasts, counts.clone())),
            Some("QUEUED" | "RUNNING") => forecasts.push(Forecast {
                at: started_at.elapsed(),
                eta: node["etaSeconds"].as_u64().map(Duration::from_secs),
                done: counts["stored"].as_u64().unwrap_or(0) + counts["filtered"].as_u64().unwrap_or(0),
            }),
            _ => bail!("the batch ended as {node}"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn judge_budget(journal: &[Value], budget: i64) -> anyhow::Result<()> {
    let of_gmail = |entry: &&Value| entry["pathTemplate"].as_str().is_some_and(|path| path.starts_with("/gmail/"));
    let gmail: Vec<&Value> = journal.iter().filter(of_gmail).collect();
    let throttled = gmail.iter().filter(|entry| matches!(entry["status"].as_u64(), Some(403 | 429))).count();
    let charge = |entry: &&Value| -> anyhow::Result<Charge> {
        let at = text(&entry["at"])?.parse().context("a time")?;
        Ok(Charge { at, units: entry["units"].as_i64().unwrap_or(0) })
    };
    let mut charges = gmail.iter().map(charge).collect::<anyhow::Result<Vec<_>>>()?;
    charges.sort_by_key(|charge| charge.at);
    let (first, last) = charges.first().zip(charges.last()).context("no requests")?;
    let (first, last) = (first.at, last.at);
    let units: i64 = charges.iter().map(|charge| charge.units).sum();
    let most = charges.iter().map(|charge| in_minute_until(&charges, charge.at)).max().unwrap_or(0);
    ensure!(last - first > MINUTE, "the run was too short to say anything");

    let (mut at, mut in_use, mut n) = (first + MINUTE, 0, 0);
    while at < last {
        in_use += in_minute_until(&charges, at);
        n += 1;
        at += TimeDelta::milliseconds(250);
    }
    let fetching = (last - first).as_seconds_f64();
    let fastest = ((units - 1) / budget * 60) as f64;
    println!("\ncharged:          {units} units in {} requests within {fetching:.1} s", charges.len());
    println!("throttled:        {throttled} (403 and 429)");
    println!("most in a minute: {most} of {budget} that we allow ourselves and 6,000 that Google allows");
    println!("in use:           {:.1} %", 100.0 * in_use as f64 / (budget * n) as f64);
    println!("of the fastest:   {:.1} % ({fastest:.0} s)", 100.0 * fastest / fetching);
    Ok(())
}

/// Units charged within the minute that ends at `end`.
fn in_minute_until(charges: &[Charge], end: DateTime<Utc>) -> i64 {
    let from = charges.partition_point(|charge| charge.at <= end - MINUTE);
    let to = charges.partition_point(|charge| charge.at <= end);
    charges[from..to].iter().map(|charge| charge.units).sum()
}

fn judge_forecasts(forecasts: &[Forecast], estimated: u64, took: Duration) {
    let off = |said: f64, truth: f64| 100.0 * (said - truth) / truth;
    let took = took.as_secs_f64();
    println!("\n{:>8} {:>7} {:>9} {:>9} {:>8}", "at s", "done", "said s", "truth s", "off");
    println!("{:>8} {:>7} {estimated:>9} {took:>9.1} {:>7.1}%", "preview", "", off(estimated as f64, took));
    let (mut print_at, mut worst) = (Duration::ZERO, 0f64);
    for forecast in forecasts {
        let left = took - forecast.at.as_secs_f64();
        let Some(said) = forecast.eta.map(|eta| eta.as_secs_f64()) else { continue };
        let off = off(said, left);
        // Of the last half minute, a second is more than a few per cent.
        if left > 30.0 {
            worst = if off.abs() > worst.abs() { off } else { worst };
        }
        if forecast.at >= print_at {
            let (at, done) = (forecast.at.as_secs_f64(), forecast.done);
            println!("{at:>8.1} {done:>7} {said:>9.0} {left:>9.1} {off:>7.1}%");
            print_at = forecast.at + PRINT_EVERY;
        }
    }
    let silent = forecasts.iter().filter(|forecast| forecast.eta.is_none()).count();
    println!("worst of {} looks, but for the last 30 s: {worst:.1} %; {silent} looks found none", forecasts.len());
}
