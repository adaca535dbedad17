//! The main job, as a person does it: connect, preview, approve, watch, read, sync again, undo.

use chrono::Utc;
use omnisync::sandbox::{Deliver, Generate};
use serde_json::{Value, json};

use crate::support::{Consent, TestApp, source_ids, uuid_of};

pub(crate) const ADA: &str = "ada@brightwater.example";

/// Everything the sandbox has.
pub(crate) fn everything() -> Value {
    json!({ "gmailQuery": "-in:chats", "mailDaysBack": 36_500, "calendarDaysBack": 400, "calendarDaysAhead": 400 })
}

pub(crate) fn small_mailbox(app: &TestApp, messages: usize, events: usize) {
    mailbox_of(app, ADA, messages, events);
}

/// As [`small_mailbox`], under an address of one's own.
#[expect(clippy::disallowed_methods, reason = "made-up mail ends today")]
pub(crate) fn mailbox_of(app: &TestApp, email: &str, messages: usize, events: usize) {
    app.google.add_account(email, "Ada Brook").expect("an account");
    let generate = Generate { messages, events, months: 3, ..Generate::usual(Utc::now()) };
    app.google.generate(email, &generate).expect("a mailbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_brings_their_mail_and_meetings_in_and_takes_them_back() {
    let app = TestApp::start().await;
    small_mailbox(&app, 150, 40);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;

    let preview = ada.preview(&account, everything()).await["preview"].clone();
    let expected = app.google.search(ADA, "-in:chats").expect("a search");
    assert_eq!(preview["mail"]["atLeast"], json!(expected.len()));
    assert_eq!(preview["mail"]["atMost"], json!(expected.len()));
    assert!(!preview["samples"].as_array().expect("samples").is_empty());

    let batch = ada.approve(preview["id"].as_str().expect("an id"), "once").await["batch"]["id"].clone();
    let batch = batch.as_str().expect("an id").to_owned();
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let counts = &done["counts"];
    let sum = ["stored", "unchanged", "filtered", "failed", "gone"]
        .iter()
        .map(|n| counts[n].as_i64().unwrap_or(0))
        .sum::<i64>();
    assert_eq!(counts["listed"].as_i64(), Some(sum));
    assert_eq!(counts["normalized"], counts["stored"]);

    let mut mails = source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await);
    mails.dedup();
    let mut expected = expected;
    expected.sort_unstable();
    assert_eq!(mails, expected);
    assert!(!ada.timeline(json!({ "kind": "MEETING" })).await.is_empty());

    let forecast = ada.undo(&batch, true).await;
    assert_eq!(forecast["counts"][0]["removed"], json!(expected.len()));
    let undone = ada.undo_whole(&batch).await;
    assert_eq!(undone["counts"]["removed"], counts["stored"]);
    assert!(ada.timeline(json!({})).await.is_empty());
    for table in ["raw_events", "interactions", "batch_items"] {
        assert_eq!(app.db.number_of(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_watched_to_its_end_and_watched_again_from_a_number() {
    let app = TestApp::start().await;
    small_mailbox(&app, 120, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let query = "subscription($id: ID!, $after: Int) { batchProgress(batchId: $id, after: $after) {
        seq percent etaSeconds batch { state counts { listed stored filtered normalized } } } }";
    let mut progress = ada.subscribe(query, json!({ "id": batch })).await;
    let mut seen: Vec<Value> = Vec::new();
    while let Some(next) = progress.recv().await {
        seen.push(next["data"]["batchProgress"].clone());
    }
    let numbers: Vec<i64> = seen.iter().map(|state| state["seq"].as_i64().expect("a number")).collect();
    assert!(numbers.is_sorted_by(|left, right| left < right), "{numbers:?}");
    let last = seen.last().expect("a state");
    assert_eq!(last["batch"]["state"], json!("SUCCEEDED"));
    assert_eq!(last["percent"], json!(100.0));

    // Someone who comes back having seen the end is told that it is over, and nothing twice.
    let mut again = ada.subscribe(query, json!({ "id": batch, "after": numbers.last() })).await;
    assert_eq!(again.recv().await, None);
    // Someone who missed the end gets it.
    let mut late = ada.subscribe(query, json!({ "id": batch, "after": 1 })).await;
    assert_eq!(late.recv().await.expect("the end")["data"]["batchProgress"], *last);
    assert_eq!(late.recv().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_sync_brings_what_has_changed_and_undo_takes_just_that_back() {
    let app = TestApp::start().await;
    small_mailbox(&app, 60, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let first = ada.import(&account, everything()).await;
    ada.finished(&first).await;
    let before = ada.timeline(json!({})).await;

    let again = ada.finished(&ada.sync_now(&account).await).await;
    assert_eq!(again["counts"]["listed"], json!(0), "{again:#}");

    let mail = b"From: Grace <grace@example.org>\r\nTo: ada@brightwater.example\r\nSubject: Lunch?\r\nMessage-ID: <lunch@example.org>\r\n\r\nAt noon?\r\n";
    let delivered = app.google.deliver(ADA, mail, Deliver::default()).expect("delivered");
    let kept = source_ids(&before);
    app.google.delete(ADA, &kept[0]).expect("deleted");
    app.google.trash(ADA, &kept[1]).expect("trashed");
    app.google.modify_labels(ADA, &kept[2], &["STARRED"], &[]).expect("labelled");

    let second = ada.sync_now(&account).await;
    let done = ada.finished(&second).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let now = ada.timeline(json!({})).await;
    let ids = source_ids(&now);
    assert!(ids.contains(&delivered) && !ids.contains(&kept[0]) && !ids.contains(&kept[1]), "{done:#}");
    let starred = now.iter().find(|row| row["sourceId"] == json!(kept[2])).expect("still there");
    assert!(starred["labels"].as_array().expect("labels").contains(&json!("STARRED")));

    ada.undo_whole(&second).await;
    assert_eq!(ada.timeline(json!({})).await, before, "undo restores what the batch had replaced");
    ada.undo_whole(&first).await;
    assert!(ada.timeline(json!({})).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_leaves_mail_unticked_gets_meetings_only() {
    let app = TestApp::start().await;
    small_mailbox(&app, 20, 20);
    let ada = app.person("ada");
    let account = ada.connect_with(ADA, Consent::Only("calendar")).await;
    let refused = ada.preview(&account, json!({ "services": ["GMAIL"] })).await;
    assert_eq!(refused["userErrors"][0]["code"], json!("SCOPE_MISSING"));
    // What may not be read is missing from an answer, and nothing else is.
    let asked = "{ viewer { accounts { email labels { sourceId } calendars { sourceId } } } }";
    let answer = ada.answer(asked, Value::Null).await;
    let told = &answer["data"]["viewer"]["accounts"][0];
    assert_eq!((&told["email"], &told["labels"]), (&json!(ADA), &Value::Null), "{answer:#}");
    assert!(told["calendars"].as_array().is_some_and(|all| !all.is_empty()), "{answer:#}");
    assert_eq!(answer["errors"][0]["path"], json!(["viewer", "accounts", 0, "labels"]));
    assert_eq!(answer["errors"][0]["extensions"]["reason"], json!("SCOPE_MISSING"));
    let batch = ada.import(&account, json!({})).await;
    assert_eq!(ada.finished(&batch).await["state"], json!("SUCCEEDED"));
    assert!(ada.timeline(json!({})).await.iter().all(|row| row["kind"] == json!("MEETING")));
    assert_eq!(
        app.db
            .number_of(&format!(
                "SELECT count(*) FROM jobs WHERE kind LIKE '%mail%' AND batch_id = '{}'",
                uuid_of(&batch)
            ))
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_on_another_site_finishes_a_link_in_its_own_persons_name() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let (ada, eve) = (app.person("ada"), app.person("eve"));
    let begin = "mutation { connect(input: { handOver: true }) { authorizationUrl userErrors { code } } }";
    let finish = "mutation($code: String!) { finishConnect(input: { connectCode: $code }) { accountId userErrors { code field } } }";
    let url = eve.data(begin, json!({})).await["connect"]["authorizationUrl"].as_str().expect("an address").to_owned();
    let back = ada.consent(&url.parse().expect("an address"), ADA, Consent::All).await;
    let (_, location) = ada.come_back(back.clone(), None).await;
    let code = location.split("connectCode=").nth(1).expect("a code").to_owned();

    // Eve sent Ada the address; the browser came back to Ada's application, where Ada is signed in.
    let refused = ada.data(finish, json!({ "code": code })).await;
    assert_eq!(refused["finishConnect"]["userErrors"][0]["code"], json!("INVALID_INPUT"));
    assert_eq!(app.db.number_of("SELECT count(*) FROM accounts").await, 0);

    let linked = eve.data(finish, json!({ "code": code })).await["finishConnect"].clone();
    assert!(linked["accountId"].is_string(), "{linked:#}");
    let again = eve.data(finish, json!({ "code": code })).await["finishConnect"].clone();
    assert_eq!(again["userErrors"][0]["code"], json!("INVALID_INPUT"), "a code works once");
}
