//! Redo: what an undo took comes back as it was, without asking Google for it.

use omnisync::sandbox::Deliver;
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Person, Settings, TestApp, WorkerProcess, eventually, source_ids},
    undo::{holds_nothing, import, mail, overlapping, small_steps},
};

/// Rows that undos have set aside, in all tables for it.
async fn n_kept(app: &TestApp) -> i64 {
    let each =
        ["undone_events", "undone_items", "undone_streams"].map(|table| format!("(SELECT count(*) FROM {table})"));
    app.db.number_of(&format!("SELECT {}", each.join(" + "))).await
}

/// Everything that the database holds of a person's items, as text: what a redo must make the same again. Times of change and purge and
/// the batch that touched an item last are left out.
async fn contents(app: &TestApp) -> Vec<Vec<Vec<String>>> {
    let tables = [
        "SELECT to_jsonb(r) FROM raw_events r ORDER BY stream_id, source_id, version",
        "SELECT to_jsonb(n) FROM interactions n ORDER BY interaction_id",
        "SELECT to_jsonb(b) FROM batch_items b ORDER BY batch_id, stream_id, source_id",
        "SELECT to_jsonb(i) - 'updated_at' - 'batch_id' - 'purge_at' FROM items i ORDER BY stream_id, source_id",
        "SELECT to_jsonb(s) FROM streams s ORDER BY stream_id",
    ];
    let mut all = Vec::new();
    for sql in tables {
        all.push(app.db.rows(sql).await);
    }
    all
}

async fn refused(person: &Person, batch: &str) -> Value {
    let payload = person.redo(batch).await;
    assert_eq!(
        (&payload["batch"], &payload["userErrors"][0]["field"]),
        (&Value::Null, &json!("batchId")),
        "{payload:#}"
    );
    payload["userErrors"][0]["code"].clone()
}

async fn audit(app: &TestApp) -> Vec<Vec<String>> {
    app.db.rows("SELECT action, outcome FROM sync_audit WHERE action IN ('undo', 'redo') ORDER BY audit_id").await
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_a_redo_brings_everything_back_as_it_was_and_asks_google_for_nothing() {
    let app = TestApp::start_with(small_steps()).await;
    small_mailbox(&app, 120, 20);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let done = ada.finished(&batch).await;
    assert_eq!((&done["redoUntil"], refused(&ada, &batch).await), (&Value::Null, json!("NOT_UNDONE")));
    let (before, timeline) = (contents(&app).await, ada.timeline(json!({})).await);
    let n_requests = app.google.journal().len();
    // As often as wanted.
    for _ in 0..2 {
        let undone = ada.undo_whole(&batch).await;
        assert!(undone["redoUntil"].is_string() && n_kept(&app).await > 0, "{undone:#}");
        holds_nothing(&app, &batch).await;
        let redone = ada.redo_whole(&batch).await;
        assert_eq!((&redone["counts"], &redone["state"]), (&done["counts"], &done["state"]));
        assert_eq!((&redone["redoUntil"], &redone["undoneAt"], n_kept(&app).await), (&Value::Null, &Value::Null, 0));
        assert_eq!(contents(&app).await, before);
    }
    assert_eq!(ada.timeline(json!({})).await, timeline);
    assert_eq!(app.google.journal().len(), n_requests, "Google was asked");
    let words = audit(&app).await;
    let once = [["undo", "started"], ["undo", "succeeded"], ["redo", "started"], ["redo", "succeeded"]];
    assert_eq!(words, [once, once].concat());

    // The cursor is back, too: the next run asks for changes, and fetches nothing else.
    let new = app.google.deliver(ADA, &mail("later"), Deliver::default()).expect("delivered");
    let next = ada.sync_now(&account).await;
    assert_eq!(ada.finished(&next).await["counts"]["listed"], json!(1));
    assert!(source_ids(&ada.timeline(json!({})).await).contains(&new));
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_two_batches_that_overlap_come_back_in_any_order() {
    for order in [[0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0]] {
        let (app, ada, batches, _) = overlapping().await;
        let (timeline, before) = (ada.timeline(json!({})).await, contents(&app).await);
        ada.undo_whole(&batches[order[0]]).await;
        let between = ada.timeline(json!({})).await;
        ada.undo_whole(&batches[order[1]]).await;
        assert!(ada.timeline(json!({})).await.is_empty());
        ada.redo_whole(&batches[order[2]]).await;
        if order[2] == order[1] {
            assert_eq!(ada.timeline(json!({})).await, between, "{order:?}");
        }
        ada.redo_whole(&batches[order[3]]).await;
        assert_eq!((ada.timeline(json!({})).await, n_kept(&app).await), (timeline, 0), "{order:?}");
        assert_eq!(contents(&app).await[..3], before[..3], "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_a_redo_replaces_again_what_its_batch_had_replaced() {
    let app = TestApp::start_with(small_steps()).await;
    small_mailbox(&app, 40, 12);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let first = ada.import(&account, everything()).await;
    ada.finished(&first).await;
    let ids = source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await);
    app.google.modify_labels(ADA, &ids[0], &["STARRED"], &[]).expect("labelled");
    app.google.delete(ADA, &ids[1]).expect("deleted");
    app.google.trash(ADA, &ids[2]).expect("trashed");
    app.google.deliver(ADA, &mail("new"), Deliver::default()).expect("delivered");
    let second = ada.sync_now(&account).await;
    ada.finished(&second).await;
    let (timeline, before) = (ada.timeline(json!({})).await, contents(&app).await);
    ada.undo_whole(&second).await;
    let redone = ada.redo_whole(&second).await;
    assert_eq!((&redone["counts"]["removed"], &redone["counts"]["restored"]), (&json!(0), &json!(0)));
    assert_eq!((ada.timeline(json!({})).await, contents(&app).await), (timeline, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_what_changed_at_google_while_a_batch_was_undone_is_noticed_after_its_redo() {
    let app = TestApp::start_with(small_steps()).await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let [one, two] =
        ["one", "two"].map(|name| app.google.deliver(ADA, &mail(name), Deliver::default()).expect("delivered"));
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let first = import(&ada, &account, "subject:one").await;
    let second = import(&ada, &account, "{subject:one subject:two}").await;
    ada.undo_whole(&first).await;
    ada.undo_whole(&second).await;

    // Another consent lets a run pass news of what is away.
    import(&ada, &account, "{subject:one subject:two subject:three}").await;
    app.google.modify_labels(ADA, &two, &["STARRED"], &[]).expect("labelled");
    let run = ada.sync_now(&account).await;
    ada.finished(&run).await;
    assert!(ada.timeline(json!({})).await.is_empty());
    ada.redo_whole(&second).await;
    let shown = ada.timeline(json!({})).await;
    assert_eq!(source_ids(&shown), {
        let mut ids = vec![one.clone(), two.clone()];
        ids.sort_unstable();
        ids
    });
    let run = ada.sync_now(&account).await;
    let done = ada.finished(&run).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let shown = ada.timeline(json!({})).await;
    let starred = shown.iter().find(|row| row["sourceId"] == json!(two)).expect("the second mail");
    assert!(starred["labels"].as_array().expect("labels").contains(&json!("STARRED")), "{starred:#}");
    assert_eq!(app.db.number_of("SELECT count(*) FROM items WHERE outcome = 'pending'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_a_run_undone_in_the_middle_comes_back_cancelled_and_the_next_brings_the_rest() {
    let app = TestApp::start_with(small_steps()).await;
    small_mailbox(&app, 250, 20);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let look = || async { (app.db.number_of("SELECT n_stored FROM batches").await >= 30).then_some(()) };
    eventually(look, || "30 stored".to_owned()).await;
    let undone = ada.undo_whole(&batch).await;
    assert!(undone["counts"]["removed"].as_i64().is_some_and(|n| (30..250).contains(&n)), "{undone:#}");
    assert_eq!(ada.redo_whole(&batch).await["state"], json!("CANCELLED"));
    let back = ada.timeline(json!({ "kind": "EMAIL" })).await.len();
    assert!((1..250).contains(&back), "{back}");
    let next = ada.sync_now(&account).await;
    assert_eq!(ada.finished(&next).await["state"], json!("SUCCEEDED"));
    let mut expected = app.google.search(ADA, "-in:chats").expect("a search");
    expected.sort_unstable();
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_a_redo_whose_worker_was_killed_goes_on_and_an_undo_may_race_it() {
    let app = TestApp::start_idle(small_steps()).await;
    small_mailbox(&app, 700, 40);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let worker = WorkerProcess::start(&app.vars);
    ada.finished(&batch).await;
    let (timeline, before) = (ada.timeline(json!({})).await, contents(&app).await);
    let all = ada.undo_whole(&batch).await["counts"]["removed"].as_i64().expect("a count");
    let some_back = |all: i64| {
        let app = &app;
        let look = move || async move { (app.db.number_of("SELECT n_removed FROM batches").await < all).then_some(()) };
        eventually(look, || "a first step of the redo".to_owned())
    };
    assert_eq!(ada.redo(&batch).await["batch"]["state"], json!("REDOING"));
    some_back(all).await;
    worker.kill();
    let _next = WorkerProcess::start(&app.vars);
    ada.batch_in(&batch, &["SUCCEEDED"]).await;
    assert_eq!((ada.timeline(json!({})).await, contents(&app).await), (timeline.clone(), before.clone()));

    ada.undo_whole(&batch).await;
    assert_eq!(ada.redo(&batch).await["batch"]["state"], json!("REDOING"));
    some_back(all).await;
    ada.undo_whole(&batch).await;
    holds_nothing(&app, &batch).await;
    ada.redo_whole(&batch).await;
    assert_eq!((ada.timeline(json!({})).await, contents(&app).await), (timeline, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_undo_took_is_purged_when_its_time_is_over_and_can_then_not_be_redone() {
    let app = TestApp::start_with(small_steps()).await;
    small_mailbox(&app, 40, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;
    ada.undo_whole(&batch).await;
    app.db.rows("UPDATE batches SET redo_until = now() - interval '1 second'").await;
    assert_eq!(refused(&ada, &batch).await, json!("REDO_EXPIRED"));
    for table in ["undone_events", "undone_items", "undone_streams"] {
        app.db.rows(&format!("UPDATE {table} SET purge_at = now() - interval '1 second'")).await;
    }
    let gone = || async { (n_kept(&app).await == 0).then_some(()) };
    eventually(gone, || "the purge".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_days_an_undo_deletes_at_once() {
    let app = TestApp::start_with(Settings::from([("UNDO_DAYS", "0".to_owned())])).await;
    small_mailbox(&app, 40, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;
    assert_eq!(ada.undo_whole(&batch).await["redoUntil"], Value::Null);
    assert_eq!((n_kept(&app).await, refused(&ada, &batch).await), (0, json!("REDO_EXPIRED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_an_account_leaves_nothing_to_redo_of_what_was_undone_before_either() {
    let (app, ada, [one, two], _) = overlapping().await;
    ada.undo_whole(&one).await;
    assert!(n_kept(&app).await > 0);
    let account = ada.data("{ viewer { accounts { id } } }", json!({})).await["viewer"]["accounts"][0]["id"].clone();
    let query = "mutation($input: DisconnectInput!) { disconnect(input: $input) { undoing userErrors { code } } }";
    let parted = ada.data(query, json!({ "input": { "accountId": account, "data": "ERASE" } })).await;
    assert_eq!(parted["disconnect"], json!({ "undoing": 2, "userErrors": [] }));
    let gone = || async { (n_kept(&app).await == 0).then_some(()) };
    eventually(gone, || "an empty table".to_owned()).await;
    for batch in [one, two] {
        ada.batch_in(&batch, &["UNDONE"]).await;
        assert_eq!(refused(&ada, &batch).await, json!("REDO_EXPIRED"));
    }
    assert_eq!(app.db.number_of("SELECT count(*) FROM raw_events").await, 0);
}
