//! A provider that is away, asks for patience, or has ended the link.

use omnisync::sandbox::{Fault, FaultMatch};
use serde_json::{Value, json};

use super::{code, counts, sync_now};
use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Consent, Person, Settings, TestApp},
};

/// Lets the next request to this path fail.
fn fail(app: &TestApp, path: &str, status: u16, reason: &str) {
    let which = FaultMatch { method: None, path_prefix: path.to_owned() };
    let (reason, message) = (reason.to_owned(), "a text of the provider's".to_owned());
    app.google.fail_next(which, Fault { status, reason, message, times: 1 });
}

async fn state(person: &Person) -> Value {
    let viewer = person.data("{ viewer { accounts { id state stateReason } } }", json!({})).await;
    viewer["viewer"]["accounts"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_leaves_nothing_half_written() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 10, 4);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let preview = ada.preview_id(&account, everything()).await;
    let before = counts(&app).await;
    for path in [
        "/gmail/v1/users/me/labels",
        "/gmail/v1/users/me/messages",
        "/calendar/v3/users/me/calendarList",
        "/calendar/v3/calendars",
    ] {
        for (status, reason, expected) in [
            (503, "backendError", "PROVIDER_UNAVAILABLE"),
            (500, "", "PROVIDER_UNAVAILABLE"),
            (429, "rateLimitExceeded", "THROTTLED"),
        ] {
            fail(&app, path, status, reason);
            let payload = ada.preview(&account, everything()).await;
            assert_eq!(code(&payload), expected, "{path} {status}");
            assert!(!payload.to_string().contains("a text of the provider's"), "{payload:#}");
        }
    }
    fail(&app, "/calendar/v3/users/me/calendarList", 503, "backendError");
    assert_eq!(code(&ada.approve(&preview, "a key").await), "PROVIDER_UNAVAILABLE");
    assert_eq!(before, counts(&app).await);
    // And when it is back, the same click does what it should.
    assert!(ada.approve(&preview, "a key").await["batch"]["id"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_the_provider_does_not_complete_is_not_made() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 3, 0);
    let ada = app.person("ada");
    for (path, status, reason) in
        [("/token", 503, "backend_error"), ("/token", 400, "invalid_grant"), ("/token", 401, "invalid_client")]
    {
        let (url, cookie) = ada.begin_connect(json!({})).await;
        let back = ada.consent(&url, ADA, Consent::All).await;
        fail(&app, path, status, reason);
        let (_, location) = ada.come_back(back, Some(&cookie)).await;
        assert!(location.ends_with("/connected?connectError=CONNECT_FAILED"), "{path} {status}: {location}");
        assert_eq!(app.db.number_of("SELECT count(*) FROM accounts").await, 0);
    }
    ada.connect(ADA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_provider_ended_early_is_renewed_without_a_word() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 5, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    app.google.expire_access_tokens(ADA).expect("expired");
    let preview = ada.preview_id(&account, everything()).await;
    app.google.expire_access_tokens(ADA).expect("expired");
    assert!(ada.approve(&preview, "a key").await["batch"]["id"].is_string());
    app.google.expire_access_tokens(ADA).expect("expired");
    let asked = "{ viewer { accounts { labels { sourceId } } } }";
    assert!(
        !ada.data(asked, json!({})).await["viewer"]["accounts"][0]["labels"].as_array().expect("labels").is_empty()
    );
    app.google.expire_access_tokens(ADA).expect("expired");
    let asked = "{ viewer { accounts { calendars { sourceId } } } }";
    assert!(
        !ada.data(asked, json!({})).await["viewer"]["accounts"][0]["calendars"]
            .as_array()
            .expect("calendars")
            .is_empty()
    );
    assert_eq!(state(&ada).await["state"], json!("INCOMPLETE"), "its run waits for a worker, and for nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_was_taken_back_asks_for_the_person_and_heals_when_they_come() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 10, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let preview = ada.preview_id(&account, everything()).await;
    let before = counts(&app).await;
    app.google.revoke_grants(ADA).expect("revoked");
    assert_eq!(code(&ada.preview(&account, everything()).await), "NEEDS_REAUTH");
    let told = state(&ada).await;
    assert_eq!((&told["id"], &told["state"]), (&json!(account), &json!("NEEDS_REAUTH")), "{told:#}");
    assert!(
        told["stateReason"].as_str().is_some_and(|reason| reason.contains("Connect the account again")),
        "{told:#}"
    );
    assert_eq!(code(&ada.approve(&preview, "a key").await), "NEEDS_REAUTH");
    assert_eq!(code(&sync_now(&ada, &account).await), "NEEDS_REAUTH");
    assert_eq!(before, counts(&app).await);

    assert_eq!(ada.connect(ADA).await, account, "the same account, healed");
    let healed = state(&ada).await;
    assert_eq!((&healed["id"], &healed["state"]), (&json!(account), &json!("LINKED")), "{healed:#}");
    assert!(ada.approve(&preview, "a key").await["batch"]["id"].is_string(), "what was shown can still be approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_under_a_running_sync_ends_the_sync_and_says_why() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 20, 4);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    app.google.revoke_grants(ADA).expect("revoked");
    app.start_worker();
    let failed = ada.finished(&batch).await;
    assert_eq!(failed["state"], json!("FAILED"), "{failed:#}");
    assert!(failed["error"].as_str().is_some_and(|error| !error.is_empty()), "{failed:#}");
    assert_eq!(state(&ada).await["state"], json!("NEEDS_REAUTH"));
    let refreshes =
        app.google.journal().iter().filter(|entry| entry.path_template == "/token" && entry.status == 400).count();
    assert!((1..=2).contains(&refreshes), "one for each stream at most, not {refreshes}");

    ada.connect(ADA).await;
    let healed = ada.finished(&ada.sync_now(&account).await).await;
    assert_eq!(healed["state"], json!("SUCCEEDED"), "{healed:#}");
    assert_eq!(
        ada.timeline(json!({ "kind": "EMAIL" })).await.len(),
        app.google.search(ADA, "-in:chats").expect("a search").len()
    );
}
