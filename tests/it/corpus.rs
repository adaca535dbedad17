//! The whole job on real input: some 5,000 real messages, and calendars that people and programs have written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use omnisync::sandbox::Loaded;
use serde_json::{Value, json};

use crate::{
    flow::ADA,
    support::{FINISHED, Person, Settings, TestApp, source_ids, uuid_of},
};

/// How long thousands of messages may take without optimization, on a machine that does other things as well.
const LONG: Duration = Duration::from_secs(600);

/// The corpus beside the checkout; `None` where it is not.
fn corpus() -> Option<PathBuf> {
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

/// What Google itself lists of a calendar in the window of a preview.
async fn listed(app: &TestApp, token: &str, calendar: &str, window: &(String, String), single: bool) -> Vec<Value> {
    let mut url = app.google_url().join("calendar/v3/calendars/").expect("an address");
    url.path_segments_mut().expect("a base").pop_if_empty().extend([calendar, "events"]);
    url.query_pairs_mut()
        .append_pair("timeMin", &window.0)
        .append_pair("timeMax", &window.1)
        .append_pair("singleEvents", if single { "true" } else { "false" })
        .append_pair("maxResults", "2500");
    let (mut all, mut page) = (Vec::new(), None::<String>);
    loop {
        let mut url = url.clone();
        url.query_pairs_mut().extend_pairs(page.iter().map(|page| ("pageToken", page)));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = http.get(url).bearer_auth(token).send().await.expect("Google answers");
        let answer: Value = answer.json().await.expect("JSON");
        all.extend(answer["items"].as_array().unwrap_or_else(|| panic!("{answer:#}")).iter().cloned());
        match answer["nextPageToken"].as_str() {
            Some(next) => page = Some(next.to_owned()),
            None => return all,
        }
    }
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

/// Every id with the ledger's outcome, against what Google lists; then against the interactions.
async fn check_ledger(app: &TestApp, ada: &Person, query: &str, window: &(String, String)) {
    let ledger = ledger(app).await;
    let mails: BTreeSet<String> = app.google.search(ADA, query).expect("a search").into_iter().collect();
    let known = |collection: &str| -> BTreeSet<String> {
        ledger.keys().filter(|(of, _)| of == collection).map(|(_, id)| id.clone()).collect()
    };
    assert_eq!(known("mailbox"), mails);
    let bearer = app.calendar_bearer(ada, ADA).await;
    for calendar in app.google.calendars(ADA).expect("calendars") {
        let listed = listed(app, &bearer, &calendar, window, false).await;
        let ids: BTreeSet<String> = listed.iter().map(|event| text(&event["id"])).collect();
        assert_eq!(known(&calendar), ids, "{calendar}");
    }
    let failed: Vec<_> = ledger.iter().filter(|(_, outcome)| !matches!(outcome.as_str(), "stored" | "filtered")).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Every stored mail is one interaction; every stored meeting has one for each occurrence that Google sees in the window.
async fn check_interactions(app: &TestApp, ada: &Person, window: &(String, String)) {
    let stored = "SELECT i.source_id FROM items i JOIN streams s USING (user_id, stream_id)
         WHERE s.service = 'gmail' AND i.outcome = 'stored' ORDER BY i.source_id";
    let stored: Vec<String> = app.db.rows(stored).await.into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), stored);

    let bearer = app.calendar_bearer(ada, ADA).await;
    let shown = "SELECT s.collection_id, n.group_key, extract(epoch FROM n.occurred_at)::bigint
         FROM interactions n JOIN streams s USING (user_id, stream_id) WHERE n.kind = 'meeting'";
    let shown: BTreeSet<Vec<String>> = app.db.rows(shown).await.into_iter().collect();
    let mut expected = BTreeSet::new();
    for calendar in app.google.calendars(ADA).expect("calendars") {
        for event in listed(app, &bearer, &calendar, window, true).await {
            let group = event["recurringEventId"].as_str().map_or_else(|| text(&event["id"]), str::to_owned);
            expected.insert(vec![calendar.clone(), group, start(&event).timestamp().to_string()]);
        }
    }
    let missing: Vec<_> = expected.difference(&shown).take(20).collect();
    let extra: Vec<_> = shown.difference(&expected).take(20).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
}

fn start(event: &Value) -> DateTime<Utc> {
    let midnight = |day: &str| format!("{day}T00:00:00Z");
    let start = &event["start"];
    let moment = start["dateTime"].as_str().map_or_else(|| midnight(&text(&start["date"])), str::to_owned);
    DateTime::parse_from_rfc3339(&moment).unwrap_or_else(|error| panic!("{error}: {event:#}")).to_utc()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_mail_and_real_calendars_come_in_whole_stay_in_step_and_go() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: the corpus is not beside this checkout");
        return;
    };
    // Without optimization, and with other tests beside, Google on loopback takes its time.
    let settings = [("CHUNK_ITEMS", "500"), ("HTTP_TIMEOUT_SECS", "120"), ("GOOGLE_TIMEOUT_SECS", "60")];
    let settings: Settings = settings.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    let app = TestApp::start_with(settings).await;
    let (mails, meetings) = load(&app, corpus).await;
    eprintln!("{} messages, {} events", mails.messages, meetings.events);
    assert!(mails.messages > 4_000 && meetings.events > 1_000);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;

    let calendars = app.google.calendars(ADA).expect("calendars");
    let input = json!({
        "gmailQuery": "-in:chats", "mailDaysBack": 36_500, "calendars": calendars,
        "calendarDaysBack": 3_650, "calendarDaysAhead": 3_650, "privateEvents": true,
    });
    let preview = ada.preview(&account, input).await["preview"].clone();
    let payload = ada.approve(&text(&preview["id"]), "once").await;
    let batch = payload["batch"]["id"].as_str().unwrap_or_else(|| panic!("{payload:#}")).to_owned();
    let done = ada.batch_in_within(LONG, &batch, FINISHED).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    assert_eq!(done["counts"]["failed"], json!(0), "{done:#}");
    assert_eq!(done["counts"]["normalized"], done["counts"]["stored"]);

    let scope = format!("SELECT snapshot->'calendar'->>'from', snapshot->'calendar'->>'to' FROM previews WHERE preview_id = '{}'", uuid_of(&text(&preview["id"])));
    let scope = app.db.rows(&scope).await.remove(0);
    let window = (scope[0].clone(), scope[1].clone());
    check_ledger(&app, &ada, &text(&preview["mailQuery"]), &window).await;
    check_interactions(&app, &ada, &window).await;
}
