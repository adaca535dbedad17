//! Google's own clients walk the sandbox: what they cannot read is not Google.
//!
//! They come from their registries, pinned, and are kept under `target/` for the next run. Where they cannot be had the
//! tests say so on the terminal, whatever the harness captures, and check nothing.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use omnisync::sandbox::{Control, Deliver, Generate, OAuthClient, Options, Sandbox};
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use crate::{
    flow::ADA,
    support::{Consent, Person, node, python, say_unchecked},
};

const CALLBACK: &str = "http://127.0.0.1:9/callback";
const SCOPES: &str =
    "openid email https://www.googleapis.com/auth/gmail.readonly https://www.googleapis.com/auth/calendar.readonly";

/// A sandbox with a full account that has consented.
struct Prepared {
    sandbox: Sandbox,
    refresh_token: String,
    /// The message whose first part is a file that says `Hello`.
    with_file: String,
}

async fn prepare() -> Prepared {
    // Another test of this process may have done it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = OAuthClient { id: "app".into(), secret: "shh".into(), redirect_uris: vec![CALLBACK.into()] };
    let sandbox = Sandbox::start(Options { clients: vec![client], ..Options::default() }).expect("it starts");
    let control = sandbox.control();
    control.add_account(ADA, "Ada Brook").expect("an account");
    let usual = Generate::usual(control.now());
    control.generate(ADA, &Generate { messages: 120, events: 60, ..usual }).expect("content");
    let raw = b"From: bob@x.example\r\nSubject: file\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n--b--\r\n";
    let with_file = control.deliver(ADA, raw, Deliver::default()).expect("a message");
    let refresh_token = consent(&sandbox.url()).await;
    Prepared { sandbox, refresh_token, with_file }
}

/// Links the account and gives its refresh token.
async fn consent(root: &Url) -> String {
    let mut url = root.join("o/oauth2/v2/auth").expect("an address");
    url.query_pairs_mut()
        .extend_pairs([("client_id", "app"), ("redirect_uri", CALLBACK), ("response_type", "code")])
        .extend_pairs([("scope", SCOPES), ("access_type", "offline")]);
    let back = Person::new(root.clone(), String::new()).consent(&url, ADA, Consent::All).await;
    let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("client_id", "app"),
        ("client_secret", "shh"),
    ];
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = http.post(root.join("token").expect("an address")).form(&form).send().await.expect("Google answers");
    let tokens: Value = answer.json().await.expect("JSON");
    tokens["refresh_token"].as_str().expect("a refresh token").to_owned()
}

/// What the walk is told, the truth included.
fn given(prepared: &Prepared) -> Value {
    let control = prepared.sandbox.control();
    json!({
        "root": prepared.sandbox.url(),
        "email": ADA,
        "clientId": "app",
        "clientSecret": "shh",
        "refreshToken": prepared.refresh_token,
        "withFile": prepared.with_file,
        "messages": control.search(ADA, "-in:chats").expect("a search"),
        "calendars": control.calendars(ADA).expect("calendars"),
        "events": listed_events(&control),
    })
}

/// The ids a list without deleted events gives: cancelled instances are part of what their series means.
fn listed_events(control: &Control) -> Vec<String> {
    let events = control.events(ADA, "primary").expect("events");
    let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let is_cancelled = |event: &&Value| event["status"] == "cancelled";
    let gone: HashSet<String> = events.iter().filter(is_cancelled).map(|event| text(event, "id")).collect();
    let is_listed = |event: &&Value| {
        let series = text(event, "recurringEventId");
        !is_cancelled(event) || (!series.is_empty() && !gone.contains(&series))
    };
    events.iter().filter(is_listed).map(|event| text(event, "id")).collect()
}

/// Where a client's program and its pinned packages are described.
fn described(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(language)
}

async fn walk(mut command: Command, program: &Path) {
    let prepared = prepare().await;
    // The sandbox is on this machine, whatever proxy the shell names.
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let command = command.arg(program).arg(given(&prepared).to_string()).kill_on_drop(true);
    let output = command.output().await.expect("the client runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let journal = prepared.sandbox.control().journal();
    let last = journal.last();
    assert!(output.status.success(), "{}{}\nlast: {last:?}", text(&output.stdout), text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), "walked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_walks_the_sandbox() {
    match python(&described("python")).await {
        Ok(python) => walk(Command::new(python), &described("python").join("walk.py")).await,
        Err(why) => say_unchecked("the sandbox against Google's Python client", &why),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_client_walks_the_sandbox() {
    match node(&described("node")).await {
        Ok(node) => walk(node, &described("node").join("walk.cjs")).await,
        Err(why) => say_unchecked("the sandbox against Google's Node client", &why),
    }
}
