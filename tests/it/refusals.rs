//! What bad input gets: a stable code and a sentence that says what to do, and nothing half-written.

mod approving;
mod connecting;
mod ids;
mod input;
mod provider;
mod undoing;

use serde_json::{Value, json};

use crate::support::{Person, Settings, TestApp};

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

/// The payload of `syncNow`.
async fn sync_now(person: &Person, account: &str) -> Value {
    let query =
        "mutation($id: ID!) { syncNow(input: { accountId: $id }) { batch { id } userErrors { code message } } }";
    person.data(query, json!({ "id": account })).await["syncNow"].clone()
}
