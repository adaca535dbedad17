//! Consent, tokens and their end.

use chrono::TimeDelta;
use serde_json::{Value, json};
use url::Url;

use super::{super::Behaviour, support::*};

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
    assert!(google.exchange(&code).await.1.get("refresh_token").is_none());
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

async fn refresh(google: &Google, token: &str) -> (u16, Value) {
    google.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

async fn linked(google: &Google) -> Value {
    let page = google.consent_page(&[("prompt", "consent")]).await;
    let back = google.decide(&page, "continue", &SCOPES.split(' ').collect::<Vec<_>>()).await;
    let code = query(&back, "code").unwrap();
    google.exchange(&code).await.1
}

fn text(tokens: &Value, field: &str) -> String {
    tokens[field].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_hundred_and_first_refresh_token_ends_the_oldest() {
    let google = Google::start();
    let first = text(&linked(&google).await, "refresh_token");
    let second = text(&linked(&google).await, "refresh_token");
    for _ in 0..98 {
        linked(&google).await;
    }
    assert_eq!(refresh(&google, &first).await.0, 200, "a hundred live side by side");
    linked(&google).await;
    let (status, body) = refresh(&google, &first).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert_eq!(refresh(&google, &second).await.0, 200);
}

#[tokio::test]
async fn refresh_tokens_end_by_age_by_password_and_by_rotation() {
    let google = Google::start();
    let control = google.control();
    let token = text(&linked(&google).await, "refresh_token");
    control.advance(TimeDelta::days(180)).unwrap();
    assert_eq!(refresh(&google, &token).await.0, 200, "using it keeps it alive");
    control.advance(TimeDelta::days(180)).unwrap();
    assert_eq!(refresh(&google, &token).await.0, 200);
    control.advance(TimeDelta::days(183)).unwrap();
    assert_eq!(refresh(&google, &token).await.1["error"], "invalid_grant");

    control.behave(Behaviour { in_testing: true, ..Behaviour::default() });
    let token = text(&linked(&google).await, "refresh_token");
    control.advance(TimeDelta::days(6)).unwrap();
    assert_eq!(refresh(&google, &token).await.0, 200);
    control.advance(TimeDelta::days(1)).unwrap();
    assert_eq!(refresh(&google, &token).await.0, 400);

    control.behave(Behaviour { rotate_refresh_tokens: true, ..Behaviour::default() });
    let token = text(&linked(&google).await, "refresh_token");
    let next = text(&refresh(&google, &token).await.1, "refresh_token");
    assert_ne!(next, token);
    assert_eq!(refresh(&google, &token).await.0, 400);
    let (_, tokens) = refresh(&google, &next).await;
    control.change_password(ADA).unwrap();
    assert_eq!(refresh(&google, &text(&tokens, "refresh_token")).await.0, 400);
    google.ok(&text(&tokens, "access_token"), "/gmail/v1/users/me/profile").await;
}

#[tokio::test]
async fn consent_can_shrink_and_revoking_may_take_a_while() {
    let google = Google::start();
    let control = google.control();
    let tokens = linked(&google).await;
    let (access, token) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    control.narrow_grants(ADA, &["https://www.googleapis.com/auth/gmail.readonly"]).unwrap();
    let (status, body) = google.get(&access, "/gmail/v1/users/me/profile").await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (403, &json!("insufficientPermissions")));
    google.ok(&access, "/calendar/v3/calendars/primary/events").await;
    let (_, narrow) = refresh(&google, &token).await;
    assert!(!text(&narrow, "scope").contains("gmail") && text(&narrow, "scope").contains("calendar"));

    control.behave(Behaviour { revoke_delay_secs: 60, ..Behaviour::default() });
    let revoked = google.http.post(google.at("/revoke")).form(&[("token", &token)]).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    assert_eq!(refresh(&google, &token).await.0, 200, "not yet");
    control.advance(TimeDelta::seconds(61)).unwrap();
    assert_eq!(refresh(&google, &token).await.0, 400);
    assert_eq!(google.get(&access, "/calendar/v3/calendars/primary/events").await.0, 401);
}

#[tokio::test]
async fn a_new_signing_key_is_published_beside_the_old_one() {
    let google = Google::start();
    let before = google.ok("", "/oauth2/v3/certs").await["keys"].clone();
    google.control().rotate_signing_key().unwrap();
    let keys = google.ok("", "/oauth2/v3/certs").await["keys"].clone();
    assert_eq!((keys.as_array().unwrap().len(), &keys[0]), (2, &before[0]));
    let header = jsonwebtoken::decode_header(text(&linked(&google).await, "id_token")).unwrap();
    assert_eq!(header.kid.as_deref(), keys[1]["kid"].as_str());
}

#[tokio::test]
async fn a_restart_ends_only_what_was_revoked_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    let google = Google::start_with(Some(&file));
    let old = text(&linked(&google).await, "refresh_token");
    google.http.post(google.at("/revoke")).form(&[("token", &old)]).send().await.unwrap();
    let new = text(&linked(&google).await, "refresh_token");
    google.sandbox.stop().await;
    let google = Google::start_with(Some(&file));
    assert_eq!((refresh(&google, &old).await.0, refresh(&google, &new).await.0), (400, 200));
}

#[tokio::test]
async fn a_code_lives_ten_minutes_and_belongs_to_its_request() {
    let google = Google::start();
    let scopes: Vec<&str> = SCOPES.split(' ').collect();
    let code = async || {
        let page = google.consent_page(&[("prompt", "consent")]).await;
        query(&google.decide(&page, "continue", &scopes).await, "code").unwrap()
    };
    let old = code().await;
    google.control().advance(TimeDelta::seconds(601)).unwrap();
    assert_eq!(google.exchange(&old).await.1["error"], "invalid_grant");
    let moved = code().await;
    let form = [("grant_type", "authorization_code"), ("code_verifier", "verifier")];
    let elsewhere = [form[0], form[1], ("code", moved.as_str()), ("redirect_uri", "http://127.0.0.1:9/other")];
    assert_eq!(google.token(&elsewhere).await.1["error"], "redirect_uri_mismatch");
    let bare = code().await;
    let bare = [form[0], ("code", bare.as_str()), ("redirect_uri", CALLBACK)];
    assert_eq!(google.token(&bare).await.1["error"], "invalid_grant", "its verifier is missing");
    assert_eq!(google.token(&[form[0], ("redirect_uri", CALLBACK)]).await.1["error"], "invalid_request");
    // The client may prove itself by either of two ways.
    let good = code().await;
    let form = [form[0], form[1], ("code", good.as_str()), ("redirect_uri", CALLBACK)];
    let basic = google.http.post(google.at("/token")).basic_auth("app", Some("shh")).form(&form);
    assert_eq!(basic.send().await.unwrap().status(), 200);
    let nobody = google.http.post(google.at("/token")).basic_auth("app", Some("no")).form(&form);
    assert_eq!(nobody.send().await.unwrap().json::<Value>().await.unwrap()["error"], "invalid_client");
    assert_eq!(google.http.post(google.at("/revoke")).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn an_authorization_request_is_honoured_to_the_letter() {
    let google = Google::start();
    let mail = "https://www.googleapis.com/auth/gmail.readonly";
    let error =
        async |extra: &[(&str, &str)]| query(&Url::parse(&google.consent_page(extra).await).unwrap(), "error").unwrap();
    assert_eq!(error(&[("prompt", "none")]).await, "consent_required");
    assert!(google.consent_page(&[("prompt", "select_account")]).await.contains("Choose an account"));
    assert!(google.consent_page(&[("login_hint", "nobody@x.example")]).await.contains("Choose an account"));
    google.control().add_account("bob@brightwater.example", "Bob").unwrap();
    assert_eq!(error(&[("prompt", "none")]).await, "interaction_required");
    let ada = ("login_hint", ADA);

    // Whoever wants no offline access gets no refresh token.
    let page = google.consent_page(&[ada, ("access_type", "online")]).await;
    let back = google.decide(&page, "continue", &[mail]).await;
    assert!(google.exchange(&query(&back, "code").unwrap()).await.1.get("refresh_token").is_none());
    // What was granted before comes along where it is asked for, and only there.
    for (include, n_scopes) in [("false", 2), ("true", 3)] {
        let page = google.consent_page(&[ada, ("prompt", "consent"), ("include_granted_scopes", include)]).await;
        let back = google.decide(&page, "continue", &[]).await;
        let scope = text(&google.exchange(&query(&back, "code").unwrap()).await.1, "scope");
        assert_eq!((scope.split(' ').count(), scope.contains(mail)), (n_scopes, n_scopes == 3), "{scope}");
    }
}

#[tokio::test]
async fn an_app_in_testing_is_told_how_long_its_grant_lasts() {
    let google = Google::start();
    google.control().behave(Behaviour { in_testing: true, ..Behaviour::default() });
    let tokens = linked(&google).await;
    let left = tokens["refresh_token_expires_in"].as_i64().unwrap();
    assert!((7 * 86_400 - 60..7 * 86_400).contains(&left), "{left}");
    google.control().advance(TimeDelta::days(1)).unwrap();
    let fresh = refresh(&google, &text(&tokens, "refresh_token")).await.1;
    let left = fresh["refresh_token_expires_in"].as_i64().unwrap();
    assert!((6 * 86_400 - 60..6 * 86_400).contains(&left), "{left}");
    google.control().behave(Behaviour::default());
    assert!(linked(&google).await.get("refresh_token_expires_in").is_none());
}
