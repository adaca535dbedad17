//! Consent, tokens and their end.

use chrono::TimeDelta;
use serde_json::{Value, json};
use url::Url;

use super::support::*;

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
