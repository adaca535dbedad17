//! `timelineChanges`: whoever keeps a copy of the timeline has the timeline, whatever happened on the way.

use std::collections::BTreeMap;

use omnisync::sandbox::{Control, Deliver};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{sync::mpsc::Receiver, time::timeout};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{PATIENCE, Person, Redis, Settings, TestApp, WorkerProcess, eventually},
};

const ROW: &str = "id kind subject occurredAt labels deletedAt batchId sources { interactionId }";
const HOME: &str = "ada@home.example";

/// What a client keeps.
struct Copy {
    person: Person,
    filter: Value,
    rows: BTreeMap<String, Value>,
    cursor: Value,
    /// How many messages said something, and how many times it was made anew.
    n_told: usize,
    n_resets: usize,
    /// Whether the next message is the first of its subscription, which comes even when there is nothing to tell.
    is_first: bool,
}

impl Copy {
    /// Reads the whole timeline as it is, and where its changes begin.
    async fn read(person: &Person, filter: Value) -> Self {
        let mut copy = Self {
            person: person.clone(),
            filter,
            rows: BTreeMap::new(),
            cursor: Value::Null,
            n_told: 0,
            n_resets: 0,
            is_first: true,
        };
        (copy.rows, copy.cursor) = copy.timeline().await;
        copy
    }

    /// The timeline as a query gives it, and the place of its first page.
    async fn timeline(&self) -> (BTreeMap<String, Value>, Value) {
        let query = format!(
            "query($filter: TimelineFilter, $after: String) {{ timeline(first: 100, after: $after, filter: $filter) {{
                changesCursor nodes {{ {ROW} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let (mut rows, mut cursor, mut after) = (BTreeMap::new(), Value::Null, Value::Null);
        loop {
            let page =
                self.person.data(&query, json!({ "filter": self.filter, "after": after })).await["timeline"].clone();
            put(&mut rows, &page["nodes"]);
            if cursor.is_null() {
                cursor = page["changesCursor"].clone();
            }
            if page["pageInfo"]["hasNextPage"] != json!(true) {
                return (rows, cursor);
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    async fn follow(&mut self, first: usize) -> Receiver<Value> {
        self.is_first = true;
        let query = format!(
            "subscription($filter: TimelineFilter, $after: String, $first: Int!) {{
                timelineChanges(filter: $filter, after: $after, first: $first) {{
                    cursor reset added {{ {ROW} }} changed {{ {ROW} }} removed }} }}"
        );
        self.person.subscribe(&query, json!({ "filter": self.filter, "after": self.cursor, "first": first })).await
    }

    /// Takes a message in.
    async fn take(&mut self, message: &Value) {
        let change = &message["data"]["timelineChanges"];
        assert!(change.is_object(), "{message:#}");
        let is_empty = ["added", "changed", "removed"].iter().all(|list| change[list] == json!([]));
        assert!(!is_empty || change["reset"] == json!(true) || self.is_first, "said nothing: {change:#}");
        self.is_first = false;
        self.cursor = change["cursor"].clone();
        if change["reset"] == json!(true) {
            assert!(is_empty, "{change:#}");
            self.n_resets += 1;
            (self.rows, _) = self.timeline().await;
            return;
        }
        self.n_told += usize::from(!is_empty);
        for row in change["added"].as_array().expect("a list") {
            assert!(!self.rows.contains_key(row["id"].as_str().expect("an id")), "added twice: {row:#}");
        }
        put(&mut self.rows, &change["added"]);
        put(&mut self.rows, &change["changed"]);
        for id in change["removed"].as_array().expect("a list") {
            self.rows.remove(id.as_str().expect("an id"));
        }
    }

    /// Follows until the copy is what the timeline is; the timeline must be at rest.
    async fn catch_up(&mut self, messages: &mut Receiver<Value>) {
        let (truth, _) = self.timeline().await;
        while self.rows != truth {
            let Ok(message) = timeout(PATIENCE, messages.recv()).await else {
                let (missing, more): (Vec<_>, Vec<_>) = (
                    truth
                        .iter()
                        .filter(|(id, row)| self.rows.get(*id) != Some(row))
                        .map(|(_, row)| row)
                        .take(3)
                        .collect(),
                    self.rows.keys().filter(|id| !truth.contains_key(*id)).take(3).collect(),
                );
                panic!("{}: never came: {missing:#?}; never went: {more:#?}", self.filter);
            };
            self.take(&message.expect("it goes on")).await;
        }
    }

    /// Subscribes anew until there is nothing to tell. What is told is at most that something is not there which the copy never held.
    async fn assert_nothing_left(&mut self) {
        loop {
            let first = self.follow(100).await.recv().await.expect("the first message comes at once");
            let change = &first["data"]["timelineChanges"];
            assert_eq!((&change["added"], &change["changed"]), (&json!([]), &json!([])), "{}: told twice", self.filter);
            let removed = change["removed"].as_array().expect("a list");
            assert!(!removed.iter().any(|id| self.rows.contains_key(id.as_str().expect("an id"))), "{}", self.filter);
            self.take(&first).await;
            if removed.is_empty() {
                return;
            }
        }
    }
}

fn put(rows: &mut BTreeMap<String, Value>, of: &Value) {
    for row in of.as_array().expect("rows") {
        rows.insert(row["id"].as_str().expect("an id").to_owned(), row.clone());
    }
}

/// Steps small enough that there is a middle.
fn small_steps() -> Settings {
    Settings::from([("CHUNK_ITEMS", "10".to_owned())])
}

/// What never changes of an interaction, and what may.
fn filters(app: &TestApp, account: &str) -> [Value; 5] {
    let from = (app.clock.now() - chrono::TimeDelta::days(30)).to_rfc3339();
    [
        json!({}),
        json!({ "kind": "MEETING" }),
        json!({ "label": "INBOX", "accountId": account }),
        json!({ "direction": "SENT" }),
        json!({ "category": ["PERSONAL", "LIST"], "from": from }),
    ]
}

/// Changes a few things at Google: labels, deletions, a meeting that moves, a new mail.
fn happen(google: &Control, rng: &mut StdRng, n: usize) {
    let mails = google.search(ADA, "-in:chats").expect("a search");
    for _ in 0..8 {
        let id = &mails[rng.random_range(0..mails.len())];
        match rng.random_range(0..3) {
            0 => google.delete(ADA, id).unwrap_or_default(),
            1 => google.modify_labels(ADA, id, &["INBOX"], &[]).unwrap_or_default(),
            _ => google.modify_labels(ADA, id, &[], &["INBOX"]).unwrap_or_default(),
        }
    }
    let raw = format!(
        "From: Bob <bob@x.example>\r\nTo: {ADA}\r\nSubject: News {n}\r\nMessage-ID: <news{n}@x.example>\r\n\r\nNews.\r\n"
    );
    google.deliver(ADA, raw.as_bytes(), Deliver::default()).expect("delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_the_timeline_on_every_server_through_syncs_undo_and_redo() {
    let app = TestApp::start_idle(small_steps()).await;
    app.start_worker();
    app.start_worker();
    small_mailbox(&app, 60, 15);
    let (ada, there) = (app.person("ada"), app.elsewhere("ada").await);
    let account = ada.connect(ADA).await;
    let mut rng = StdRng::seed_from_u64(7);
    let mut copies = Vec::new();
    for (n, filter) in filters(&app, &account).into_iter().enumerate() {
        let mut copy = Copy::read(if n % 2 == 0 { &there } else { &ada }, filter).await;
        let messages = copy.follow([100, 25, 7, 1, 13][n]).await;
        copies.push((copy, messages));
    }

    let batch = ada.import(&account, everything()).await;
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    for (copy, messages) in &mut copies {
        copy.catch_up(messages).await;
        assert!(copy.n_told > 0 && copy.n_resets == 0);
    }
    assert!(copies[0].0.rows.len() > 60, "{}", copies[0].0.rows.len());
    let streams = ada.data("{ viewer { accounts { streams { id service } } } }", json!({})).await;
    for stream in streams["viewer"]["accounts"][0]["streams"].as_array().expect("streams") {
        let mut copy = Copy::read(&there, json!({ "streamId": stream["id"] })).await;
        let (kind, messages) = (copies[1].0.rows.len(), copy.follow(10).await);
        let expected = if stream["service"] == json!("CALENDAR") { kind } else { copies[0].0.rows.len() - kind };
        assert_eq!(copy.rows.len(), expected, "{stream}");
        copies.push((copy, messages));
    }
    for n in 0..2 {
        happen(&app.google, &mut rng, n);
        let later = ada.sync_now(&account).await;
        ada.finished(&later).await;
        for (copy, messages) in &mut copies {
            copy.catch_up(messages).await;
        }
        if n == 1 {
            ada.undo_whole(&later).await;
        }
    }
    ada.undo_whole(&batch).await;
    for (copy, messages) in &mut copies {
        copy.catch_up(messages).await;
    }
    ada.redo_whole(&batch).await;
    for (copy, messages) in &mut copies {
        copy.catch_up(messages).await;
        assert_eq!(copy.n_resets, 0);
        copy.assert_nothing_left().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_cut_off_again_and_again_goes_on_where_it_was_on_any_server() {
    let app = TestApp::start_idle(small_steps()).await;
    small_mailbox(&app, 200, 20);
    let people = [app.person("ada"), app.elsewhere("ada").await];
    let account = people[0].connect(ADA).await;
    let mut copy = Copy::read(&people[0], json!({})).await;
    let batch = people[0].import(&account, everything()).await;
    app.start_worker();
    app.start_worker();
    let mut n_cuts = 0;
    while people[0].batch(&batch).await["state"] != json!("SUCCEEDED") {
        copy.person = people[n_cuts % 2].clone();
        let mut messages = copy.follow(5).await;
        for _ in 0..3 {
            let Ok(Some(message)) = timeout(std::time::Duration::from_secs(1), messages.recv()).await else { break };
            copy.take(&message).await;
        }
        n_cuts += 1;
    }
    assert!(n_cuts > 2 && copy.n_told > 2, "it was over before it was cut off: {n_cuts} {}", copy.n_told);
    // Away while it is taken back, and back when it stands again: what came back is there, and nothing was missed.
    let mut away = Copy::read(&people[1], json!({})).await;
    let mut messages = copy.follow(25).await;
    copy.catch_up(&mut messages).await;
    people[0].undo_whole(&batch).await;
    people[0].redo_whole(&batch).await;
    people[0].undo_whole(&batch).await;
    let mut messages = away.follow(25).await;
    away.catch_up(&mut messages).await;
    let mut messages = copy.follow(25).await;
    copy.catch_up(&mut messages).await;
    assert!(away.rows.is_empty() && copy.rows.is_empty());
    assert_eq!((copy.n_resets, away.n_resets), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_arrive_though_redis_is_away_for_a_while_and_no_hint_arrives() {
    let mut redis = Redis::start();
    redis.ready().await;
    let mut settings = small_steps();
    settings.insert("REDIS_URL", redis.url());
    let app = TestApp::start_idle(settings).await;
    small_mailbox(&app, 100, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let mut copy = Copy::read(&ada, json!({})).await;
    let mut messages = copy.follow(25).await;
    let batch = ada.import(&account, everything()).await;
    // Under another prefix nothing that this worker says reaches the API.
    let mut elsewhere = app.vars.clone();
    elsewhere.insert("REDIS_PREFIX", format!("{}-elsewhere", app.config.redis.prefix));
    let _worker = WorkerProcess::start(&elsewhere);
    let look = || async { (app.db.number_of("SELECT count(*) FROM interactions").await > 10).then_some(()) };
    eventually(look, || "something on the timeline".to_owned()).await;
    redis.stop();
    // What the database holds is told without Redis.
    let here = app.db.number_of("SELECT count(*) FROM interactions").await;
    while i64::try_from(copy.rows.len()).expect("few") < here {
        let message = timeout(PATIENCE, messages.recv()).await.expect("it is told").expect("it goes on");
        copy.take(&message).await;
    }
    redis.restart().await;
    ada.finished(&batch).await;
    copy.catch_up(&mut messages).await;
    assert_eq!(copy.n_resets, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_for_too_long_is_told_to_begin_anew() {
    let app = TestApp::start().await;
    small_mailbox(&app, 20, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let mut old = Copy::read(&ada, json!({})).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;
    let mut young = Copy::read(&ada, json!({})).await;
    app.db.rows("UPDATE timeline_changes SET changed_at = now() - interval '8 days'").await;
    app.db.rows("UPDATE timelines SET purge_at = now() - interval '1 day'").await;
    let look = || async { (app.db.number_of("SELECT count(*) FROM timeline_changes").await == 0).then_some(()) };
    eventually(look, || "old changes are forgotten".to_owned()).await;

    let mut messages = old.follow(25).await;
    old.catch_up(&mut messages).await;
    assert_eq!((old.n_resets, old.n_told), (1, 0));
    young.assert_nothing_left().await;
    // Both go on from there.
    ada.undo_whole(&batch).await;
    old.catch_up(&mut messages).await;
    let mut later = young.follow(25).await;
    young.catch_up(&mut later).await;
    assert!(old.rows.is_empty() && young.rows.is_empty());
    assert_eq!((old.n_resets, young.n_resets), (1, 0));
    // A database that was set back to an older day does not know the newest places.
    app.db.rows("UPDATE timelines SET position = forgotten_to").await;
    let mut lost = young.follow(25).await;
    young.take(&lost.recv().await.expect("a message")).await;
    assert_eq!(young.n_resets, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_noted_for_whom_nobody_follows_and_nobody_misses_it() {
    const NOTED: &str = "SELECT count(*) FROM timeline_changes";
    let app = TestApp::start().await;
    small_mailbox(&app, 20, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;
    assert_eq!(app.db.number_of(NOTED).await, 0);
    let mut copy = Copy::read(&ada, json!({})).await;
    ada.undo_whole(&batch).await;
    let noted = app.db.number_of(NOTED).await;
    assert!(noted > 20, "{noted}");
    let mut messages = copy.follow(25).await;
    copy.catch_up(&mut messages).await;
    assert_eq!((copy.n_resets, copy.rows.len()), (0, 0));
    // Everyone has been away for longer than a week; then one comes back.
    drop(messages);
    app.db.rows("UPDATE timelines SET followed_until = now() - interval '1 hour'").await;
    ada.redo_whole(&batch).await;
    let mut messages = copy.follow(25).await;
    copy.catch_up(&mut messages).await;
    assert_eq!(copy.n_resets, 1);
    ada.undo_whole(&batch).await;
    copy.catch_up(&mut messages).await;
    assert_eq!((copy.n_resets, copy.rows.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_copy_of_a_mail_goes_the_other_comes() {
    let app = TestApp::start().await;
    for email in [ADA, HOME] {
        app.google.add_account(email, "Ada Brook").expect("an account");
    }
    let ada = app.person("ada");
    let accounts = [ada.connect(ADA).await, ada.connect(HOME).await];
    for n in 0..5 {
        let raw = format!(
            "From: Ada <{ADA}>\r\nTo: Ada <{HOME}>\r\nSubject: Keys {n}\r\nMessage-ID: <k{n}@x.example>\r\n\
             Date: Mon, 2 Nov 2026 09:00:00 +0100\r\n\r\nUnder the mat.\r\n"
        );
        for (email, label) in [(ADA, "SENT"), (HOME, "INBOX")] {
            let labels = vec![label.to_owned()];
            app.google.deliver(email, raw.as_bytes(), Deliver { labels, ..Deliver::default() }).expect("delivered");
        }
    }
    let mut copies = Vec::new();
    for filter in [json!({}), json!({ "accountId": accounts[1] }), json!({ "label": "INBOX" })] {
        let mut copy = Copy::read(&ada, filter).await;
        let messages = copy.follow(3).await;
        copies.push((copy, messages));
    }
    let mut batches = Vec::new();
    for account in accounts.iter().rev() {
        let batch = ada.import(account, everything()).await;
        ada.finished(&batch).await;
        batches.push(batch);
        for (copy, messages) in &mut copies {
            copy.catch_up(messages).await;
            assert_eq!(copy.rows.len(), 5);
        }
    }
    // The one that was sent stands for both, and goes.
    ada.undo_whole(&batches[1]).await;
    for (copy, messages) in &mut copies {
        copy.catch_up(messages).await;
        assert_eq!(copy.rows.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_contacts_timeline_begins_anew_when_the_contact_is_another() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    for (n, who) in ["grace@navy.example", "grace@home.example"].into_iter().enumerate() {
        let raw = format!(
            "From: Ada <{ADA}>\r\nTo: Grace <{who}>\r\nSubject: Hello {n}\r\nMessage-ID: <h{n}@x.example>\r\n\r\nHello.\r\n"
        );
        let labels = vec!["SENT".to_owned()];
        app.google.deliver(ADA, raw.as_bytes(), Deliver { labels, ..Deliver::default() }).expect("delivered");
    }
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;
    let found = ada.data("{ contacts { nodes { id } } }", json!({})).await;
    let ids: Vec<Value> =
        found["contacts"]["nodes"].as_array().expect("two").iter().map(|node| node["id"].clone()).collect();
    let mut copy = Copy::read(&ada, json!({ "contactId": ids[0] })).await;
    let mut messages = copy.follow(25).await;
    assert_eq!(copy.rows.len(), 1);
    let merge = "mutation($input: MergeContactsInput!) { mergeContacts(input: $input) { userErrors { code } } }";
    ada.data(merge, json!({ "input": { "contactIds": ids } })).await;
    copy.catch_up(&mut messages).await;
    assert_eq!((copy.rows.len(), copy.n_resets), (2, 1));
    // So does one that comes back with the cursor of another filter.
    copy.filter = json!({});
    let mut messages = copy.follow(25).await;
    copy.take(&messages.recv().await.expect("a message")).await;
    assert_eq!(copy.n_resets, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_refused_at_once() {
    let app = TestApp::start().await;
    let ada = app.person("ada");
    let query = "subscription($filter: TimelineFilter, $after: String, $first: Int!) {
        timelineChanges(filter: $filter, after: $after, first: $first) { cursor } }";
    for (variables, code) in [
        (json!({ "first": 0 }), "BAD_USER_INPUT"),
        (json!({ "first": 101 }), "BAD_USER_INPUT"),
        (json!({ "first": 1, "after": "x" }), "BAD_USER_INPUT"),
        (json!({ "first": 1, "filter": { "thread": "a\u{0}" } }), "BAD_USER_INPUT"),
        (
            json!({ "first": 1, "filter": { "accountId": "QWNjb3VudDowMTkyZjAwMDAwMDA3MDAwODAwMDAwMDAwMGMwZmZlZQ" } }),
            "NOT_FOUND",
        ),
        (json!({ "first": 1, "filter": { "batchId": "x" } }), "NOT_FOUND"),
    ] {
        let told = ada.subscribe(query, variables.clone()).await.recv().await.expect("an answer");
        assert_eq!(told["errors"][0]["extensions"]["code"], json!(code), "{variables}: {told:#}");
    }
}
