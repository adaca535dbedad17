//! Quota is a budget: it is never overdrawn, and when the provider throttles all the same, the account waits.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use omnisync::sandbox::{Effect, Entry, Fault, FaultMatch, FaultPlan, Quota, When};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{FINISHED, Person, Settings, TestApp, eventually},
};

const BUDGET: u32 = 1_200;

/// Two minutes' budgets, and time to spare.
const LONG: Duration = Duration::from_secs(180);

fn is_gmail(entry: &Entry) -> bool {
    entry.path_template.starts_with("/gmail/")
}

fn units(app: &TestApp) -> u32 {
    app.google.journal().into_iter().filter(is_gmail).map(|entry| entry.units).sum()
}

/// Until when the batch says that it waits.
async fn throttled(person: &Person, batch: &str) -> DateTime<Utc> {
    let look = || async {
        let until = person.batch(batch).await["throttledUntil"].clone();
        until.as_str().map(|until| until.parse().expect("a time"))
    };
    eventually(look, || "a throttled batch".to_owned()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_12_two_workers_together_draw_no_more_than_a_minute_allows_and_say_until_when_they_wait() {
    let settings = Settings::from([("GMAIL_UNITS_PER_MINUTE", BUDGET.to_string())]);
    let app = TestApp::start_with(settings).await;
    app.start_worker();
    small_mailbox(&app, 150, 0);
    let began = app.clock.now();
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let mut only_mail = everything();
    only_mail["services"] = json!(["GMAIL"]);
    let batch = ada.import(&account, only_mail).await;
    let until = throttled(&ada, &batch).await;
    // The journal covers less than a minute, so all of it counts against one.
    assert!(app.clock.now() - began < TimeDelta::minutes(1));
    let spent = units(&app);
    assert!(spent <= BUDGET, "{spent} units");
    assert!(spent > BUDGET * 3 / 4, "{spent} units: the budget is there to be used");
    assert!(until > app.clock.now() && until < app.clock.now() + TimeDelta::seconds(61), "{until}");

    let done = ada.undo_whole(&batch).await;
    assert_eq!(done["throttledUntil"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_12_a_throttled_account_stays_away_until_the_time_the_provider_named() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 60, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let back = app.clock.now() + TimeDelta::seconds(8);
    let which = FaultMatch { method: None, path_prefix: "/gmail/v1/users/me/messages/".to_owned() };
    let message = format!("User-rate limit exceeded.  Retry after {}", back.to_rfc3339());
    app.google.fail_next(which, Fault { status: 429, reason: "rateLimitExceeded".to_owned(), message, times: 1 });
    app.start_worker();
    app.start_worker();
    let until = throttled(&ada, &batch).await;
    assert!((until - back).abs() < TimeDelta::seconds(1), "{until} instead of {back}");
    // Requests that were on their way when the refusal came are on their way no more.
    ada.batch(&batch).await;
    let before = units(&app);
    let mut looked = 0;
    while app.clock.now() < back {
        let now = units(&app);
        assert!(now == before || app.clock.now() >= back, "the account was asked before its time");
        ada.batch(&batch).await;
        looked += 1;
    }
    assert!(looked > 0, "the time was over before anyone looked");
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    assert_eq!(
        ada.timeline(json!({ "kind": "EMAIL" })).await.len(),
        app.google.search(ADA, "-in:chats").expect("a search").len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_12_a_person_whom_the_provider_asks_for_patience_is_told_how_long_and_asks_no_more() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 10, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let which = FaultMatch { method: None, path_prefix: "/gmail/v1/users/me/labels".to_owned() };
    let effect = Effect::Refuse {
        status: 503,
        reason: "backendError".to_owned(),
        message: String::new(),
        retry_after: Some("600".to_owned()),
    };
    app.google.plan_fault(FaultPlan { which, effect, latency_ms: 0, when: When::Next(1) });
    let refusal = async || ada.preview(&account, everything()).await["userErrors"][0].clone();
    let first = refusal().await;
    assert_eq!(first["code"], json!("THROTTLED"), "{first:#}");
    let seconds = first["message"].as_str().and_then(|text| text.split_whitespace().find_map(|word| word.parse().ok()));
    assert!(matches!(seconds, Some(500..=600)), "{first:#}");
    let before = units(&app);
    assert_eq!(refusal().await["code"], json!("THROTTLED"));
    assert_eq!(units(&app), before, "Google was asked again");
}

/// The most units that a minute of the journal holds, wherever it begins.
fn most_in_a_minute(app: &TestApp) -> u32 {
    let charged: Vec<(DateTime<Utc>, u32)> =
        app.google.journal().into_iter().filter(is_gmail).map(|entry| (entry.at, entry.units)).collect();
    let within = |from: DateTime<Utc>| {
        let inside = charged.iter().filter(|(at, _)| *at >= from && *at < from + TimeDelta::minutes(1));
        inside.map(|(_, units)| units).sum()
    };
    charged.iter().map(|(at, _)| within(*at)).max().unwrap_or(0)
}

/// Takes two minutes' budgets, and so a good minute, nearly all of it in waiting.
#[tokio::test(flavor = "multi_thread")]
async fn invariant_12_a_google_that_counts_has_nothing_to_refuse() {
    let settings = Settings::from([("GMAIL_UNITS_PER_MINUTE", BUDGET.to_string())]);
    let app = TestApp::start_with(settings).await;
    // What we allow ourselves is three quarters of it, as it is of the real one.
    let limit = BUDGET * 4 / 3;
    app.google.set_quota(Some(Quota { gmail_per_user: limit, ..Quota::default() }));
    small_mailbox(&app, 90, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    throttled(&ada, &batch).await;
    let waiting = ada.batch(&batch).await;
    let eta = waiting["etaSeconds"].as_i64().unwrap_or_else(|| panic!("{waiting:#}"));
    assert!((1..=62).contains(&eta), "one more minute's budget is needed: {waiting:#}");

    let done = ada.batch_in_within(LONG, &batch, FINISHED).await;
    assert_eq!((&done["state"], &done["etaSeconds"]), (&json!("SUCCEEDED"), &Value::Null), "{done:#}");
    let refused: Vec<_> = app.google.journal().into_iter().filter(|entry| entry.refused.is_some()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(units(&app) > BUDGET, "a minute's budget was enough");
    let most = most_in_a_minute(&app);
    assert!(most <= limit, "{most} units in a minute");
    assert_eq!(
        ada.timeline(json!({ "kind": "EMAIL" })).await.len(),
        app.google.search(ADA, "-in:chats").expect("a search").len()
    );
}
