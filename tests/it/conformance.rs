//! What others have written to test servers like ours, and real clients, against the real API. `docs/CONFORMANCE.md` has the
//! numbers and how to get them.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use chrono::TimeDelta;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{PATIENCE, Settings, TestApp, node, python, say, say_unchecked},
};

/// Where programs of others and their pinned packages are.
fn described(what: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(what)
}

/// A command that runs one of the programs; `None`, and a word on the terminal, where it cannot be had.
async fn program(name: &str, what: &str) -> Option<Command> {
    match node(&described("graphql")).await {
        Ok(mut node) => {
            node.arg(described("graphql").join(name));
            Some(node)
        }
        Err(why) => {
            say_unchecked(what, &why);
            None
        }
    }
}

async fn output<T: DeserializeOwned>(mut program: Command) -> T {
    let output = program.output().await.expect("Node.js runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn api(app: &TestApp) -> String {
    app.url.join("graphql").expect("an address").into()
}

#[derive(Deserialize)]
struct Audit {
    id: String,
    /// Begins with the level: MUST, SHOULD or MAY.
    name: String,
    /// `ok`, or how bad it is.
    status: String,
    reason: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audits_of_graphql_over_http_pass() {
    let Some(mut program) = program("audit.cjs", "GraphQL over HTTP, by the audits of graphql-http").await else {
        return;
    };
    // Some of the audits ask for `__type`.
    let app = TestApp::start_idle(Settings::from([("GRAPHQL_INTROSPECTION", "true".to_owned())])).await;
    program.args([&api(&app), &app.person("ada").token]);
    let audits: Vec<Audit> = output(program).await;

    let mut numbers = Vec::new();
    for level in ["MUST", "SHOULD", "MAY"] {
        let of_level: Vec<&Audit> = audits.iter().filter(|audit| audit.name.split(' ').next() == Some(level)).collect();
        let n_passed = of_level.iter().filter(|audit| audit.status == "ok").count();
        numbers.push(format!("{n_passed} of {} {level}", of_level.len()));
    }
    say(&format!("GraphQL over HTTP, graphql-http: {}", numbers.join(", ")));
    assert_eq!(audits.len(), 61);
    for Audit { id, name, status, reason } in &audits {
        assert_eq!(status, "ok", "{id} {name}: {}", reason.as_deref().unwrap_or_default());
    }
}

/// The fuzzer asks for what the schema allows, however odd. What we refuse in words is what it calls a client's error.
#[tokio::test(flavor = "multi_thread")]
async fn the_fuzzer_schemathesis_finds_no_error_of_ours() {
    let python = match python(&described("schemathesis")).await {
        Ok(python) => python,
        Err(why) => return say_unchecked("the API, by schemathesis", &why),
    };
    let app = TestApp::start_idle(Settings::from([("GRAPHQL_INTROSPECTION", "true".to_owned())])).await;
    // Nothing of a run is to be left in the folder of the sources.
    let folder = tempfile::tempdir().expect("a folder");
    let mut fuzzer = Command::new(python.with_file_name("st"));
    fuzzer
        .args(["run", &api(&app), "--no-color", "--seed", "1", "--max-examples", "8", "--request-timeout", "30"])
        .args(["--generation-database", "none"])
        .arg("--header")
        .arg(format!("Authorization: Bearer {}", app.person("ada").token))
        .current_dir(folder.path())
        .kill_on_drop(true);
    let output = fuzzer.output().await.expect("the fuzzer runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let summary = told.split_once("= SUMMARY =").map(|(_, summary)| summary).unwrap_or_else(|| panic!("{told}"));
    let count = |what: &str| -> usize {
        let line = summary.lines().find_map(|line| line.trim().strip_prefix(what)).unwrap_or("0");
        line.split(|c: char| !c.is_ascii_digit())
            .find(|word| !word.is_empty())
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    };
    assert!(count("Tested:") > 30, "{told}");
    let found = summary.lines().map(str::trim).filter(|line| line.starts_with('❌') && !line.contains("Fuzzing"));
    let ours: Vec<&str> = found.filter(|line| !line.contains("GraphQL client error")).collect();
    assert!(ours.is_empty() && !summary.contains("Errors:"), "{ours:?}\n{told}");
    let cases = summary.lines().map(str::trim).find(|line| line.contains(" generated")).unwrap_or_default();
    say(&format!("the API, schemathesis: {} operations, {cases}; no error of ours", count("Tested:")));
}

/// A client that subscribes to something; we see what happens to it.
struct Watcher {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl Watcher {
    fn start(mut program: Command, app: &TestApp, transport: &str, operation: &Value) -> Self {
        program.args([transport, &api(app), &operation.to_string()]);
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Node.js runs");
        let events = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, events }
    }

    /// What happens next.
    async fn event(&mut self) -> Value {
        let line = timeout(PATIENCE, self.events.next_line()).await.expect("something in time").expect("text");
        serde_json::from_str(&line.expect("the client says how it ends")).expect("JSON")
    }

    /// What happens next must be of this name.
    async fn expect(&mut self, name: &str) -> Value {
        let event = self.event().await;
        assert_eq!(event["event"], name, "{event:#}");
        event
    }

    /// Gives the client the token it asks for.
    async fn sign_in(&mut self, app: &TestApp, lifetime: Duration) {
        self.expect("token").await;
        let line = app.token("ada", lifetime) + "\n";
        self.child.stdin.as_mut().expect("piped").write_all(line.as_bytes()).await.expect("it reads");
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
const PROGRESS: &str = "subscription Progress($id: ID!) { batchProgress(batchId: $id) { seq batch { id state } } }";

/// How a client learns that its token has ended.
fn is_expired(transport: &str, closed: &Value) -> bool {
    match transport {
        "graphql-ws" => closed["code"] == 4403,
        "multipart" => closed["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED",
        // The library tells only that it connects again.
        _ => true,
    }
}

/// A client watches a batch; its token ends meanwhile; with a fresh one it sees the rest.
async fn a_client_watches_a_batch_through_two_tokens(transport: &str) {
    let what = format!("subscriptions with the client of {transport}");
    let Some(program) = program("watch.cjs", &what).await else { return };
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 30, 5);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let mut client =
        Watcher::start(program, &app, transport, &json!({ "query": PROGRESS, "variables": { "id": batch } }));
    client.sign_in(&app, Duration::from_secs(60)).await;
    let first = client.expect("next").await["result"]["data"]["batchProgress"].clone();
    assert_eq!(first["batch"]["state"], "QUEUED");

    app.clock.advance(TimeDelta::seconds(61));
    let closed = client.expect("closed").await;
    assert!(is_expired(transport, &closed), "{closed:#}");
    client.sign_in(&app, HOUR).await;
    let again = client.expect("next").await["result"]["data"]["batchProgress"].clone();
    assert_eq!(again, first, "the state as it stands");

    app.start_worker();
    let mut last = again;
    loop {
        let event = client.event().await;
        if event["event"] == "complete" {
            break;
        }
        let state = event["result"]["data"]["batchProgress"].clone();
        assert!(state["seq"].as_i64() > last["seq"].as_i64(), "{event:#} after {last:#}");
        last = state;
    }
    assert_eq!(last["batch"]["state"], "SUCCEEDED");
    // The library says of a socket how it was closed: by itself, as nothing is left to do.
    let rest = timeout(PATIENCE, client.events.next_line()).await.expect("an end").expect("text");
    assert!(rest.is_none_or(|rest| rest.contains("closed") && rest.contains("1000")), "the client is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_graphql_ws_watches_a_batch_through_two_tokens() {
    a_client_watches_a_batch_through_two_tokens("graphql-ws").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_graphql_sse_watches_a_batch_through_two_tokens() {
    a_client_watches_a_batch_through_two_tokens("graphql-sse").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apollo_client_watches_a_batch_through_two_tokens_over_multipart() {
    a_client_watches_a_batch_through_two_tokens("multipart").await;
}

/// Each client shows what a subscription is refused for, and does not try again.
#[tokio::test(flavor = "multi_thread")]
async fn clients_show_why_a_subscription_is_refused() {
    let app = TestApp::start_idle(Settings::new()).await;
    let unknown = json!({ "query": PROGRESS, "variables": { "id": "QmF0Y2g6MDAwMA" } });
    let invalid = json!({ "query": "subscription { nothing }" });
    for transport in ["graphql-ws", "graphql-sse", "multipart"] {
        for (operation, code) in [(&unknown, "NOT_FOUND"), (&invalid, "GRAPHQL_VALIDATION_FAILED")] {
            let what = format!("refusals with the client of {transport}");
            let Some(program) = program("watch.cjs", &what).await else { return };
            let mut client = Watcher::start(program, &app, transport, operation);
            client.sign_in(&app, HOUR).await;
            let event = client.event().await;
            let errors = if event["event"] == "error" { &event["error"] } else { &event["result"]["errors"] };
            assert_eq!(errors[0]["extensions"]["code"], code, "{transport}: {event:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apollo_client_sends_a_document_once() {
    let app = TestApp::start_idle(Settings::new()).await;
    for method in ["POST", "GET"] {
        let Some(mut program) = program("persisted.cjs", "persisted queries with Apollo Client").await else { return };
        let query = format!("query By{method} {{ viewer {{ accounts {{ id }} }} }}");
        program.args([&api(&app), &app.person("ada").token, &query, method]);
        let told: Value = output(program).await;
        let sent: Vec<_> = told["sent"]
            .as_array()
            .expect("requests")
            .iter()
            .map(|sent| (&sent["method"], &sent["withText"]))
            .collect();
        let (by_hash, post) = (json!(method), json!("POST"));
        let (yes, no) = (json!(true), json!(false));
        assert_eq!(sent, [(&by_hash, &no), (&post, &yes), (&by_hash, &no)], "{told:#}");
        assert_eq!(told["answers"][0], told["answers"][1]);
        assert_eq!(told["answers"][0]["viewer"]["accounts"], json!([]));
    }
}

/// Tools that guess a schema live by hints such as "Did you mean".
#[tokio::test(flavor = "multi_thread")]
async fn where_introspection_is_off_errors_give_no_hints() {
    let ask = async |introspection: &str, query: &str| {
        let settings = Settings::from([("GRAPHQL_INTROSPECTION", introspection.to_owned())]);
        let app = TestApp::start_idle(settings).await;
        app.person("ada").answer(query, json!({})).await["errors"][0].clone()
    };
    let hinted = ask("true", "{ viewr { id } }").await;
    assert!(hinted["message"].as_str().is_some_and(|message| message.contains("\"viewer\"")), "{hinted:#}");
    let bare = ask("false", "{ viewr { id } }").await;
    assert!(bare["message"].as_str().is_some_and(|message| !message.contains("viewer")), "{bare:#}");
    let refused = ask("false", "{ __schema { types { name } } }").await;
    assert_eq!(refused["extensions"]["code"], "INTROSPECTION_DISABLED");
}
