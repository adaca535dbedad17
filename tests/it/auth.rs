//! Who has no valid token learns that, and nothing else: over HTTP and over the socket, for every root field there is.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::{SinkExt, StreamExt};
use omnisync::http::auth;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, handshake::client::Request},
};

use crate::support::{PATIENCE, Sdl, Settings, TestApp};

const HOUR: Duration = Duration::from_secs(3_600);

/// `Authorization` values that name nobody.
fn worthless(app: &TestApp) -> Vec<String> {
    let (now, secret) = (app.clock.now(), SecretString::from(app.vars["AUTH_SECRET"].clone()));
    let (issuer, other) = (app.vars["AUTH_ISSUER"].as_str(), SecretString::from("another secret of 32 bytes or so"));
    let issue = |secret: &SecretString, issuer: &str, audience: &str, at| {
        auth::issue(secret, issuer, audience, "ada", HOUR, at).expect("a token")
    };
    let good = issue(&secret, issuer, "omnisync", now);
    let claims = good.split('.').nth(1).expect("claims");
    let unsigned = format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
    let tokens = [
        String::new(),
        "nonsense".to_owned(),
        "a.b.c".to_owned(),
        issue(&secret, issuer, "omnisync", now - HOUR * 2),
        issue(&secret, "https://issuer.elsewhere", "omnisync", now),
        issue(&secret, issuer, "another-service", now),
        issue(&other, issuer, "omnisync", now),
        good[..good.len() - 2].to_owned(),
        unsigned,
        "x".repeat(10_000),
    ];
    tokens.into_iter().map(|token| format!("Bearer {token}")).chain([good.clone(), format!("Basic {good}")]).collect()
}

/// Sends a request and checks that its answer says `UNAUTHENTICATED` and no more.
async fn assert_refused(request: RequestBuilder, what: &str) {
    let answer = request.send().await.expect("the API answers");
    let (status, challenge) = (answer.status(), answer.headers().contains_key("www-authenticate"));
    let body: Value = answer.json().await.expect("the answer is JSON");
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}: {body:#}");
    assert!(challenge, "{what}: 401 names a challenge");
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{what}: {body:#}");
    assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{what}: {body:#}");
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], json!("UNAUTHENTICATED"), "{what}: {body:#}");
    assert!(error.get("path").is_none() && error.get("locations").is_none(), "{what}: {body:#}");
    assert_eq!(error["message"], json!("Send a valid token as Authorization: Bearer."), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_root_field_asks_for_a_token_over_http() {
    let app = TestApp::start_idle(Settings::new()).await;
    let (http, url) = (reqwest::Client::new(), app.url.join("graphql").expect("an address"));
    for operation in Sdl::read().operations() {
        let body = json!({ "query": operation.document, "variables": operation.variables });
        assert_refused(http.post(url.clone()).json(&body), &operation.field).await;
        let mut address = url.clone();
        address.query_pairs_mut().append_pair("query", &operation.document);
        assert_refused(http.get(address), &operation.field).await;
    }
    for (query, what) in [("{ __schema { types { name } } }", "introspection"), ("{ nonsense", "a broken document")] {
        assert_refused(http.post(url.clone()).json(&json!({ "query": query })), what).await;
    }
    assert_refused(http.post(url.clone()).body("x".repeat(1_000_000)), "a body that is too large").await;
    for value in worthless(&app) {
        let body = json!({ "query": "{ viewer { id } }" });
        assert_refused(http.post(url.clone()).header("authorization", &value).json(&body), &value).await;
    }
    let rows = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM sync_audit)";
    assert_eq!(app.db.number_of(rows).await, 0, "nobody came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_address_is_refused_even_when_it_is_good() {
    let app = TestApp::start_idle(Settings::new()).await;
    let mut url = app.url.join("graphql").expect("an address");
    url.query_pairs_mut()
        .append_pair("query", "{ viewer { id } }")
        .append_pair("access_token", &app.token("ada", HOUR));
    let answer = reqwest::get(url).await.expect("the API answers");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

fn handshake(app: &TestApp) -> Request {
    let mut url = app.url.join("graphql").expect("an address");
    url.set_scheme("ws").expect("a scheme");
    let mut request = url.as_str().into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a header"));
    request
}

/// How a socket ends after these messages; whatever else comes on it fails the test.
async fn close_code(app: &TestApp, messages: &[Value]) -> u16 {
    let (mut socket, _) = connect_async(handshake(app)).await.expect("a socket");
    for message in messages {
        socket.send(Message::text(message.to_string())).await.expect("sent");
    }
    let closed = async {
        loop {
            match socket.next().await.expect("a close frame").expect("a frame") {
                Message::Close(frame) => return frame.expect("a code").code.into(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{messages:?} was answered with {other:?}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("the socket is closed")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_root_field_asks_for_a_token_on_the_socket() {
    let app = TestApp::start_idle(Settings::new()).await;
    for operation in Sdl::read().operations() {
        let payload = json!({ "query": operation.document, "variables": operation.variables });
        let subscribe = json!({ "id": "1", "type": "subscribe", "payload": payload });
        assert_eq!(close_code(&app, std::slice::from_ref(&subscribe)).await, 4401, "{}", operation.field);
        let init = json!({ "type": "connection_init" });
        assert_eq!(close_code(&app, &[init, subscribe]).await, 4403, "{}", operation.field);
    }
    for value in worthless(&app) {
        let init = json!({ "type": "connection_init", "payload": { "authorization": value } });
        assert_eq!(close_code(&app, &[init]).await, 4403, "{value}");
        let mut request = handshake(&app);
        request.headers_mut().insert("authorization", value.parse().expect("a header"));
        match connect_async(request).await {
            Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status().as_u16(), 401, "{value}"),
            other => panic!("{value}: {other:?}"),
        }
    }
}
