//! A provider that fails is left alone for a while: for one account, or for all; and nothing is lost by it.

use std::time::Duration;

use omnisync::sandbox::{Effect, FaultMatch, FaultPlan, Generate, When};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{FINISHED, Person, Settings, TestApp, eventually, eventually_within, source_ids},
};

const BEN: &str = "ben@brightwater.example";
/// An open breaker, the tries of a job and those of an item all take their time.
const LONG: Duration = Duration::from_secs(240);

/// When breakers open: by so many calls within so many seconds, and for how many.
fn settings(least_calls: u32, window_secs: u32, open_secs: u32) -> Settings {
    Settings::from([
        ("BREAKER_LEAST_CALLS", least_calls.to_string()),
        ("BREAKER_WINDOW_SECS", window_secs.to_string()),
        ("BREAKER_OPEN_SECS", open_secs.to_string()),
        ("BREAKER_PROBE_SECS", "5".to_owned()),
        ("CHUNK_ITEMS", "10".to_owned()),
    ])
}

/// Lets every request to this path fail from now on.
fn break_down(app: &TestApp, path: &str) {
    let effect =
        Effect::Refuse { status: 500, reason: "backendError".to_owned(), message: String::new(), retry_after: None };
    let which = FaultMatch { method: None, path_prefix: path.to_owned() };
    let always = When::Share { probability: 1.0, seed: 1 };
    app.google.plan_fault(FaultPlan { which, effect, latency_ms: 0, when: always });
}

/// The breaker of a service and a scope, as the person's first account shows it.
async fn breaker(person: &Person, service: &str, scope: &str) -> Value {
    let query = "{ viewer { accounts { breakers { service scope state openUntil } } } }";
    let data = person.data(query, json!({})).await;
    let all = data["viewer"]["accounts"][0]["breakers"].as_array().expect("breakers").clone();
    assert_eq!(all.len(), 4, "two services, two scopes: {all:#?}");
    for one in &all {
        assert_eq!(one["state"] == "OPEN", one["openUntil"].is_string(), "{one:#}");
    }
    all.into_iter().find(|one| one["service"] == service && one["scope"] == scope).expect("this one")
}

async fn opened(person: &Person, service: &str, scope: &str) -> Value {
    let look = || async { Some(breaker(person, service, scope).await).filter(|one| one["state"] == "OPEN") };
    eventually(look, || format!("an open breaker of {service} for {scope}")).await
}

/// A preview that is refused because the provider is not asked.
async fn refused(person: &Person, account: &str) -> bool {
    let payload = person.preview(account, everything()).await;
    let error = &payload["userErrors"][0];
    error["code"] == "PROVIDER_UNAVAILABLE" && error["message"].as_str().is_some_and(|text| text.contains("seconds"))
}

/// Waits until a batch says that it waits because of a breaker, and until when.
async fn waits(person: &Person, batch: &str) {
    let look = || async {
        let batch = person.batch(batch).await;
        let jobs = batch["jobs"].as_array().expect("jobs");
        let waits = jobs.iter().any(|job| job["kind"] == "GMAIL_SYNC" && job["errorClass"] == "breaker");
        (waits && batch["throttledUntil"].is_string()).then_some(())
    };
    eventually(look, || "a batch that waits".to_owned()).await;
}

/// The batch has ended with everything, and every breaker is closed.
async fn is_whole(app: &TestApp, person: &Person, email: &str, batch: &str) {
    let done = person.batch_in_within(LONG, batch, FINISHED).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    assert_eq!((&done["counts"]["failed"], &done["throttledUntil"]), (&json!(0), &Value::Null));
    let mut expected = app.google.search(email, "-in:chats").expect("a search");
    expected.sort_unstable();
    assert_eq!(source_ids(&person.timeline(json!({ "kind": "EMAIL" })).await), expected);
    for scope in ["ACCOUNT", "PROJECT"] {
        assert_eq!(breaker(person, "GMAIL", scope).await["state"], json!("CLOSED"), "{scope}");
    }
}

fn another_mailbox(app: &TestApp, email: &str, messages: usize) {
    app.google.add_account(email, "Ben Brook").expect("an account");
    let generate = Generate { messages, events: 0, months: 3, ..Generate::usual(app.clock.now()) };
    app.google.generate(email, &generate).expect("a mailbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_mails_cannot_be_had_waits_while_others_go_on() {
    // Open for longer than a slice would wait for by itself, so that the batch shows it.
    let app = TestApp::start_with(settings(10, 120, 8)).await;
    small_mailbox(&app, 60, 4);
    another_mailbox(&app, BEN, 300);
    let (ada, ben) = (app.person("ada"), app.person("ben"));
    let (account, bens) = (ada.connect(ADA).await, ben.connect(BEN).await);
    // So much goes well that ada's failures weigh little among all.
    let brought = ben.import(&bens, everything()).await;
    assert_eq!(ben.finished(&brought).await["state"], json!("SUCCEEDED"));

    let preview = ada.preview_id(&account, everything()).await;
    for id in app.google.search(ADA, "-in:chats").expect("a search") {
        break_down(&app, &format!("/gmail/v1/users/me/messages/{id}"));
    }
    let batch = ada.approve(&preview, "once").await["batch"]["id"].as_str().expect("an id").to_owned();
    opened(&ada, "GMAIL", "ACCOUNT").await;
    waits(&ada, &batch).await;
    let look = || async { refused(&ada, &account).await.then_some(()) };
    eventually(look, || "a preview that is refused".to_owned()).await;

    assert_eq!(breaker(&ada, "GMAIL", "PROJECT").await["state"], json!("CLOSED"));
    assert_eq!(breaker(&ada, "CALENDAR", "ACCOUNT").await["state"], json!("CLOSED"));
    assert_eq!(breaker(&ben, "GMAIL", "ACCOUNT").await["state"], json!("CLOSED"));
    ben.preview_id(&bens, everything()).await;
    assert_eq!(ben.finished(&ben.sync_now(&bens).await).await["state"], json!("SUCCEEDED"));

    app.google.clear_faults();
    is_whole(&app, &ada, ADA, &batch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_while_google_fails_everyone_nobody_asks_it_and_nothing_is_lost() {
    // So many calls that one account alone does not come to them before all together do.
    let app = TestApp::start_idle(settings(60, 120, 10)).await;
    small_mailbox(&app, 60, 4);
    another_mailbox(&app, BEN, 20);
    let (ada, ben) = (app.person("ada"), app.person("ben"));
    let (account, bens) = (ada.connect(ADA).await, ben.connect(BEN).await);
    // Its preview's calls went well, so ada's own breaker has no reason to open.
    let batch = ada.import(&account, everything()).await;
    break_down(&app, "");
    for n in 0.. {
        assert!(n < 100, "the project's breaker does not open");
        if refused(&ben, &bens).await {
            break;
        }
    }
    assert_eq!(breaker(&ada, "GMAIL", "PROJECT").await["state"], json!("OPEN"));
    assert_eq!(breaker(&ada, "GMAIL", "ACCOUNT").await["state"], json!("CLOSED"));
    let asked = || app.google.journal().iter().filter(|entry| entry.path_template.starts_with("/gmail/")).count();
    let before = asked();
    assert!(refused(&ada, &account).await);
    app.start_worker();
    waits(&ada, &batch).await;
    // One that probes while we look has asked, too; nothing else has.
    let probes = || async { breaker(&ada, "GMAIL", "PROJECT").await["state"] != "OPEN" };
    assert!(asked() == before || probes().await, "Google was asked although the breaker is open");

    // The first probe fails, and the breaker opens anew.
    let until = breaker(&ada, "GMAIL", "PROJECT").await["openUntil"].clone();
    let look = || async {
        let now = breaker(&ada, "GMAIL", "PROJECT").await;
        (now["state"] == "OPEN" && now["openUntil"] != until).then_some(())
    };
    eventually(look, || "a breaker that opens anew".to_owned()).await;
    app.google.clear_faults();
    is_whole(&app, &ada, ADA, &batch).await;
    assert!(!refused(&ben, &bens).await);
}

/// The breaker is as touchy as can be: the mail's second and third try, alone in their time, open it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_always_fails_opens_no_breaker_for_long() {
    let app = TestApp::start_idle(settings(1, 1, 1)).await;
    small_mailbox(&app, 30, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let ids = app.google.search(ADA, "-in:chats").expect("a search");
    break_down(&app, &format!("/gmail/v1/users/me/messages/{}", ids[3]));
    app.start_worker();
    let look = || async {
        let batch = ada.batch(&batch).await;
        FINISHED.contains(&batch["state"].as_str().expect("a state")).then_some(batch)
    };
    let done = eventually_within(LONG, look, || "the end".to_owned()).await;
    assert_eq!((&done["state"], &done["counts"]["failed"]), (&json!("PARTIAL"), &json!(1)), "{done:#}");
    assert_eq!(ada.timeline(json!({ "kind": "EMAIL" })).await.len(), ids.len() - 1);
    // Whether the last try has opened it or not: the next call closes it.
    let look = || async { (!refused(&ada, &account).await).then_some(()) };
    eventually(look, || "a preview that is made".to_owned()).await;
    assert_eq!(breaker(&ada, "GMAIL", "ACCOUNT").await["state"], json!("CLOSED"));
}
