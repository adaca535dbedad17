//! Rows that an older normalizer has made are rebuilt from their raw events: by the workers, or when an operator asks.

use std::process::Command;

use omnisync::{domain::normalize::VERSION, sandbox::Generate};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything},
    support::{Person, Settings, TestApp, WorkerProcess, connect, eventually},
};

/// Imports a mailbox and a calendar, ages what is on the timeline, and gives it as it was.
async fn aged(app: &TestApp, messages: usize) -> (Person, Vec<Value>) {
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let generate = Generate { messages, events: 10, months: 3, ..Generate::usual(app.clock.now()) };
    app.google.generate(ADA, &generate).expect("a mailbox");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let before = ada.timeline(json!({})).await;
    // Mails as another normalizer might have made them: some in other words, some not at all, and one that is none.
    let mails = "SELECT interaction_id FROM interactions WHERE kind = 'email' ORDER BY group_key";
    app.db
        .rows(&format!(
            "UPDATE interactions SET subject = 'old', labels = '{{}}' WHERE interaction_id IN ({mails} LIMIT 3)"
        ))
        .await;
    app.db.rows(&format!("DELETE FROM interactions WHERE interaction_id IN ({mails} DESC LIMIT 2)")).await;
    app.db
        .rows(&format!(
            "INSERT INTO interactions SELECT (jsonb_populate_record(i, '{{\"occurrence\": \"more\", \"interaction_id\": \"{}\"}}')).*
             FROM interactions i WHERE interaction_id IN ({mails} OFFSET 5 LIMIT 1)",
            uuid::Uuid::now_v7()
        ))
        .await;
    assert_eq!(ada.timeline(json!({})).await.len(), before.len() - 1);
    (ada, before)
}

/// What [`aged`] has done, undone.
fn mended() -> Value {
    json!({ "added": 2, "removed": 1, "changed": 3, "fields": { "labels": 3, "subject": 3 } })
}

/// Has the workers take the mailbox's rows for those of an older normalizer.
async fn as_of_old(app: &TestApp) {
    app.db.rows("UPDATE streams SET projected_by = 0").await;
}

/// Waits until every stream's rows are of this normalizer, and gives what that has changed of mails.
pub(crate) async fn reprojected(app: &TestApp) -> Value {
    let behind = format!("SELECT count(*) FROM streams WHERE projected_by <> {VERSION}");
    eventually(|| async { (app.db.number_of(&behind).await == 0).then_some(()) }, || "a reprojection".to_owned()).await;
    let changes = app.db.rows("SELECT reprojection - 'rows' FROM streams WHERE service = 'gmail'").await;
    serde_json::from_str(&changes[0][0]).expect("what has changed")
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_what_an_older_normalizer_made_is_made_anew() {
    let app = TestApp::start().await;
    let (ada, before) = aged(&app, 40).await;
    as_of_old(&app).await;
    assert_eq!(reprojected(&app).await, mended());
    assert_eq!(ada.timeline(json!({})).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reprojection_whose_worker_was_killed_goes_on_and_tells_of_everything_once() {
    let app = TestApp::start_idle(Settings::new()).await;
    let worker = WorkerProcess::start(&app.vars);
    let (ada, before) = aged(&app, 450).await;
    worker.finish().await;
    // The last mails cannot be written while somebody holds them, so the worker does not get to the end.
    let holder = connect(&app.db.owner_url).await;
    let last = "SELECT FROM interactions WHERE kind = 'email' ORDER BY group_key DESC LIMIT 1 FOR UPDATE";
    holder.batch_execute(&format!("BEGIN; {last}")).await.expect("a lock");
    as_of_old(&app).await;
    let worker = WorkerProcess::start(&app.vars);
    let begun = "SELECT count(*) FROM streams WHERE service = 'gmail' AND reprojected_to IS NOT NULL";
    eventually(|| async { (app.db.number_of(begun).await == 1).then_some(()) }, || "a first chunk".to_owned()).await;
    worker.kill();
    holder.batch_execute("ROLLBACK").await.expect("let go");
    assert_eq!(app.db.number_of(begun).await, 1);
    let _worker = WorkerProcess::start(&app.vars);
    assert_eq!(reprojected(&app).await, mended());
    assert_eq!(ada.timeline(json!({})).await, before);
}

/// Runs `omnisync reproject`, and gives what it says has changed.
pub(crate) fn reproject(app: &TestApp, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omnisync"));
    let output = command.arg("reproject").args(arguments).env_clear().envs(&app.vars).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_would_change_and_has_it_changed() {
    let app = TestApp::start().await;
    let (ada, before) = aged(&app, 40).await;
    let n_rows = before.len();
    let aged = ada.timeline(json!({})).await;
    assert_eq!(reproject(&app, &[]), "0 rows: 0 added, 0 removed, 0 changed\n", "all are of this normalizer");
    let expected = format!("{n_rows} rows: 2 added, 1 removed, 3 changed\n  labels: 3\n  subject: 3\n");
    assert_eq!(reproject(&app, &["--all", "--dry-run"]), expected);
    assert_eq!(ada.timeline(json!({})).await, aged);
    let stranger = uuid::Uuid::now_v7().to_string();
    assert_eq!(reproject(&app, &["--all", "--user", &stranger]), "0 rows: 0 added, 0 removed, 0 changed\n");
    assert_eq!(reproject(&app, &["--all"]), expected);
    assert_eq!(ada.timeline(json!({})).await, before);
}
