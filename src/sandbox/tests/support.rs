//! A sandbox with one account, and a client that links it.

use std::path::Path;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    super::{Control, OAuthClient, Options, Sandbox},
    discovery,
};

pub(super) const ADA: &str = "ada@brightwater.example";
pub(super) const CALLBACK: &str = "http://127.0.0.1:9/callback";
pub(super) const SCOPES: &str =
    "openid email https://www.googleapis.com/auth/gmail.readonly https://www.googleapis.com/auth/calendar.readonly";

pub(super) fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A sandbox with one account and a client that follows no redirects.
pub(super) struct Google {
    pub sandbox: Sandbox,
    pub http: reqwest::Client,
}

impl Google {
    pub(super) fn start() -> Self {
        Self::start_with(None)
    }

    pub(super) fn start_with(state_file: Option<&Path>) -> Self {
        // Already installed when another test came first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = OAuthClient { id: "app".into(), secret: "shh".into(), redirect_uris: vec![CALLBACK.into()] };
        let state_file = state_file.map(Path::to_owned);
        let sandbox = Sandbox::start(Options { clients: vec![client], state_file, ..Options::default() }).unwrap();
        sandbox.control().add_account(ADA, "Ada Brook").unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { sandbox, http }
    }

    pub(super) fn control(&self) -> Control {
        self.sandbox.control()
    }

    pub(super) fn at(&self, path: &str) -> Url {
        self.sandbox.url().join(path).unwrap()
    }

    /// The consent page's hidden request id.
    pub(super) async fn consent_page(&self, extra: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("verifier"));
        let mut url = self.at("/o/oauth2/v2/auth");
        url.query_pairs_mut()
            .extend_pairs([("client_id", "app"), ("redirect_uri", CALLBACK), ("response_type", "code")])
            .extend_pairs([("scope", SCOPES), ("state", "s1"), ("nonce", "n1"), ("access_type", "offline")])
            .extend_pairs([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")])
            .extend_pairs(extra);
        let response = self.http.get(url).send().await.unwrap();
        match response.headers().get("location") {
            Some(location) => location.to_str().unwrap().to_owned(),
            None => response.text().await.unwrap(),
        }
    }

    pub(super) async fn decide(&self, page: &str, decision: &str, scopes: &[&str]) -> Url {
        let id = page.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut form = vec![("request", id), ("decision", decision)];
        form.extend(scopes.iter().map(|scope| ("scope", *scope)));
        let response = self.http.post(self.at("/o/oauth2/v2/consent")).form(&form).send().await.unwrap();
        assert_eq!(response.status(), 303);
        Url::parse(response.headers()["location"].to_str().unwrap()).unwrap()
    }

    pub(super) async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let mut all = vec![("client_id", "app"), ("client_secret", "shh")];
        all.extend(form);
        let response = self.http.post(self.at("/token")).form(&all).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Trades a code for tokens.
    pub(super) async fn exchange(&self, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", "verifier"),
        ];
        self.token(&form).await
    }

    /// Goes through consent and gives the token reply.
    pub(super) async fn link(&self, scopes: &[&str]) -> Value {
        let page = self.consent_page(&[]).await;
        let back = self.decide(&page, "continue", scopes).await;
        let code = query(&back, "code").unwrap();
        let (status, tokens) = self.exchange(&code).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    pub(super) async fn linked(&self) -> String {
        let scopes: Vec<&str> = SCOPES.split(' ').collect();
        self.link(&scopes).await["access_token"].as_str().unwrap().to_owned()
    }

    pub(super) async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        let response = self.http.get(self.at(path)).bearer_auth(token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The answer, which has to be one, and as Google's documents say.
    pub(super) async fn ok(&self, token: &str, path: &str) -> Value {
        let (status, body) = self.get(token, path).await;
        assert_eq!(status, 200, "{path}: {body}");
        discovery::check(path, &body);
        body
    }

    /// All pages of a list.
    pub(super) async fn all(&self, token: &str, path: &str, field: &str) -> (Vec<Value>, Value) {
        let mut items = Vec::new();
        let mut page = String::new();
        loop {
            let body = self.ok(token, &format!("{path}{page}")).await;
            items.extend(body[field].as_array().cloned().unwrap_or_default());
            match body["nextPageToken"].as_str() {
                Some(next) => page = format!("&pageToken={next}"),
                None => return (items, body),
            }
        }
    }
}

pub(super) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

pub(super) fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

pub(super) fn mail(subject: &str) -> Vec<u8> {
    format!(
        "From: Bob <bob@x.example>\r\nTo: {ADA}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nHello\r\n"
    )
    .into_bytes()
}
