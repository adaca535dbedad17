//! The console and GraphiQL in a real browser: the stories in `tests/console`, told to Debian's Chromium by playwright-core.
//!
//! The packages come from npm, pinned, and are kept under `target/` for the next run. Without a browser, Node.js or a build that
//! has the pages in it, the tests say so on the terminal, whatever the harness captures, and check nothing.
//!
//! Pictures of every page, light, dark and on a phone, are left in `target/tmp/console`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use omnisync::sandbox::Deliver;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    corpus::corpus,
    flow::{ADA, everything, small_mailbox},
    support::{Settings, TestApp, browser, node_packages, say_unchecked},
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
        .kill_on_drop(true);
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        node.env_remove(name);
    }
    let output = node.output().await.expect("the story is told");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), "told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_would_come_in_watches_it_arrive_and_takes_it_back() {
    // Slow enough that the run is still under way when it is held.
    let app = TestApp::start_with(Settings::from([("GMAIL_UNITS_PER_MINUTE", "60000".to_owned())])).await;
    small_mailbox(&app, 600, 60);
    let mails = app.google.search(ADA, "-in:chats").expect("a search").len();
    tell("/", "whole", &app, json!({ "mails": mails })).await;
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
