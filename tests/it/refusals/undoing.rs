//! Undo at bad moments.

use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Settings, TestApp, eventually},
};

async fn assert_nothing_left(app: &TestApp) {
    for table in ["raw_events", "interactions", "batch_items"] {
        assert_eq!(app.db.number_of(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    let alive = "SELECT count(*) FROM jobs WHERE state NOT IN ('succeeded', 'cancelled')";
    assert_eq!(app.db.number_of(alive).await, 0, "no job is left that could write");
}

async fn undo_entries(app: &TestApp) -> Vec<Vec<String>> {
    app.db.rows("SELECT outcome, actor FROM sync_audit WHERE action = 'undo' ORDER BY audit_id").await
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_twice_is_undoing_once() {
    let app = TestApp::start_with(Settings::new()).await;
    small_mailbox(&app, 30, 6);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;
    let clicks = futures::future::join_all((0..4).map(|_| ada.undo(&batch, false))).await;
    for click in &clicks {
        assert_eq!((&click["batch"]["id"], &click["userErrors"]), (&json!(batch), &json!([])), "{click:#}");
    }
    ada.batch_in(&batch, &["UNDONE"]).await;
    // The job says a moment later that it has ended.
    let settled = || async {
        let undone = ada.batch(&batch).await;
        let jobs = undone["jobs"].as_array().expect("jobs");
        jobs.iter().all(|job| job["state"] == "SUCCEEDED").then_some(undone)
    };
    let undone = eventually(settled, || "every job to have ended".to_owned()).await;
    let again = ada.undo(&batch, false).await;
    assert_eq!((&again["batch"], &again["userErrors"]), (&undone, &json!([])));
    let removed: i64 =
        again["counts"].as_array().expect("counts").iter().filter_map(|count| count["removed"].as_i64()).sum();
    assert_eq!(removed, 0, "there is nothing left to take away: {again:#}");
    assert_nothing_left(&app).await;
    assert_eq!(undo_entries(&app).await, [["started", "user"], ["succeeded", "worker"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_undo_stops_a_running_sync_and_nothing_comes_after_it() {
    // Small steps, one request at a time: the run is still at work when it is stopped.
    let settings = Settings::from([("CHUNK_ITEMS", "5".to_owned()), ("PROVIDER_IN_FLIGHT", "1".to_owned())]);
    let app = TestApp::start_with(settings).await;
    small_mailbox(&app, 400, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let stored = async || app.db.number_of("SELECT count(*) FROM raw_events").await;
    let look = || async { (stored().await > 20).then_some(()) };
    eventually(look, || "a few mails are stored".to_owned()).await;
    let answer = ada.undo(&batch, false).await;
    assert_eq!(answer["userErrors"], json!([]), "{answer:#}");
    assert_ne!(answer["batch"]["state"], json!("SUCCEEDED"), "{answer:#}");
    let undone = ada.batch_in(&batch, &["UNDONE"]).await;
    assert!(undone["counts"]["stored"].as_i64() < Some(400), "it was stopped on its way: {undone:#}");
    assert_nothing_left(&app).await;
    assert_eq!(ada.timeline(json!({})).await, Vec::<Value>::new());
    let outcomes = app.db.rows("SELECT DISTINCT outcome FROM items").await;
    assert!(outcomes.iter().all(|row| row[0] != "stored"), "{outcomes:?}");
    assert_eq!(super::code(&super::sync_now(&ada, &account).await), "NO_CONSENT", "its consent is withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_has_not_begun_can_be_undone() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 10, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    assert_eq!(ada.undo(&batch, false).await["batch"]["state"], json!("UNDOING"));
    app.start_worker();
    ada.batch_in(&batch, &["UNDONE"]).await;
    assert_nothing_left(&app).await;
    assert_eq!(app.db.number_of("SELECT count(*) FROM items").await, 0);
}
