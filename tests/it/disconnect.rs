//! Parting from an account: what stops, what is forgotten, what stays, and how one comes back.

use omnisync::sandbox::{Fault, FaultMatch};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Person, Settings, TestApp, connect, eventually, source_ids},
};

async fn disconnect(person: &Person, account: &str, data: &str, revoke: bool) -> Value {
    let query = "mutation($input: DisconnectInput!) { disconnect(input: $input) {
        account { id state services { granted } streams { consented } } undoing revokedAtProvider userErrors { code field } } }";
    let input = json!({ "input": { "accountId": account, "data": data, "revoke": revoke } });
    person.data(query, input).await["disconnect"].clone()
}

/// Requests to Google's APIs, and to its revocation endpoint.
fn requests(app: &TestApp) -> (usize, Vec<u16>) {
    let journal = app.google.journal();
    let of_api = |path: &str| path.starts_with("/gmail/") || path.starts_with("/calendar/");
    let revocations = journal.iter().filter(|entry| entry.path_template == "/revoke").map(|entry| entry.status);
    (journal.iter().filter(|entry| of_api(&entry.path_template)).count(), revocations.collect())
}

const TOKENS: &str = "SELECT count(*) FROM accounts WHERE access_token IS NOT NULL OR refresh_token IS NOT NULL";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_disconnected_in_the_middle_keeps_what_came_in_and_can_be_connected_again() {
    let settings = Settings::from([("CHUNK_ITEMS", "5".to_owned()), ("SLICE_ITEMS", "60".to_owned())]);
    let app = TestApp::start_with(settings).await;
    small_mailbox(&app, 300, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let some = || async { (app.db.number_of("SELECT sum(n_stored)::bigint FROM batches").await >= 40).then_some(()) };
    eventually(some, || "40 stored".to_owned()).await;

    let parted = disconnect(&ada, &account, "KEEP", true).await;
    assert_eq!((&parted["userErrors"], &parted["revokedAtProvider"]), (&json!([]), &json!(true)), "{parted:#}");
    assert_eq!((&parted["account"]["id"], &parted["account"]["state"]), (&json!(account), &json!("DISCONNECTED")));
    let off = |list: &Value, field: &str| list.as_array().is_some_and(|all| all.iter().all(|one| one[field] == false));
    assert!(off(&parted["account"]["services"], "granted") && off(&parted["account"]["streams"], "consented"));
    assert_eq!(app.db.number_of(TOKENS).await, 0);
    let end = ada.finished(&batch).await;
    assert_eq!(
        (&end["state"], &end["counts"]["normalized"]),
        (&json!("CANCELLED"), &end["counts"]["stored"]),
        "{end:#}"
    );
    let kept = ada.timeline(json!({ "kind": "EMAIL" })).await.len();
    assert!((20..300).contains(&kept), "{kept}");
    let (_, revocations) = requests(&app);
    assert_eq!(revocations, [200]);

    let again = disconnect(&ada, &account, "KEEP", true).await;
    assert_eq!((&again["account"]["state"], &again["revokedAtProvider"]), (&json!("DISCONNECTED"), &Value::Null));
    let query = "mutation($input: SyncNowInput!) { syncNow(input: $input) { userErrors { code } } }";
    let refused = ada.data(query, json!({ "input": { "accountId": account } })).await;
    assert_eq!(refused["syncNow"]["userErrors"], json!([{ "code": "DISCONNECTED" }]));

    assert_eq!(ada.connect(ADA).await, account, "the account keeps its id");
    let batch = ada.import(&account, everything()).await;
    let end = ada.finished(&batch).await;
    assert_eq!(end["state"], json!("SUCCEEDED"), "{end:#}");
    let mut expected = app.google.search(ADA, "-in:chats").expect("a search");
    expected.sort_unstable();
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_disconnected_for_good_leaves_nothing_but_ids() {
    let app = TestApp::start().await;
    small_mailbox(&app, 40, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let first = ada.import(&account, everything()).await;
    ada.finished(&first).await;
    let second = ada.import(&account, everything()).await;
    ada.finished(&second).await;

    let parted = disconnect(&ada, &account, "ERASE", false).await;
    assert_eq!((&parted["undoing"], &parted["revokedAtProvider"]), (&json!(2), &Value::Null), "{parted:#}");
    for batch in [&first, &second] {
        ada.batch_in(batch, &["UNDONE"]).await;
    }
    for table in ["raw_events", "interactions", "batch_items"] {
        assert_eq!(app.db.number_of(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!(app.db.number_of(TOKENS).await, 0);
    assert_eq!(requests(&app).1, [0_u16; 0], "nobody asked Google to forget");
    assert_eq!(disconnect(&ada, &account, "ERASE", true).await["undoing"], json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_take_the_grant_back_keeps_nobody_from_leaving() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 1, 0);
    let (ada, bob) = (app.person("ada"), app.person("bob"));
    let account = ada.connect(ADA).await;
    let missing = disconnect(&bob, &account, "ERASE", true).await;
    assert_eq!(missing["userErrors"], json!([{ "code": "NOT_FOUND", "field": "accountId" }]));
    assert_eq!(app.db.number_of(TOKENS).await, 1);

    let which = FaultMatch { method: None, path_prefix: "/revoke".to_owned() };
    let fault = Fault { status: 503, reason: "backendError".to_owned(), message: String::new(), times: u32::MAX };
    app.google.fail_next(which, fault);
    let parted = disconnect(&ada, &account, "KEEP", true).await;
    assert_eq!((&parted["account"]["state"], &parted["revokedAtProvider"]), (&json!("DISCONNECTED"), &json!(false)));
    assert_eq!(app.db.number_of(TOKENS).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_about_to_store_and_a_disconnect_do_not_wait_for_each_other() {
    let app = TestApp::start_idle(Settings::default()).await;
    small_mailbox(&app, 30, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    ada.import(&account, everything()).await;
    // As long as somebody else has the streams, whoever wants to write them waits.
    let mut other = connect(&app.db.owner_url).await;
    let held = other.transaction().await.expect("a transaction");
    held.execute("SELECT FROM streams FOR NO KEY UPDATE", &[]).await.expect("the streams");
    let waits = async |role: &str| {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = '{role}' AND wait_event_type = 'Lock'"
        );
        eventually(async || (app.db.number_of(&sql).await >= 1).then_some(()), || format!("{role} waits")).await;
    };
    app.start_worker();
    waits("omnisync_worker").await;
    let release = async {
        waits("omnisync_api").await;
        held.rollback().await.expect("given back");
    };
    let (parted, ()) = futures::join!(disconnect(&ada, &account, "KEEP", false), release);
    assert_eq!(
        (&parted["userErrors"], &parted["account"]["state"]),
        (&json!([]), &json!("DISCONNECTED")),
        "{parted:#}"
    );
}
