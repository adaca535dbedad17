//! The console and GraphiQL in a real browser: the stories in `tests/console`, told to Debian's Chromium by playwright-core.
//!
//! The packages come from npm, pinned, and are kept under `target/` for the next run. Without a browser, Node.js or a build that
//! has the pages in it, the tests say so on the terminal, whatever the harness captures, and check nothing.
//!
//! Pictures of every page, light, dark and on a phone, are left in `target/tmp/console`.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use omnisync::sandbox::Deliver;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

use crate::{
    corpus::corpus,
    flow::{ADA, everything, small_mailbox},
    support::{Settings, TestApp, WorkerProcess, browser, node_packages, say_unchecked},
};

/// Where the stories and their pinned packages are described.
fn described() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console")
}

async fn is_built(app: &TestApp, page: &str) -> Result<(), String> {
    let answer = reqwest::get(app.url.join(page).expect("an address")).await.expect("the server answers");
    match answer.status() {
        StatusCode::OK => Ok(()),
        _ => Err(answer.text().await.expect("a text")),
    }
}

/// Tells a story about a page to the browser, with what it is given beside the addresses and a token.
async fn tell(page: &str, story: &str, app: &TestApp, more: Value) {
    tell_and_do(page, story, app, more, async |asked: String| panic!("the story asks for {asked}")).await;
}

/// As [`tell`], of a story that asks for something on the way: `act` is given each line it says, and is over when it is done.
async fn tell_and_do(page: &str, story: &str, app: &TestApp, more: Value, mut act: impl AsyncFnMut(String)) {
    let ready = async { Ok::<_, String>((node_packages(&described()).await?, browser()?, is_built(app, page).await?)) };
    let (packages, browser, ()) = match ready.await {
        Ok(ready) => ready,
        Err(why) => return say_unchecked(&format!("a page in the browser: {story}"), &why),
    };
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console").join(story);
    let mut given = json!({
        "url": app.url,
        "google": app.google_url(),
        "token": app.person("ada").token,
        "email": ADA,
        "browser": browser,
        "pictures": pictures,
    });
    given.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    // Too long for an argument where mails are in it.
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), given.to_string()).expect("written");
    let mut node = Command::new("node");
    node.arg(described().join(format!("{story}.mjs")))
        .arg(file.path())
        .env("NODE_PACKAGES", packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        node.env_remove(name);
    }
    let mut telling = node.spawn().expect("the story is told");
    let mut answers = telling.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(telling.stdout.take().expect("a pipe")).lines();
    // What went wrong may be longer than a pipe holds.
    let said = tokio::spawn(telling.wait_with_output());
    let mut is_told = false;
    while let Some(line) = lines.next_line().await.expect("text") {
        is_told = line == "told";
        if !is_told {
            act(line).await;
            answers.write_all(b"done\n").await.expect("the story waits for it");
        }
    }
    let output = said.await.expect("no panic").expect("the story ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && is_told, "{said}");
    println!("{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_would_come_in_watches_it_arrive_and_takes_it_back() {
    // Slow enough that the run is still under way when it is held; images come from this machine.
    let settings = [("GMAIL_UNITS_PER_MINUTE", "60000"), ("IMAGE_PROXY", "true"), ("IMAGE_PROXY_ALSO", "127.0.0.0/8")];
    let app = TestApp::start_with(settings.map(|(name, value)| (name, value.to_owned())).into()).await;
    small_mailbox(&app, 600, 60);
    let mails = app.google.search(ADA, "-in:chats").expect("a search").len();
    tell("/", "whole", &app, json!({ "mails": mails })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_outlives_a_server_and_a_worker_that_die_in_the_middle() {
    let steps = [("LEASE_SECS", "3"), ("SLICE_SECS", "2"), ("CHUNK_ITEMS", "5")];
    let app = TestApp::start_idle(steps.map(|(name, value)| (name, value.to_owned())).into()).await;
    small_mailbox(&app, 600, 20);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let url = format!("http://{free}/");
    let mut vars = app.vars.clone();
    vars.extend([("HTTP_LISTEN", free.to_string()), ("PUBLIC_URL", url.clone())]);
    let mut running = Vec::new();
    let act = async |asked: String| match asked.as_str() {
        "start" => running.extend(["serve", "work"].map(|role| WorkerProcess::start_as(role, &vars))),
        "kill" => running.drain(..).for_each(WorkerProcess::kill),
        other => panic!("the story asks for {other}"),
    };
    tell_and_do("/", "restart", &app, json!({ "url": url, "batch": batch }), act).await;
}

/// The mailbox of the budgets, brought in.
async fn brought_in() -> TestApp {
    let app = TestApp::start().await;
    small_mailbox(&app, 300, 60);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    ada.finished(&ada.import(&account, everything()).await).await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_timeline_keeps_a_few_rows_in_the_page() {
    tell("/", "endless", &brought_in().await, json!({ "rows": 3_000, "seconds": 0 })).await;
}

/// Measures time, so the machine must have nothing else to do:
/// `cargo test --release --test it -- --ignored console::the_console_keeps_its_budgets`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures time; it is run by hand"]
async fn the_console_keeps_its_budgets() {
    let app = brought_in().await;
    tell("/", "budget", &app, json!({})).await;
    tell("/", "endless", &app, json!({ "rows": 100_000, "seconds": 60 })).await;
}

#[derive(serde::Deserialize)]
struct Fixture {
    payload: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_mail_does_nothing_in_the_browser() {
    let Some(corpus) = corpus() else {
        return say_unchecked("the console against hostile mail", "there is no corpus beside the checkout");
    };
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let mut payloads = Vec::new();
    for entry in fs::read_dir(corpus.join("html-hostile/dompurify")).expect("the corpus") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a readable file");
        let fixtures: Vec<Fixture> = serde_json::from_slice(&bytes).expect("fixtures");
        payloads.extend(fixtures.into_iter().map(|fixture| fixture.payload));
    }
    for (number, payload) in payloads.iter().enumerate() {
        let mail = format!(
            "From: Mallory <mallory@example.org>\r\nTo: {ADA}\r\nSubject: {number}\r\nMessage-ID: <{number}@example.org>\r\n\
             Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            STANDARD.encode(payload)
        );
        app.google.deliver(ADA, mail.as_bytes(), Deliver::default()).expect("a message");
    }
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;
    let mails: Vec<Value> = ada
        .timeline(json!({ "kind": "EMAIL" }))
        .await
        .iter()
        .map(|row| {
            let number: usize = row["subject"].as_str().expect("a subject").parse().expect("a number");
            json!({ "id": row["id"], "payload": payloads[number] })
        })
        .collect();
    assert_eq!(mails.len(), payloads.len());
    tell("/", "hostile", &app, json!({ "mails": mails })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tabs_of_graphiql_tell_the_story_from_left_to_right() {
    let settings = ["GRAPHIQL", "GRAPHQL_INTROSPECTION"].map(|name| (name, "true".to_owned()));
    let app = TestApp::start_with(Settings::from(settings)).await;
    small_mailbox(&app, 60, 10);
    let ada = app.person("ada");
    let preferences = "mutation { updatePreferences(input: { gmailQuery: \"-in:chats\" }) { userErrors { code } } }";
    ada.data(preferences, json!({})).await;
    let mails = app.google.search(ADA, "-in:chats").expect("a search").len();
    tell("/graphiql", "graphiql", &app, json!({ "mails": mails })).await;
}
