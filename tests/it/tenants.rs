//! Tenants never meet (invariant 8): what the catalogue promises, what each role really sees, and what the API gives away.

mod api;
mod catalogue;
mod rows;

use omnisync::sandbox::{Deliver, Generate};
use serde_json::{Value, json};

use crate::{
    flow::everything,
    support::{Person, Settings, TestApp},
};

/// One of two people who have everything there is to have.
struct Tenant {
    person: Person,
    email: &'static str,
    account: String,
    batch: String,
    /// In the subject of a mail of theirs, and nowhere else.
    word: &'static str,
}

impl Tenant {
    async fn settle(app: &TestApp, name: &str, email: &'static str, word: &'static str) -> Self {
        app.google.add_account(email, name).expect("an account");
        #[expect(clippy::disallowed_methods, reason = "made-up mail ends today")]
        let now = chrono::Utc::now();
        let generate = Generate { messages: 12, events: 6, months: 2, seed: word.len() as u64, now };
        app.google.generate(email, &generate).expect("a mailbox");
        let mail =
            format!("From: {name} <{email}>\r\nTo: x@example.org, y@example.org\r\nSubject: {word}\r\n\r\n{word}\r\n");
        app.google.deliver(email, mail.as_bytes(), Deliver::default()).expect("delivered");
        let person = app.person(name);
        let save = "mutation { updatePreferences(input: { mailDaysBack: 90 }) { userErrors { code } } }";
        person.data(save, json!({})).await;
        // From now on what changes is noted.
        person.data("{ timeline(first: 1) { changesCursor } }", json!({})).await;
        let account = person.connect(email).await;
        let batch = person.import(&account, everything()).await;
        person.finished(&batch).await;
        decide(&person).await;
        // Something that was undone and can be redone.
        let raw = format!("From: {name} <{email}>\r\nTo: x@example.org\r\nSubject: undone {word}\r\n\r\n{word}\r\n");
        app.google.deliver(email, raw.as_bytes(), Deliver::default()).expect("delivered");
        let later = person.sync_now(&account).await;
        person.finished(&later).await;
        person.undo_whole(&later).await;
        Self { person, email, account, batch, word }
    }
}

/// Decides everything about people that there is to decide.
async fn decide(person: &Person) {
    let query = "{ contacts(first: 100) { nodes { id identities { address } } } }";
    let all = person.data(query, json!({})).await["contacts"]["nodes"].clone();
    let id = |address: &str| {
        let is_theirs = |one: &&Value| one["identities"][0]["address"] == json!(address);
        all.as_array().expect("contacts").iter().find(is_theirs).unwrap_or_else(|| panic!("{all:#}"))["id"].clone()
    };
    let decide =
        "mutation($x: ID!, $ids: [ID!]!) { renameContact(input: { contactId: $x, name: \"X\" }) { userErrors { code } }
        dismissContactSuggestion(input: { contactIds: $ids }) { userErrors { code } }
        blockContacts(input: { entries: [\"blocked.example\"] }) { userErrors { code } } }";
    let (x, y) = (id("x@example.org"), id("y@example.org"));
    let done = person.data(decide, json!({ "x": x, "ids": [x, y] })).await;
    assert!(!done.to_string().contains("code"), "{done:#}");
}

/// Two people with a mailbox each, imported.
async fn two_people() -> (TestApp, Tenant, Tenant) {
    let app = TestApp::start_with(Settings::new()).await;
    let ada = Tenant::settle(&app, "ada", "ada@brightwater.example", "quokkaquartz").await;
    let ben = Tenant::settle(&app, "ben", "ben@stonebridge.example", "ibisindigo").await;
    (app, ada, ben)
}

/// The tables that hold people's rows.
const TABLES: &str = "
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1";

async fn tables(app: &TestApp) -> Vec<String> {
    app.db.rows(TABLES).await.into_iter().map(|mut row| row.remove(0)).collect()
}

/// The first text under this key, anywhere in an answer.
fn first<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    match value {
        Value::Object(fields) => match fields.get(key).and_then(Value::as_str) {
            Some(text) => Some(text),
            None => fields.values().find_map(|inner| first(inner, key)),
        },
        Value::Array(values) => values.iter().find_map(|inner| first(inner, key)),
        _ => None,
    }
}
