//! Faults in the middle: a database that refuses one write, and a Google that refuses, throttles, loses and forgets.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt, future::join_all, stream};
use omnisync::{
    domain::ids::UserId,
    sandbox::{Deliver, Fault, FaultMatch, FaultPlan, Generate, When},
};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{FINISHED, Person, Settings, TestApp, eventually_within, source_ids, uuid_of},
};

/// A try that failed waits up to 15 s for the next, and the one after that up to 30 s.
const LONG: Duration = Duration::from_secs(240);

/// A lease that ends soon: a write that fails while a job is claimed or let go leaves it held.
fn impatient() -> Settings {
    let settings = [("LEASE_SECS", "3"), ("SLICE_SECS", "2"), ("CHUNK_ITEMS", "10"), ("DATABASE_POOL_SIZE", "12")];
    settings.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// Fails the statement that is the n-th to write to a table on behalf of a person, once.
///
/// A sequence counts, because it alone outlives the transaction that fails.
const FAULTS: &str = "
    CREATE TABLE faults (user_id uuid, relation text, nth bigint, counter regclass);
    CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
        fault public.faults;
    BEGIN
        FOR fault IN SELECT * FROM public.faults
            WHERE user_id::text = current_setting('app.user_id', true) AND relation = TG_TABLE_NAME
        LOOP
            IF nextval(fault.counter) = fault.nth THEN RAISE EXCEPTION 'a fault of the tests'; END IF;
        END LOOP;
        RETURN NULL;
    END $$;";
const TABLES: [&str; 9] = [
    "items",
    "raw_events",
    "batch_items",
    "batches",
    "jobs",
    "interactions",
    "streams",
    "undone_items",
    "undone_events",
];

/// Which write of a person's run fails.
struct Case {
    person: Person,
    email: String,
    name: String,
    table: &'static str,
    nth: i64,
}

impl Case {
    fn new(app: &TestApp, table: &'static str, nth: i64) -> Self {
        let name = format!("{table}_{nth}");
        let email = format!("{name}@brightwater.example");
        app.google.add_account(&email, "Ada Brook").expect("an account");
        let generate = Generate { messages: 40, events: 10, months: 3, ..Generate::usual(app.clock.now()) };
        app.google.generate(&email, &generate).expect("a mailbox");
        Self { person: app.person(&name), email, name, table, nth }
    }

    /// Plans the fault; from now on it is this person's next writes that count.
    async fn arm(&self, app: &TestApp) {
        let user = UserId::of_subject(app.issuer(), &self.name);
        let (name, table, nth) = (&self.name, self.table, self.nth);
        app.db.rows(&format!("DROP SEQUENCE IF EXISTS {name}; CREATE SEQUENCE {name}")).await;
        app.db
            .rows(&format!("DELETE FROM faults WHERE user_id = '{user}'; INSERT INTO faults VALUES ('{user}', '{table}', {nth}, '{name}')"))
            .await;
    }

    async fn has_failed(&self, app: &TestApp) -> bool {
        let user = UserId::of_subject(app.issuer(), &self.name);
        let n = app.db.number_of(&format!("SELECT last_value FROM {}", self.name)).await;
        app.db.rows(&format!("DELETE FROM faults WHERE user_id = '{user}'")).await;
        n >= self.nth
    }

    /// A whole run with the fault in it, then the undo with one, and the redo.
    async fn play(&self, app: &TestApp) {
        let account = self.person.connect(&self.email).await;
        let preview = self.person.preview_id(&account, everything()).await;
        self.arm(app).await;
        // The approval itself may be what fails; nothing of it is kept then, and it is asked for again.
        let batch =
            eventually_within(LONG, || self.try_approve(&preview), || format!("{}: an approval", self.name)).await;
        let done = self.person.batch_in_within(LONG, &batch, FINISHED).await;
        assert_eq!(done["state"], json!("SUCCEEDED"), "{}: {done:#}", self.name);
        let is_met = self.has_failed(app).await;
        self.check_whole(app, &done).await;

        self.arm(app).await;
        eventually_within(LONG, || self.try_undo(&batch), || format!("{}: an undo", self.name)).await;
        self.person.batch_in_within(LONG, &batch, &["UNDONE"]).await;
        assert!(is_met || self.has_failed(app).await, "{}: no such write", self.name);
        self.check_empty(app).await;

        self.arm(app).await;
        eventually_within(LONG, || self.try_redo(&batch), || format!("{}: a redo", self.name)).await;
        let redone = self.person.batch_in_within(LONG, &batch, &["SUCCEEDED"]).await;
        self.check_whole(app, &redone).await;
    }

    /// A run that brings deletions, and the purge of what they leave, with the fault in it.
    async fn purge(&self, app: &TestApp) {
        let account = self.person.connect(&self.email).await;
        let batch = self.person.import(&account, everything()).await;
        self.person.finished(&batch).await;
        let ids = app.google.search(&self.email, "-in:chats").expect("a search");
        ids[..4].iter().for_each(|id| app.google.delete(&self.email, id).expect("deleted"));
        let run = self.person.sync_now(&account).await;
        assert_eq!(self.person.finished(&run).await["counts"]["gone"], json!(4), "{}", self.name);
        let shown = self.person.timeline(json!({})).await;
        self.arm(app).await;
        let user = UserId::of_subject(app.issuer(), &self.name);
        let mine = format!("user_id = '{user}' AND purge_at");
        app.db.rows(&format!("UPDATE items SET purge_at = now() WHERE {mine} IS NOT NULL")).await;
        let left = format!("SELECT count(*) FROM items WHERE {mine} IS NOT NULL");
        let at_rest = || async { (app.db.number_of(&left).await == 0).then_some(()) };
        eventually_within(LONG, at_rest, || format!("{}: a purge", self.name)).await;
        assert!(self.has_failed(app).await, "{}: no such write", self.name);
        let of = |what: &str| {
            format!(
                "SELECT count(*) FROM {what} WHERE user_id = '{user}' AND source_id = ANY('{{{}}}')",
                ids[..4].join(",")
            )
        };
        assert_eq!(app.db.number_of(&of("raw_events")).await, 4, "{}: the markers alone", self.name);
        assert_eq!(
            app.db.number_of(&format!("{} AND version IS NOT NULL", of("batch_items"))).await,
            4,
            "{}",
            self.name
        );
        assert_eq!(self.person.timeline(json!({})).await, shown, "{}", self.name);
        let sql = format!("SELECT counts->>'versions' FROM sync_audit WHERE user_id = '{user}' AND action = 'purge'");
        assert_eq!(app.db.rows(&sql).await, [["4"]], "{}: told once", self.name);
    }

    async fn try_approve(&self, preview: &str) -> Option<String> {
        let query = "mutation($input: ApproveInput!) { approve(input: $input) { batch { id } } }";
        let input = json!({ "input": { "previewId": preview, "idempotencyKey": preview } });
        self.person.answer(query, input).await["data"]["approve"]["batch"]["id"].as_str().map(str::to_owned)
    }

    async fn try_undo(&self, batch: &str) -> Option<()> {
        let query = "mutation($input: UndoInput!) { undo(input: $input) { batch { id } } }";
        let answer = self.person.answer(query, json!({ "input": { "batchId": batch } })).await;
        answer["data"]["undo"]["batch"]["id"].as_str().map(|_| ())
    }

    async fn try_redo(&self, batch: &str) -> Option<()> {
        let query = "mutation($input: RedoInput!) { redo(input: $input) { batch { id } } }";
        let answer = self.person.answer(query, json!({ "input": { "batchId": batch } })).await;
        answer["data"]["redo"]["batch"]["id"].as_str().map(|_| ())
    }

    async fn check_whole(&self, app: &TestApp, done: &Value) {
        let (counts, name) = (&done["counts"], &self.name);
        let sum: i64 =
            ["stored", "unchanged", "filtered", "failed", "gone"].iter().filter_map(|n| counts[n].as_i64()).sum();
        assert_eq!(counts["listed"].as_i64(), Some(sum), "{name}: {counts}");
        assert_eq!(counts["normalized"], counts["stored"], "{name}");
        let mut expected = app.google.search(&self.email, "-in:chats").expect("a search");
        expected.sort_unstable();
        assert_eq!(source_ids(&self.person.timeline(json!({ "kind": "EMAIL" })).await), expected, "{name}");
        assert!(!self.person.timeline(json!({ "kind": "MEETING" })).await.is_empty(), "{name}");
        let user = UserId::of_subject(app.issuer(), name);
        let n = |table: &str| format!("SELECT count(*) FROM {table} WHERE user_id = '{user}'");
        assert_eq!(app.db.number_of(&n("raw_events")).await, counts["stored"].as_i64().expect("a number"), "{name}");
        assert_eq!(app.db.number_of(&format!("{} AND to_project", n("items"))).await, 0, "{name}");
    }

    async fn check_empty(&self, app: &TestApp) {
        let user = UserId::of_subject(app.issuer(), &self.name);
        for table in ["raw_events", "interactions", "batch_items"] {
            let sql = format!("SELECT count(*) FROM {table} WHERE user_id = '{user}'");
            assert_eq!(app.db.number_of(&sql).await, 0, "{}: {table}", self.name);
        }
        let sql = format!("SELECT count(*) FROM sync_audit WHERE user_id = '{user}' AND action = 'undo'");
        assert_eq!(app.db.number_of(&sql).await, 2, "{}: started and succeeded", self.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_4_whichever_write_fails_once_the_end_is_the_same() {
    let app = TestApp::start_with(impatient()).await;
    app.db.rows(FAULTS).await;
    for table in TABLES {
        let sql = format!(
            "CREATE TRIGGER fail_once AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail_once()"
        );
        app.db.rows(&sql).await;
    }
    let nths = |table| match table {
        "streams" => vec![1, 2],
        "undone_items" | "undone_events" => vec![1, 2],
        "raw_events" | "interactions" => vec![1, 2, 3],
        _ => vec![1, 2, 3, 4, 5],
    };
    let cases: Vec<Case> =
        TABLES.iter().flat_map(|table| nths(*table).into_iter().map(|nth| Case::new(&app, table, nth))).collect();
    // Not all at once: they would wait for connections longer than the API lets them.
    stream::iter(&cases).for_each_concurrent(12, |case| case.play(&app)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_4_whichever_write_of_a_purge_fails_once_the_end_is_the_same() {
    let app = TestApp::start_with(impatient()).await;
    app.db.rows(FAULTS).await;
    for table in TABLES.into_iter().chain(["sync_audit"]) {
        let sql = format!(
            "CREATE TRIGGER fail_once AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail_once()"
        );
        app.db.rows(&sql).await;
    }
    let cases = [("raw_events", 1), ("raw_events", 3), ("batch_items", 1), ("items", 1), ("sync_audit", 1)]
        .map(|(table, nth)| Case::new(&app, table, nth));
    join_all(cases.iter().map(|case| case.purge(&app))).await;
}

const LIST: &str = "/gmail/v1/users/me/messages";
const GET: &str = "/gmail/v1/users/me/messages/";
const HISTORY: &str = "/gmail/v1/users/me/history";
const EVENTS: &str = "/calendar/v3/calendars/";

fn fail(app: &TestApp, path: &str, status: u16, reason: &str, times: u32) {
    let message = format!("Not now. Retry after {}", (app.clock.now() + chrono::TimeDelta::seconds(3)).to_rfc3339());
    let which = FaultMatch { method: None, path_prefix: path.to_owned() };
    app.google.fail_next(which, Fault { status, reason: reason.to_owned(), message, times });
}

/// A person with a small mailbox and an approved preview that has not begun; faults planned before it begins meet the run.
async fn prepared(messages: usize) -> (TestApp, Person, String) {
    let app = TestApp::start_idle(impatient()).await;
    small_mailbox(&app, messages, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    (app, ada, batch)
}

async fn survives(status: u16, reason: &str) {
    let (app, ada, batch) = prepared(40).await;
    for (path, times) in [(LIST, 1), (GET, 2), (HISTORY, 1), (EVENTS, 1)] {
        fail(&app, path, status, reason, times);
    }
    app.start_worker();
    let done = ada.batch_in_within(LONG, &batch, FINISHED).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{status} {reason}: {done:#}");
    assert_eq!(done["counts"]["failed"], json!(0));
    let mut expected = app.google.search(ADA, "-in:chats").expect("a search");
    expected.sort_unstable();
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), expected, "{status} {reason}");
    let failed: Vec<_> = app.google.journal().into_iter().filter(|entry| entry.status == status).collect();
    assert_eq!(failed.len(), 5, "{status} {reason}: every planned fault was met");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_nothing_is_lost_to_a_google_that_refuses_for_a_while() {
    tokio::join!(
        survives(500, "backendError"),
        survives(503, "backendError"),
        survives(429, "rateLimitExceeded"),
        survives(403, "rateLimitExceeded"),
        survives(401, "authError"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_a_message_that_cannot_be_had_is_set_aside_and_named() {
    let (app, ada, batch) = prepared(30).await;
    let ids = app.google.search(ADA, "-in:chats").expect("a search");
    fail(&app, &format!("{GET}{}", ids[3]), 500, "backendError", u32::MAX);
    fail(&app, &format!("{GET}{}", ids[5]), 404, "notFound", 1);
    app.start_worker();
    let done = ada.batch_in_within(LONG, &batch, FINISHED).await;
    assert_eq!(done["state"], json!("PARTIAL"), "{done:#}");
    assert_eq!((&done["counts"]["failed"], &done["counts"]["gone"]), (&json!(1), &json!(1)));
    let query = "query($id: ID!, $outcome: [ItemOutcome!]) { items(batchId: $id, outcome: $outcome, first: 10) {
        nodes { sourceId outcome reason attempts nextTryAt } } }";
    for (outcome, id, attempts) in [("FAILED", &ids[3], 3), ("GONE", &ids[5], 0)] {
        let items = ada.data(query, json!({ "id": batch, "outcome": [outcome] })).await["items"]["nodes"].clone();
        assert_eq!(items[0]["sourceId"], json!(id), "{items:#}");
        assert_eq!(items[0]["attempts"], json!(attempts), "{items:#}");
        assert_eq!((items.as_array().map(Vec::len), items[0]["nextTryAt"].is_null()), (Some(1), true), "{items:#}");
    }
    assert_eq!(ada.timeline(json!({ "kind": "EMAIL" })).await.len(), ids.len() - 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_cursors_that_died_lead_to_a_new_listing_and_nothing_seen_goes_away() {
    let (app, ada, batch) = prepared(50).await;
    app.start_worker();
    ada.finished(&batch).await;
    let before = ada.timeline(json!({})).await;
    let mail =
        b"From: Grace <grace@example.org>\r\nTo: ada@brightwater.example\r\nSubject: Late\r\n\r\nWhile you slept.\r\n";
    let late = app.google.deliver(ADA, mail, Deliver::default()).expect("delivered");
    app.google.expire_history(ADA).expect("expired");
    app.google.invalidate_sync_tokens(ADA).expect("invalidated");

    let account = ada.data("{ viewer { accounts { id } } }", json!({})).await["viewer"]["accounts"][0]["id"].clone();
    let batch = ada.sync_now(account.as_str().expect("an id")).await;
    let mut done = ada.batch(&batch).await;
    while done["finishedAt"].is_null() {
        assert!(ada.timeline(json!({})).await.len() >= before.len(), "something seen went away");
        done = ada.batch(&batch).await;
    }
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    assert_eq!(done["counts"]["stored"], json!(1), "{done:#}");
    let after: Vec<Value> =
        ada.timeline(json!({})).await.into_iter().filter(|row| row["sourceId"] != json!(late)).collect();
    assert_eq!(after, before);
    let uuid = uuid_of(&batch);
    let unchanged = format!("SELECT count(*) FROM batch_items WHERE batch_id = '{uuid}' AND outcome = 'unchanged'");
    assert_eq!(json!(app.db.number_of(&unchanged).await), done["counts"]["unchanged"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_an_undo_takes_nothing_from_a_run_that_has_still_to_fetch_it() {
    let (app, ada, batch) = prepared(20).await;
    app.start_worker();
    ada.finished(&batch).await;
    let account = ada.data("{ viewer { accounts { id } } }", json!({})).await["viewer"]["accounts"][0]["id"].clone();
    let account = account.as_str().expect("an id");
    let id = app.google.search(ADA, "-in:chats").expect("a search").remove(3);
    app.google.modify_labels(ADA, &id, &["STARRED"], &[]).expect("labelled");
    let starred = ada.sync_now(account).await;
    ada.finished(&starred).await;

    // The next run lists it, has to wait before it may fetch it, and is held meanwhile.
    app.google.modify_labels(ADA, &id, &["IMPORTANT"], &[]).expect("labelled");
    let message = format!("Retry after {}", (app.clock.now() + chrono::TimeDelta::seconds(12)).to_rfc3339());
    let which = FaultMatch { method: None, path_prefix: GET.to_owned() };
    app.google.fail_next(which, Fault { status: 429, reason: "rateLimitExceeded".to_owned(), message, times: 1 });
    let next = ada.sync_now(account).await;
    let waits = || async { ada.batch(&next).await["throttledUntil"].is_string().then_some(()) };
    eventually_within(LONG, waits, || "a run that waits".to_owned()).await;
    let control =
        |verb: &str| format!("mutation($id: ID!) {{ {verb}(input: {{ batchId: $id }}) {{ userErrors {{ code }} }} }}");
    let held = ada.data(&control("pause"), json!({ "id": next })).await;
    assert_eq!(held["pause"]["userErrors"], json!([]), "it did not wait long enough");
    ada.undo_whole(&starred).await;
    ada.data(&control("resume"), json!({ "id": next })).await;
    let done = ada.batch_in_within(LONG, &next, FINISHED).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let rows = ada.timeline(json!({})).await;
    let labels = rows.iter().find(|row| row["sourceId"] == json!(id)).expect("it is there")["labels"].clone();
    assert!(labels.as_array().expect("labels").contains(&json!("IMPORTANT")), "{labels}");
}

/// Puts a meeting into Ada's main calendar, and returns its id.
fn single_meeting(app: &TestApp) -> String {
    let start = app.clock.now() + chrono::TimeDelta::days(2);
    let at = |time: chrono::DateTime<chrono::Utc>| json!({ "dateTime": time.to_rfc3339() });
    let event = json!({ "summary": "Review", "start": at(start), "end": at(start + chrono::TimeDelta::hours(1)) });
    app.google.put_event(ADA, ADA, event).expect("made")
}

fn ids_of(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row["sourceId"].as_str().map(str::to_owned)).collect()
}

/// Takes a mail and a meeting away at Google, in a manner that no cursor will tell of.
async fn vanish(app: &TestApp, mail: &str, meeting: &str) {
    app.google.delete(ADA, mail).expect("deleted");
    app.google.cancel_event(ADA, ADA, meeting).expect("cancelled");
    app.google.expire_history(ADA).expect("expired");
    app.google.invalidate_sync_tokens(ADA).expect("invalidated");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_what_went_away_while_no_cursor_told_of_it_is_noticed_by_the_listing() {
    let (app, ada, batch) = prepared(30).await;
    let meeting = single_meeting(&app);
    app.start_worker();
    ada.finished(&batch).await;
    let before = ids_of(&ada.timeline(json!({})).await);
    let mail = app.google.search(ADA, "-in:chats").expect("a search").remove(4);
    vanish(&app, &mail, &meeting).await;

    let account = ada.data("{ viewer { accounts { id } } }", json!({})).await["viewer"]["accounts"][0]["id"].clone();
    let again = ada.sync_now(account.as_str().expect("an id")).await;
    let done = ada.finished(&again).await;
    assert_eq!((&done["state"], &done["counts"]["gone"]), (&json!("SUCCEEDED"), &json!(2)), "{done:#}");
    let gone = BTreeSet::from([mail.clone(), meeting.clone()]);
    let after = ids_of(&ada.timeline(json!({})).await);
    assert_eq!(before.difference(&after).cloned().collect::<BTreeSet<_>>(), gone);

    // The batch that noticed can be undone like any other.
    ada.undo_whole(&again).await;
    assert_eq!(ids_of(&ada.timeline(json!({})).await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_what_changed_while_no_cursor_told_of_it_is_noticed_by_the_listing() {
    let (app, ada, batch) = prepared(30).await;
    app.start_worker();
    ada.finished(&batch).await;
    let mail = app.google.search(ADA, "-in:chats").expect("a search").remove(4);
    app.google.modify_labels(ADA, &mail, &["STARRED"], &[]).expect("labelled");
    app.google.expire_history(ADA).expect("expired");

    let account = ada.data("{ viewer { accounts { id } } }", json!({})).await["viewer"]["accounts"][0]["id"].clone();
    let done = ada.finished(&ada.sync_now(account.as_str().expect("an id")).await).await;
    assert_eq!((&done["state"], &done["counts"]["stored"]), (&json!("SUCCEEDED"), &json!(1)), "{done:#}");
    let shown = ada.timeline(json!({ "kind": "EMAIL" })).await;
    let row = shown.iter().find(|row| row["sourceId"] == json!(mail)).expect("it is shown");
    assert!(row["labels"].as_array().expect("labels").contains(&json!("STARRED")), "{row:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_what_went_away_before_the_cursor_of_the_same_run_died_is_noticed_by_its_listing() {
    let (app, ada, batch) = prepared(30).await;
    let mails = app.google.search(ADA, "-in:chats").expect("a search");
    // The run asks for changes once everything is stored; that question takes its time.
    let effect = Fault { status: 404, reason: "notFound".to_owned(), message: String::new(), times: 1 }.into();
    let which = FaultMatch { method: None, path_prefix: HISTORY.to_owned() };
    app.google.plan_fault(FaultPlan { which, effect, latency_ms: 1_500, when: When::Next(1) });
    app.start_worker();
    let stored = "SELECT count(*) FROM raw_events WHERE source_id = ";
    let look = || async {
        let n = app.db.number_of(&format!("{stored} '{}'", mails[4])).await;
        (n > 0).then_some(())
    };
    eventually_within(LONG, look, || "the mail is stored".to_owned()).await;
    app.google.delete(ADA, &mails[4]).expect("deleted");
    app.google.expire_history(ADA).expect("expired");
    let done = ada.finished(&batch).await;
    assert_eq!((&done["state"], &done["counts"]["gone"]), (&json!("SUCCEEDED"), &json!(1)), "{done:#}");
    assert!(!ids_of(&ada.timeline(json!({})).await).contains(&mails[4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_a_new_consent_still_hears_what_became_of_what_the_one_before_brought_in() {
    let (app, ada, batch) = prepared(30).await;
    let meeting = single_meeting(&app);
    app.start_worker();
    ada.finished(&batch).await;
    let mail = app.google.search(ADA, "-in:chats").expect("a search").remove(4);
    app.google.delete(ADA, &mail).expect("deleted");
    app.google.cancel_event(ADA, ADA, &meeting).expect("cancelled");

    let account = ada.data("{ viewer { accounts { id } } }", json!({})).await["viewer"]["accounts"][0]["id"].clone();
    let second = ada.import(account.as_str().expect("an id"), everything()).await;
    let done = ada.finished(&second).await;
    assert_eq!((&done["state"], &done["counts"]["gone"]), (&json!("SUCCEEDED"), &json!(2)), "{done:#}");
    let left = ids_of(&ada.timeline(json!({})).await);
    assert!(!left.contains(&mail) && !left.contains(&meeting), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_what_a_dead_batch_listed_is_fetched_by_the_next() {
    let (app, ada, batch) = prepared(40).await;
    // Once the first page is listed, Google says for good that the account may not be read.
    fail(&app, GET, 403, "domainPolicy", 1);
    app.start_worker();
    let done = ada.finished(&batch).await;
    assert!(matches!(done["state"].as_str(), Some("PARTIAL" | "FAILED")), "{done:#}");
    let pending = "SELECT count(*) FROM items WHERE outcome = 'pending'";
    assert!(app.db.number_of(pending).await > 0, "everything was fetched before Google refused");

    let account = ada.data("{ viewer { accounts { id } } }", json!({})).await["viewer"]["accounts"][0]["id"].clone();
    let next = ada.sync_now(account.as_str().expect("an id")).await;
    let done = ada.finished(&next).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    assert_eq!(app.db.number_of(pending).await, 0);
    let mut expected = app.google.search(ADA, "-in:chats").expect("a search");
    expected.sort_unstable();
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), expected);
}
