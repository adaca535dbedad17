use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use axum::{Router, http::StatusCode, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use url::Url;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ISSUER: &str = "https://issuer.example";

fn config(key: AuthKey) -> Auth {
    Auth { issuer: ISSUER.to_owned(), audience: "omnisync".to_owned(), key }
}

fn claims(clock: &Clock) -> Value {
    json!({ "iss": ISSUER, "aud": "omnisync", "sub": "ada", "exp": clock.now().timestamp() + 60 })
}

/// `claims` with one of them changed, or without it.
fn changed(mut claims: Value, name: &str, value: Value) -> Value {
    match value {
        Value::Null => claims.as_object_mut().unwrap().remove(name),
        value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    claims
}

fn sign(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

fn hmac(claims: &Value) -> String {
    sign(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes()))
}

#[tokio::test]
async fn a_token_of_ours_names_its_viewer() {
    let clock = Clock::default();
    let authenticator = Authenticator::from_config(&config(AuthKey::Secret(SECRET.into())), clock.clone()).unwrap();
    let secret = SecretString::from(SECRET);
    let token = issue(&secret, ISSUER, "omnisync", "ada", Duration::from_secs(60), clock.now()).unwrap();
    let viewer = authenticator.verify(&token).await.unwrap();
    assert_eq!(viewer.user, UserId::of_subject(ISSUER, "ada"));
    assert!((viewer.expires_at - clock.now()).num_seconds() <= 60);

    // Clocks may differ by 30 s, no more.
    clock.advance(TimeDelta::seconds(85));
    authenticator.verify(&token).await.unwrap();
    clock.advance(TimeDelta::seconds(6));
    assert_eq!(authenticator.verify(&token).await, Err(Error::Refused("expired")));

    let several = changed(claims(&clock), "aud", json!(["other", "omnisync"]));
    authenticator.verify(&hmac(&several)).await.unwrap();
}

#[tokio::test]
async fn what_is_not_signed_by_and_for_us_is_refused() {
    let clock = Clock::default();
    let authenticator = Authenticator::from_config(&config(AuthKey::Secret(SECRET.into())), clock.clone()).unwrap();
    let now = clock.now().timestamp();
    let good = claims(&clock);
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("iss", json!(null)),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("aud", json!(null)),
        ("exp", json!(now - 31)),
        ("exp", json!("tomorrow")),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("exp", json!(null)),
        ("nbf", json!(now + 60)),
        ("sub", json!("")),
        ("sub", json!("x".repeat(256))),
        ("sub", json!(7)),
        ("sub", json!(null)),
    ] {
        let token = hmac(&changed(good.clone(), name, value.clone()));
        assert!(matches!(authenticator.verify(&token).await, Err(Error::Refused(_))), "{name}: {value}");
    }
    authenticator.verify(&hmac(&changed(good.clone(), "sub", json!("x".repeat(255))))).await.unwrap();

    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let hs512 = Header::new(Algorithm::HS512);
    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..Header::new(Algorithm::HS256) };
    let valid = hmac(&good);
    let (signed, signature) = valid.rsplit_once('.').unwrap();
    for (token, why) in [
        (format!("{}.{}.", part(json!({ "alg": "none" })), part(good.clone())), "alg none"),
        (format!("{}.{}.{signature}", part(json!({ "alg": "None" })), part(good.clone())), "alg none, a signature"),
        (format!("{signed}."), "no signature"),
        (format!("{signed}.{}", &signature[..signature.len() - 2]), "half a signature"),
        (signed.to_owned(), "two parts"),
        (format!("{valid}.x"), "four parts"),
        (sign(&hs512, &good, &EncodingKey::from_secret(SECRET.as_bytes())), "another algorithm of the family"),
        (
            sign(&Header::default(), &good, &EncodingKey::from_secret(b"another secret of at least 32 bytes")),
            "another key",
        ),
        (sign(&critical, &good, &EncodingKey::from_secret(SECRET.as_bytes())), "critical parameters"),
        (hmac(&changed(good.clone(), "filler", json!("x".repeat(8_192)))), "too long"),
        (String::new(), "empty"),
        ("é.é.é".to_owned(), "not ASCII"),
    ] {
        assert!(matches!(authenticator.verify(&token).await, Err(Error::Refused(_))), "{why}");
    }
}

#[tokio::test]
async fn a_header_holds_one_bearer_token() {
    let clock = Clock::default();
    let authenticator = Authenticator::from_config(&config(AuthKey::Secret(SECRET.into())), clock.clone()).unwrap();
    let token = hmac(&claims(&clock));
    let headers = |values: &[&str]| -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, http::HeaderValue::try_from(*value).unwrap())).collect()
    };
    let bearer = format!("Bearer {token}");
    authenticator.viewer(&headers(&[&bearer])).await.unwrap();
    authenticator.viewer(&headers(&[&format!("bearer  {token}")])).await.unwrap();
    assert_eq!(authenticator.viewer(&headers(&[])).await, Err(Error::Missing));
    for refused in
        [&[token.as_str()][..], &[&bearer, &bearer], &["Bearer"], &[&format!("Basic {token}")], &["Bearer é"]]
    {
        assert!(matches!(authenticator.viewer(&headers(refused)).await, Err(Error::Refused(_))), "{refused:?}");
    }
}

/// An issuer that serves whatever key set it is given, and counts how often it is asked.
#[derive(Default)]
struct Issuer {
    answer: Mutex<(StatusCode, String)>,
    asked: AtomicUsize,
}

impl Issuer {
    async fn start() -> (Arc<Self>, Url) {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let issuer = Arc::new(Self::default());
        let state = issuer.clone();
        let answer = async move || {
            state.asked.fetch_add(1, Ordering::SeqCst);
            let (status, body) = state.answer.lock().unwrap().clone();
            (status, [("location", "/elsewhere")], body)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/jwks", get(answer))).await });
        (issuer, url)
    }

    fn serve(&self, keys: &[Value]) {
        *self.answer.lock().unwrap() = (StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    fn fail(&self, status: StatusCode, body: &str) {
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A key pair: how tokens are signed with it, and its public half as a JWK.
struct Pair {
    algorithm: Algorithm,
    signing: EncodingKey,
    public: Value,
}

impl Pair {
    fn rsa(kid: &str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let signing = EncodingKey::from_rsa_pem(pem(der.as_ref()).as_bytes()).unwrap();
        let public = pair.public_key();
        let (n, e) = (public.modulus().big_endian_without_leading_zero(), public.exponent());
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e.big_endian_without_leading_zero()));
        let public = json!({ "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": n, "e": e });
        Self { algorithm: Algorithm::RS256, signing, public }
    }

    fn ec(kid: &str) -> Self {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        let signing = EncodingKey::from_ec_pem(pem(der.as_ref()).as_bytes()).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let public = json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y });
        Self { algorithm: Algorithm::ES256, signing, public }
    }

    fn token(&self, kid: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(self.algorithm) };
        sign(&header, claims, &self.signing)
    }
}

fn pem(der: &[u8]) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n")
}

#[tokio::test]
async fn keys_of_the_issuer_are_fetched_when_needed_and_remembered() {
    let (issuer, url) = Issuer::start().await;
    let clock = Clock::default();
    let authenticator = Authenticator::from_config(&config(AuthKey::Jwks(url)), clock.clone()).unwrap();
    let (rsa, ec, next) = (Pair::rsa("r1"), Pair::ec("e1"), Pair::ec("e2"));
    let good = changed(claims(&clock), "exp", json!(clock.now().timestamp() + 86_400));

    issuer.fail(StatusCode::INTERNAL_SERVER_ERROR, "");
    assert_eq!(authenticator.verify(&rsa.token(Some("r1"), &good)).await, Err(Error::Unavailable));
    issuer.serve(&[rsa.public.clone(), ec.public.clone()]);
    assert_eq!(authenticator.verify(&rsa.token(Some("r1"), &good)).await, Err(Error::Unavailable));
    assert_eq!(issuer.asked(), 1, "asked again only after 30 s");
    clock.advance(TimeDelta::seconds(31));
    authenticator.verify(&rsa.token(Some("r1"), &good)).await.unwrap();
    authenticator.verify(&ec.token(Some("e1"), &good)).await.unwrap();
    assert_eq!(issuer.asked(), 2);

    // A token may not choose among several keys by naming none, nor name one key and be signed by another.
    for token in [rsa.token(None, &good), ec.token(Some("r1"), &good), next.token(Some("e1"), &good)] {
        assert!(matches!(authenticator.verify(&token).await, Err(Error::Refused(_))));
    }

    // A new key is found, but made-up ones do not make us ask each time.
    issuer.serve(&[ec.public.clone(), next.public.clone()]);
    clock.advance(TimeDelta::seconds(31));
    let asked = issuer.asked();
    authenticator.verify(&next.token(Some("e2"), &good)).await.unwrap();
    for kid in ["x", "y", "z"] {
        assert_eq!(authenticator.verify(&next.token(Some(kid), &good)).await, Err(Error::Refused("unknown key")));
    }
    assert_eq!(issuer.asked(), asked + 1);
    // The one it replaced is gone.
    assert_eq!(authenticator.verify(&rsa.token(Some("r1"), &good)).await, Err(Error::Refused("unknown key")));

    // A withdrawn key dies within the hour, and an issuer that is away locks nobody out.
    issuer.fail(StatusCode::FOUND, "");
    clock.advance(TimeDelta::minutes(61));
    authenticator.verify(&next.token(Some("e2"), &good)).await.unwrap();
    issuer.serve(std::slice::from_ref(&ec.public));
    clock.advance(TimeDelta::seconds(31));
    authenticator.verify(&ec.token(Some("e1"), &good)).await.unwrap();
    assert_eq!(authenticator.verify(&next.token(Some("e2"), &good)).await, Err(Error::Refused("unknown key")));
    // The only key need not be named.
    authenticator.verify(&ec.token(None, &good)).await.unwrap();
}

#[tokio::test]
async fn a_public_key_is_no_secret_and_a_key_set_may_be_hostile() {
    let (issuer, url) = Issuer::start().await;
    let clock = Clock::default();
    let authenticator = Authenticator::from_config(&config(AuthKey::Jwks(url)), clock.clone()).unwrap();
    let (rsa, good) = (Pair::rsa("r1"), claims(&clock));
    issuer.serve(std::slice::from_ref(&rsa.public));
    authenticator.verify(&rsa.token(Some("r1"), &good)).await.unwrap();

    let header = Header { kid: Some("r1".to_owned()), ..Header::new(Algorithm::HS256) };
    let n = rsa.public["n"].as_str().unwrap();
    for secret in [n.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(n).unwrap(), rsa.public.to_string().into_bytes()] {
        let token = sign(&header, &good, &EncodingKey::from_secret(&secret));
        assert_eq!(authenticator.verify(&token).await, Err(Error::Refused("wrong algorithm")));
    }
    let rs512 = Header { kid: Some("r1".to_owned()), ..Header::new(Algorithm::RS512) };
    let token = sign(&rs512, &good, &rsa.signing);
    assert_eq!(authenticator.verify(&token).await, Err(Error::Refused("wrong algorithm")));

    // Keys for other purposes, of other kinds, and symmetric ones are passed over.
    let symmetric = json!({ "kty": "oct", "kid": "r1", "k": URL_SAFE_NO_PAD.encode(SECRET) });
    let encryption = changed(rsa.public.clone(), "use", json!("enc"));
    let other = changed(rsa.public.clone(), "alg", json!("PS256"));
    let kid = |key: Value, kid: &str| changed(key, "kid", json!(kid));
    issuer.serve(&[kid(symmetric, "a"), kid(encryption, "b"), kid(other, "c"), json!({ "kty": "new", "kid": "d" })]);
    clock.advance(TimeDelta::seconds(31));
    for kid in ["a", "b", "c", "d"] {
        let token = rsa.token(Some(kid), &good);
        assert_eq!(authenticator.verify(&token).await, Err(Error::Refused("unknown key")), "{kid}");
    }

    // Answers that are no key set leave us with what we have.
    for body in ["", "[]", &"x".repeat(MAX_BODY)] {
        issuer.fail(StatusCode::OK, body);
        clock.advance(TimeDelta::seconds(31));
        let asked = issuer.asked();
        assert_eq!(authenticator.verify(&rsa.token(Some("q"), &good)).await, Err(Error::Refused("unknown key")));
        assert_eq!(issuer.asked(), asked + 1);
    }
}

const MAX_BODY: usize = 300 * 1024;
