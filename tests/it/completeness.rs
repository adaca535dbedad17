//! Whether everything that is at the provider is here: lost rows and a cursor that has run ahead are found and mended.

use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Person, Settings, TestApp, source_ids},
};

/// Audits, waits for the end, and gives the batch and the coverage of the mailbox.
async fn audit(ada: &Person, account: &str) -> (Value, Value) {
    let query = "mutation($input: AuditCompletenessInput!) { auditCompleteness(input: $input) { batch { id origin } userErrors { code } } }";
    let payload = ada.data(query, json!({ "input": { "accountId": account } })).await["auditCompleteness"].clone();
    assert_eq!(payload["batch"]["origin"], json!("AUDIT"), "{payload:#}");
    let done = ada.finished(payload["batch"]["id"].as_str().expect("an id")).await;
    (done, coverage(ada, "GMAIL").await)
}

async fn coverage(ada: &Person, service: &str) -> Value {
    let query = "{ viewer { accounts { streams { service coverage { checkedAt listed gaps percent } } } } }";
    let account = ada.data(query, json!({})).await["viewer"]["accounts"][0].clone();
    let streams = account["streams"].as_array().expect("streams").clone();
    streams.into_iter().find(|stream| stream["service"] == service).expect("a stream")["coverage"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_an_audit_finds_what_was_lost_and_what_a_cursor_has_missed() {
    let app = TestApp::start_with(Settings::from([("CHUNK_ITEMS", "10".to_owned())])).await;
    small_mailbox(&app, 60, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;
    let first = coverage(&ada, "GMAIL").await;
    assert_eq!((&first["gaps"], &first["percent"]), (&json!(0), &json!(100.0)), "nothing is a gap to a first listing");

    // Rows go missing, as after a restore from a backup; and a deletion happens that the cursor is already past.
    let ids = app.google.search(ADA, "-in:chats").expect("a search");
    let lost = format!("('{}', '{}', '{}')", ids[1], ids[7], ids[20]);
    for (table, column) in [
        ("interactions", "group_key"),
        ("batch_items", "source_id"),
        ("raw_events", "source_id"),
        ("items", "source_id"),
    ] {
        app.db.rows(&format!("DELETE FROM {table} WHERE {column} IN {lost}")).await;
    }
    app.google.delete(ADA, &ids[3]).expect("deleted");
    app.db.rows("UPDATE streams SET cursor = (cursor::bigint + 1000000)::text WHERE service = 'gmail'").await;
    app.google
        .deliver(ADA, b"From: grace@example.org\r\nSubject: Late\r\n\r\nLate.\r\n", Default::default())
        .expect("delivered");

    let (done, found) = audit(&ada, &account).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let mut expected = app.google.search(ADA, "-in:chats").expect("a search");
    expected.sort_unstable();
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), expected);
    let listed = expected.len();
    // The three that were lost, and the late one, of which the cursor did not tell.
    assert_eq!((&found["listed"], &found["gaps"]), (&json!(listed), &json!(4)), "{found:#}");
    let percent = found["percent"].as_f64().expect("a number");
    #[expect(clippy::cast_precision_loss, reason = "some sixty items")]
    let share = (listed - 4) as f64 / listed as f64 * 100.0;
    assert!((percent - share).abs() < 0.001, "{percent} instead of {share}");
    assert_eq!(done["counts"]["gone"], json!(1), "{done:#}");

    let (done, found) = audit(&ada, &account).await;
    assert_eq!((&done["counts"]["stored"], &done["counts"]["gone"]), (&json!(0), &json!(0)), "{done:#}");
    assert_eq!((&found["gaps"], &found["percent"]), (&json!(0), &json!(100.0)), "{found:#}");
    assert_eq!(coverage(&ada, "CALENDAR").await["percent"], json!(100.0));
}
