//! What becomes of what is deleted at Google: by policy, until its time has come, and when it is taken back.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use futures::future::join_all;
use omnisync::sandbox::Deliver;
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything},
    support::{Person, Settings, TestApp, eventually, source_ids, uuid_of},
};

/// A person with three mails and two meetings, imported under a policy.
struct Home {
    person: Person,
    email: String,
    account: String,
    first: String,
    mails: Vec<String>,
    meetings: Vec<String>,
}

fn at(time: DateTime<Utc>) -> Value {
    json!({ "dateTime": time.to_rfc3339() })
}

/// In three days, in whole seconds, as Google's times are.
fn soon(app: &TestApp) -> DateTime<Utc> {
    app.clock.now().trunc_subsecs(0) + TimeDelta::days(3)
}

impl Home {
    async fn settle(app: &TestApp, name: &str, policy: &str) -> Self {
        let email = format!("{name}@brightwater.example");
        app.google.add_account(&email, "Ada Brook").expect("an account");
        let mails = ["one", "two", "three"].map(|subject| {
            let mail =
                format!("From: grace@example.org\r\nTo: {email}\r\nSubject: {subject}\r\n\r\nNumber {subject}.\r\n");
            app.google.deliver(&email, mail.as_bytes(), Deliver::default()).expect("delivered")
        });
        let start = soon(app);
        let meetings = ["Plan", "Review"].map(|summary| {
            let event = json!({ "summary": summary, "start": at(start), "end": at(start + TimeDelta::hours(1)) });
            app.google.put_event(&email, "primary", event).expect("made")
        });
        let person = app.person(name);
        let account = person.connect(&email).await;
        person.set_deletion_policy(&account, policy).await;
        let first = person.import(&account, everything()).await;
        person.finished(&first).await;
        Self { person, email, account, first, mails: mails.to_vec(), meetings: meetings.to_vec() }
    }

    /// Brings the account up to date; gives the batch's id.
    async fn sync(&self) -> String {
        let batch = self.person.sync_now(&self.account).await;
        let done = self.person.finished(&batch).await;
        assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
        batch
    }

    /// Deletes a mail, throws one away and cancels a meeting, and syncs.
    async fn lose(&self, app: &TestApp) -> (BTreeSet<String>, String) {
        app.google.delete(&self.email, &self.mails[0]).expect("deleted");
        app.google.trash(&self.email, &self.mails[1]).expect("trashed");
        app.google.cancel_event(&self.email, "primary", &self.meetings[0]).expect("cancelled");
        let lost = BTreeSet::from([self.mails[0].clone(), self.mails[1].clone(), self.meetings[0].clone()]);
        (lost, self.sync().await)
    }

    async fn timeline(&self) -> Vec<Value> {
        self.person.timeline(json!({})).await
    }

    /// What is on the timeline, and what of it Google no longer has.
    async fn shown(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let rows = self.timeline().await;
        let ids = |rows: &[Value]| source_ids(rows).into_iter().collect();
        let deleted: Vec<Value> = rows.iter().filter(|row| !row["deletedAt"].is_null()).cloned().collect();
        (ids(&rows), ids(&deleted))
    }

    /// What the ledger says of an item, with its reason.
    async fn fate(&self, id: &str) -> (String, Value) {
        let query = "query($id: String!) { items(sourceId: $id) { nodes { outcome reason } } }";
        let item = self.person.data(query, json!({ "id": id })).await["items"]["nodes"][0].clone();
        (item["outcome"].as_str().unwrap_or_else(|| panic!("{id} is unknown")).to_owned(), item["reason"].clone())
    }

    /// The kinds of the versions that are stored of an item, oldest first.
    async fn stored(&self, app: &TestApp, id: &str) -> Vec<String> {
        let rows = app.db.rows(&format!("SELECT kind FROM raw_events WHERE source_id = '{id}' ORDER BY version")).await;
        rows.into_iter().flatten().collect()
    }

    /// Lets the time of every deletion of the account come, and waits until the sweep has come by.
    async fn let_time_pass(&self, app: &TestApp) {
        let streams =
            format!("stream_id IN (SELECT stream_id FROM streams WHERE account_id = '{}')", uuid_of(&self.account));
        app.db.rows(&format!("UPDATE items SET purge_at = now() WHERE purge_at IS NOT NULL AND {streams}")).await;
        self.purged(app).await;
    }

    async fn purged(&self, app: &TestApp) {
        let sql = format!(
            "SELECT count(*) FROM items JOIN streams USING (user_id, stream_id) WHERE purge_at <= now() AND account_id = '{}'",
            uuid_of(&self.account)
        );
        eventually(|| async { (app.db.number_of(&sql).await == 0).then_some(()) }, || "a purge".to_owned()).await;
    }
}

/// Nothing of these batches is left but their own rows.
async fn assert_no_trace(app: &TestApp, batch: &str) {
    for table in ["raw_events", "interactions", "batch_items"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE batch_id = '{}'", uuid_of(batch));
        assert_eq!(app.db.number_of(&sql).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_tombstone_the_deleted_goes_and_comes_back_until_its_time_has_come() {
    let app = TestApp::start().await;
    let home = Home::settle(&app, "ada", "TOMBSTONE").await;
    let before = home.timeline().await;
    let (lost, run) = home.lose(&app).await;
    let (shown, deleted) = home.shown().await;
    assert!(shown.is_disjoint(&lost) && shown.len() == 2 && deleted.is_empty(), "{shown:?} without {lost:?}");
    assert_eq!(home.fate(&home.mails[0]).await, ("GONE".to_owned(), Value::Null));
    assert_eq!(home.fate(&home.mails[1]).await, ("FILTERED".to_owned(), json!("in:trash")));
    let sql =
        "SELECT count(*) FROM items WHERE purge_at BETWEEN now() + interval '29 days' AND now() + interval '30 days'";
    assert_eq!(app.db.number_of(sql).await, 3);
    assert_eq!(home.stored(&app, &home.mails[0]).await, ["item", "gone"]);

    home.person.undo_whole(&run).await;
    assert_eq!(home.timeline().await, before);
    assert_eq!(app.db.number_of("SELECT count(*) FROM items WHERE purge_at IS NOT NULL").await, 0);

    // Lost once more. The trashed one is deleted for good in another run, and its time still counts from the first.
    let (_, run) = home.lose_again(&app).await;
    app.db.rows("UPDATE items SET purge_at = purge_at - interval '7 days' WHERE purge_at IS NOT NULL").await;
    app.google.delete(&home.email, &home.mails[1]).expect("deleted");
    let last = home.sync().await;
    let sql = "SELECT count(*) FROM items WHERE purge_at < now() + interval '24 days'";
    assert_eq!(app.db.number_of(sql).await, 3, "the time of what was deleted before did not begin anew");
    home.let_time_pass(&app).await;
    assert_eq!(home.stored(&app, &home.mails[1]).await, ["gone"], "what told of the bin goes, too");
    assert_eq!(home.stored(&app, &home.meetings[0]).await, ["gone"]);
    assert_eq!(home.stored(&app, &home.mails[2]).await, ["item"]);
    let counts = app.db.rows("SELECT counts->>'versions' FROM sync_audit WHERE action = 'purge'").await;
    let sum: i64 = counts.iter().map(|row| row[0].parse::<i64>().expect("a number")).sum();
    assert_eq!(sum, 4, "{counts:?}");

    // The runs that brought the deletions have nothing to give back any more, and the first holds nothing of what is gone.
    for batch in [&last, &run] {
        let undone = home.person.undo_whole(batch).await;
        assert_eq!(undone["counts"]["restored"], json!(0), "{undone:#}");
        assert_no_trace(&app, batch).await;
    }
    assert_eq!(home.fate(&home.mails[1]).await.0, "UNDONE");
    assert_eq!(home.shown().await.0, shown);
    home.person.undo_whole(&home.first).await;
    assert!(home.timeline().await.is_empty());
    assert_no_trace(&app, &home.first).await;
    assert_eq!(app.db.number_of("SELECT count(*) FROM raw_events").await, 0);
}

impl Home {
    /// As [`Home::lose`], where the undo of that has left the mailbox as it was: what is away at Google is noticed by a listing.
    async fn lose_again(&self, app: &TestApp) -> (BTreeSet<String>, String) {
        app.google.expire_history(&self.email).expect("expired");
        app.google.invalidate_sync_tokens(&self.email).expect("invalidated");
        let lost = BTreeSet::from([self.mails[0].clone(), self.mails[1].clone(), self.meetings[0].clone()]);
        let run = self.sync().await;
        assert!(self.shown().await.0.is_disjoint(&lost));
        (lost, run)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_mirror_the_deleted_goes_for_good() {
    let app = TestApp::start().await;
    let home = Home::settle(&app, "ada", "MIRROR").await;
    let (lost, run) = home.lose(&app).await;
    let (shown, _) = home.shown().await;
    assert!(shown.is_disjoint(&lost) && shown.len() == 2, "{shown:?} without {lost:?}");
    home.purged(&app).await;
    for id in &lost {
        assert_eq!(home.stored(&app, id).await.len(), 1, "the record of the deletion alone");
        let held = format!(
            "SELECT outcome, version FROM batch_items WHERE source_id = '{id}' AND batch_id = '{}'",
            uuid_of(&home.first)
        );
        assert_eq!(
            app.db.rows(&held).await,
            [["stored", "NULL"]],
            "the batch still says what it did, and holds nothing"
        );
    }
    assert_eq!(app.db.number_of("SELECT count(*) FROM items").await, 5, "the ledger forgets nobody");

    let forecast = home.person.undo(&run, true).await["counts"].clone();
    let restored: i64 = forecast.as_array().expect("counts").iter().filter_map(|one| one["restored"].as_i64()).sum();
    assert_eq!(restored, 0, "{forecast:#}");
    home.person.undo_whole(&run).await;
    assert_eq!(home.shown().await.0, shown, "nothing is left to bring back");
    assert_eq!(home.fate(&home.mails[0]).await.0, "UNDONE");
    home.person.undo_whole(&home.first).await;
    assert_no_trace(&app, &home.first).await;
    assert_eq!(app.db.number_of("SELECT count(*) FROM raw_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_keep_the_deleted_stays_and_says_since_when_google_has_it_no_more() {
    let app = TestApp::start().await;
    let home = Home::settle(&app, "ada", "KEEP").await;
    let before = home.timeline().await;
    let (lost, run) = home.lose(&app).await;
    let (shown, deleted) = home.shown().await;
    assert_eq!((shown.len(), &deleted), (5, &lost));
    assert_eq!(home.fate(&home.mails[0]).await, ("GONE".to_owned(), Value::Null));
    assert_eq!(home.fate(&home.mails[1]).await, ("GONE".to_owned(), json!("in:trash")));
    let kept = home.timeline().await;

    // Whatever else becomes of what is thrown away is no news: another label, or its end.
    app.google.modify_labels(&home.email, &home.mails[1], &["STARRED"], &[]).expect("labelled");
    home.sync().await;
    app.google.delete(&home.email, &home.mails[1]).expect("deleted");
    let last = home.sync().await;
    assert_eq!(home.timeline().await, kept);
    assert_eq!(home.person.batch(&last).await["counts"]["gone"], json!(1));
    assert_eq!(app.db.number_of("SELECT count(*) FROM items WHERE purge_at IS NOT NULL").await, 0);

    home.person.undo_whole(&run).await;
    assert_eq!(home.timeline().await, before, "it is as if Google had it");
    assert_eq!(home.fate(&home.mails[0]).await.0, "STORED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_is_there_again_under_every_policy() {
    let app = TestApp::start().await;
    let app = &app;
    let play = |policy: &'static str| async move {
        let home = Home::settle(app, &policy.to_lowercase(), policy).await;
        app.google.trash(&home.email, &home.mails[1]).expect("trashed");
        app.google.cancel_event(&home.email, "primary", &home.meetings[0]).expect("cancelled");
        home.sync().await;
        home.purged(app).await;
        app.google.modify_labels(&home.email, &home.mails[1], &["INBOX", "STARRED"], &["TRASH"]).expect("taken back");
        let again = json!({ "id": home.meetings[0], "status": "confirmed" });
        app.google.put_event(&home.email, "primary", again).expect("restored");
        let back = home.sync().await;
        let (shown, deleted) = home.shown().await;
        assert_eq!((shown.len(), deleted.len()), (5, 0), "{policy}");
        let rows = home.timeline().await;
        let mail = rows.iter().find(|row| row["sourceId"] == json!(home.mails[1])).expect("it is back");
        assert!(mail["labels"].as_array().expect("labels").contains(&json!("STARRED")), "{policy}: {mail:#}");
        assert_eq!(home.fate(&home.mails[1]).await, ("STORED".to_owned(), Value::Null), "{policy}");

        // A time that is still written down takes nothing from what is in sight.
        let sql = format!("UPDATE items SET purge_at = now() WHERE source_id = '{}'", home.mails[1]);
        let versions = home.stored(app, &home.mails[1]).await;
        app.db.rows(&sql).await;
        home.purged(app).await;
        assert_eq!(home.stored(app, &home.mails[1]).await, versions, "{policy}");
        assert_eq!(home.timeline().await, rows, "{policy}");

        // Undoing the return leads back to the deletion, whose time begins anew.
        home.person.undo_whole(&back).await;
        let (shown, deleted) = home.shown().await;
        let expected = if policy == "KEEP" { (5, 2, "GONE") } else { (3, 0, "FILTERED") };
        assert_eq!((shown.len(), deleted.len(), home.fate(&home.mails[1]).await.0.as_str()), expected, "{policy}");
        home.purged(app).await;
        let n = if policy == "TOMBSTONE" { 2 } else { 0 };
        let sql = format!(
            "SELECT count(*) FROM items WHERE purge_at IS NOT NULL AND source_id IN ('{}', '{}')",
            home.mails[1], home.meetings[0]
        );
        assert_eq!(app.db.number_of(&sql).await, n, "{policy}");
    };
    join_all(["MIRROR", "TOMBSTONE", "KEEP"].map(play)).await;
}

/// A series of five days, of which the second is moved by two hours.
fn series(app: &TestApp, email: &str) -> (String, DateTime<Utc>) {
    let start = soon(app);
    let mut event = json!({ "summary": "Daily", "start": at(start), "end": at(start + TimeDelta::hours(1)) });
    event["recurrence"] = json!(["RRULE:FREQ=DAILY;COUNT=5"]);
    (event["start"]["timeZone"], event["end"]["timeZone"]) = (json!("UTC"), json!("UTC"));
    let id = app.google.put_event(email, "primary", event).expect("made");
    let second = start + TimeDelta::days(1);
    let (instance, to) = (format!("{id}_{}", second.format("%Y%m%dT%H%M%SZ")), second + TimeDelta::hours(2));
    app.google.move_event(email, "primary", &instance, to, to + TimeDelta::hours(1)).expect("moved");
    (id, start)
}

/// When the occurrences of a series are, and whether each is marked as deleted.
async fn occurrences(home: &Home, series: &str) -> Vec<(Value, bool)> {
    let rows = home.timeline().await;
    let of = rows.iter().filter(|row| row["sourceId"] == json!(series));
    of.map(|row| (row["occurredAt"].clone(), !row["deletedAt"].is_null())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_series_is_kept_as_it_stood_and_a_cancelled_occurrence_is_an_edit() {
    let app = TestApp::start().await;
    let home = Home::settle(&app, "ada", "KEEP").await;
    let (id, start) = series(&app, &home.email);
    home.sync().await;
    let whole = occurrences(&home, &id).await;
    assert_eq!(whole.len(), 5);
    app.google.cancel_instance(&home.email, "primary", &id, start + TimeDelta::days(4)).expect("cancelled");
    home.sync().await;
    let before = occurrences(&home, &id).await;
    assert_eq!(
        (before.len(), before.iter().any(|(_, deleted)| *deleted)),
        (4, false),
        "the edit goes under every policy"
    );

    // Google cancels the exceptions along with their series.
    app.google.cancel_event(&home.email, "primary", &id).expect("cancelled");
    let run = home.sync().await;
    let kept: Vec<_> = before.iter().map(|(at, _)| (at.clone(), true)).collect();
    assert_eq!(occurrences(&home, &id).await, kept, "as it stood, the moved one included");
    home.person.undo_whole(&run).await;
    assert_eq!(occurrences(&home, &id).await, before);

    // Now nothing tells of it but what a listing does not name.
    app.google.invalidate_sync_tokens(&home.email).expect("invalidated");
    home.sync().await;
    assert_eq!(occurrences(&home, &id).await, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_series_takes_what_is_stored_of_its_exceptions_with_it() {
    let app = TestApp::start().await;
    let home = Home::settle(&app, "ada", "MIRROR").await;
    let (id, _) = series(&app, &home.email);
    let brought = home.sync().await;
    let of_series = |table: &str| format!("SELECT count(*) FROM {table} WHERE source_id LIKE '{id}%'");
    assert_eq!(app.db.number_of(&of_series("raw_events")).await, 2);
    app.google.cancel_event(&home.email, "primary", &id).expect("cancelled");
    let run = home.sync().await;
    home.purged(&app).await;
    assert_eq!(occurrences(&home, &id).await, []);
    assert_eq!(app.db.number_of(&of_series("raw_events")).await, 1, "the record of the deletion alone");
    for batch in [&run, &brought] {
        home.person.undo_whole(batch).await;
        assert_no_trace(&app, batch).await;
    }
    assert_eq!(app.db.number_of(&of_series("raw_events")).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_policy_changes_later_deletions_only() {
    let app = TestApp::start().await;
    let home = Home::settle(&app, "ada", "KEEP").await;
    app.google.trash(&home.email, &home.mails[0]).expect("trashed");
    home.sync().await;
    home.person.set_deletion_policy(&home.account, "MIRROR").await;
    app.google.delete(&home.email, &home.mails[0]).expect("deleted");
    app.google.trash(&home.email, &home.mails[1]).expect("trashed");
    home.sync().await;
    home.person.set_deletion_policy(&home.account, "KEEP").await;
    app.google.delete(&home.email, &home.mails[1]).expect("deleted");
    app.google.delete(&home.email, &home.mails[2]).expect("deleted");
    home.sync().await;
    home.purged(&app).await;
    let (shown, deleted) = home.shown().await;
    assert_eq!(deleted, BTreeSet::from([home.mails[0].clone(), home.mails[2].clone()]));
    assert!(!shown.contains(&home.mails[1]), "what has left does not come back by being deleted once more");
    let left = home.stored(&app, &home.mails[1]).await;
    assert!(!left.contains(&"item".to_owned()), "it went under the policy that it met: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_read_set_and_audited_and_its_days_are_bounded() {
    let app = TestApp::start_idle(Settings::new()).await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let read = || async {
        let query = "{ viewer { accounts { deletionPolicy { kind days } } } }";
        ada.data(query, json!({})).await["viewer"]["accounts"][0]["deletionPolicy"].clone()
    };
    assert_eq!(read().await, json!({ "kind": "TOMBSTONE", "days": 30 }));
    let set = |kind: &'static str, days: Option<i32>| ada.try_set_deletion_policy(&account, kind, days);
    for (kind, days) in [("TOMBSTONE", 0), ("TOMBSTONE", 3_651), ("TOMBSTONE", -1), ("KEEP", 10), ("MIRROR", 10)] {
        let refused = set(kind, Some(days)).await;
        assert_eq!(refused["account"], Value::Null, "{kind} {days}");
        let error = &refused["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!("INVALID_INPUT"), &json!("days")), "{kind} {days}");
    }
    assert_eq!(read().await, json!({ "kind": "TOMBSTONE", "days": 30 }), "what was refused changed nothing");
    let told = set("TOMBSTONE", Some(3_650)).await["account"]["deletionPolicy"].clone();
    assert_eq!(told, json!({ "kind": "TOMBSTONE", "days": 3_650 }));
    set("KEEP", None).await;
    assert_eq!(read().await, json!({ "kind": "KEEP", "days": null }));
    set("TOMBSTONE", None).await;
    assert_eq!(read().await, json!({ "kind": "TOMBSTONE", "days": 3_650 }), "the days were remembered");

    let query = "{ audit(first: 3) { nodes { action outcome actor counts } } }";
    let audit = ada.data(query, json!({})).await["audit"]["nodes"].clone();
    let entry = |counts: Value| json!({ "action": "DELETION_POLICY", "outcome": "SUCCEEDED", "actor": "USER", "counts": counts });
    let days = || entry(json!({ "tombstone": 1, "days": 3_650 }));
    assert_eq!(audit, json!([days(), entry(json!({ "keep": 1 })), days()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brake_counts_only_what_leaves_the_timeline() {
    let app = TestApp::start().await;
    let ada = app.person("ada");
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    for n in 0..60 {
        let mail = format!("From: grace@example.org\r\nSubject: Mail {n}\r\n\r\nNumber {n}\r\n");
        app.google.deliver(ADA, mail.as_bytes(), Deliver::default()).expect("delivered");
    }
    let account = ada.connect(ADA).await;
    ada.set_deletion_policy(&account, "KEEP").await;
    let first = ada.import(&account, everything()).await;
    ada.finished(&first).await;
    let ids = app.google.search(ADA, "-in:chats").expect("a search");
    ids.iter().for_each(|id| app.google.trash(ADA, id).expect("trashed"));
    let run = ada.finished(&ada.sync_now(&account).await).await;
    assert_eq!((&run["state"], &run["counts"]["gone"]), (&json!("SUCCEEDED"), &json!(60)), "{run:#}");
    assert_eq!(ada.timeline(json!({})).await.len(), 60);

    // Taken back, and thrown away once more under another policy, they would leave.
    ids.iter().for_each(|id| app.google.modify_labels(ADA, id, &[], &["TRASH"]).expect("taken back"));
    ada.finished(&ada.sync_now(&account).await).await;
    ada.set_deletion_policy(&account, "TOMBSTONE").await;
    ids.iter().for_each(|id| app.google.trash(ADA, id).expect("trashed"));
    let held = ada.batch_in(&ada.sync_now(&account).await, &["PAUSED"]).await;
    assert!(held["error"].as_str().is_some_and(|question| question.contains("would leave the timeline")), "{held:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_what_had_left_one_consent_comes_in_unchanged_under_a_wider_one() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let mail = b"From: grace@example.org\r\nSubject: Plans\r\n\r\nPlans.\r\n";
    let id = app.google.deliver(ADA, mail, Deliver::default()).expect("delivered");
    app.google.modify_labels(ADA, &id, &["STARRED"], &[]).expect("labelled");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let import = |query: &'static str| {
        let (ada, account) = (&ada, &account);
        async move {
            let input = json!({ "services": ["GMAIL"], "gmailQuery": query, "mailDaysBack": 36_500 });
            let batch = ada.import(account, input).await;
            assert_eq!(ada.finished(&batch).await["state"], json!("SUCCEEDED"));
            batch
        }
    };
    import("is:starred").await;
    app.google.modify_labels(ADA, &id, &[], &["STARRED"]).expect("unlabelled");
    ada.finished(&ada.sync_now(&account).await).await;
    assert!(ada.timeline(json!({})).await.is_empty(), "it has left the consent");

    let wide = import("-in:chats").await;
    assert_eq!(source_ids(&ada.timeline(json!({})).await), [id.as_str()]);
    ada.undo_whole(&wide).await;
    assert!(ada.timeline(json!({})).await.is_empty());
    assert_eq!(app.db.rows("SELECT outcome, reason FROM items").await, [["filtered", "outside"]]);
}
