//! Budgets: what is charged, what is refused, and how it is said.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    super::{FaultMatch, FaultPlan, Limit, PastDay, Quota, RefusalForm, Spent, UnitTable, When},
    support::*,
};

const PROFILE: &str = "/gmail/v1/users/me/profile";
const LIST: &str = "/gmail/v1/users/me/messages";
const EVENTS: &str = "/calendar/v3/calendars/primary/events";

/// The time that a refusal's message names.
fn named(message: &str) -> DateTime<Utc> {
    message.split("Retry after ").nth(1).expect("a time").parse().expect("RFC 3339")
}

#[tokio::test]
async fn a_minute_over_its_budget_is_refused_in_both_forms_until_the_time_it_names() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    for form in [RefusalForm::Forbidden, RefusalForm::TooManyRequests] {
        control.set_quota(Some(Quota { gmail_per_user: 11, form, sends_header: true, ..Quota::default() }));
        control.clear_journal();
        google.ok(&token, LIST).await;
        control.advance(TimeDelta::seconds(20)).unwrap();
        google.ok(&token, LIST).await;
        google.ok(&token, PROFILE).await;
        let response = google.http.get(google.at(PROFILE)).bearer_auth(&token).send().await.unwrap();
        let seconds: i64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((38..=40).contains(&seconds), "{seconds} s: the first list leaves the minute");
        let (status, body): (_, serde_json::Value) = (response.status().as_u16(), response.json().await.unwrap());
        let (expected, reason) = match form {
            RefusalForm::Forbidden => (403, "userRateLimitExceeded"),
            RefusalForm::TooManyRequests => (429, "rateLimitExceeded"),
        };
        let inner = &body["error"]["errors"][0];
        assert_eq!((status, &inner["reason"], &inner["domain"]), (expected, &json!(reason), &json!("usageLimits")));
        let until = named(body["error"]["message"].as_str().unwrap());
        assert!((until - control.now() - TimeDelta::seconds(seconds)).abs() < TimeDelta::seconds(2));
        // Calendar has budgets of its own.
        google.ok(&token, EVENTS).await;
        control.advance(until - control.now() + TimeDelta::milliseconds(1)).unwrap();
        google.ok(&token, PROFILE).await;
        let journal = control.journal();
        let told: Vec<_> = journal.iter().map(|entry| (entry.units, entry.refused, entry.user.as_deref())).collect();
        let paid = |units| (units, None, Some(ADA));
        assert_eq!(
            told,
            [paid(5), paid(5), paid(1), (1, Some(Limit::UserMinute), Some(ADA)), paid(1), paid(1)],
            "{form:?}"
        );
    }
    control.set_quota(None);
    google.ok(&token, LIST).await;
}

#[tokio::test]
async fn a_project_and_a_calendar_have_their_own_words() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let quota = Quota { gmail_per_project: 0, calendar_per_user: 1, names_time: false, ..Quota::legacy() };
    assert_eq!((quota.table, quota.gmail_per_user), (UnitTable::Legacy, 15_000));
    control.set_quota(Some(quota));
    let (status, body) = google.get(&token, PROFILE).await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (403, &json!("rateLimitExceeded")));
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("Quota exceeded for quota metric 'Queries'") && !message.contains("Retry"),
        "{message}"
    );
    google.ok(&token, EVENTS).await;
    let response = google.http.get(google.at(EVENTS)).bearer_auth(&token).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get("retry-after")), (403, None));
    assert_eq!(google.get("dead", PROFILE).await.0, 401, "who is nobody is charged nothing");
}

#[tokio::test]
async fn more_requests_at_once_than_a_person_may_have_are_refused() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    control.set_quota(Some(Quota { concurrent_per_user: 3, ..Quota::default() }));
    let which = FaultMatch { path_prefix: PROFILE.to_owned(), ..FaultMatch::default() };
    control.plan_fault(FaultPlan { which, latency_ms: 300, when: When::Next(3), ..FaultPlan::default() });
    let answers = futures::future::join_all((0..5).map(|_| google.get(&token, PROFILE))).await;
    let (refused, done): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 429);
    assert_eq!((refused.len(), done.len()), (2, 3));
    assert_eq!(refused[0].1["error"]["message"], "Too many concurrent requests for user.");
    google.ok(&token, PROFILE).await;
}

#[tokio::test]
async fn whoever_keeps_calling_while_throttled_is_told_to_wait_longer() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    control.set_quota(Some(Quota { gmail_per_user: 5, penalty_ms: 10_000, ..Quota::default() }));
    google.ok(&token, LIST).await;
    let told = async || {
        let (status, body) = google.get(&token, LIST).await;
        assert_eq!(status, 403);
        named(body["error"]["message"].as_str().unwrap())
    };
    let (first, second, third) = (told().await, told().await, told().await);
    assert_eq!((second - first, third - second), (TimeDelta::seconds(10), TimeDelta::seconds(10)));
    control.advance(third - control.now() - TimeDelta::seconds(5)).unwrap();
    let last = told().await;
    assert_eq!(last - third, TimeDelta::seconds(10), "though the minute has room by now");
    control.advance(last - control.now() + TimeDelta::milliseconds(1)).unwrap();
    google.ok(&token, LIST).await;
}

#[tokio::test]
async fn a_day_has_a_threshold_and_a_project_may_make_it_a_limit() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let quota = Quota { gmail_per_day: 7, calendar_per_day: 0, ..Quota::default() };
    control.set_quota(Some(quota.clone()));
    google.ok(&token, LIST).await;
    google.ok(&token, LIST).await;
    google.ok(&token, EVENTS).await;
    assert_eq!(control.spent_today(), [Spent { units: 10, beyond: 3 }, Spent { units: 1, beyond: 1 }]);
    control.set_quota(Some(Quota { past_day: PastDay::Refused, ..quota }));
    google.ok(&token, LIST).await;
    let (status, body) = google.get(&token, LIST).await;
    let inner = &body["error"]["errors"][0];
    assert_eq!(
        (status, &inner["reason"], &inner["domain"]),
        (403, &json!("dailyLimitExceeded"), &json!("usageLimits"))
    );
    let refused: Vec<_> = control.journal().into_iter().filter_map(|entry| entry.refused).collect();
    assert_eq!(refused, [Limit::ProjectDay]);
    let spent: serde_json::Value =
        google.http.get(google.at("/_sandbox/quota")).send().await.unwrap().json().await.unwrap();
    assert_eq!(spent["gmail"], json!({"units": 5, "beyond": 0}));
}
