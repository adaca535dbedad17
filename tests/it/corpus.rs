//! The whole job on real input: some 5,000 real messages, and calendars that people and programs have written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use omnisync::sandbox::{Deliver, Loaded};
use serde_json::{Value, json};

use crate::{
    flow::ADA,
    support::{FINISHED, Person, TestApp, Window},
};

/// How long thousands of messages may take without optimization, on a machine that does other things as well.
const LONG: Duration = Duration::from_secs(240);

/// The corpus beside the checkout; `None` where it is not.
pub(crate) fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    path.is_dir().then_some(path)
}

/// Unpacks the mailboxes: archives with a mail in each file, and mboxes.
fn unpack(mailboxes: &Path, into: &Path) {
    for entry in mailboxes.read_dir().expect("the corpus is a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut bytes = GzDecoder::new(File::open(&path).expect("a readable file"));
        match name.strip_suffix(".tar") {
            Some(name) => tar::Archive::new(bytes).unpack(into.join(name)).expect("an archive"),
            None => {
                let mut file = File::create(into.join(name)).expect("a file");
                std::io::copy(&mut bytes, &mut file).expect("an mbox");
            }
        }
    }
}

/// Puts the corpus into the sandbox.
async fn load(app: &TestApp, corpus: PathBuf) -> (Loaded, Loaded) {
    let google = app.google.clone();
    google.add_account(ADA, "Ada Brook").expect("an account");
    let loading = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().expect("a folder");
        unpack(&corpus.join("mailboxes"), folder.path());
        let mails = google.load(ADA, folder.path()).expect("the mail loads");
        (mails, google.load(ADA, &corpus.join("ics")).expect("the calendars load"))
    });
    loading.await.expect("loading ends")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The ledger of a person who has one account: the collection's id, the provider's id, and the outcome.
async fn ledger(app: &TestApp) -> BTreeMap<(String, String), String> {
    let sql = "SELECT s.collection_id, i.source_id, i.outcome FROM items i JOIN streams s USING (user_id, stream_id)";
    let rows = app.db.rows(sql).await;
    rows.into_iter().map(|row| ((row[0].clone(), row[1].clone()), row[2].clone())).collect()
}

/// Every id that Google lists has exactly one item, with a good outcome, and no other has one.
async fn check_ledger(app: &TestApp, bearer: &str, query: &str, window: &Window) {
    let ledger = ledger(app).await;
    let mails: BTreeSet<String> = app.google.search(ADA, query).expect("a search").into_iter().collect();
    let known = |collection: &str| -> BTreeSet<String> {
        ledger.keys().filter(|(of, _)| of == collection).map(|(_, id)| id.clone()).collect()
    };
    assert_eq!(known("mailbox"), mails);
    for calendar in app.google.calendars(ADA).expect("calendars") {
        let listed = app.google_lists(bearer, &[&calendar, "events"], window, false).await;
        let ids: BTreeSet<String> = listed.iter().map(|event| text(&event["id"])).collect();
        assert_eq!(known(&calendar), ids, "{calendar}");
    }
    let failed: Vec<_> =
        ledger.iter().filter(|(_, outcome)| !matches!(outcome.as_str(), "stored" | "filtered")).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Every stored mail is one interaction; every stored meeting is on the timeline, unless Google knows no occurrence of it in
/// the window.
async fn check_interactions(app: &TestApp, bearer: &str, window: &Window) {
    let missing =
        "SELECT s.collection_id, i.source_id, i.group_key FROM items i JOIN streams s USING (user_id, stream_id)
         WHERE i.outcome = 'stored' AND NOT EXISTS (
             SELECT FROM interactions n WHERE n.stream_id = i.stream_id AND n.group_key = i.group_key)";
    let mut lost = Vec::new();
    for row in app.db.rows(missing).await {
        let [calendar, id, group] = [&row[0], &row[1], &row[2]];
        assert_ne!(calendar, "mailbox", "a mail without an interaction: {id}");
        let events = app.google.events(ADA, calendar).expect("events");
        let event = events.iter().find(|event| text(&event["id"]) == *id).expect("a known event");
        let is_series = event["recurrence"].is_array();
        let mut instances = match is_series {
            true => app.google_lists(bearer, &[calendar, "events", group, "instances"], window, false).await,
            false => Vec::new(),
        };
        // Google lists a series whose dates it cannot read wherever it is; what lies outside the window is not ours to show.
        let (from, to) = (at(&window.0), at(&window.1));
        instances.retain(|instance| moment(&instance["end"]) > from && moment(&instance["start"]) < to);
        let is_nowhere = if is_series { instances.is_empty() } else { event["status"] == json!("cancelled") };
        if !is_nowhere {
            lost.push(format!("{event:#}\n{:#?}", instances.first()));
        }
    }
    assert!(
        lost.is_empty(),
        "{} meetings without an interaction, such as {:#?}",
        lost.len(),
        &lost[..lost.len().min(5)]
    );
    let twice = "SELECT count(*) FROM (SELECT FROM interactions GROUP BY stream_id, group_key, occurrence HAVING count(*) > 1) AS t";
    assert_eq!(app.db.number_of(twice).await, 0);
}

/// A moment in Google's form, or midnight UTC of a day.
fn moment(time: &Value) -> DateTime<Utc> {
    let midnight = || format!("{}T00:00:00Z", text(&time["date"]));
    at(&time["dateTime"].as_str().map_or_else(midnight, str::to_owned))
}

/// What happened at Google after the first sync.
struct Changes {
    delivered: String,
    starred: String,
    deleted: String,
    moved: String,
    cancelled: String,
    /// A series, and the start of the occurrence that was cancelled.
    series: (String, DateTime<Utc>),
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

async fn change(app: &TestApp) -> Changes {
    let google = &app.google;
    let ids: Vec<String> = google.messages(ADA).expect("mail").into_iter().map(|mail| mail.id).take(2).collect();
    let single = "SELECT n.group_key FROM interactions n JOIN streams s USING (user_id, stream_id)
         WHERE s.collection_id = '{}' AND n.occurrence = '' AND n.all_day_from IS NULL ORDER BY 1 LIMIT 2";
    let calendar = busiest(app).await;
    let singles = app.db.rows(&single.replace("{}", &calendar)).await;
    let (moved, cancelled) = (singles[0][0].clone(), singles[1][0].clone());
    let mail = b"From: Grace <grace@example.org>\r\nTo: ada@brightwater.example\r\nSubject: Lunch?\r\n\r\nAt noon?\r\n";
    let delivered = google.deliver(ADA, mail, Deliver::default()).expect("delivered");
    google.modify_labels(ADA, &ids[0], &["STARRED"], &[]).expect("labelled");
    google.delete(ADA, &ids[1]).expect("deleted");
    google.move_event(ADA, &calendar, &moved, at(MOVED_TO), at("2026-12-01T10:00:00Z")).expect("moved");
    google.cancel_event(ADA, &calendar, &cancelled).expect("cancelled");
    let series = json!({
        "summary": "Standing", "start": { "dateTime": "2026-11-02T09:00:00Z" }, "end": { "dateTime": "2026-11-02T10:00:00Z" },
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=6"],
    });
    let series = google.put_event(ADA, &calendar, series).expect("made");
    let gone = at("2026-11-16T09:00:00Z");
    google.cancel_instance(ADA, &calendar, &series, gone).expect("cancelled");
    Changes { delivered, starred: ids[0].clone(), deleted: ids[1].clone(), moved, cancelled, series: (series, gone) }
}

const MOVED_TO: &str = "2026-12-01T09:00:00Z";

/// The calendar with the most single meetings in sight.
async fn busiest(app: &TestApp) -> String {
    let sql = "SELECT s.collection_id FROM interactions n JOIN streams s USING (user_id, stream_id)
         WHERE n.kind = 'meeting' AND n.occurrence = '' AND n.all_day_from IS NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1";
    app.db.rows(sql).await.remove(0).remove(0)
}

impl Changes {
    async fn check(&self, app: &TestApp) {
        let rows =
            |group: &str, extra: &str| format!("SELECT count(*) FROM interactions WHERE group_key = '{group}' {extra}");
        let (series, gone) = &self.series;
        let wanted = [
            (rows(&self.delivered, "AND subject = 'Lunch?'"), 1),
            (rows(&self.starred, "AND 'STARRED' = ANY(labels)"), 1),
            (rows(&self.deleted, ""), 0),
            (rows(&self.moved, &format!("AND occurred_at = '{MOVED_TO}'")), 1),
            (rows(&self.cancelled, ""), 0),
            (rows(series, ""), 5),
            (rows(series, &format!("AND occurred_at = '{}'", gone.to_rfc3339())), 0),
        ];
        for (sql, n) in wanted {
            assert_eq!(app.db.number_of(&sql).await, n, "{sql}");
        }
        let sql = format!("SELECT outcome FROM items WHERE source_id IN ('{}', '{}')", self.deleted, self.cancelled);
        assert_eq!(app.db.rows(&sql).await, [["gone"], ["gone"]]);
    }
}

/// Brings everything in, and checks that it is there; gives the batch.
async fn bring_in(app: &TestApp, ada: &Person, account: &str) -> String {
    let calendars = app.google.calendars(ADA).expect("calendars");
    let input = json!({
        "gmailQuery": "-in:chats", "mailDaysBack": 36_500, "calendars": calendars,
        "calendarDaysBack": 3_650, "calendarDaysAhead": 60, "privateEvents": true,
    });
    let preview = ada.preview(account, input).await["preview"].clone();
    let payload = ada.approve(&text(&preview["id"]), "once").await;
    let batch = payload["batch"]["id"].as_str().unwrap_or_else(|| panic!("{payload:#}")).to_owned();
    let done = ada.batch_in_within(LONG, &batch, FINISHED).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    assert_eq!(done["counts"]["failed"], json!(0), "{done:#}");
    assert_eq!(done["counts"]["normalized"], done["counts"]["stored"]);

    let window = app.window_of(&text(&preview["id"])).await;
    let bearer = app.calendar_bearer(ada, ADA).await;
    check_ledger(app, &bearer, &text(&preview["mailQuery"]), &window).await;
    check_interactions(app, &bearer, &window).await;
    batch
}

#[tokio::test(flavor = "multi_thread")]
async fn real_mail_and_real_calendars_come_in_whole_stay_in_step_and_go() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: the corpus is not beside this checkout");
        return;
    };
    let app = TestApp::start().await;
    let (mails, meetings) = load(&app, corpus).await;
    eprintln!("{} messages, {} events", mails.messages, meetings.events);
    assert!(mails.messages > 4_000 && meetings.events > 1_000);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = bring_in(&app, &ada, &account).await;

    let again = ada.sync_now(&account).await;
    let done = ada.batch_in_within(LONG, &again, FINISHED).await;
    assert_eq!((&done["state"], &done["counts"]["listed"]), (&json!("SUCCEEDED"), &json!(0)), "{done:#}");

    let changes = change(&app).await;
    let later = ada.sync_now(&account).await;
    let done = ada.batch_in_within(LONG, &later, FINISHED).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    changes.check(&app).await;

    for batch in [&later, &again, &batch] {
        ada.undo(batch, false).await;
        ada.batch_in_within(LONG, batch, &["UNDONE"]).await;
    }
    for table in ["raw_events", "interactions", "batch_items"] {
        assert_eq!(app.db.number_of(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    // The ledger keeps what it has seen, so that a later sync does not bring it back.
    assert_eq!(app.db.number_of("SELECT count(*) FROM items WHERE outcome <> 'undone' OR to_project").await, 0);
}
