//! What bad input gets: a stable code and a sentence that says what to do, and nothing half-written.

mod approving;
mod connecting;
mod ids;
mod input;
mod provider;
mod undoing;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{Person, Settings, TestApp, connect, eventually};

/// The code of a payload that refuses, whose sentence must be fit to show.
#[track_caller]
fn code(payload: &Value) -> &str {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("not a payload: {payload:#}"));
    assert_eq!(errors.len(), 1, "{payload:#}");
    let message = errors[0]["message"].as_str().expect("a sentence");
    let field = errors[0]["field"].as_str().unwrap_or_default();
    let begins = message.starts_with(char::is_uppercase) || (!field.is_empty() && message.starts_with(field));
    assert!(message.len() > 15 && begins && message.ends_with('.'), "{message:?} is no sentence");
    for (key, value) in payload.as_object().expect("fields") {
        let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        assert!(key == "userErrors" || is_empty, "refused, and yet: {payload:#}");
    }
    errors[0]["code"].as_str().expect("a code")
}

/// How many rows each table holds.
async fn counts(app: &TestApp) -> Vec<(String, i64)> {
    let names = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND NOT relispartition ORDER BY 1";
    let mut all = Vec::new();
    for mut row in app.db.rows(names).await {
        let table = row.remove(0);
        let count = app.db.number_of(&format!("SELECT count(*) FROM {table}")).await;
        all.push((table, count));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_out_of_reach_is_said_to_be_so() {
    let app = TestApp::start_idle(Settings::new()).await;
    let ada = app.person("ada");
    ada.data("{ viewer { accounts { id } } }", json!({})).await;
    let name = app.db.rows("SELECT current_database()").await.remove(0).remove(0);
    let closed = format!("ALTER DATABASE {name} CONNECTION LIMIT 0");
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user";
    for sql in [&closed, ended] {
        app.db.rows(sql).await;
    }
    for operation in
        ["{ viewer { accounts { id } } }", "mutation { updatePreferences(input: {}) { userErrors { code } } }"]
    {
        let answer = ada.answer(operation, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!("UNAVAILABLE"), "{answer:#}");
    }
    app.db.rows(&format!("ALTER DATABASE {name} CONNECTION LIMIT -1")).await;
    ada.data("{ viewer { accounts { id } } }", json!({})).await;
}

/// Waits until the database runs this many statements of the API that somebody else keeps waiting.
async fn waiting(app: &TestApp, wanted: i64) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'omnisync_api'
        AND state = 'active' AND wait_event_type = 'Lock'";
    let look = async || (app.db.number_of(waiting).await == wanted).then_some(());
    eventually(look, || format!("there are not {wanted} statements waiting")).await;
}

/// An operation that waits for its database, which somebody else keeps waiting: for this many seconds at most, by the operation's own
/// limit. By itself, its statement would end long after the test has.
async fn kept_waiting(limit: &str, leave: impl AsyncFnOnce(&TestApp, JoinHandle<Value>)) {
    let settings = [("HTTP_TIMEOUT_SECS", limit), ("DATABASE_STATEMENT_TIMEOUT_SECS", "600")];
    let app = TestApp::start_idle(settings.map(|(name, value)| (name, value.to_owned())).into()).await;
    let (ada, query) = (app.person("ada"), "{ viewer { accounts { id } } }");
    ada.data(query, json!({})).await;
    let mut other = connect(&app.db.owner_url).await;
    let lock = other.transaction().await.expect("a transaction");
    lock.batch_execute("LOCK TABLE accounts").await.expect("a lock");
    let asked = tokio::spawn({
        let ada = ada.clone();
        async move { ada.answer(query, json!({})).await }
    });
    leave(&app, asked).await;
    waiting(&app, 0).await;
    lock.rollback().await.expect("the end");
    ada.data(query, json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_time_is_over_ends_in_the_database_too() {
    let until_told = async |_: &TestApp, asked: JoinHandle<Value>| {
        let answer = asked.await.expect("an answer");
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!("TIMEOUT"), "{answer:#}");
    };
    kept_waiting("2", until_told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_caller_has_gone_ends_in_the_database_too() {
    let go = async |app: &TestApp, asked: JoinHandle<Value>| {
        waiting(app, 1).await;
        asked.abort();
    };
    kept_waiting("600", go).await;
}

/// The payload of `syncNow`.
async fn sync_now(person: &Person, account: &str) -> Value {
    let query =
        "mutation($id: ID!) { syncNow(input: { accountId: $id }) { batch { id } userErrors { code message } } }";
    person.data(query, json!({ "id": account })).await["syncNow"].clone()
}
