//! What a test stands on: an application of its own, and people who use it through the public door.

mod app;
mod client;
mod dump;
mod packages;
mod process;
mod redis;
mod sdl;
mod servers;
mod state;
mod statements;

pub(crate) use app::{Settings, TestApp, Window};
pub(crate) use client::{Consent, FINISHED, Person, input_of, source_ids, uuid_of};
pub(crate) use dump::{Opener, cells, holds};
pub(crate) use packages::{browser, node, node_packages, python, say, say_unchecked, workbench};
pub(crate) use process::WorkerProcess;
pub(crate) use redis::{Redis, redis_command};
pub(crate) use sdl::{Place, Sdl};
pub(crate) use servers::{Cluster, TestDatabase, connect};
pub(crate) use state::State;
pub(crate) use statements::{statements_of, watch_statements};

use std::{future::Future, time::Duration};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};

/// A meeting or a series of meetings, within three weeks of now.
pub(crate) fn any_meeting(rng: &mut StdRng, now: DateTime<Utc>) -> Value {
    // Google's times are whole seconds.
    let start = now.trunc_subsecs(0) + TimeDelta::hours(rng.random_range(-500..500));
    let mut event = json!({
        "summary": format!("Meeting {}", rng.random_range(0..1_000)),
        "start": { "dateTime": start.to_rfc3339() }, "end": { "dateTime": (start + TimeDelta::hours(1)).to_rfc3339() },
    });
    if rng.random_bool(0.5) {
        let other = ["grace@example.org", "linus@example.net"][rng.random_range(0..2)];
        event["attendees"] = json!([{ "email": "ada@brightwater.example", "self": true }, { "email": other }]);
    }
    if rng.random_bool(0.4) {
        event["recurrence"] = json!([format!("RRULE:FREQ=DAILY;COUNT={}", rng.random_range(2..9))]);
        (event["start"]["timeZone"], event["end"]["timeZone"]) = (json!("UTC"), json!("UTC"));
    }
    event
}

/// How long any state may take to come about before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until `look` finds something, and fails with what `missed` says when it never does.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    look: impl FnMut() -> F,
    missed: impl FnOnce() -> String,
) -> T {
    eventually_within(PATIENCE, look, missed).await
}

/// As [`eventually`], for what takes its time.
pub(crate) async fn eventually_within<T, F: Future<Output = Option<T>>>(
    patience: Duration,
    mut look: impl FnMut() -> F,
    missed: impl FnOnce() -> String,
) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(patience, looking).await {
        Ok(found) => found,
        Err(_) => panic!("never came about: {}", missed()),
    }
}
