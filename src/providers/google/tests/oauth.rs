use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use secrecy::ExposeSecret;

use super::*;
use crate::domain::account::Service;
use crate::providers::{Authorization, Grant, Provider};

static KEY: LazyLock<EncodingKey> = LazyLock::new(rsa_key);

fn rsa_key() -> EncodingKey {
    let der: Pkcs8V1Der<'_> = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
}

fn public_keys() -> JwkSet {
    let mut key = Jwk::from_encoding_key(&KEY, Algorithm::RS256).unwrap();
    key.common.key_id = Some("k1".to_owned());
    JwkSet { keys: vec![key] }
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) }
}

/// Right claims, but for `change`.
fn claims(change: Value) -> Value {
    let mut claims = json!({
        "iss": "https://accounts.google.com", "aud": "client", "sub": "sub-1", "email": "ada@example.com",
        "nonce": "nonce", "exp": Clock::default().now().timestamp() + 3_600
    });
    let change = change.as_object().unwrap().clone();
    claims.as_object_mut().unwrap().extend(change);
    claims
}

fn signed(change: Value) -> String {
    jsonwebtoken::encode(&header(Algorithm::RS256, "k1"), &claims(change), &KEY).unwrap()
}

/// Google, handing out `id_token` for any code.
async fn google_with(id_token: String) -> Server {
    Server::start(move |asked: Asked| {
        let reply = match asked.path.as_str() {
            "/certs" => serde_json::to_value(public_keys()).unwrap(),
            _ => json!({
                "access_token": "access-secret", "refresh_token": "refresh-secret", "expires_in": 3599,
                "token_type": "Bearer", "id_token": id_token,
                "scope": "openid email https://www.googleapis.com/auth/gmail.readonly"
            }),
        };
        std::future::ready(ok(reply))
    })
    .await
}

async fn exchange(server: &Server) -> Result<Grant, Error> {
    server.google().exchange("code-secret", "verifier-secret", "nonce", "http://127.0.0.1:4000/back").await
}

#[tokio::test]
async fn the_person_is_sent_with_everything_google_asks_for() {
    let request = Authorization {
        redirect_uri: "http://127.0.0.1:4000/back?x=1",
        state: "state",
        nonce: "nonce",
        code_challenge: "challenge",
        services: &[Service::Gmail, Service::Calendar],
        login_hint: Some("ada+crm@example.com"),
        force_consent: true,
    };
    let google = Google::new(&config(&Url::parse("http://127.0.0.1:9/").unwrap()), Clock::default()).unwrap();
    let pairs = |request: &Authorization<'_>| -> HashMap<String, String> {
        google.authorization_url(request).query_pairs().into_owned().collect()
    };
    let asked = pairs(&request);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "client"),
        ("redirect_uri", "http://127.0.0.1:4000/back?x=1"),
        (
            "scope",
            "openid email https://www.googleapis.com/auth/gmail.readonly https://www.googleapis.com/auth/calendar.readonly",
        ),
        ("state", "state"),
        ("nonce", "nonce"),
        ("code_challenge", "challenge"),
        ("code_challenge_method", "S256"),
        ("access_type", "offline"),
        ("include_granted_scopes", "true"),
        ("login_hint", "ada+crm@example.com"),
        ("prompt", "consent"),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
    let quiet = pairs(&Authorization { login_hint: None, force_consent: false, ..request });
    assert!(!quiet.contains_key("login_hint") && !quiet.contains_key("prompt"));
}

#[tokio::test]
async fn a_code_becomes_a_grant() {
    let server = google_with(signed(json!({}))).await;
    let grant = exchange(&server).await.unwrap();
    assert_eq!((grant.subject.as_str(), grant.email.as_str()), ("sub-1", "ada@example.com"));
    assert_eq!(grant.tokens.access.expose_secret(), "access-secret");
    assert_eq!(grant.tokens.refresh.as_ref().unwrap().expose_secret(), "refresh-secret");
    assert_eq!(grant.tokens.expires_in, Duration::from_secs(3_599));
    assert_eq!(grant.tokens.scopes, ["openid", "email", "https://www.googleapis.com/auth/gmail.readonly"]);
    assert!(!format!("{grant:?}").contains("secret"));

    let form = &server.asked()[0].form;
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "code-secret"),
        ("code_verifier", "verifier-secret"),
        ("redirect_uri", "http://127.0.0.1:4000/back"),
        ("client_id", "client"),
        ("client_secret", "client-secret"),
    ] {
        assert_eq!(form.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[tokio::test]
async fn an_identity_token_that_is_wrong_in_anything_is_refused() {
    let now = Clock::default().now().timestamp();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let public = serde_json::to_string(&public_keys()).unwrap();
    let hs256 = EncodingKey::from_secret(public.as_bytes());
    let encode = |header: &Header, key: &EncodingKey| jsonwebtoken::encode(header, &claims(json!({})), key).unwrap();
    for (what, id_token) in [
        ("issuer", signed(json!({"iss": "https://evil.example"}))),
        ("audience", signed(json!({"aud": "another client"}))),
        ("no audience", signed(json!({"aud": null}))),
        ("expired", signed(json!({"exp": now - 61}))),
        ("no expiry", signed(json!({"exp": null}))),
        ("nonce", signed(json!({"nonce": "another"}))),
        ("no nonce", signed(json!({"nonce": null}))),
        ("no subject", signed(json!({"sub": null}))),
        ("alg none", format!("{}.{}.", part(&json!({"alg": "none", "kid": "k1"})), part(&claims(json!({}))))),
        ("HS256 with the public key", encode(&header(Algorithm::HS256, "k1"), &hs256)),
        ("RS384", encode(&header(Algorithm::RS384, "k1"), &KEY)),
        ("another's signature", encode(&header(Algorithm::RS256, "k1"), &rsa_key())),
        ("unknown key", encode(&header(Algorithm::RS256, "k2"), &KEY)),
        ("no key", encode(&Header::new(Algorithm::RS256), &KEY)),
        ("not a token", "id-secret".to_owned()),
    ] {
        let error = exchange(&google_with(id_token).await).await.expect_err(what);
        assert_eq!(error.class, Class::Permanent, "{what}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{what}: {error:?}");
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_unknown_ones_cause_no_storm() {
    let fetches = |server: &Server| server.asked().iter().filter(|asked| asked.path == "/certs").count();
    let known = google_with(signed(json!({}))).await;
    let unknown =
        google_with(jsonwebtoken::encode(&header(Algorithm::RS256, "k2"), &claims(json!({})), &KEY).unwrap()).await;
    for server in [&known, &unknown] {
        let google = server.google();
        for _ in 0..3 {
            let _ = google.exchange("code", "verifier", "nonce", "http://127.0.0.1:4000/back").await;
        }
        assert_eq!(fetches(server), 1);
    }
}

#[tokio::test]
async fn a_refresh_may_leave_the_refresh_token_as_it_is() {
    let server = Server::start(async |_| {
        ok(json!({"access_token": "fresh", "expires_in": 3599, "token_type": "Bearer", "scope": "openid email"}))
    })
    .await;
    let tokens = server.google().refresh(&"refresh-secret".into()).await.unwrap();
    assert_eq!((tokens.access.expose_secret(), tokens.refresh.is_none()), ("fresh", true));
    assert_eq!(server.asked()[0].form["grant_type"], "refresh_token");
    assert_eq!(server.asked()[0].form["refresh_token"], "refresh-secret");
}

#[tokio::test]
async fn only_invalid_grant_costs_the_person_a_new_link() {
    for (status, body, expected) in [
        (
            400,
            json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}),
            Class::NeedsReauth,
        ),
        (401, json!({"error": "invalid_client"}), Class::Misconfigured),
        (400, json!({"error": "unsupported_grant_type"}), Class::Misconfigured),
        (400, json!({"error": "invalid_request"}), Class::Permanent),
        (400, json!({"error": "something_new"}), Class::Permanent),
        (500, json!({"error": "internal_failure"}), Class::Transient),
        (503, json!({"error": "invalid_grant"}), Class::Transient),
        (429, json!({"error": "rate_limit_exceeded"}), Class::Throttled(None)),
        (200, json!({"access_token": 1, "secret": "at-secret"}), Class::Transient),
        (200, json!("at-secret"), Class::Transient),
    ] {
        let answer = body.clone();
        let server = Server::start(move |_| {
            let reply = (StatusCode::from_u16(status).unwrap(), Json(answer.clone())).into_response();
            std::future::ready(reply)
        })
        .await;
        let error = server.google().refresh(&"refresh-secret".into()).await.unwrap_err();
        assert_eq!(error.class, expected, "{status} {body}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn revoking_what_is_unknown_is_success() {
    for (status, expected) in [(200, None), (400, None), (403, Some(Class::Permanent)), (503, Some(Class::Transient))] {
        let server = Server::start(move |_| std::future::ready(refuse(status, "invalid_token"))).await;
        assert_eq!(class(server.google().revoke(&"refresh-secret".into()).await), expected, "{status}");
        assert_eq!(server.asked()[0].form["token"], "refresh-secret");
    }
}
