//! What was agreed to is what happens (invariant 1), and looking changes nothing (invariant 2).

use chrono::{TimeDelta, Utc};
use omnisync::sandbox::Deliver;
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Opener, Person, Settings, TestApp, cells, eventually, source_ids},
};

async fn prefer(person: &Person, input: Value) {
    let query = "mutation($input: UpdatePreferencesInput!) { updatePreferences(input: $input) { userErrors { code message } } }";
    let payload = person.data(query, json!({ "input": input })).await;
    assert_eq!(payload["updatePreferences"]["userErrors"], json!([]), "{payload:#}");
}

/// A mail from someone; gives its id.
fn deliver(app: &TestApp, from: &str, subject: &str) -> String {
    let mail = format!("From: {from}\r\nTo: {ADA}\r\nSubject: {subject}\r\n\r\nThe body of {subject}.\r\n");
    app.google.deliver(ADA, mail.as_bytes(), Deliver::default()).expect("delivered")
}

/// A meeting tomorrow; gives its id.
#[expect(clippy::disallowed_methods, reason = "the sandbox's calendar is about today")]
fn meet(app: &TestApp, summary: &str, more: Value) -> String {
    let start = Utc::now() + TimeDelta::days(1);
    let mut event = json!({
        "summary": summary, "description": format!("The notes of {summary}."),
        "start": { "dateTime": start.to_rfc3339() }, "end": { "dateTime": (start + TimeDelta::hours(1)).to_rfc3339() },
    });
    event.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
    app.google.put_event(ADA, "primary", event).expect("a meeting")
}

/// Why these are not there: `outcome reason` of each in the ledger.
async fn fates(app: &TestApp, ids: &[&String]) -> Vec<String> {
    let mut all = Vec::new();
    for id in ids {
        let rows = app.db.rows(&format!("SELECT outcome, reason FROM items WHERE source_id = '{id}'")).await;
        all.push(rows.first().map_or("unknown".to_owned(), |row| row.join(" ")));
    }
    all
}

/// Checks that nothing is kept of these, sealed or plain.
async fn assert_not_kept(app: &TestApp, ids: &[&String], texts: &[&str]) {
    for id in ids {
        for (table, column) in [("raw_events", "source_id"), ("interactions", "group_key")] {
            assert_eq!(
                app.db.number_of(&format!("SELECT count(*) FROM {table} WHERE {column} = '{id}'")).await,
                0,
                "{table}"
            );
        }
    }
    for event in Opener::of(app, ADA).await.raw_events(&app.db).await {
        let event = event.to_string();
        assert!(texts.iter().all(|text| !event.contains(text)), "{event}");
    }
    for cell in cells(&app.db).await {
        let told: Vec<_> = texts.iter().filter(|text| cell.holds(text)).collect();
        assert!(told.is_empty(), "{cell:?} holds {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_1_preferences_edited_after_approve_change_no_run_under_it() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 40, 10);
    let private = meet(&app, "heronhollow", json!({ "visibility": "private" }));
    let outside = deliver(&app, "grace@example.org", "secretwalnut plans");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let narrow =
        json!({ "gmailQuery": "-in:chats -subject:secretwalnut", "mailDaysBack": 36_500, "calendarDaysBack": 300 });
    prefer(&ada, narrow).await;
    let batch = ada.import(&account, json!({})).await;
    let wide_and_elsewhere = json!({
        "gmailQuery": "from:nobody@nowhere.example", "mailDaysBack": 1, "calendarDaysBack": 0, "calendarDaysAhead": 1,
        "privateEvents": true, "excludedDomains": ["example", "example.org"],
    });
    prefer(&ada, wide_and_elsewhere.clone()).await;

    app.start_worker();
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let mut expected = app.google.search(ADA, "-in:chats -subject:secretwalnut").expect("a search");
    expected.sort_unstable();
    assert_eq!(source_ids(&ada.timeline(json!({ "kind": "EMAIL" })).await), expected);
    assert!(!ada.timeline(json!({ "kind": "MEETING" })).await.is_empty());
    assert_eq!(fates(&app, &[&private]).await, ["filtered private"]);

    // A later run reads the approved snapshot as well, whatever the preferences have become.
    prefer(&ada, json!({ "gmailQuery": "-in:chats" })).await;
    let inside = deliver(&app, "grace@example.org", "harmless plans");
    let later = deliver(&app, "grace@example.org", "more secretwalnut plans");
    let hidden = meet(&app, "heronhollow again", json!({ "visibility": "confidential" }));
    ada.finished(&ada.sync_now(&account).await).await;
    let ids = source_ids(&ada.timeline(json!({})).await);
    assert!(ids.contains(&inside));
    let fates = fates(&app, &[&later, &hidden]).await;
    assert!(fates[0].starts_with("filtered query:"), "{fates:?}");
    assert_eq!(fates[1], "filtered private");
    for id in [&outside, &later, &private, &hidden] {
        assert!(!ids.contains(id));
    }
    // The words themselves are in the preferences and the snapshot; what must not be kept is the rest of the mail.
    assert_not_kept(&app, &[&outside, &later, &private, &hidden], &["secretwalnut plans", "heronhollow"]).await;

    let next = ada.preview(&account, json!({})).await["preview"].clone();
    assert_eq!(next["mailQuery"], json!("-in:chats"), "the next preview starts from the new ones: {next:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_1_approve_narrows_what_was_shown_for_good() {
    let app = TestApp::start_with(Settings::new()).await;
    small_mailbox(&app, 30, 6);
    let boss = deliver(&app, "The Boss <Boss@corp.example>", "walrusmint one");
    let shop = deliver(&app, "news@letters.shop.example", "walrusmint two");
    let kept = deliver(&app, "friend@notshop.example", "marmalade");
    let organizer = json!({ "organizer": { "email": "boss@corp.example" }, "attendees": [{ "email": ADA }] });
    let meeting = meet(&app, "walrusmint three", organizer);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let preview = ada.preview_id(&account, everything()).await;
    let query = "mutation($id: ID!) { approve(input: { previewId: $id, idempotencyKey: \"once\",
        excludedSenders: [\" BOSS@Corp.example\"], excludedDomains: [\"Shop.Example\"] }) { batch { id } userErrors { code } } }";
    let approved = ada.data(query, json!({ "id": preview })).await["approve"].clone();
    ada.finished(approved["batch"]["id"].as_str().unwrap_or_else(|| panic!("{approved:#}"))).await;

    // And so for what comes later under the same consent.
    let boss_later = deliver(&app, "boss@corp.example", "walrusmint four");
    ada.finished(&ada.sync_now(&account).await).await;
    let out = [&boss, &shop, &meeting, &boss_later];
    let expected =
        ["sender:boss@corp.example", "domain:shop.example", "sender:boss@corp.example", "sender:boss@corp.example"];
    assert_eq!(fates(&app, &out).await, expected.map(|rule| format!("filtered {rule}")));
    assert_not_kept(&app, &out, &["walrusmint", "letters.shop.example"]).await;
    assert!(source_ids(&ada.timeline(json!({})).await).contains(&kept));
    let told = ada
        .data("query($id: String) { items(sourceId: $id) { nodes { outcome reason } } }", json!({ "id": boss }))
        .await;
    assert_eq!(told["items"]["nodes"], json!([{ "outcome": "FILTERED", "reason": "sender:boss@corp.example" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_1_private_events_stay_out_unless_asked_for() {
    let app = TestApp::start_with(Settings::new()).await;
    small_mailbox(&app, 2, 0);
    let private = meet(&app, "heronhollow", json!({ "visibility": "private" }));
    let public = meet(&app, "an open meeting", json!({}));
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let shown = ada.preview(&account, json!({ "services": ["CALENDAR"] })).await["preview"].clone();
    assert!(!shown.to_string().contains("heronhollow"), "{shown:#}");
    assert_eq!(shown["excludedByRule"], json!([{ "key": "private", "count": 1 }]));
    ada.finished(&ada.import(&account, json!({ "services": ["CALENDAR"] })).await).await;
    assert_eq!(source_ids(&ada.timeline(json!({})).await), [public.as_str()]);
    assert_not_kept(&app, &[&private], &["heronhollow"]).await;

    ada.finished(&ada.import(&account, json!({ "services": ["CALENDAR"], "privateEvents": true })).await).await;
    let mut both = [private, public];
    both.sort_unstable();
    assert_eq!(source_ids(&ada.timeline(json!({})).await), both, "a new consent brings in what the old one left out");
}

/// A number for the rows of each table.
async fn fingerprints(app: &TestApp) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND NOT relispartition ORDER BY 1";
    for row in app.db.rows(tables).await {
        let table = &row[0];
        let sql = format!(
            "SELECT '{table}', count(*), md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} t"
        );
        all.extend(app.db.rows(&sql).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_a_preview_writes_itself_and_its_audit_entry_and_nothing_else() {
    let app = TestApp::start_with(Settings::new()).await;
    small_mailbox(&app, 60, 12);
    let subject = "platypusprism";
    deliver(&app, "Otto <otto@tamarind.example>", subject);
    meet(&app, "axolotlatlas", json!({}));
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let earlier = ada.import(&account, everything()).await;
    ada.finished(&earlier).await;
    ada.undo_whole(&earlier).await;

    let before = fingerprints(&app).await;
    let shown = ada.preview(&account, everything()).await["preview"].clone();
    let after = fingerprints(&app).await;
    for (before, after) in before.iter().zip(&after) {
        let n_new = after[1].parse::<i64>().expect("a number") - before[1].parse::<i64>().expect("a number");
        let expected = i64::from(matches!(after[0].as_str(), "previews" | "sync_audit"));
        assert_eq!(n_new, expected, "{}", after[0]);
        assert!(expected == 1 || before == after, "{} changed", after[0]);
    }
    for text in [subject, "axolotlatlas", "otto@tamarind.example"] {
        assert!(shown.to_string().contains(text), "{text} is shown: {shown:#}");
        let found: Vec<_> = cells(&app.db).await.into_iter().filter(|cell| cell.holds(text)).collect();
        assert!(found.is_empty(), "{text} is in {found:?}");
    }
}

/// The samples as they are stored, and the transaction that last wrote the row.
async fn samples(app: &TestApp, preview: &str) -> (Option<String>, String) {
    let id = crate::support::uuid_of(preview);
    let row = app.db.rows(&format!("SELECT samples, xmin FROM previews WHERE preview_id = '{id}'")).await.remove(0);
    (Some(row[0].clone()).filter(|samples| samples != "NULL"), row[1].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_samples_are_forgotten_when_their_preview_expires_and_once_only() {
    let app = TestApp::start_with(Settings::new()).await;
    small_mailbox(&app, 10, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let fresh = ada.preview_id(&account, everything()).await;
    // The API's clock is put back, so that by the database's the next previews have expired already.
    app.clock.advance(TimeDelta::hours(-2));
    let old = ada.preview_id(&account, everything()).await;
    let forgotten = async |preview: &str| {
        let look = || async { samples(&app, preview).await.0.is_none().then_some(()) };
        eventually(look, || "the samples are forgotten".to_owned()).await;
    };
    forgotten(&old).await;
    let (_, written) = samples(&app, &old).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Preview { hash mail { atLeast } samples { title } topSenders { key } } } }";
    let node = ada.data(query, json!({ "id": old })).await["node"].clone();
    assert_eq!((&node["samples"], &node["topSenders"]), (&json!([]), &json!([])));
    assert!(
        node["hash"].is_string() && node["mail"]["atLeast"].as_i64() > Some(0),
        "what was agreed to stays: {node:#}"
    );

    // Another has expired and been swept meanwhile: the sweep has come by, and left the first one alone.
    let older = ada.preview_id(&account, everything()).await;
    forgotten(&older).await;
    assert_eq!(samples(&app, &old).await, (None, written), "a sweep writes a preview anew that it has done with");
    assert!(samples(&app, &fresh).await.0.is_some(), "a preview in its life keeps its samples");
}
