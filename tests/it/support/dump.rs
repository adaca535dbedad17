//! All that is kept, to be searched for what must not be in it.

use std::fmt::{self, Debug, Formatter};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use omnisync::{
    app::App,
    domain::ids::{StreamId, UserId},
    sync::Vault,
};
use serde_json::Value;

use super::{TestApp, TestDatabase};

/// A value of one column of one row, bytes in hexadecimal digits.
pub(crate) struct Cell {
    pub(crate) table: String,
    pub(crate) column: String,
    value: String,
}

impl Debug for Cell {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}

/// Every value of every row of every table.
pub(crate) async fn cells(db: &TestDatabase) -> Vec<Cell> {
    let tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND NOT relispartition";
    let mut all = Vec::new();
    for mut row in db.rows(tables).await {
        let table = row.remove(0);
        let sql = format!("SELECT key, value FROM {table} t, jsonb_each_text(to_jsonb(t)) WHERE value IS NOT NULL");
        for row in db.rows(&sql).await {
            let [column, value] = row.try_into().expect("two columns");
            all.push(Cell { table: table.clone(), column, value });
        }
    }
    all
}

/// A text as it would look in a place that spells it otherwise.
pub(crate) fn spellings(text: &str) -> Vec<String> {
    let mut all = vec![
        text.to_owned(),
        hex::encode(text),
        URL_SAFE_NO_PAD.encode(text),
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
        // As Rust's `{:?}` writes bytes.
        text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "),
    ];
    // Inside a longer text, base64 begins at any of three places; what depends on the neighbours is cut off.
    for ahead in 0..3 {
        let encoded = STANDARD_NO_PAD.encode([&b"___"[..ahead], text.as_bytes()].concat());
        all.push(encoded[if ahead == 0 { 0 } else { 4 }..encoded.len() - 2].to_owned());
    }
    all
}

/// Whether a text holds another, however it is spelt.
pub(crate) fn holds(haystack: &str, needle: &str) -> bool {
    spellings(needle).iter().any(|spelling| haystack.contains(spelling))
}

impl Cell {
    pub(crate) fn holds(&self, needle: &str) -> bool {
        holds(&self.value, needle)
    }
}

/// Opens what is sealed, as a worker does.
pub(crate) struct Opener {
    pub(crate) user: UserId,
    pub(crate) vault: Vault,
}

impl Opener {
    /// For the person with this account.
    pub(crate) async fn of(app: &TestApp, email: &str) -> Self {
        let found = app.db.rows(&format!("SELECT user_id FROM accounts WHERE email = '{email}'")).await;
        let user = UserId(found[0][0].parse().expect("a UUID"));
        let handles = App::for_worker(app.config.clone(), app.clock.clone()).expect("the handles");
        let mut tx = handles.db.begin(user).await.expect("a transaction");
        let vault = Vault::open(&handles, &mut tx).await.expect("a vault");
        Self { user, vault }
    }

    /// Every raw event of the person, opened.
    pub(crate) async fn raw_events(&self, db: &TestDatabase) -> Vec<Value> {
        let sql = format!(
            "SELECT stream_id, source_id, version, encode(payload, 'hex') FROM raw_events WHERE user_id = '{}'",
            self.user
        );
        let open = |row: Vec<String>| {
            let stream = StreamId(row[0].parse().expect("a UUID"));
            let sealed = hex::decode(&row[3]).expect("bytes");
            let version = row[2].parse().expect("a number");
            let payload = self.vault.open_raw(stream, &row[1], version, &sealed).expect("it opens");
            serde_json::from_slice(&payload).expect("it is JSON")
        };
        db.rows(&sql).await.into_iter().map(open).collect()
    }
}
