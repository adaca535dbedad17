//! Runs that are held, let go on and stopped; jobs that were given up and are tried again or put aside.

use omnisync::sandbox::{Fault, FaultMatch, Generate};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{FINISHED, Person, Settings, TestApp, WorkerProcess, eventually, input_of, source_ids, uuid_of},
};

const MESSAGES: usize = 300;
const STORED: &str = "SELECT sum(n_stored)::bigint FROM batches";

/// Small chunks and slices, so that there is a middle to stop in.
fn small_steps() -> Settings {
    let settings = [("LEASE_SECS", "3"), ("SLICE_SECS", "2"), ("SLICE_ITEMS", "60"), ("CHUNK_ITEMS", "5")];
    settings.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

async fn act(person: &Person, mutation: &str, id: &str) -> Value {
    let (field, result) = match mutation {
        "retryJob" | "discardJob" => ("jobId", "job { id state error }"),
        _ => ("batchId", "batch { id state }"),
    };
    let input = input_of(mutation);
    let query = format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{ {result} userErrors {{ code field message }} }} }}"
    );
    person.data(&query, json!({ "input": { field: id } })).await[mutation].clone()
}

async fn done(person: &Person, mutation: &str, id: &str) -> Value {
    let payload = act(person, mutation, id).await;
    assert_eq!(payload["userErrors"], json!([]), "{mutation}: {payload:#}");
    payload
}

async fn refused(person: &Person, mutation: &str, id: &str) -> String {
    let payload = act(person, mutation, id).await;
    payload["userErrors"][0]["code"].as_str().unwrap_or_else(|| panic!("{mutation}: {payload:#}")).to_owned()
}

async fn stored_at_least(app: &TestApp, least: i64) {
    let look = || async { (app.db.number_of(STORED).await >= least).then_some(()) };
    eventually(look, || format!("{least} stored")).await;
}

async fn begin(messages: usize, settings: Settings) -> (TestApp, Person, String) {
    let app = TestApp::start_idle(settings).await;
    small_mailbox(&app, messages, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    (app, ada, batch)
}

async fn everything_is_there(app: &TestApp, ada: &Person) {
    let mut expected = app.google.search(ADA, "-in:chats").expect("a search");
    expected.sort_unstable();
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), expected);
}

/// Shows that workers work and sweeps sweep: whatever is due has had its turn by then.
async fn someone_elses_run_ends(app: &TestApp) {
    const BOB: &str = "bob@brightwater.example";
    app.google.add_account(BOB, "Bob Brook").expect("an account");
    let generate = Generate { messages: 60, events: 5, months: 3, ..Generate::usual(app.clock.now()) };
    app.google.generate(BOB, &generate).expect("a mailbox");
    let bob = app.person("bob");
    let account = bob.connect(BOB).await;
    let batch = bob.import(&account, everything()).await;
    assert_eq!(bob.finished(&batch).await["state"], json!("SUCCEEDED"));
}

async fn job_of(ada: &Person, batch: &str, kind: &str) -> Value {
    let jobs = "query($id: ID!) { jobs(first: 10, filter: { batchId: $id }) { nodes { id kind state error errorClass attempt } } }";
    let jobs = ada.data(jobs, json!({ "id": batch })).await["jobs"]["nodes"].clone();
    let job = jobs.as_array().and_then(|jobs| jobs.iter().find(|job| job["kind"] == kind));
    job.cloned().unwrap_or_else(|| panic!("no {kind} in {jobs:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_held_fetches_nothing_until_it_is_resumed_and_then_ends_whole() {
    let (app, ada, batch) = begin(MESSAGES, small_steps()).await;
    app.start_worker();
    stored_at_least(&app, 20).await;
    assert_eq!(done(&ada, "pause", &batch).await["batch"]["state"], json!("PAUSED"));
    assert_eq!(done(&ada, "pause", &batch).await["batch"]["state"], json!("PAUSED"), "twice is once");
    // What was on its way when the run was held is stored no more; what was stored is projected.
    let at_rest = || async {
        let behind = "SELECT count(*) FROM items WHERE to_project";
        (app.db.number_of(behind).await == 0).then_some(())
    };
    eventually(at_rest, || "what was stored is projected".to_owned()).await;
    let of_ada = format!("SELECT n_stored FROM batches WHERE batch_id = '{}'", uuid_of(&batch));
    let stored = app.db.number_of(&of_ada).await;
    assert!(stored < 300, "it was over before it was held");
    someone_elses_run_ends(&app).await;
    assert_eq!(app.db.number_of(&of_ada).await, stored);
    let held = ada.batch(&batch).await;
    assert_eq!((&held["state"], &held["counts"]["stored"]), (&json!("PAUSED"), &json!(stored)), "{held:#}");

    assert_eq!(done(&ada, "resume", &batch).await["batch"]["state"], json!("RUNNING"));
    let end = ada.finished(&batch).await;
    assert_eq!(end["state"], json!("SUCCEEDED"), "{end:#}");
    assert_eq!(end["counts"]["normalized"], end["counts"]["stored"]);
    everything_is_there(&app, &ada).await;
    assert_eq!(refused(&ada, "pause", &batch).await, "BATCH_OVER");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_not_begun_can_be_held_and_resumed() {
    let (app, ada, batch) = begin(10, Settings::new()).await;
    assert_eq!(done(&ada, "pause", &batch).await["batch"]["state"], json!("PAUSED"));
    app.start_worker();
    someone_elses_run_ends(&app).await;
    assert_eq!(ada.batch(&batch).await["counts"]["listed"], json!(0));
    assert_eq!(done(&ada, "resume", &batch).await["batch"]["state"], json!("QUEUED"));
    assert_eq!(ada.finished(&batch).await["state"], json!("SUCCEEDED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_keeps_what_it_stored_on_the_timeline_and_can_be_undone() {
    for held in [false, true] {
        let (app, ada, batch) = begin(MESSAGES, small_steps()).await;
        let worker = WorkerProcess::start(&app.vars);
        stored_at_least(&app, 20).await;
        if held {
            done(&ada, "pause", &batch).await;
        }
        done(&ada, "cancel", &batch).await;
        done(&ada, "cancel", &batch).await;
        let end = ada.finished(&batch).await;
        assert_eq!(end["state"], json!("CANCELLED"), "{end:#}");
        assert_eq!(end["counts"]["normalized"], end["counts"]["stored"], "{end:#}");
        let stored = end["counts"]["stored"].as_i64().expect("a number");
        assert!((20..300).contains(&stored), "{stored}");
        assert_eq!(app.db.number_of("SELECT count(*) FROM items WHERE to_project").await, 0);
        for mutation in ["pause", "resume"] {
            assert_eq!(refused(&ada, mutation, &batch).await, "BATCH_OVER");
        }
        ada.undo_whole(&batch).await;
        for table in ["raw_events", "interactions", "batch_items"] {
            assert_eq!(app.db.number_of(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        }
        assert_eq!(refused(&ada, "cancel", &batch).await, "BATCH_OVER");
        worker.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_given_up_is_kept_with_its_error_and_goes_on_when_it_is_retried() {
    let (app, ada, batch) = begin(40, Settings::new()).await;
    let which = FaultMatch { method: None, path_prefix: "/gmail/v1/users/me/messages/".to_owned() };
    let fault = Fault { status: 403, reason: "domainPolicy".to_owned(), message: String::new(), times: 1 };
    app.google.fail_next(which, fault);
    app.start_worker();
    let end = ada.batch_in(&batch, FINISHED).await;
    assert!(matches!(end["state"].as_str(), Some("PARTIAL" | "FAILED")), "{end:#}");
    let dead = job_of(&ada, &batch, "GMAIL_SYNC").await;
    assert_eq!((&dead["state"], &dead["errorClass"]), (&json!("DEAD"), &json!("blocked")), "{dead:#}");
    assert!(dead["error"].is_string());
    let id = dead["id"].as_str().expect("an id");
    let by_state = "{ jobs(first: 10, filter: { state: [DEAD] }) { nodes { id } } }";
    assert_eq!(ada.data(by_state, json!({})).await["jobs"]["nodes"], json!([{ "id": id }]));
    let calendar = job_of(&ada, &batch, "CALENDAR_SYNC").await;
    for mutation in ["retryJob", "discardJob"] {
        assert_eq!(refused(&ada, mutation, calendar["id"].as_str().expect("an id")).await, "JOB_NOT_DEAD");
    }

    assert_eq!(done(&ada, "retryJob", id).await["job"]["error"], Value::Null);
    let end = ada.finished(&batch).await;
    assert_eq!((&end["state"], &end["error"]), (&json!("SUCCEEDED"), &Value::Null), "{end:#}");
    everything_is_there(&app, &ada).await;
    assert_eq!(refused(&ada, "retryJob", id).await, "JOB_NOT_DEAD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_can_be_put_aside() {
    let (app, ada, batch) = begin(10, Settings::new()).await;
    let which = FaultMatch { method: None, path_prefix: "/gmail/v1/users/me/profile".to_owned() };
    let fault = Fault { status: 403, reason: "domainPolicy".to_owned(), message: String::new(), times: 1 };
    app.google.fail_next(which, fault);
    app.start_worker();
    let end = ada.finished(&batch).await;
    let id = job_of(&ada, &batch, "GMAIL_SYNC").await["id"].as_str().expect("an id").to_owned();
    assert_eq!(done(&ada, "discardJob", &id).await["job"]["state"], json!("DISCARDED"));
    assert!(job_of(&ada, &batch, "GMAIL_SYNC").await["error"].is_string(), "its error stays");
    assert_eq!(ada.batch(&batch).await["state"], end["state"]);
    for mutation in ["retryJob", "discardJob"] {
        assert_eq!(refused(&ada, mutation, &id).await, "JOB_NOT_DEAD");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_would_take_much_away_at_once_asks_first() {
    let (app, ada, batch) = begin(150, Settings::new()).await;
    app.start_worker();
    ada.finished(&batch).await;
    let before = source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await);
    for id in before.iter().take(60) {
        app.google.delete(ADA, id).expect("deleted");
    }
    let account = ada.data("{ viewer { accounts { id } } }", json!({})).await["viewer"]["accounts"][0]["id"].clone();
    let account = account.as_str().expect("an id");

    let kept = ada.sync_now(account).await;
    let asked = ada.batch_in(&kept, &["PAUSED"]).await;
    let question = asked["error"].as_str().expect("a question");
    assert!(question.contains("60 of ") && question.contains("Resume") && question.contains("cancel"), "{question}");
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), before, "nothing has left yet");
    done(&ada, "cancel", &kept).await;
    assert_eq!(ada.finished(&kept).await["state"], json!("CANCELLED"));
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), before);

    let gone = ada.sync_now(account).await;
    ada.batch_in(&gone, &["PAUSED"]).await;
    assert_eq!(done(&ada, "resume", &gone).await["batch"]["state"], json!("RUNNING"));
    let end = ada.finished(&gone).await;
    assert_eq!((&end["state"], &end["error"], &end["counts"]["gone"]), (&json!("SUCCEEDED"), &Value::Null, &json!(60)));
    everything_is_there(&app, &ada).await;

    // And all of it can be had back.
    ada.undo_whole(&gone).await;
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), before);
}

/// A filter, and what it lets through.
type Case<'a> = (Value, &'a dyn Fn(&Value) -> bool);

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_tells_of_what_it_is_asked_about() {
    let app = TestApp::start().await;
    small_mailbox(&app, 20, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let first = ada.import(&account, everything()).await;
    ada.finished(&first).await;
    let second = ada.sync_now(&account).await;
    ada.finished(&second).await;
    ada.undo_whole(&second).await;
    let query = "query($filter: AuditFilter) { audit(first: 100, filter: $filter) { nodes {
        id at action outcome actor accountId batchId } } }";
    let ask = async |filter: Value| {
        let found = ada.data(query, json!({ "filter": filter })).await;
        found["audit"]["nodes"].as_array().expect("entries").clone()
    };
    let all = ask(Value::Null).await;
    let middle = &all[all.len() / 2]["at"];
    // Times of one form compare as text.
    let at = |entry: &Value| entry["at"].as_str().map(str::to_owned);
    let is_from = |entry: &Value| at(entry) >= middle.as_str().map(str::to_owned);
    let cases: [Case; 9] = [
        (json!({}), &|_| true),
        (json!({ "action": ["UNDO", "SYNC"] }), &|one| one["action"] == "UNDO" || one["action"] == "SYNC"),
        (json!({ "outcome": ["STARTED"] }), &|one| one["outcome"] == "STARTED"),
        (json!({ "actor": "WORKER" }), &|one| one["actor"] == "WORKER"),
        (json!({ "accountId": account }), &|one| one["accountId"] == json!(account)),
        (json!({ "batchId": second }), &|one| one["batchId"] == json!(second)),
        (json!({ "from": middle }), &is_from),
        (json!({ "to": middle }), &|one| !is_from(one)),
        (json!({ "actor": "USER", "action": ["UNDO"] }), &|one| one["actor"] == "USER" && one["action"] == "UNDO"),
    ];
    for (filter, holds) in cases {
        let wanted: Vec<Value> = all.iter().filter(|entry| holds(entry)).cloned().collect();
        assert!(!wanted.is_empty(), "{filter}: nothing to find in {all:#?}");
        assert_eq!(ask(filter.clone()).await, wanted, "{filter}");
    }
    assert_eq!(ask(json!({ "accountId": first })).await, Vec::<Value>::new(), "a batch is no account");
}
