//! Approvals that come too late, twice, or at a bad moment.

use chrono::TimeDelta;
use serde_json::json;

use super::{code, counts, sync_now};
use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Settings, TestApp, WorkerProcess},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_that_has_expired_cannot_be_approved() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 10, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let preview = ada.preview_id(&account, everything()).await;
    app.clock.advance(TimeDelta::minutes(61));
    // Her token is as old as her preview.
    let ada = app.person("ada");
    let before = counts(&app).await;
    assert_eq!(code(&ada.approve(&preview, "late").await), "PREVIEW_EXPIRED");
    assert_eq!(before, counts(&app).await);
    let query = "query($id: ID!) { node(id: $id) { ... on Preview { mail { atLeast } samples { title } topSenders { key } } } }";
    let node = ada.data(query, json!({ "id": preview })).await["node"].clone();
    assert_eq!((&node["samples"], &node["topSenders"]), (&json!([]), &json!([])), "{node:#}");
    assert!(node["mail"]["atLeast"].as_i64() > Some(0), "the counts stay: {node:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_approved_once_whoever_clicks_how_often() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 10, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let preview = ada.preview_id(&account, everything()).await;
    let other = ada.preview_id(&account, everything()).await;

    let clicks = futures::future::join_all((0..5).map(|_| ada.approve(&preview, "a key"))).await;
    let batch = &clicks[0]["batch"]["id"];
    assert!(batch.is_string(), "{:#}", clicks[0]);
    for click in &clicks {
        assert_eq!((&click["batch"]["id"], &click["userErrors"]), (batch, &json!([])));
    }
    assert_eq!(ada.approve(&preview, "a key").await["batch"]["id"], *batch, "and later the same");
    assert_eq!(code(&ada.approve(&preview, "another key").await), "ALREADY_APPROVED");
    assert_eq!(code(&ada.approve(&other, "a key").await), "KEY_REUSED");
    assert_eq!(code(&ada.approve(&other, "a fresh key").await), "ACCOUNT_BUSY");
    for bad in ["", "\u{0}", "a\nb", &"k".repeat(201)] {
        let payload = ada.approve(&other, bad).await;
        assert_eq!((code(&payload), &payload["userErrors"][0]["field"]), ("INVALID_INPUT", &json!("idempotencyKey")));
    }
    for (table, n) in [("batches", 1), ("jobs", 4), ("streams", 2)] {
        assert_eq!(app.db.number_of(&format!("SELECT count(*) FROM {table}")).await, n, "{table}");
    }
    let approvals = "SELECT count(*) FROM sync_audit WHERE action = 'approve'";
    assert_eq!(app.db.number_of(approvals).await, 1);
    assert_eq!(sync_now(&ada, &account).await["batch"]["id"], *batch, "what runs already is shown as it stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_previews_that_are_approved_at_once_start_one_run() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 10, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let (left, right) = (ada.preview_id(&account, everything()).await, ada.preview_id(&account, everything()).await);
    let (left, right) = tokio::join!(ada.approve(&left, "left"), ada.approve(&right, "right"));
    let (won, lost) = if left["batch"].is_null() { (right, left) } else { (left, right) };
    assert!(won["batch"]["id"].is_string(), "{won:#}");
    assert_eq!(code(&lost), "ACCOUNT_BUSY");
    assert_eq!(app.db.number_of("SELECT count(*) FROM batches").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_asked_for_several_times_at_once_is_one() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 10, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let first = ada.import(&account, everything()).await;
    let worker = WorkerProcess::start(&app.vars);
    ada.finished(&first).await;
    // So that what begins now is at work for as long as anybody asks.
    worker.kill();
    let clicks = futures::future::join_all((0..8).map(|_| sync_now(&ada, &account))).await;
    for click in &clicks {
        assert!(click["batch"]["id"].is_string(), "{click:#}");
        assert_eq!(click["batch"]["id"], clicks[0]["batch"]["id"]);
    }
    assert_eq!(app.db.number_of("SELECT count(*) FROM batches").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_synced_before_something_is_approved() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 3, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let before = counts(&app).await;
    assert_eq!(code(&sync_now(&ada, &account).await), "NO_CONSENT");
    assert_eq!(before, counts(&app).await);
}
