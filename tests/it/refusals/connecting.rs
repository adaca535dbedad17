//! Ways to the provider and back that must lead nowhere.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::{code, counts};
use crate::{
    flow::ADA,
    support::{Consent, Settings, TestApp},
};

async fn start() -> TestApp {
    let app = TestApp::start_idle(Settings::from([("ALLOWED_ORIGINS", "https://app.example".to_owned())])).await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    app
}

fn token_requests(app: &TestApp) -> usize {
    app.google.journal().iter().filter(|entry| entry.path_template == "/token").count()
}

async fn accounts(app: &TestApp) -> i64 {
    app.db.number_of("SELECT count(*) FROM accounts").await
}

/// The address with one query parameter changed.
fn with(url: &Url, key: &str, change: impl Fn(&str) -> String) -> Url {
    let mut changed = url.clone();
    changed.set_query(None);
    for (name, value) in url.query_pairs() {
        let value = if name == key { change(&value) } else { value.into_owned() };
        changed.query_pairs_mut().append_pair(&name, &value);
    }
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_says_no_is_linked_to_nothing() {
    let app = start().await;
    let ada = app.person("ada");
    // No at once, and yes with every box unticked.
    for consent in [Consent::Deny, Consent::Only("no scope holds this word")] {
        let (url, cookie) = ada.begin_connect(json!({ "returnTo": "https://app.example/settings?tab=mail" })).await;
        let (status, location) = ada.come_back(ada.consent(&url, ADA, consent).await, Some(&cookie)).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert_eq!(location, "https://app.example/settings?tab=mail&connectError=CONSENT_DENIED");
        assert_eq!(accounts(&app).await, 0);
    }
    let refused = "SELECT count(*) FROM sync_audit WHERE action = 'connect' AND outcome = 'refused'";
    assert_eq!(app.db.number_of(refused).await, 2);
    // Revoking would end every other link of this Google account with us.
    assert!(app.google.journal().iter().all(|entry| entry.path_template != "/revoke"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_does_not_belong_to_this_browser_and_attempt_asks_the_provider_nothing() {
    let app = start().await;
    let (ada, eve) = (app.person("ada"), app.person("eve"));
    let (url, cookie) = ada.begin_connect(json!({})).await;
    let back = ada.consent(&url, ADA, Consent::All).await;
    let (eves_url, eves_cookie) = eve.begin_connect(json!({})).await;
    let eves_back = eve.consent(&eves_url, ADA, Consent::All).await;
    let eves_state = eves_back.query_pairs().find(|(key, _)| key == "state").expect("a state").1.into_owned();
    let name = cookie.split('=').next().expect("a name").to_owned();
    let flipped = |state: &str| {
        let flip = if state.ends_with('A') { "B" } else { "A" };
        format!("{}{flip}", &state[..state.len() - 1])
    };
    let wrong: Vec<(&str, Url, Option<String>)> = vec![
        ("no cookie", back.clone(), None),
        ("an empty cookie", back.clone(), Some(format!("{name}="))),
        ("another browser", back.clone(), Some(eves_cookie.clone())),
        ("another's attempt", eves_back, Some(cookie.clone())),
        ("a state put in from another's attempt", with(&back, "state", |_| eves_state.clone()), Some(cookie.clone())),
        ("no state", with(&back, "state", |_| String::new()), Some(cookie.clone())),
        ("a tampered state", with(&back, "state", flipped), Some(cookie.clone())),
        ("a short state", with(&back, "state", |state| state[..10].to_owned()), Some(cookie.clone())),
        ("a made-up state", with(&back, "state", |_| "AAAA".repeat(30)), Some(cookie.clone())),
        ("a very long state", with(&back, "state", |state| state.repeat(50)), Some(cookie.clone())),
    ];
    for (what, to, cookie) in wrong {
        let (status, page) = ada.come_back(to, cookie.as_deref()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{what}: {page}");
        assert!(page.contains("Nothing was linked"), "{what}: {page}");
        assert_eq!((token_requests(&app), accounts(&app).await), (0, 0), "{what}");
    }
    // None of that used the attempt up; the right browser can still finish, once.
    let (status, location) = ada.come_back(back.clone(), Some(&cookie)).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{location}");
    assert_eq!((token_requests(&app), accounts(&app).await), (1, 1));
    assert_eq!(ada.come_back(back, Some(&cookie)).await.0, StatusCode::BAD_REQUEST, "used up");
    assert_eq!((token_requests(&app), accounts(&app).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_is_too_late_or_from_another_issuer_asks_the_provider_nothing() {
    let app = start().await;
    let ada = app.person("ada");
    let (url, cookie) = ada.begin_connect(json!({})).await;
    let back = ada.consent(&url, ADA, Consent::All).await;
    let elsewhere = with(&back, "iss", |_| "https://accounts.elsewhere.example".to_owned());
    assert_eq!(ada.come_back(elsewhere, Some(&cookie)).await.0, StatusCode::BAD_REQUEST);

    let (url, cookie) = ada.begin_connect(json!({})).await;
    let back = ada.consent(&url, ADA, Consent::All).await;
    app.clock.advance(TimeDelta::minutes(11));
    assert_eq!(ada.come_back(back, Some(&cookie)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!((token_requests(&app), accounts(&app).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_not_ours_links_nothing() {
    let app = start().await;
    let ada = app.person("ada");
    let (url, cookie) = ada.begin_connect(json!({})).await;
    let back = with(&ada.consent(&url, ADA, Consent::All).await, "code", |_| "4/0Astolen".to_owned());
    let (status, location) = ada.come_back(back, Some(&cookie)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(location.ends_with("/connected?connectError=CONNECT_FAILED"), "{location}");
    assert_eq!(accounts(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_never_leads_to_a_stranger() {
    let app = start().await;
    let ada = app.person("ada");
    let host = format!("{}:{}", app.url.host_str().expect("a host"), app.url.port().expect("a port"));
    let hostile: Vec<String> = [
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:\\\\evil.example",
        "http://evil.example",
        "https://evil.example/?x=app.example",
        "https://app.example.evil.example",
        "https://evil.example#https://app.example",
        "https://app.example@evil.example",
        "https://someone@app.example",
        "https://app.example:444",
        "http://app.example",
        "https://app\u{3002}example.evil.example",
        "//evil\u{3002}example",
        "https://app.example\u{ff0f}@evil.example",
        "/\r\nLocation: https://evil.example",
        "/\tx",
        " //evil.example",
        "\u{1}//evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://app.example",
        "blob:https://app.example/x",
        "http://[::1",
        "file:///etc/passwd",
        "http:",
        "//",
        "",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([format!("http://someone@{host}/"), format!("http://{host}@evil.example/"), "x".repeat(3_000)])
    .collect();
    let query = "mutation($to: String) { connect(input: { returnTo: $to }) { authorizationUrl userErrors { code field message } } }";
    for to in &hostile {
        let payload = ada.data(query, json!({ "to": to })).await["connect"].clone();
        if payload["authorizationUrl"].is_null() {
            assert_eq!((code(&payload), &payload["userErrors"][0]["field"]), ("INVALID_INPUT", &json!("returnTo")));
            continue;
        }
        // What reads as a path of ours is one; so it must be where the browser really ends.
        let (url, cookie) = ada.begin_connect(json!({ "returnTo": to })).await;
        let (_, location) = ada.come_back(ada.consent(&url, ADA, Consent::Deny).await, Some(&cookie)).await;
        let location = Url::parse(&location).expect("an address");
        assert_eq!(location.origin(), app.url.origin(), "{to:?} led to {location}");
    }
    for (fine, lands) in [
        ("/done?x=1#top", format!("http://{host}/done?x=1&connectError=CONSENT_DENIED#top")),
        ("https://app.example", "https://app.example/?connectError=CONSENT_DENIED".to_owned()),
    ] {
        let (url, cookie) = ada.begin_connect(json!({ "returnTo": fine })).await;
        let (_, location) = ada.come_back(ada.consent(&url, ADA, Consent::Deny).await, Some(&cookie)).await;
        assert_eq!(location, lands);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_cannot_be_begun_says_why() {
    let app = start().await;
    let ada = app.person("ada");
    let query = "mutation($input: ConnectInput!) { connect(input: $input) { authorizationUrl expiresAt userErrors { code field message } } }";
    let before = counts(&app).await;
    for (input, expected) in
        [(json!({ "services": [] }), "NOTHING_CHOSEN"), (json!({ "loginHint": "x".repeat(321) }), "INVALID_INPUT")]
    {
        assert_eq!(code(&ada.data(query, json!({ "input": input })).await["connect"]), expected, "{input}");
    }
    for unknown in [json!({ "services": ["OUTLOOK"] }), json!({ "provider": "MICROSOFT" }), Value::Null] {
        let answer = ada.answer(query, json!({ "input": unknown })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!("BAD_USER_INPUT"), "{unknown}: {answer:#}");
    }
    assert_eq!(before, counts(&app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_handed_over_works_once_and_only_for_who_began() {
    let app = start().await;
    let (ada, eve) = (app.person("ada"), app.person("eve"));
    let begin = "mutation { connect(input: { handOver: true }) { authorizationUrl } }";
    let finish = "mutation($code: String!) { finishConnect(input: { connectCode: $code }) { accountId userErrors { code field message } } }";
    let url = ada.data(begin, json!({})).await["connect"]["authorizationUrl"].as_str().expect("an address").to_owned();
    let url = Url::parse(&url).expect("an address");
    let (status, location) = ada.come_back(ada.consent(&url, ADA, Consent::All).await, None).await;
    assert_eq!((status, token_requests(&app)), (StatusCode::SEE_OTHER, 0), "{location}");
    let location = Url::parse(&location).expect("an address");
    let connect_code = location.query_pairs().find(|(key, _)| key == "connectCode").expect("a code").1.into_owned();

    let wrong = ["", "x", "\u{0}", &connect_code[..connect_code.len() - 1], &"A".repeat(5_000)];
    for (person, code_) in wrong.map(|code| (&ada, code)).into_iter().chain([(&eve, connect_code.as_str())]) {
        let payload = person.data(finish, json!({ "code": code_ })).await["finishConnect"].clone();
        assert_eq!((code(&payload), &payload["userErrors"][0]["field"]), ("INVALID_INPUT", &json!("connectCode")));
        assert_eq!((token_requests(&app), accounts(&app).await), (0, 0));
    }
    let payload = ada.data(finish, json!({ "code": connect_code })).await["finishConnect"].clone();
    assert!(payload["accountId"].is_string(), "{payload:#}");
    let payload = ada.data(finish, json!({ "code": connect_code })).await["finishConnect"].clone();
    assert_eq!((code(&payload), token_requests(&app), accounts(&app).await), ("INVALID_INPUT", 1, 1), "used up");
}
