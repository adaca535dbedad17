//! Undo: total, safe while a sync runs, and no more than what the batch alone brought.

use futures::future::join_all;
use omnisync::sandbox::{Deliver, Generate};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Person, Settings, TestApp, WorkerProcess, eventually, source_ids, uuid_of},
};

/// Small transactions, so that an undo has many moments to come between.
pub(crate) fn small_steps() -> Settings {
    let settings = [
        ("LEASE_SECS", "3"),
        ("SLICE_SECS", "2"),
        ("SLICE_ITEMS", "60"),
        ("CHUNK_ITEMS", "10"),
        ("DATABASE_POOL_SIZE", "12"),
    ];
    settings.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// Waits until no job of a batch has anything left to do and no worker holds one.
pub(crate) async fn at_rest(app: &TestApp, batch: &str) {
    let sql = format!(
        "SELECT count(*) FROM jobs WHERE batch_id = '{}' AND state IN ('queued', 'running', 'waiting')",
        uuid_of(batch)
    );
    let look = || async { (app.db.number_of(&sql).await == 0).then_some(()) };
    eventually(look, || format!("rest of {batch}")).await;
}

pub(crate) async fn holds_nothing(app: &TestApp, batch: &str) {
    for table in ["raw_events", "interactions", "batch_items"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE batch_id = '{}'", uuid_of(batch));
        assert_eq!(app.db.number_of(&sql).await, 0, "{table}");
    }
}

async fn audit_of(app: &TestApp, batch: &str) -> Vec<Vec<String>> {
    let sql = "SELECT outcome, count(*) FROM sync_audit WHERE action = 'undo' AND batch_id =";
    app.db.rows(&format!("{sql} '{}' GROUP BY 1 ORDER BY 1", uuid_of(batch))).await
}

/// One person whose sync is undone once it has stored so many items.
async fn race(app: &TestApp, after: i64) {
    let (name, email) = (format!("p{after}"), format!("p{after}@brightwater.example"));
    app.google.add_account(&email, "Ada Brook").expect("an account");
    let generate = Generate { messages: 250, events: 40, months: 3, ..Generate::usual(app.clock.now()) };
    app.google.generate(&email, &generate).expect("a mailbox");
    let person = app.person(&name);
    let account = person.connect(&email).await;
    let batch = person.import(&account, everything()).await;
    let sql = format!("SELECT n_listed + n_stored + n_normalized FROM batches WHERE batch_id = '{}'", uuid_of(&batch));
    let look = || async { (app.db.number_of(&sql).await >= after).then_some(()) };
    eventually(look, || format!("{after} steps")).await;
    let undone = person.undo_whole(&batch).await["counts"].clone();
    at_rest(app, &batch).await;
    holds_nothing(app, &batch).await;
    assert!(person.timeline(json!({})).await.is_empty());
    let rest = person.batch(&batch).await;
    assert_eq!((&rest["state"], &rest["counts"]), (&json!("UNDONE"), &undone), "something came after the end");
    // Once more is the same as once.
    assert_eq!(person.undo(&batch, false).await["batch"], rest);
    assert_eq!(audit_of(app, &batch).await, [["started", "1"], ["succeeded", "1"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_an_undo_during_a_sync_leaves_nothing_and_nothing_comes_after() {
    let app = TestApp::start_with(small_steps()).await;
    join_all([0, 1, 100, 250, 300, 380, 450, 550].map(|after| race(&app, after))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_an_undo_whose_worker_was_killed_goes_on_where_it_stood() {
    let app = TestApp::start_idle(small_steps()).await;
    small_mailbox(&app, 700, 40);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let worker = WorkerProcess::start(&app.vars);
    let done = ada.finished(&batch).await;
    ada.undo(&batch, false).await;
    let look = || async { (app.db.number_of("SELECT n_removed FROM batches").await > 0).then_some(()) };
    eventually(look, || "a first step of the undo".to_owned()).await;
    worker.kill();
    let _next = WorkerProcess::start(&app.vars);
    let undone = ada.batch_in(&batch, &["UNDONE"]).await;
    assert_eq!(undone["counts"]["removed"], done["counts"]["stored"]);
    holds_nothing(&app, &batch).await;
    assert_eq!(audit_of(&app, &batch).await, [["started", "1"], ["succeeded", "1"]]);
}

/// What a dry run says, summed over the services: removed, restored, kept.
async fn forecast(person: &Person, batch: &str) -> (i64, i64, i64) {
    let counts = person.undo(batch, true).await["counts"].clone();
    let sum = |name: &str| counts.as_array().expect("counts").iter().filter_map(|count| count[name].as_i64()).sum();
    (sum("removed"), sum("restored"), sum("kept"))
}

pub(crate) fn mail(subject: &str) -> Vec<u8> {
    let head = "From: Grace <grace@example.org>\r\nTo: ada@brightwater.example\r\n";
    format!("{head}Subject: {subject}\r\nMessage-ID: <{subject}@example.org>\r\n\r\n{subject}\r\n").into_bytes()
}

/// Imports what a query finds and waits for it.
pub(crate) async fn import(person: &Person, account: &str, query: &str) -> String {
    let input = json!({ "services": ["GMAIL"], "gmailQuery": query, "mailDaysBack": 36_500 });
    let batch = person.import(account, input).await;
    assert_eq!(person.finished(&batch).await["state"], json!("SUCCEEDED"));
    batch
}

/// Two approvals that overlap in the mail `both`; gives everything that a test of their undo needs.
pub(crate) async fn overlapping() -> (TestApp, Person, [String; 2], [String; 3]) {
    let app = TestApp::start_with(small_steps()).await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let ids = ["first", "both", "second"]
        .map(|subject| app.google.deliver(ADA, &mail(subject), Deliver::default()).expect("delivered"));
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let one = import(&ada, &account, "{subject:first subject:both}").await;
    let two = import(&ada, &account, "{subject:both subject:second}").await;
    (app, ada, [one, two], ids)
}

fn sorted<const N: usize>(mut ids: [&String; N]) -> Vec<String> {
    ids.sort_unstable();
    ids.map(String::clone).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_undo_keeps_what_another_batch_also_brought_in_either_order() {
    let (app, ada, [one, two], [first, both, second]) = overlapping().await;
    assert_eq!(forecast(&ada, &one).await, (1, 0, 1));
    let undone = ada.undo_whole(&one).await;
    assert_eq!(undone["counts"]["removed"], json!(1));
    assert_eq!(source_ids(&ada.timeline(json!({})).await), sorted([&both, &second]));
    assert_eq!(forecast(&ada, &two).await, (2, 0, 0));
    ada.undo_whole(&two).await;
    assert!(ada.timeline(json!({})).await.is_empty());
    assert_eq!(app.db.number_of("SELECT count(*) FROM raw_events").await, 0);

    let (app, ada, [one, two], [first_too, both, _]) = overlapping().await;
    assert_eq!(forecast(&ada, &two).await, (1, 0, 1));
    ada.undo_whole(&two).await;
    assert_eq!(source_ids(&ada.timeline(json!({})).await), sorted([&first_too, &both]));
    ada.undo_whole(&one).await;
    assert!(ada.timeline(json!({})).await.is_empty());
    assert_eq!(app.db.number_of("SELECT count(*) FROM raw_events").await, 0);
    assert_ne!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_undo_restores_what_a_later_batch_had_replaced_as_its_dry_run_says() {
    let app = TestApp::start_with(small_steps()).await;
    small_mailbox(&app, 40, 12);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let first = ada.import(&account, everything()).await;
    ada.finished(&first).await;
    let before = ada.timeline(json!({})).await;
    let ids = source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await);
    app.google.modify_labels(ADA, &ids[0], &["STARRED"], &[]).expect("labelled");
    app.google.delete(ADA, &ids[1]).expect("deleted");
    app.google.trash(ADA, &ids[2]).expect("trashed");
    app.google.deliver(ADA, &mail("new"), Deliver::default()).expect("delivered");
    let second = ada.sync_now(&account).await;
    ada.finished(&second).await;
    assert_ne!(ada.timeline(json!({})).await, before);

    assert_eq!(forecast(&ada, &second).await, (1, 3, 0));
    let undone = ada.undo_whole(&second).await;
    assert_eq!((&undone["counts"]["removed"], &undone["counts"]["restored"]), (&json!(1), &json!(3)));
    assert_eq!(ada.timeline(json!({})).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_undo_of_the_older_batch_keeps_what_a_later_one_brought_newer() {
    let app = TestApp::start_with(small_steps()).await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let id = app.google.deliver(ADA, &mail("old"), Deliver::default()).expect("delivered");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let first = import(&ada, &account, "subject:old").await;
    app.google.modify_labels(ADA, &id, &["STARRED"], &[]).expect("labelled");
    let second = ada.sync_now(&account).await;
    ada.finished(&second).await;
    let starred = ada.timeline(json!({})).await;
    assert_eq!(forecast(&ada, &first).await, (0, 0, 1));
    ada.undo_whole(&first).await;
    assert_eq!(ada.timeline(json!({})).await, starred);
    assert_eq!(forecast(&ada, &second).await, (1, 0, 0));
    ada.undo_whole(&second).await;
    assert!(ada.timeline(json!({})).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_what_was_undone_stays_away_until_a_preview_includes_it() {
    let app = TestApp::start_with(small_steps()).await;
    small_mailbox(&app, 40, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let mail = json!({ "services": ["GMAIL"], "gmailQuery": "-in:chats", "mailDaysBack": 36_500 });
    let first = ada.import(&account, mail.clone()).await;
    ada.finished(&first).await;
    let before = ada.timeline(json!({})).await;
    ada.undo_whole(&first).await;

    let query = "mutation($input: SyncNowInput!) { syncNow(input: $input) { batch { id } userErrors { code } } }";
    let refused = ada.data(query, json!({ "input": { "accountId": account } })).await;
    assert_eq!(refused["syncNow"], json!({ "batch": null, "userErrors": [{ "code": "NO_CONSENT" }] }));

    let preview = ada.preview(&account, mail.clone()).await["preview"].clone();
    let undone =
        preview["excludedByRule"].as_array().expect("rules").iter().find(|rule| rule["key"] == json!("undone"));
    assert_eq!(undone.expect("a rule")["count"], json!(before.len()));
    let second = ada.import(&account, mail.clone()).await;
    let done = ada.finished(&second).await;
    assert_eq!((&done["state"], &done["counts"]["filtered"]), (&json!("SUCCEEDED"), &json!(before.len())));
    assert!(ada.timeline(json!({})).await.is_empty());

    let mut with_undone = mail;
    with_undone["includeUndone"] = json!(true);
    let third = ada.import(&account, with_undone).await;
    assert_eq!(ada.finished(&third).await["counts"]["stored"], json!(before.len()));
    let after: Vec<Value> = ada.timeline(json!({})).await;
    assert_eq!(after, before, "the same rows under the same ids");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_a_batch_that_left_something_out_does_not_keep_it_from_an_undo() {
    let app = TestApp::start_with(small_steps()).await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let private = json!({
        "summary": "Doctor", "visibility": "private",
        "start": { "dateTime": "2026-11-23T09:00:00Z" }, "end": { "dateTime": "2026-11-23T10:00:00Z" },
    });
    app.google.put_event(ADA, "primary", private).expect("made");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let import = |private: bool| {
        let mut input = everything();
        input["privateEvents"] = json!(private);
        let (ada, account) = (&ada, &account);
        async move {
            let batch = ada.import(account, input).await;
            (ada.finished(&batch).await["counts"].clone(), batch)
        }
    };
    let (_, open) = import(true).await;
    let (counts, closed) = import(false).await;
    assert_eq!((&counts["filtered"], &counts["stored"]), (&json!(1), &json!(0)));
    assert_eq!(ada.timeline(json!({})).await.len(), 1, "what the first consent brought stays in sight");
    assert_eq!(app.db.rows("SELECT outcome FROM items").await, [["stored"]]);
    assert_eq!(forecast(&ada, &closed).await, (0, 0, 0));
    ada.undo_whole(&open).await;
    assert!(ada.timeline(json!({})).await.is_empty());
    assert_eq!(app.db.number_of("SELECT count(*) FROM raw_events").await, 0);
}
