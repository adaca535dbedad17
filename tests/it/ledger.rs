//! "Why is this mail not here?", asked by what the mail is called everywhere.

use chrono::{TimeDelta, Utc};
use omnisync::sandbox::{Deliver, Effect, FaultMatch, FaultPlan, When};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything},
    support::{Person, TestApp, cells},
};

/// A mail with a Message-ID; gives its id at Google.
fn deliver(app: &TestApp, from: &str, message_id: &str, deliver: Deliver) -> String {
    let head = format!("From: {from}\r\nTo: {ADA}\r\nSubject: S\r\nMessage-ID: <{message_id}>\r\n");
    app.google.deliver(ADA, format!("{head}\r\nBody.\r\n").as_bytes(), deliver).expect("delivered")
}

/// What became of the items that these arguments of `items` find.
async fn fates(person: &Person, arguments: &str) -> Vec<String> {
    let query = format!("{{ items({arguments}) {{ nodes {{ sourceId outcome reason batchId }} }} }}");
    let found = person.data(&query, json!({})).await["items"]["nodes"].clone();
    let fate = |item: &Value| {
        assert!(item["batchId"].is_string(), "{item}");
        format!("{} {} {}", item["sourceId"], item["outcome"], item["reason"]).replace('"', "")
    };
    found.as_array().expect("a list").iter().map(fate).collect()
}

async fn named(person: &Person, message_id: &str) -> Vec<String> {
    fates(person, &format!("messageId: {}", json!(message_id))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_what_became_of_a_mail_is_found_by_its_message_id() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let plain = Deliver::default;
    let kept = deliver(&app, "grace@example.org", "kept@example.org", plain());
    let excluded = deliver(&app, "spam@example.org", "yakyonder@example.org", plain());
    let trashed = deliver(&app, "grace@example.org", "trashed@example.org", plain());
    let poison = deliver(&app, "grace@example.org", "poison@example.org", plain());
    // No database has a moment that late, so Google's own words around the mail cannot be read.
    let late = Deliver { internal_date: Some(chrono::DateTime::<Utc>::MAX_UTC - TimeDelta::days(2)), ..plain() };
    let unreadable = deliver(&app, "grace@example.org", "unreadable@example.org", late);
    let path_prefix = format!("/gmail/v1/users/me/messages/{poison}");
    let effect =
        Effect::Refuse { status: 400, reason: "invalidArgument".into(), message: "".into(), retry_after: None };
    let which = FaultMatch { method: None, path_prefix };
    app.google.plan_fault(FaultPlan { which, effect, latency_ms: 0, when: When::Next(u32::MAX) });

    let (ada, ben) = (app.person("ada"), app.person("ben"));
    assert_eq!(named(&ada, "kept@example.org").await, [""; 0], "who has linked nothing has nothing");
    let account = ada.connect(ADA).await;
    let mut consent = everything();
    consent["excludedSenders"] = json!(["spam@example.org"]);
    let batch = ada.import(&account, consent).await;
    assert_eq!(ada.finished(&batch).await["state"], json!("PARTIAL"));
    for written in ["kept@example.org", "<kept@example.org>", " <kept@example.org>\n"] {
        assert_eq!(named(&ada, written).await, [format!("{kept} STORED null")], "{written:?}");
    }
    let out = format!("{excluded} FILTERED sender:spam@example.org");
    assert_eq!(named(&ada, "yakyonder@example.org").await, [out.as_str()]);
    let in_batch = format!("messageId: \"yakyonder@example.org\", batchId: \"{batch}\", outcome: [FILTERED]");
    assert_eq!(fates(&ada, &in_batch).await, [out]);
    // Of what is kept out, nothing can be read, not even its name.
    assert!(cells(&app.db).await.iter().all(|cell| !cell.holds("yakyonder")));
    let failed = named(&ada, "unreadable@example.org").await;
    assert!(failed.len() == 1 && failed[0].starts_with(&format!("{unreadable} FAILED")), "{failed:?}");
    // What never arrived had no name.
    assert_eq!(named(&ada, "poison@example.org").await, [""; 0]);
    let failed = fates(&ada, &format!("sourceId: \"{poison}\"")).await;
    assert!(failed.len() == 1 && failed[0].starts_with(&format!("{poison} FAILED")), "{failed:?}");

    app.google.trash(ADA, &trashed).expect("trashed");
    app.google.delete(ADA, &kept).expect("deleted");
    let later = ada.sync_now(&account).await;
    ada.finished(&later).await;
    assert_eq!(named(&ada, "trashed@example.org").await, [format!("{trashed} FILTERED in:trash")]);
    assert_eq!(
        named(&ada, "kept@example.org").await,
        [format!("{kept} GONE null")],
        "news without a name leaves the name"
    );

    assert_eq!(named(&ada, "never.seen@example.org").await, [""; 0]);
    assert_eq!(named(&ben, "trashed@example.org").await, [""; 0]);
    app.google.add_account("ben@stonebridge.example", "Ben").expect("an account");
    ben.connect("ben@stonebridge.example").await;
    assert_eq!(named(&ben, "trashed@example.org").await, [""; 0]);
    for unfit in ["", "<>", &"x".repeat(1_001)] {
        let query = "query($id: String) { items(messageId: $id) { nodes { sourceId } } }";
        let refused = ada.answer(query, json!({ "id": unfit })).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], json!("BAD_USER_INPUT"), "{refused:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_what_became_of_a_meeting_is_found_by_its_uid_also_after_an_undo() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    #[expect(clippy::disallowed_methods, reason = "the sandbox's calendar is about today")]
    let start = chrono::SubsecRound::trunc_subsecs(Utc::now(), 0) + TimeDelta::days(1);
    let time = |at: chrono::DateTime<Utc>| json!({ "dateTime": at.to_rfc3339(), "timeZone": "UTC" });
    let (start_at, end) = (time(start), time(start + TimeDelta::hours(1)));
    let series = json!({ "id": "series0", "iCalUID": "series@example.org", "start": start_at, "end": end,
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] });
    let secret = json!({ "id": "secret0", "iCalUID": "ibexisland@example.org", "visibility": "private", "start": start_at,
        "end": end });
    app.google.put_event(ADA, "primary", series).expect("a series");
    app.google.put_event(ADA, "primary", secret).expect("a meeting");
    let moved = format!("series0_{}", start.format("%Y%m%dT%H%M%SZ"));
    let to = start + TimeDelta::hours(3);
    app.google.move_event(ADA, "primary", &moved, to, to + TimeDelta::hours(1)).expect("moved");

    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    assert_eq!(ada.finished(&batch).await["state"], json!("SUCCEEDED"));
    let both = ["series0 STORED null".to_owned(), format!("{moved} STORED null")];
    assert_eq!(named(&ada, "series@example.org").await, both);
    assert_eq!(named(&ada, "ibexisland@example.org").await, ["secret0 FILTERED private"]);
    assert!(cells(&app.db).await.iter().all(|cell| !cell.holds("ibexisland")));
    ada.undo_whole(&batch).await;
    let undone = named(&ada, "series@example.org").await;
    assert_eq!(undone.iter().filter(|fate| fate.contains(" UNDONE")).count(), 2, "{undone:?}");
}
