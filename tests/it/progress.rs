//! Progress is state: everyone who watches comes to the end, whatever was lost on the way.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use omnisync::sandbox::{Fault, FaultMatch};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Person, Settings, TestApp, WorkerProcess, eventually, statements_of, uuid_of, watch_statements},
};

const QUERY: &str = "subscription($id: ID!, $after: Int) { batchProgress(batchId: $id, after: $after) {
    seq percent batch { state counts { listed stored unchanged filtered failed gone normalized } } } }";

/// Steps small enough that there is something to watch.
fn small_steps() -> Settings {
    Settings::from([("CHUNK_ITEMS", "10".to_owned()), ("LEASE_SECS", "3".to_owned()), ("SLICE_SECS", "2".to_owned())])
}

async fn begin(settings: Settings) -> (TestApp, Person, String) {
    let app = TestApp::start_idle(settings).await;
    small_mailbox(&app, 200, 20);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    (app, ada, batch)
}

async fn watch(person: &Person, batch: &str, after: i64) -> Receiver<Value> {
    person.subscribe(QUERY, json!({ "id": batch, "after": after })).await
}

/// Everything up to the end; every number greater than the one before.
async fn to_the_end(mut progress: Receiver<Value>, mut seen: i64) -> Vec<Value> {
    let mut states = Vec::new();
    while let Some(next) = progress.recv().await {
        let state = next["data"]["batchProgress"].clone();
        let seq = state["seq"].as_i64().unwrap_or_else(|| panic!("{next:#}"));
        assert!(seq > seen, "{seq} after {seen}");
        seen = seq;
        states.push(state);
    }
    states
}

/// The state everyone must end with.
async fn last_state(person: &Person, batch: &str) -> Value {
    let done = person.finished(batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let last = to_the_end(watch(person, batch, 0).await, 0).await;
    assert_eq!((last.len(), &last[0]["percent"]), (1, &json!(100.0)));
    last.into_iter().next().expect("the end")
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_11_many_watch_and_all_see_the_end_though_some_never_read() {
    let (app, ada, batch) = begin(small_steps()).await;
    // These ask and never read; they must cost the others nothing.
    let deaf = join_all((0..20).map(|_| ada.socket(QUERY, json!({ "id": batch })))).await;
    let watching = join_all((0..30).map(|_| watch(&ada, &batch, 0))).await;
    app.start_worker();
    let all = join_all(watching.into_iter().map(|progress| to_the_end(progress, 0))).await;
    let end = last_state(&ada, &batch).await;
    for states in &all {
        assert!(states.len() > 1, "someone saw nothing but the end");
        assert_eq!(states.last(), Some(&end));
    }
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_many_watch_is_looked_at_once_for_all_of_them() {
    watch_statements();
    let app = TestApp::start_idle(small_steps()).await;
    small_mailbox(&app, 20, 2);
    // Tests that run beside this one have people of other names.
    let ada = app.person("someone whose run many watch");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let user = uuid_of(ada.data("{ viewer { id } }", json!({})).await["viewer"]["id"].as_str().expect("an id"));
    let user = uuid::Uuid::try_parse(&user).expect("a UUID").to_string();
    let statements = async |verb: &str, watchers: usize| {
        let mut all = join_all((0..watchers).map(|_| watch(&ada, &batch, 0))).await;
        for progress in &mut all {
            progress.recv().await.expect("the state that stands");
        }
        let changed = async {
            let query =
                format!("mutation($id: ID!) {{ {verb}(input: {{ batchId: $id }}) {{ userErrors {{ code }} }} }}");
            assert_eq!(ada.data(&query, json!({ "id": batch })).await[verb]["userErrors"], json!([]));
            for progress in &mut all {
                progress.recv().await.expect("the new state");
            }
        };
        statements_of(&user, changed).await.0
    };
    let (few, many) = (statements("pause", 1).await, statements("resume", 40).await);
    // Besides, every batch that is watched is looked at now and then.
    assert!(few > 0 && many < few + 20, "{few} statements for one watcher, {many} for 40");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_a_batch_is_told_what_they_have_asked_for() {
    let (_app, ada, batch) = begin(small_steps()).await;
    let plain = "subscription($id: ID!) { batchProgress(batchId: $id) { batch { state } } }";
    let renamed = "subscription($id: ID!) { now: batchProgress(batchId: $id) { batch { how: state } } }";
    let choice = "subscription($id: ID!, $all: Boolean!) { batchProgress(batchId: $id) {
        percent batch @include(if: $all) { state } } }";
    let paused = |field: &str, name: &str| json!({ field: { "batch": { name: "PAUSED" } } });
    let asked = [
        (plain, json!({ "id": batch }), paused("batchProgress", "state")),
        (plain, json!({ "id": batch }), paused("batchProgress", "state")),
        (renamed, json!({ "id": batch }), paused("now", "how")),
        (choice, json!({ "id": batch, "all": false }), json!({ "batchProgress": { "percent": null } })),
        (
            choice,
            json!({ "id": batch, "all": true }),
            json!({ "batchProgress": { "percent": null, "batch": { "state": "PAUSED" } } }),
        ),
    ];
    let mut all = join_all(asked.iter().map(|(query, variables, _)| ada.subscribe(query, variables.clone()))).await;
    for progress in &mut all {
        progress.recv().await.expect("the state that stands");
    }
    let pause = "mutation($id: ID!) { pause(input: { batchId: $id }) { userErrors { code } } }";
    assert_eq!(ada.data(pause, json!({ "id": batch })).await["pause"]["userErrors"], json!([]));
    for (progress, (query, variables, expected)) in all.iter_mut().zip(&asked) {
        let told = progress.recv().await.expect("the new state");
        assert_eq!(told, json!({ "data": expected }), "{query} with {variables}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_11_a_socket_that_is_cut_goes_on_where_it_was() {
    let (app, ada, batch) = begin(small_steps()).await;
    let (mut seen, mut end, mut n_cuts) = (0, Value::Null, 0);
    app.start_worker();
    while end["batch"]["state"] != json!("SUCCEEDED") {
        let mut progress = watch(&ada, &batch, seen).await;
        for _ in 0..2 {
            let Some(next) = progress.recv().await else { break };
            end = next["data"]["batchProgress"].clone();
            let seq = end["seq"].as_i64().expect("a number");
            assert!(seq > seen, "{seq} after {seen}");
            seen = seq;
        }
        n_cuts += 1;
    }
    assert!(n_cuts > 1, "the batch was over before the first cut");
    assert_eq!(end, last_state(&ada, &batch).await);
    assert_eq!(watch(&ada, &batch, seen).await.recv().await, None, "nothing is told twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_11_the_end_arrives_though_every_hint_is_lost_and_redis_forgets() {
    let (app, ada, batch) = begin(small_steps()).await;
    let watching = watch(&ada, &batch, 0).await;
    // A worker under another prefix: none of its hints reaches the API, and no ring of the API reaches it.
    let mut elsewhere = app.vars.clone();
    elsewhere.insert("REDIS_PREFIX", format!("{}-elsewhere", app.config.redis.prefix));
    let _worker = WorkerProcess::start(&elsewhere);
    app.wipe_redis().await;
    let states = to_the_end(watching, 0).await;
    assert_eq!(states.last(), Some(&last_state(&ada, &batch).await));
}

fn job<'a>(batch: &'a Value, kind: &str) -> Option<&'a Value> {
    batch["jobs"].as_array()?.iter().find(|job| job["kind"] == kind)
}

/// Otherwise `percent` would rise to 100 by the first stream and fall back with the second.
#[tokio::test(flavor = "multi_thread")]
async fn everything_is_listed_only_when_every_stream_is() {
    let app = TestApp::start().await;
    small_mailbox(&app, 20, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let preview = ada.preview_id(&account, everything()).await;
    // Mail waits half a minute before it lists anything; meetings do not.
    let profile = FaultMatch { path_prefix: "/gmail/v1/users/me/profile".to_owned(), ..FaultMatch::default() };
    let throttled = Fault { status: 429, reason: "rateLimitExceeded".to_owned(), message: String::new(), times: 1 };
    app.google.fail_next(profile, throttled);
    let batch = ada.approve(&preview, "once").await["batch"]["id"].as_str().expect("an id").to_owned();
    let look = || async {
        let batch = ada.batch(&batch).await;
        let is_read = job(&batch, "CALENDAR_SYNC").is_some_and(|job| job["state"] == "SUCCEEDED");
        let waits = job(&batch, "GMAIL_SYNC").is_some_and(|job| job["errorClass"] == "throttled");
        (is_read && waits).then_some(batch)
    };
    let batch = eventually(look, || "the meetings to be read while the mail waits".to_owned()).await;
    assert_eq!(batch["listingDone"], json!(false), "{batch:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_fast_a_run_went_is_known_to_whoever_comes_later() {
    let (app, ada, batch) = begin(small_steps()).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Batch {
        throughput { at seconds settled } startedAt finishedAt counts { stored unchanged filtered failed gone } } } }";
    let look = async || ada.data(query, json!({ "id": batch })).await["node"].clone();
    assert_eq!(look().await["throughput"], json!([]), "nothing was done yet");
    app.start_worker();
    ada.finished(&batch).await;
    let done = look().await;
    let spans = done["throughput"].as_array().expect("spans");
    let sum: i64 = spans.iter().map(|span| span["settled"].as_i64().expect("a number")).sum();
    let counts = done["counts"].as_object().expect("counts");
    assert_eq!(sum, counts.values().map(|n| n.as_i64().expect("a number")).sum::<i64>(), "{done:#}");
    let at = |value: &Value| value.as_str().expect("a time").parse::<DateTime<Utc>>().expect("a time");
    let (begun, ended) = (at(&done["startedAt"]), at(&done["finishedAt"]));
    for (span, next) in spans.iter().zip(spans.iter().skip(1).map(Some).chain([None])) {
        let (from, length) = (at(&span["at"]), TimeDelta::seconds(span["seconds"].as_i64().expect("seconds")));
        assert!(length >= TimeDelta::seconds(10) && from + length > begun && from <= ended, "{done:#}");
        assert!(next.is_none_or(|next| at(&next["at"]) >= from + length), "spans overlap: {done:#}");
    }
    // A run that is undone and redone went as fast as it went.
    ada.undo_whole(&batch).await;
    assert_eq!(look().await["throughput"], done["throughput"]);
}
