//! The server itself: restarts, faults, the control plane, loading files.

use std::{path::Path, time::Duration};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    super::{Deliver, Error, Fault, FaultMatch, Generate, Options, Sandbox, Truth},
    support::*,
};

#[tokio::test]
async fn a_restart_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    let google = Google::start_with(Some(&file));
    let control = google.control();
    let generate = Generate { messages: 60, events: 30, ..Generate::usual(now()) };
    control.generate(ADA, &generate).unwrap();
    let token = google.linked().await;
    let id = control.deliver(ADA, &mail("late"), Deliver::default()).unwrap();
    control.modify_labels(ADA, &id, &["Clients"], &[]).unwrap();
    control.advance(TimeDelta::minutes(5)).unwrap();
    let path = "/calendar/v3/calendars/primary/events?maxResults=2500";
    let sync = google.ok(&token, path).await["nextSyncToken"].as_str().unwrap().to_owned();
    let before = (control.messages(ADA).unwrap(), control.events(ADA, "primary").unwrap(), control.accounts());
    google.sandbox.stop().await;

    let google = Google::start_with(Some(&file));
    let control = google.control();
    control.generate(ADA, &generate).unwrap();
    assert_eq!(before, (control.messages(ADA).unwrap(), control.events(ADA, "primary").unwrap(), control.accounts()));
    assert_eq!(google.ok(&token, &format!("{path}&syncToken={sync}")).await["items"], json!([]));
    let behind = control.now() - google.control().now();
    assert!(behind.abs() < TimeDelta::minutes(1));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_varied_account() {
    let (one, other) = (Google::start(), Google::start());
    for google in [&one, &other] {
        google.control().generate(ADA, &Generate::usual(now())).unwrap();
    }
    let messages = one.control().messages(ADA).unwrap();
    assert_eq!(messages, other.control().messages(ADA).unwrap());
    for calendar in one.control().calendars(ADA).unwrap() {
        let events = |google: &Google| google.control().events(ADA, &calendar).unwrap();
        assert_eq!(events(&one), events(&other));
    }
    assert!(messages.iter().all(|mail| mail.internal_date <= now().timestamp_millis()));
    let holding = |text: &str| {
        let holds = |mail: &&Truth| mail.raw.windows(text.len()).any(|bytes| bytes == text.as_bytes());
        messages.iter().filter(holds).count()
    };
    for text in [
        "charset=\"utf-8\"",
        "charset=\"iso-8859-1\"",
        "charset=\"koi8-r\"",
        "charset=\"iso-2022-jp\"",
        "List-Unsubscribe:",
        "In-Reply-To:",
        "Content-Type: text/calendar",
        "application/pdf",
    ] {
        assert!(holding(text) > 0, "no mail holds {text}");
    }
    for q in [
        "in:sent",
        "in:drafts",
        "in:spam",
        "in:trash",
        "in:chats",
        "category:promotions",
        "has:userlabels",
        "東京",
        "Grüße",
    ] {
        assert!(!one.control().search(ADA, q).unwrap().is_empty(), "{q} finds nothing");
    }
}

#[tokio::test]
async fn planned_faults_and_the_journal() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    control.clear_journal();
    let fault = Fault {
        status: 429,
        reason: "rateLimitExceeded".into(),
        message: "User-rate limit exceeded.".into(),
        times: 1,
    };
    control.fail_next(FaultMatch { method: None, path_prefix: "/gmail/v1/users/me/profile".into() }, fault);
    let (status, body) = google.get(&token, "/gmail/v1/users/me/profile").await;
    assert_eq!((status, &body["error"]["errors"][0]["domain"]), (429, &json!("usageLimits")));
    google.ok(&token, "/gmail/v1/users/me/profile").await;
    let statuses: Vec<(u16, u32)> = control.journal().into_iter().map(|entry| (entry.status, entry.units)).collect();
    assert_eq!(statuses, [(429, 1), (200, 1)]);
    assert_eq!(control.journal()[0].path_template, "/gmail/v1/users/{user}/profile");
}

#[tokio::test]
async fn a_person_with_curl_can_steer_it() {
    let google = Google::start();
    let at = |path: &str| google.at(&format!("/_sandbox/accounts/{ADA}/{path}"));
    let made: Value = google.http.post(at("messages")).body(mail("hi")).send().await.unwrap().json().await.unwrap();
    let id = made["id"].as_str().unwrap();
    let labels = json!({"add": ["STARRED"], "remove": ["UNREAD"]});
    google
        .http
        .post(at(&format!("messages/{id}/labels")))
        .json(&labels)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    assert_eq!(google.control().messages(ADA).unwrap()[0].labels, ["CATEGORY_PERSONAL", "INBOX", "STARRED"]);
    let page = google.http.get(google.at("/_sandbox/")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("1 messages"), "{page}");
    assert_eq!(google.http.delete(at(&format!("messages/{id}"))).send().await.unwrap().status(), 204);
    assert_eq!(google.http.delete(at(&format!("messages/{id}"))).send().await.unwrap().status(), 404);
    let event = json!({"start": {"date": "2026-12-01"}});
    assert!(google.http.post(at("events")).json(&event).send().await.unwrap().status().is_success());
    assert_eq!(google.http.post(at("events")).json(&json!({})).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn conditions_are_set_over_http_as_well() {
    let google = Google::start();
    let token = google.linked().await;
    let (http, at) = (&google.http, |path: &str| google.at(&format!("/_sandbox/{path}")));
    let sent = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    let quota = json!({"table": "legacy", "gmailPerUser": 4, "form": "tooManyRequests"});
    assert_eq!(sent(http.put(at("quota")).json(&quota)).await, 204);
    assert_eq!(google.get(&token, "/gmail/v1/users/me/messages").await.0, 429);
    assert_eq!(sent(http.put(at("quota")).json(&Value::Null)).await, 204);
    let refuse = json!({"refuse": {"status": 503, "reason": "backendError", "retryAfter": "3"}});
    let plan = json!({"which": {"pathPrefix": "/gmail/"}, "effect": refuse, "when": {"next": 2}});
    assert_eq!(sent(http.post(at("faults")).json(&plan)).await, 204);
    assert_eq!(google.get(&token, "/gmail/v1/users/me/messages").await.0, 503);
    assert_eq!(sent(http.delete(at("faults"))).await, 204);
    google.ok(&token, "/gmail/v1/users/me/messages").await;
    let shared =
        json!({"effect": {"drip": {"bytes": 1, "everyMs": 0}}, "when": {"share": {"probability": 1.0, "seed": 1}}});
    assert_eq!(sent(http.post(at("faults")).json(&shared)).await, 204);
    assert_eq!(sent(http.put(at("behaviour")).json(&json!({"inTesting": true}))).await, 204);
    assert!(google.control().behaviour().in_testing);
    assert_eq!(sent(http.post(at("clock")).json(&json!({"seconds": 4000}))).await, 200);
    assert_eq!(google.get(&token, "/gmail/v1/users/me/messages").await.0, 401);
    let journal: Value = http.get(at("journal")).send().await.unwrap().json().await.unwrap();
    let statuses: Vec<_> = journal.as_array().unwrap().iter().map(|entry| entry["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses[statuses.len() - 4..], [429, 503, 200, 401]);
    assert_eq!(journal[journal.as_array().unwrap().len() - 4]["refused"], "userMinute");
    for (what, status) in [("expireHistory", 204), ("narrowGrants?scope=openid", 204), ("nothing", 404)] {
        assert_eq!(sent(http.post(at(&format!("accounts/{ADA}/do/{what}")))).await, status, "{what}");
    }
}

#[tokio::test]
async fn it_never_listens_to_a_network() {
    let options = Options { listen: "0.0.0.0:0".parse().unwrap(), ..Options::default() };
    assert!(matches!(Sandbox::start(options), Err(Error::NotLoopback(_))));
}

#[tokio::test]
async fn dropping_it_frees_the_port() {
    let google = Google::start();
    let (url, http) = (google.sandbox.url(), google.http.clone());
    drop(google);
    // The listener goes with its task, which runs as soon as this one waits.
    let closed = async { while http.get(url.clone()).send().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(5), closed).await.unwrap();
}

#[tokio::test]
async fn the_corpus_is_loaded_whole() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if !corpus.is_dir() {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    }
    let google = Google::start();
    let control = google.control();
    let mails = control.load(ADA, &corpus.join("mail")).unwrap();
    assert!(mails.messages > 500, "{} messages, skipped {:?}", mails.messages, mails.skipped);
    let meetings = control.load(ADA, &corpus.join("ics")).unwrap();
    assert!(meetings.events > 5_000, "{} events, skipped {}", meetings.events, meetings.skipped.len());
    println!("{} mails, {} skipped: {:?}", mails.messages, mails.skipped.len(), mails.skipped);
    println!("{} events, {} skipped", meetings.events, meetings.skipped.len());
    let token = google.linked().await;
    for mail in control.messages(ADA).unwrap() {
        google.ok(&token, &format!("/gmail/v1/users/me/messages/{}", mail.id)).await;
    }
    for calendar in control.calendars(ADA).unwrap() {
        let path = format!(
            "/calendar/v3/calendars/{calendar}/events?timeMin=2010-01-01T00:00:00Z&timeMax=2011-01-01T00:00:00Z&singleEvents=true&maxResults=2500"
        );
        google.ok(&token, &path).await;
    }
}
