//! A shell and curl.

use serde_json::Value;
use tokio::process::Command;

use super::described;
use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{TestApp, say_unchecked},
};

#[tokio::test(flavor = "multi_thread")]
async fn curl_asks_and_watches() {
    if Command::new("curl").arg("--version").output().await.is_err() {
        return say_unchecked("curl", "it was not found");
    }
    let app = TestApp::start().await;
    small_mailbox(&app, 30, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let mut shell = Command::new("sh");
    shell
        .arg(described("apps").join("curl.sh"))
        .envs([("API", app.url.join("graphql").expect("an address").as_str()), ("TOKEN", &ada.token)])
        .envs([("BATCH", batch.as_str()), ("SEEN", "0"), ("no_proxy", "127.0.0.1")])
        .kill_on_drop(true);
    let output = shell.output().await.expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));

    let (answers, events) = said.split_once("\n:\n").expect("two answers, and a stream that begins with a comment");
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers[0]["data"]["viewer"]["accounts"][0]["id"], account.as_str());
    assert!(answers[1]["extensions"]["cost"]["document"].is_number(), "{:#}", answers[1]);
    let states: Vec<Value> = events
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .map(|event: Value| event["data"]["batchProgress"].clone())
        .collect();
    assert_eq!(states.last().expect("a state")["batch"]["state"], "SUCCEEDED", "{said}");
    assert!(events.contains("event: complete"), "{said}");
}
