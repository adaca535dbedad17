//! Drives the sandbox over HTTP as a client of Google would.

use std::{collections::BTreeSet, path::Path, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::*;

const ADA: &str = "ada@brightwater.example";
const CALLBACK: &str = "http://127.0.0.1:9/callback";
const SCOPES: &str =
    "openid email https://www.googleapis.com/auth/gmail.readonly https://www.googleapis.com/auth/calendar.readonly";

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A sandbox with one account and a client that follows no redirects.
struct Google {
    sandbox: Sandbox,
    http: reqwest::Client,
}

impl Google {
    fn start() -> Self {
        Self::start_with(None)
    }

    fn start_with(state_file: Option<&Path>) -> Self {
        // Already installed when another test came first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = OAuthClient { id: "app".into(), secret: "shh".into(), redirect_uris: vec![CALLBACK.into()] };
        let state_file = state_file.map(Path::to_owned);
        let sandbox = Sandbox::start(Options { clients: vec![client], state_file, ..Options::default() }).unwrap();
        sandbox.control().add_account(ADA, "Ada Brook").unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { sandbox, http }
    }

    fn control(&self) -> Control {
        self.sandbox.control()
    }

    fn at(&self, path: &str) -> Url {
        self.sandbox.url().join(path).unwrap()
    }

    /// The consent page's hidden request id.
    async fn consent_page(&self, extra: &[(&str, &str)]) -> String {
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

    async fn decide(&self, page: &str, decision: &str, scopes: &[&str]) -> Url {
        let id = page.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut form = vec![("request", id), ("decision", decision)];
        form.extend(scopes.iter().map(|scope| ("scope", *scope)));
        let response = self.http.post(self.at("/o/oauth2/v2/consent")).form(&form).send().await.unwrap();
        assert_eq!(response.status(), 303);
        Url::parse(response.headers()["location"].to_str().unwrap()).unwrap()
    }

    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let mut all = vec![("client_id", "app"), ("client_secret", "shh")];
        all.extend(form);
        let response = self.http.post(self.at("/token")).form(&all).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Goes through consent and gives the token reply.
    async fn link(&self, scopes: &[&str]) -> Value {
        let page = self.consent_page(&[]).await;
        let back = self.decide(&page, "continue", scopes).await;
        let code = query(&back, "code").unwrap();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", "verifier"),
        ];
        let (status, tokens) = self.token(&form).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn linked(&self) -> String {
        let scopes: Vec<&str> = SCOPES.split(' ').collect();
        self.link(&scopes).await["access_token"].as_str().unwrap().to_owned()
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        let response = self.http.get(self.at(path)).bearer_auth(token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn ok(&self, token: &str, path: &str) -> Value {
        let (status, body) = self.get(token, path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// All pages of a list.
    async fn all(&self, token: &str, path: &str, field: &str) -> (Vec<Value>, Value) {
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

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

fn mail(subject: &str) -> Vec<u8> {
    format!(
        "From: Bob <bob@x.example>\r\nTo: {ADA}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nHello\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn consent_gives_what_was_ticked_and_a_signed_identity() {
    let google = Google::start();
    let page = google.consent_page(&[]).await;
    assert_eq!(page.matches("type=\"checkbox\"").count(), 2, "sign-in scopes are no choice");
    let back = google.decide(&page, "continue", &["https://www.googleapis.com/auth/gmail.readonly"]).await;
    let issuer = google.sandbox.url().as_str().trim_end_matches('/').to_owned();
    assert_eq!((query(&back, "state").as_deref(), query(&back, "iss")), (Some("s1"), Some(issuer.clone())));
    let code = query(&back, "code").unwrap();
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    let (status, wrong) = google.token(&[form[0], form[1], form[2], ("code_verifier", "guess")]).await;
    assert_eq!((status, &wrong["error"]), (400, &json!("invalid_grant")));
    let (status, _) = google.token(&[form[0], form[1], form[2], ("code_verifier", "verifier")]).await;
    assert_eq!(status, 400, "a code is good for one try");

    let tokens = google.link(&["https://www.googleapis.com/auth/gmail.readonly"]).await;
    assert_eq!(
        tokens["scope"],
        "https://www.googleapis.com/auth/gmail.readonly https://www.googleapis.com/auth/userinfo.email openid"
    );
    assert_eq!(tokens["expires_in"], 3599);
    assert!(tokens["refresh_token"].is_string());
    let keys = google.ok("", "/oauth2/v3/certs").await;
    let jwk = serde_json::from_value(keys["keys"][0].clone()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let mut checks = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    checks.set_audience(&["app"]);
    checks.set_issuer(&[issuer]);
    let claims: Value = jsonwebtoken::decode(tokens["id_token"].as_str().unwrap(), &key, &checks).unwrap().claims;
    assert_eq!((&claims["email"], &claims["nonce"]), (&json!(ADA), &json!("n1")));
    assert_eq!(claims["sub"].as_str(), Some(google.control().accounts()[0].sub.as_str()));

    let access = tokens["access_token"].as_str().unwrap();
    let (status, body) = google.get(access, "/calendar/v3/calendars/primary/events").await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (403, &json!("insufficientPermissions")));
}

#[tokio::test]
async fn consent_can_be_refused_and_bad_requests_are_not_redirected() {
    let google = Google::start();
    let page = google.consent_page(&[]).await;
    let back = google.decide(&page, "cancel", &[]).await;
    assert_eq!(query(&back, "error").as_deref(), Some("access_denied"));
    for bad in ["client_id=other", "client_id=app&redirect_uri=http://evil.example/"] {
        let response = google.http.get(google.at(&format!("/o/oauth2/v2/auth?{bad}"))).send().await.unwrap();
        assert_eq!(response.status(), 400, "{bad}");
        assert!(response.headers().get("location").is_none());
    }
    google.control().add_account("bob@brightwater.example", "Bob <b>").unwrap();
    let chooser = google.consent_page(&[]).await;
    assert!(chooser.contains("Choose an account") && chooser.contains("Bob &lt;b&gt;"), "{chooser}");
    assert!(google.consent_page(&[("login_hint", ADA)]).await.contains("name=\"request\""));
}

#[tokio::test]
async fn tokens_refresh_expire_and_die_together() {
    let google = Google::start();
    let scopes: Vec<&str> = SCOPES.split(' ').collect();
    let tokens = google.link(&scopes).await;
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    google.control().advance(TimeDelta::hours(1)).unwrap();
    let (status, body) = google.get(access, "/gmail/v1/users/me/profile").await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (401, &json!("authError")));
    let (_, fresh) = google.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert!(fresh.get("refresh_token").is_none());
    google.ok(fresh["access_token"].as_str().unwrap(), "/gmail/v1/users/me/profile").await;
    // The second consent goes through silently, and brings no second refresh token.
    let back = Url::parse(&google.consent_page(&[]).await).unwrap();
    let code = query(&back, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", "verifier"),
    ];
    assert!(google.token(&form).await.1.get("refresh_token").is_none());
    let revoked = google.http.post(google.at("/revoke")).form(&[("token", refresh)]).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    assert_eq!(google.get(fresh["access_token"].as_str().unwrap(), "/gmail/v1/users/me/profile").await.0, 401);
    let (status, body) = google.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert_eq!(google.token(&[("grant_type", "password")]).await.1["error"], "unsupported_grant_type");
    let wrong =
        [("client_id", "app"), ("client_secret", "no"), ("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let response = google.http.post(google.at("/token")).form(&wrong).send().await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn a_generated_mailbox_is_listed_and_read() {
    let google = Google::start();
    let control = google.control();
    control.generate(ADA, &Generate { messages: 700, events: 60, ..Generate::usual(now()) }).unwrap();
    control.advance(now() - control.now()).unwrap();
    let token = google.linked().await;
    let truth = control.messages(ADA).unwrap();
    assert_eq!(truth.len(), 700);
    let q = "category:primary -in:chats newer_than:365d";
    let (listed, last) = google
        .all(
            &token,
            "/gmail/v1/users/me/messages?maxResults=100&q=category:primary%20-in:chats%20newer_than:365d",
            "messages",
        )
        .await;
    assert_eq!(ids(&listed), control.search(ADA, q).unwrap());
    assert_ne!(last["resultSizeEstimate"].as_u64(), Some(listed.len() as u64));
    let is_personal = |mail: &&Truth| mail.labels.iter().any(|label| label == "SENT" || label == "CATEGORY_PERSONAL");
    let n_personal = truth.iter().filter(is_personal).count();
    assert!((420..600).contains(&n_personal), "{n_personal} of 700 are between people");
    for path in ["messages?maxResults=x", "messages?pageToken=made-up", "messages/zz"] {
        assert_eq!(google.get(&token, &format!("/gmail/v1/users/me/{path}")).await.0, 400, "{path}");
    }
    let empty = google.ok(&token, "/gmail/v1/users/me/messages?q=rfc822msgid:none").await;
    assert!(empty.get("messages").is_none());
    for mail in truth.iter().step_by(23) {
        let raw = google.ok(&token, &format!("/gmail/v1/users/me/messages/{}?format=raw", mail.id)).await;
        assert_eq!(URL_SAFE.decode(raw["raw"].as_str().unwrap()).unwrap(), mail.raw);
        assert_eq!(raw["internalDate"], mail.internal_date.to_string());
        let full = google.ok(&token, &format!("/gmail/v1/users/me/messages/{}", mail.id)).await;
        assert_eq!(full["historyId"], mail.history_id.to_string());
        assert!(!full["payload"]["headers"].as_array().unwrap().is_empty());
    }
    assert!(control.loud().is_empty());
}

#[tokio::test]
async fn attachments_are_fetched_by_ids_that_change() {
    let google = Google::start();
    let token = google.linked().await;
    let raw = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n--b--\r\n";
    let id = google.control().deliver(ADA, raw, Deliver::default()).unwrap();
    let path = format!("/gmail/v1/users/me/messages/{id}");
    let attachment = async || {
        let full = google.ok(&token, &path).await;
        full["payload"]["parts"][0]["body"]["attachmentId"].as_str().unwrap().to_owned()
    };
    let (first, second) = (attachment().await, attachment().await);
    assert_ne!(first, second);
    for attachment in [first, second] {
        let body = google.ok(&token, &format!("{path}/attachments/{attachment}")).await;
        assert_eq!(body, json!({"size": 5, "data": "SGVsbG8="}));
    }
    assert_eq!(google.get(&token, &format!("{path}/attachments/abc")).await.0, 400);
    let metadata = google.ok(&token, &format!("{path}?format=metadata&metadataHeaders=subject")).await;
    assert_eq!(metadata["payload"]["headers"], json!([{"name": "Subject", "value": "x"}]));
}

#[tokio::test]
async fn history_tells_what_happened_and_expires() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let profile = google.ok(&token, "/gmail/v1/users/me/profile").await;
    let start = profile["historyId"].as_str().unwrap().to_owned();
    let kept = control.deliver(ADA, &mail("kept"), Deliver::default()).unwrap();
    let gone = control.deliver(ADA, &mail("gone"), Deliver::default()).unwrap();
    control.modify_labels(ADA, &kept, &["STARRED", "Clients"], &["UNREAD"]).unwrap();
    control.trash(ADA, &gone).unwrap();
    control.delete(ADA, &gone).unwrap();
    let path = format!("/gmail/v1/users/me/history?startHistoryId={start}&maxResults=2");
    let (records, last) = google.all(&token, &path, "history").await;
    let kinds: Vec<&str> = records
        .iter()
        .map(|record| {
            *["messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved"]
                .iter()
                .find(|kind| record.get(*kind).is_some())
                .unwrap()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "messagesAdded",
            "messagesAdded",
            "labelsAdded",
            "labelsRemoved",
            "labelsAdded",
            "labelsRemoved",
            "messagesDeleted"
        ]
    );
    assert_eq!(records[2]["labelsAdded"][0]["labelIds"], json!(["STARRED", "Label_1"]));
    let end = last["historyId"].as_str().unwrap();
    assert!(
        google.ok(&token, &format!("/gmail/v1/users/me/history?startHistoryId={end}")).await.get("history").is_none()
    );
    let deleted = google.ok(&token, &format!("{path}&historyTypes=messageDeleted")).await;
    assert_eq!(deleted["history"][0]["messagesDeleted"][0]["message"]["id"], json!(gone));
    assert_eq!(google.get(&token, &format!("/gmail/v1/users/me/messages/{gone}")).await.0, 404);
    control.expire_history(ADA).unwrap();
    let (status, body) = google.get(&token, &path).await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (404, &json!("notFound")));
    assert_eq!(google.get(&token, "/gmail/v1/users/me/history?startHistoryId=99999999999").await.0, 404);
}

#[tokio::test]
async fn calendars_sync_from_token_to_token() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    control.generate(ADA, &Generate { messages: 0, ..Generate::usual(now()) }).unwrap();
    let (entries, last) = google.all(&token, "/calendar/v3/users/me/calendarList?maxResults=2", "items").await;
    let roles: BTreeSet<&str> = entries.iter().map(|entry| entry["accessRole"].as_str().unwrap()).collect();
    assert_eq!(roles, BTreeSet::from(["freeBusyReader", "owner", "reader", "writer"]));
    assert!(last["nextSyncToken"].is_string());
    let n_events: usize = control.accounts()[0].n_events;
    assert_eq!(n_events, 300);

    let path = "/calendar/v3/calendars/primary/events?maxResults=50";
    let (items, last) = google.all(&token, path, "items").await;
    let sync = last["nextSyncToken"].as_str().unwrap();
    let master = items.iter().find(|item| item.get("recurrence").is_some() && item["eventType"] == "default").unwrap();
    let cancelled = items.iter().find(|item| item["status"] == "cancelled").unwrap();
    assert!(cancelled.get("originalStartTime").is_some() && cancelled.get("summary").is_none(), "{cancelled}");
    let changes = format!("{path}&syncToken={sync}");
    assert_eq!(google.ok(&token, &changes).await["items"], json!([]));
    let made = control
        .put_event(ADA, "primary", json!({"summary": "Tea", "start": {"dateTime": "2026-12-01T16:00:00Z"}}))
        .unwrap();
    let is_single = |item: &&Value| {
        item["status"] == "confirmed" && item.get("recurrence").is_none() && item.get("recurringEventId").is_none()
    };
    let single = items.iter().find(is_single).unwrap();
    control.cancel_event(ADA, "primary", single["id"].as_str().unwrap()).unwrap();
    let instances = google
        .ok(
            &token,
            &format!(
                "/calendar/v3/calendars/primary/events/{}/instances?timeMin=2026-11-23T00:00:00Z&maxResults=3",
                master["id"].as_str().unwrap()
            ),
        )
        .await;
    let original = instances["items"][0]["originalStartTime"]["dateTime"].as_str().unwrap().parse().unwrap();
    control.cancel_instance(ADA, "primary", master["id"].as_str().unwrap(), original).unwrap();
    let changed = google.ok(&token, &changes).await;
    let changed = changed["items"].as_array().unwrap();
    assert_eq!(
        ids(changed),
        [made.as_str(), single["id"].as_str().unwrap(), instances["items"][0]["id"].as_str().unwrap()]
    );
    let fields: BTreeSet<&str> = changed[1].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, BTreeSet::from(["etag", "id", "kind", "status"]));

    for forbidden in
        ["timeMin=2026-01-01T00:00:00Z", "q=x", "orderBy=updated", "showDeleted=false", "singleEvents=true"]
    {
        assert_eq!(google.get(&token, &format!("{changes}&{forbidden}")).await.0, 400, "{forbidden}");
    }
    control.invalidate_sync_tokens(ADA).unwrap();
    let (status, body) = google.get(&token, &changes).await;
    let message = "Sync token is no longer valid, a full sync is required.";
    let inner = json!({"domain": "calendar", "reason": "fullSyncRequired", "message": message, "locationType": "parameter", "location": "syncToken"});
    assert_eq!((status, body), (410, json!({"error": {"code": 410, "message": message, "errors": [inner]}})));
}

#[tokio::test]
async fn windows_hold_masters_and_expand_singles_over_the_change_of_clocks() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let berlin = |time: &str| json!({"dateTime": time, "timeZone": "Europe/Berlin"});
    let weekly = json!({"id": "weekly0", "summary": "Weekly", "start": berlin("2026-03-16T09:00:00+01:00"), "end": berlin("2026-03-16T10:00:00+01:00"), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]});
    control.put_event(ADA, "primary", weekly).unwrap();
    control
        .put_event(
            ADA,
            "primary",
            json!({"id": "past0", "start": {"date": "2026-01-01"}, "end": {"date": "2026-01-02"}}),
        )
        .unwrap();
    control
        .move_event(
            ADA,
            "primary",
            "weekly0_20260323T080000Z",
            "2026-03-24T08:00:00Z".parse().unwrap(),
            "2026-03-24T09:00:00Z".parse().unwrap(),
        )
        .unwrap();
    let window = "timeMin=2026-03-22T00:00:00Z&timeMax=2026-04-01T00:00:00Z";
    let masters = google.ok(&token, &format!("/calendar/v3/calendars/primary/events?{window}")).await;
    assert_eq!(ids(masters["items"].as_array().unwrap()), ["weekly0", "weekly0_20260323T080000Z"]);
    let singles = google
        .ok(&token, &format!("/calendar/v3/calendars/{ADA}/events?{window}&singleEvents=true&orderBy=startTime"))
        .await;
    let singles = singles["items"].as_array().unwrap();
    assert_eq!(ids(singles), ["weekly0_20260323T080000Z", "weekly0_20260330T070000Z"]);
    assert_eq!(singles[1]["start"]["dateTime"], "2026-03-30T09:00:00+02:00");
    assert_eq!(google.get(&token, "/calendar/v3/calendars/primary/events?orderBy=startTime").await.0, 400);
    assert_eq!(google.get(&token, "/calendar/v3/calendars/nobody/events").await.0, 404);
    let empty = google.ok(&token, "/calendar/v3/calendars/primary/events?timeMin=2026-06-01T00:00:00Z").await;
    assert_eq!(empty["items"], json!([]));
}

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
