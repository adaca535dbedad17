//! What a span of the timeline comes to in numbers.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use omnisync::sandbox::Deliver;
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything},
    support::{Person, TestApp},
};

const GRACE: &str = "Grace Hopper <grace@navy.example>";
const ASK: &str = "query($from: DateTime!, $to: DateTime!, $zone: String!) {
    insights(from: $from, to: $to, timeZone: $zone) {
        days { day kind count } hours { weekday hour kind count }
        correspondents { contact { name } nWroteTo nWrote nMet }
        ownAnswers { count medianSeconds ninthDecileSeconds } othersAnswers { count medianSeconds }
    } }";

/// Puts a mail of one conversation into the mailbox.
fn mail(app: &TestApp, number: i32, from: &str, to: &str, at: DateTime<Utc>) {
    let label = if from.contains(ADA) { "SENT" } else { "INBOX" };
    let answers = if number > 0 { "In-Reply-To: <0@x.example>\r\nReferences: <0@x.example>\r\n" } else { "" };
    let raw = format!(
        "From: {from}\r\nTo: {to}\r\nSubject: Lunch\r\nMessage-ID: <{number}@x.example>\r\nDate: {}\r\n{answers}\r\nYes\r\n",
        at.to_rfc2822()
    );
    let deliver = Deliver { labels: vec![label.to_owned()], internal_date: Some(at), ..Deliver::default() };
    app.google.deliver(ADA, raw.as_bytes(), deliver).expect("a message");
}

/// Late in the evening in UTC, when it is tomorrow in the east, ten days ago.
fn late(app: &TestApp) -> DateTime<Utc> {
    let day = (app.clock.now() - TimeDelta::days(10)).date_naive();
    day.and_hms_opt(23, 30, 0).expect("a time").and_utc()
}

async fn ask(person: &Person, at: DateTime<Utc>, zone: &str) -> Value {
    let (from, to) = (at - TimeDelta::days(2), at + TimeDelta::days(3));
    person.data(ASK, json!({ "from": from, "to": to, "zone": zone })).await["insights"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_counted_by_day_hour_person_and_answer() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let (at, ada_at) = (late(&app), format!("Ada <{ADA}>"));
    mail(&app, 0, GRACE, ADA, at);
    mail(&app, 1, &ada_at, GRACE, at + TimeDelta::minutes(10));
    mail(&app, 2, GRACE, ADA, at + TimeDelta::minutes(40));
    mail(&app, 3, &ada_at, GRACE, at + TimeDelta::minutes(60));
    // Two weeks before, which is another span.
    mail(&app, 4, &ada_at, "Kay <kay@disney.example>", at - TimeDelta::days(14));
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;

    let days = |from: DateTime<Utc>, counts: &[i32]| -> Value {
        let day = |(index, count): (i64, &i32)| json!({ "day": (from + TimeDelta::days(index)).date_naive(), "kind": "EMAIL", "count": count });
        (0..).zip(counts).map(day).collect()
    };
    let hour = |at: DateTime<Utc>, hour: i32, count: i32| json!({ "weekday": at.weekday().number_from_monday(), "hour": hour, "kind": "EMAIL", "count": count });
    let tomorrow = at + TimeDelta::days(1);
    let utc = ask(&ada, at, "UTC").await;
    assert_eq!(utc["days"], days(at, &[2, 2]));
    let mut hours = vec![hour(at, 23, 2), hour(tomorrow, 0, 2)];
    // The week begins on Monday.
    hours.sort_by_key(|hour| hour["weekday"].as_i64());
    assert_eq!(utc["hours"], json!(hours));
    let tokyo = ask(&ada, at, "Asia/Tokyo").await;
    assert_eq!(tokyo["days"], days(tomorrow, &[4]));
    assert_eq!(tokyo["hours"], json!([hour(tomorrow, 8, 2), hour(tomorrow, 9, 2)]));

    let grace = json!({ "contact": { "name": "Grace Hopper" }, "nWroteTo": 2, "nWrote": 2, "nMet": 0 });
    assert_eq!(utc["correspondents"], json!([grace]));
    assert_eq!(utc["ownAnswers"], json!({ "count": 2, "medianSeconds": 900.0, "ninthDecileSeconds": 1140.0 }));
    assert_eq!(utc["othersAnswers"], json!({ "count": 1, "medianSeconds": 1800.0 }));

    // Of one contact alone: whom Ada wrote to before is somebody else.
    let contacts = ada.data("{ contacts(first: 5) { nodes { id name } } }", json!({})).await;
    let contacts = contacts["contacts"]["nodes"].as_array().expect("contacts").clone();
    let id = |name: &str| {
        contacts.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{contacts:#?}"))["id"].clone()
    };
    let with = "query($id: ID!, $from: DateTime!, $to: DateTime!) { node(id: $id) { ... on Contact {
        days(from: $from, to: $to, timeZone: \"UTC\") { day kind count } } } }";
    let span = |who: &str| json!({ "id": id(who), "from": at - TimeDelta::days(20), "to": at + TimeDelta::days(3) });
    assert_eq!(ada.data(with, span("Grace Hopper")).await["node"]["days"], days(at, &[2, 2]));
    assert_eq!(ada.data(with, span("Kay")).await["node"]["days"], days(at - TimeDelta::days(14), &[1]));
    // And of the account as a whole.
    let held = "query($id: ID!) { node(id: $id) { ... on Account { nMails nMeetings } } }";
    assert_eq!(ada.data(held, json!({ "id": account })).await["node"], json!({ "nMails": 5, "nMeetings": 0 }));

    // Another person has nothing to count, and what is undone counts no more.
    let nothing = json!({ "days": [], "hours": [], "correspondents": [], "ownAnswers": null, "othersAnswers": null });
    assert_eq!(ask(&app.person("bob"), at, "UTC").await, nothing);
    ada.undo_whole(&batch).await;
    assert_eq!(ask(&ada, at, "UTC").await, nothing);
    assert_eq!(ada.data(held, json!({ "id": account })).await["node"], json!({ "nMails": 0, "nMeetings": 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_by_two_ways_counts_once() {
    let app = TestApp::start().await;
    let at = late(&app);
    let ada = app.person("ada");
    for email in [ADA, "ada.brook@home.example"] {
        app.google.add_account(email, "Ada Brook").expect("an account");
        let raw = format!(
            "From: {GRACE}\r\nTo: {ADA}, ada.brook@home.example\r\nSubject: Lunch\r\nMessage-ID: <1@x.example>\r\nDate: {}\r\n\r\nYes\r\n",
            at.to_rfc2822()
        );
        let deliver = Deliver { internal_date: Some(at), ..Deliver::default() };
        app.google.deliver(email, raw.as_bytes(), deliver).expect("a message");
        let account = ada.connect(email).await;
        let batch = ada.import(&account, everything()).await;
        ada.finished(&batch).await;
    }
    let found = ask(&ada, at, "UTC").await;
    assert_eq!(found["days"], json!([{ "day": at.date_naive(), "kind": "EMAIL", "count": 1 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_has_an_end_a_length_and_a_zone() {
    let app = TestApp::start_idle(crate::support::Settings::new()).await;
    let ada = app.person("ada");
    let now = app.clock.now();
    for (from, to, zone) in [
        (now, now, "UTC"),
        (now, now - TimeDelta::days(1), "UTC"),
        (now - TimeDelta::days(368), now, "UTC"),
        (now - TimeDelta::days(1), now, "Mars/Olympus"),
    ] {
        let answer = ada.answer(ASK, json!({ "from": from, "to": to, "zone": zone })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!("BAD_USER_INPUT"), "{answer:#}");
    }
}
