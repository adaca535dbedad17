//! One mail in two accounts, one meeting in two calendars: once on the timeline, with every way by which it came.

use chrono::{TimeDelta, Timelike};
use omnisync::sandbox::Deliver;
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything},
    support::{Person, TestApp},
};

const HOME: &str = "ada@home.example";

const QUERY: &str = "query($filter: TimelineFilter, $search: String, $order: TimelineOrder! = NEWEST, $first: Int, $after: String) {
    timeline(filter: $filter, search: $search, order: $order, first: $first, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { id kind subject direction account { email } sources { interactionId account { email } labels sourceId } } } }";

fn mail(id: &str, subject: &str) -> String {
    format!(
        "From: Ada Brook <{ADA}>\r\nTo: Ada at home <{HOME}>\r\nSubject: {subject}\r\nMessage-ID: <{id}@brightwater.example>\r\n\
         Date: Mon, 2 Nov 2026 09:00:00 +0100\r\n\r\nThe keys are under the mat.\r\n"
    )
}

fn deliver(app: &TestApp, to: &str, raw: &str, labels: &[&str]) {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    app.google.deliver(to, raw.as_bytes(), Deliver { labels, ..Deliver::default() }).expect("delivered");
}

/// Two accounts of one person; what is sent from the first arrives at the second.
async fn two_accounts(app: &TestApp) -> (Person, [String; 2]) {
    for email in [ADA, HOME] {
        app.google.add_account(email, "Ada Brook").expect("an account");
    }
    let ada = app.person("ada");
    let accounts = [ada.connect(ADA).await, ada.connect(HOME).await];
    (ada, accounts)
}

async fn import(ada: &Person, account: &str) -> String {
    let batch = ada.import(account, everything()).await;
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    batch
}

async fn nodes(ada: &Person, variables: Value) -> Vec<Value> {
    ada.data(QUERY, variables).await["timeline"]["nodes"].as_array().expect("nodes").clone()
}

fn emails(node: &Value) -> Vec<&str> {
    let sources = node["sources"].as_array().expect("sources");
    sources.iter().map(|source| source["account"]["email"].as_str().expect("an address")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_in_two_accounts_is_on_the_timeline_once() {
    let app = TestApp::start().await;
    let (ada, [work, home]) = two_accounts(&app).await;
    deliver(&app, ADA, &mail("1", "Keys"), &["SENT"]);
    deliver(&app, HOME, &mail("1", "Keys"), &["INBOX"]);
    // Somebody's program gives one id to two mails.
    deliver(&app, ADA, &mail("2", "One"), &["SENT"]);
    deliver(&app, HOME, &mail("2", "Another"), &["INBOX"]);
    let batches = [import(&ada, &work).await, import(&ada, &home).await];

    let all = nodes(&ada, json!({})).await;
    let subjects: Vec<_> = all.iter().map(|node| node["subject"].as_str().expect("a subject")).collect();
    assert_eq!(subjects.len(), 3, "{all:#?}");
    let keys = all.iter().find(|node| node["subject"] == json!("Keys")).expect("it is there");
    assert_eq!((keys["direction"].as_str(), keys["account"]["email"].as_str()), (Some("SENT"), Some(ADA)));
    assert_eq!(emails(keys), [ADA, HOME]);
    assert_eq!(keys["sources"][1]["labels"], json!(["INBOX"]));
    assert_eq!(keys["sources"][0]["interactionId"], keys["id"]);
    for single in all.iter().filter(|node| node["subject"] != json!("Keys")) {
        assert_eq!(emails(single).len(), 1);
    }
    // What asks for the other copy gets it.
    for filter in [
        json!({ "accountId": home }),
        json!({ "label": "INBOX" }),
        json!({ "direction": "RECEIVED" }),
        json!({ "batchId": batches[1] }),
    ] {
        let found = nodes(&ada, json!({ "filter": filter })).await;
        let keys = found
            .iter()
            .find(|node| node["subject"] == json!("Keys"))
            .unwrap_or_else(|| panic!("{filter}: {found:#?}"));
        assert_eq!((keys["account"]["email"].as_str(), found.len()), (Some(HOME), 2), "{filter}");
        assert_eq!(emails(keys), [ADA, HOME]);
    }
    for order in ["NEWEST", "RELEVANCE"] {
        assert_eq!(nodes(&ada, json!({ "search": "keys", "order": order })).await.len(), 3, "all hold the word once");
    }
    // Where one goes, the other stands for it.
    ada.undo_whole(&batches[0]).await;
    let left = nodes(&ada, json!({})).await;
    assert_eq!(left.len(), 2);
    let keys = left.iter().find(|node| node["subject"] == json!("Keys")).expect("it is there");
    assert_eq!((emails(keys), keys["direction"].as_str()), (vec![HOME], Some("RECEIVED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_full_however_many_copies_there_are() {
    let app = TestApp::start().await;
    let (ada, accounts) = two_accounts(&app).await;
    for number in 0..25 {
        let mail = mail(&format!("m{number}"), &format!("Mail {number}"));
        deliver(&app, ADA, &mail, &["SENT"]);
        deliver(&app, HOME, &mail, &["INBOX"]);
    }
    for account in &accounts {
        import(&ada, account).await;
    }
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    for _ in 0..3 {
        let page = ada.data(QUERY, json!({ "first": 10, "after": after })).await["timeline"].clone();
        seen.push(page["nodes"].as_array().expect("nodes").clone());
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    assert!(seen.concat().iter().all(|node| emails(node) == [ADA, HOME]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_in_two_calendars_is_one_and_knows_its_invitation() {
    let app = TestApp::start().await;
    let (ada, [work, home]) = two_accounts(&app).await;
    let start = (app.clock.now() + TimeDelta::days(2)).with_nanosecond(0).expect("a whole second");
    let times = |start: chrono::DateTime<chrono::Utc>| {
        json!({ "start": { "dateTime": start.to_rfc3339(), "timeZone": "Europe/Berlin" },
                "end": { "dateTime": (start + TimeDelta::hours(1)).to_rfc3339(), "timeZone": "Europe/Berlin" } })
    };
    for (email, title) in [(ADA, "Review"), (HOME, "")] {
        let mut event = times(start);
        event["iCalUID"] = json!("review@brightwater.example");
        event["recurrence"] = json!(["RRULE:FREQ=DAILY;COUNT=3"]);
        event["summary"] = json!(title);
        app.google.put_event(email, "primary", event).expect("made");
    }
    let invitation = format!(
        "From: Grace <grace@example.org>\r\nTo: {HOME}\r\nSubject: Invitation: Review\r\nMessage-ID: <i@example.org>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n\
         UID:review@brightwater.example\r\nSUMMARY:Review\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    deliver(&app, HOME, &invitation, &["INBOX"]);
    import(&ada, &work).await;
    import(&ada, &home).await;

    let meetings = nodes(&ada, json!({ "filter": { "kind": "MEETING" } })).await;
    assert_eq!(meetings.len(), 3, "{meetings:#?}");
    for meeting in &meetings {
        assert_eq!((meeting["subject"].as_str(), emails(meeting)), (Some("Review"), vec![ADA, HOME]));
    }
    assert_eq!(nodes(&ada, json!({ "filter": { "kind": "MEETING", "accountId": home } })).await.len(), 3);

    let linked = "{ timeline(filter: { kind: EMAIL }) { nodes { invitation { uid meeting { id subject
        meeting { invitations { subject } } } } } } }";
    let mail = &ada.data(linked, json!({})).await["timeline"]["nodes"][0]["invitation"];
    let first = meetings.last().expect("three");
    assert_eq!((&mail["meeting"]["id"], &mail["uid"]), (&first["id"], &json!("review@brightwater.example")));
    assert_eq!(mail["meeting"]["meeting"]["invitations"], json!([{ "subject": "Invitation: Review" }]));
}
