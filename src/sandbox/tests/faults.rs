//! Planned troubles, as a client meets them.

use serde_json::{Value, json};

use super::{
    super::{Effect, FaultMatch, FaultPlan, When},
    support::*,
};

const PROFILE: &str = "/gmail/v1/users/me/profile";

fn plan(path: &str, effect: Effect) -> FaultPlan {
    let which = FaultMatch { method: Some("GET".to_owned()), path_prefix: path.to_owned() };
    FaultPlan { which, effect, ..FaultPlan::default() }
}

#[tokio::test]
async fn each_effect_shows_and_passes() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let send = async || google.http.get(google.at(PROFILE)).bearer_auth(&token).send().await;
    let truth = google.ok(&token, PROFILE).await;
    control.clear_journal();

    control.plan_fault(plan(PROFILE, Effect::Reset));
    let error = send().await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    control.plan_fault(plan(PROFILE, Effect::CutBody));
    let cut = send().await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.bytes().await.is_err());
    control.plan_fault(plan(PROFILE, Effect::InvalidJson));
    let spoilt = send().await.unwrap().bytes().await.unwrap();
    assert!(!spoilt.is_empty() && serde_json::from_slice::<Value>(&spoilt).is_err());
    control.plan_fault(plan(PROFILE, Effect::Drip { bytes: 7, every_ms: 1 }));
    assert_eq!(send().await.unwrap().json::<Value>().await.unwrap(), truth);
    control.plan_fault(plan(PROFILE, Effect::UnknownFields));
    let (_, mut extended) = google.get(&token, PROFILE).await;
    assert!(extended.as_object_mut().unwrap().remove("sandboxUnknown").is_some());
    assert_eq!(extended, truth);

    assert_eq!(google.ok(&token, PROFILE).await, truth);
    let statuses: Vec<u16> = control.journal().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [0, 200, 200, 200, 200, 200]);
}

#[tokio::test]
async fn a_refusal_waits_as_long_as_planned_and_may_name_a_time() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let refuse = |retry_after: Option<&str>| Effect::Refuse {
        status: 503,
        reason: "backendError".into(),
        message: "Not now.".into(),
        retry_after: retry_after.map(str::to_owned),
    };
    let route = "/gmail/v1/users/{user}/profile";
    control.plan_fault(FaultPlan { latency_ms: 50, ..plan(route, refuse(Some("120"))) });
    control.plan_fault(plan(route, refuse(None)));
    for header in [Some("120"), None] {
        let response = google.http.get(google.at(PROFILE)).bearer_auth(&token).send().await.unwrap();
        assert_eq!(response.headers().get("retry-after").map(|value| value.to_str().unwrap()), header);
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&json!(503), &json!("UNAVAILABLE")));
    }
    google.ok(&token, PROFILE).await;
}

#[tokio::test]
async fn a_share_of_all_requests_fails_until_the_plan_is_cleared() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let refuse = Effect::Refuse { status: 500, reason: "backendError".into(), message: "".into(), retry_after: None };
    control.plan_fault(FaultPlan { when: When::Share { probability: 0.5, seed: 3 }, ..plan("/gmail/", refuse) });
    let mut n_failed = 0;
    for _ in 0..40 {
        n_failed += usize::from(google.get(&token, PROFILE).await.0 == 500);
    }
    assert!((10..30).contains(&n_failed), "{n_failed} of 40");
    control.clear_faults();
    google.ok(&token, PROFILE).await;
}

#[tokio::test]
async fn an_answer_holds_the_fields_that_were_asked_for() {
    let google = Google::start();
    let token = google.linked().await;
    let events = "/calendar/v3/calendars/primary/events";
    let event = json!({"id": "tea00", "summary": "Tea", "start": {"dateTime": "2026-12-01T16:00:00Z"}});
    google.control().put_event(ADA, "primary", event).unwrap();
    let answer = google.ok(&token, &format!("{events}?fields=items(id,start/dateTime),timeZone")).await;
    let item = json!({"id": "tea00", "start": {"dateTime": "2026-12-01T16:00:00Z"}});
    assert_eq!(answer, json!({"items": [item], "timeZone": "UTC"}));
    let (status, body) = google.get(&token, &format!("{events}?fields=items(id")).await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (400, &json!("invalidParameter")));
    assert_eq!(google.get(&token, "/calendar/v3/calendars/none?fields=id").await.1["error"]["code"], 404);
}

#[tokio::test]
async fn every_refusal_that_google_knows_has_its_envelope() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    for (status, reason, message, domain, word) in [
        (400, "badRequest", "Bad Request", "global", "INVALID_ARGUMENT"),
        (400, "failedPrecondition", "Mail service not enabled", "global", "FAILED_PRECONDITION"),
        (403, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits", "PERMISSION_DENIED"),
        (403, "userRateLimitExceeded", "User Rate Limit Exceeded", "usageLimits", "PERMISSION_DENIED"),
        (403, "quotaExceeded", "Calendar usage limits exceeded.", "usageLimits", "PERMISSION_DENIED"),
        (403, "dailyLimitExceeded", "Daily Limit Exceeded", "usageLimits", "PERMISSION_DENIED"),
        (403, "accessNotConfigured", "Access Not Configured", "usageLimits", "PERMISSION_DENIED"),
        (403, "domainPolicy", "The domain administrators have disabled Gmail apps.", "global", "PERMISSION_DENIED"),
        (404, "notFound", "Requested entity was not found.", "global", "NOT_FOUND"),
        (429, "rateLimitExceeded", "Too many concurrent requests for user.", "usageLimits", "RESOURCE_EXHAUSTED"),
        (500, "backendError", "Backend Error", "global", "INTERNAL"),
        (503, "backendError", "Backend Error", "global", "UNAVAILABLE"),
    ] {
        let (reason, message) = (reason.to_owned(), message.to_owned());
        let effect = Effect::Refuse { status, reason: reason.clone(), message: message.clone(), retry_after: None };
        control.plan_fault(plan(PROFILE, effect));
        let inner = json!({"domain": domain, "reason": reason, "message": message});
        let error = json!({"code": status, "message": message, "errors": [inner], "status": word});
        assert_eq!(google.get(&token, PROFILE).await, (status, json!({"error": error})));
    }
    // The token endpoint has a form of its own.
    let effect = Effect::Refuse {
        status: 400,
        reason: "invalid_grant".into(),
        message: "Bad Request".into(),
        retry_after: None,
    };
    let which = FaultMatch { path_prefix: "/token".into(), ..FaultMatch::default() };
    control.plan_fault(FaultPlan { which, effect, ..FaultPlan::default() });
    let refused = json!({"error": "invalid_grant", "error_description": "Bad Request"});
    assert_eq!(google.token(&[("grant_type", "refresh_token")]).await, (400, refused));
}

#[tokio::test]
async fn a_late_answer_is_the_true_one() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let truth = google.ok(&token, PROFILE).await;
    control.plan_fault(FaultPlan { latency_ms: 3_600_000, ..plan(PROFILE, Effect::Late) });
    let patient =
        google.http.get(google.at(PROFILE)).bearer_auth(&token).timeout(std::time::Duration::from_millis(100));
    assert!(patient.send().await.unwrap_err().is_timeout());
    control.plan_fault(FaultPlan { latency_ms: 1, ..plan(PROFILE, Effect::Late) });
    assert_eq!(google.ok(&token, PROFILE).await, truth);
}
