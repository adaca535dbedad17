//! What Google's refusals mean for us, by status and reason word.

use std::{fmt, time::Duration};

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use chrono_tz::America::Los_Angeles;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;

use crate::providers::{Class, Error};

/// The longest a reply may keep us away; a longer wait is more likely a mistake than an instruction.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);

/// A method of Google's APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Token,
    Revoke,
    Keys,
    Profile,
    Addresses,
    Labels,
    Messages,
    Message,
    History,
    Calendars,
    Events,
    Event,
}

impl fmt::Display for Method {
    /// The method as Google's documentation names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "oauth.token",
            Self::Revoke => "oauth.revoke",
            Self::Keys => "oauth.certs",
            Self::Profile => "gmail.users.getProfile",
            Self::Addresses => "gmail.settings.sendAs.list",
            Self::Labels => "gmail.labels.list",
            Self::Messages => "gmail.messages.list",
            Self::Message => "gmail.messages.get",
            Self::History => "gmail.history.list",
            Self::Calendars => "calendar.calendarList.list",
            Self::Events => "calendar.events.list",
            Self::Event => "calendar.events.get",
        })
    }
}

/// An error of ours about a call; `what` is a fixed word or two, never anything received.
pub(super) fn failure(class: Class, method: Method, what: &'static str) -> Error {
    Error { class, detail: format!("{method}: {what}") }
}

/// The error that a reply other than 2xx stands for.
pub(super) fn refusal(
    method: Method,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Error {
    let Envelope { error } = serde_json::from_slice(body).unwrap_or_default();
    let reason = error.errors.first().map_or(error.status.as_str(), |first| first.reason.as_str());
    let class = match (status.as_u16(), reason) {
        (403 | 429, "dailyLimitExceeded") => Class::Throttled(Some(pacific_midnight(now))),
        (429, _) | (403, "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded") => {
            Class::Throttled(retry_at(headers, &error, now))
        }
        (400, "failedPrecondition" | "FAILED_PRECONDITION") | (403, "domainPolicy") => Class::Blocked,
        (401, _) => Class::Unauthorized,
        (403, "insufficientPermissions") => Class::NeedsScope,
        (403, "accessNotConfigured") => Class::Misconfigured,
        (404 | 410, _) if matches!(method, Method::Message | Method::Event) => Class::ItemGone,
        (404, _) if method == Method::History => Class::CursorDead,
        (410, "fullSyncRequired" | "updatedMinTooLongAgo") => Class::CursorDead,
        // It asks for time, and says for how much; without that, it has failed like any other.
        (503, _) => match retry_at(headers, &error, now) {
            Some(at) => Class::Throttled(Some(at)),
            None => Class::Transient,
        },
        (500..=599, _) => Class::Transient,
        _ => Class::Permanent,
    };
    Error { class, detail: format!("{method}: {} {}", status.as_u16(), word(reason)) }
}

/// A reason as a word fit for the log, whoever wrote it.
pub(super) fn word(reason: &str) -> &str {
    let is_word = reason.len() <= 64 && reason.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match reason {
        "" => "without a reason",
        _ if is_word => reason,
        _ => "with an unreadable reason",
    }
}

/// Google's error body. The newer `status` stands in where `errors` is missing.
#[derive(Default, Deserialize)]
struct Envelope {
    error: Refusal,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: String,
    errors: Vec<Reason>,
    status: String,
    details: serde_json::Value,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

/// When to come back: the header, which may hold seconds or a date in any of HTTP's three forms, else the delay among the
/// details, else the time that Gmail writes into its message.
fn retry_at(headers: &HeaderMap, refusal: &Refusal, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let header = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
    let latest = now + LONGEST_WAIT;
    header
        .and_then(|value| after_seconds(value, now).or_else(|| httpdate::parse_http_date(value).ok().map(Into::into)))
        .or_else(|| delay_in(&refusal.details, now))
        .or_else(|| time_in(&refusal.message))
        .filter(|at| *at > now)
        .map(|at| at.min(latest))
}

fn after_seconds(value: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let seconds = value.parse::<u32>().ok()?;
    now.checked_add_signed(TimeDelta::seconds(seconds.into()))
}

/// `google.rpc.RetryInfo` among an error's details: `{"retryDelay": "34.5s"}`.
fn delay_in(details: &serde_json::Value, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let delay = details.as_array()?.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds = delay.strip_suffix('s')?.parse::<f64>().ok()?;
    now.checked_add_signed(TimeDelta::from_std(Duration::try_from_secs_f64(seconds).ok()?).ok()?)
}

/// The time in "User-rate limit exceeded.  Retry after 2026-11-22T10:00:00.000Z".
fn time_in(message: &str) -> Option<DateTime<Utc>> {
    let (_, rest) = message.split_once("Retry after ")?;
    let time = rest.split_whitespace().next()?.trim_end_matches(['.', ',', ')']);
    DateTime::parse_from_rfc3339(time).ok().map(Into::into)
}

/// The next midnight in California, where Google's quota day begins.
fn pacific_midnight(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.with_timezone(&Los_Angeles).date_naive();
    let tomorrow = today.checked_add_days(Days::new(1)).unwrap_or(today);
    // No daylight saving change there falls on midnight, so the time exists; were that to change, a day is right enough.
    let midnight = tomorrow.and_time(NaiveTime::MIN).and_local_timezone(Los_Angeles).earliest();
    midnight.map_or(now + LONGEST_WAIT, |midnight| midnight.to_utc())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(time).unwrap().to_utc()
    }

    fn now() -> DateTime<Utc> {
        at("2026-11-22T10:00:00Z")
    }

    fn class(method: Method, status: u16, reason: &str) -> Class {
        let body = json!({"error": {"code": status, "message": "m", "errors": [{"domain": "d", "reason": reason}]}});
        refused(method, status, None, &body.to_string())
    }

    fn refused(method: Method, status: u16, retry_after: Option<&str>, body: &str) -> Class {
        let headers = retry_after.map(|value| (RETRY_AFTER, value.parse().unwrap())).into_iter().collect();
        refusal(method, StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), now()).class
    }

    #[test]
    fn each_documented_refusal_has_its_class() {
        let midnight = at("2026-11-23T08:00:00Z");
        for (method, status, reason, expected) in [
            (Method::Message, 400, "invalidArgument", Class::Permanent),
            (Method::Profile, 400, "failedPrecondition", Class::Blocked),
            (Method::Messages, 401, "authError", Class::Unauthorized),
            (Method::Messages, 403, "rateLimitExceeded", Class::Throttled(None)),
            (Method::Message, 403, "userRateLimitExceeded", Class::Throttled(None)),
            (Method::Events, 403, "quotaExceeded", Class::Throttled(None)),
            (Method::Message, 403, "dailyLimitExceeded", Class::Throttled(Some(midnight))),
            (Method::Message, 403, "insufficientPermissions", Class::NeedsScope),
            (Method::Message, 403, "domainPolicy", Class::Blocked),
            (Method::Message, 403, "accessNotConfigured", Class::Misconfigured),
            (Method::Message, 403, "somethingNew", Class::Permanent),
            (Method::Message, 404, "notFound", Class::ItemGone),
            (Method::History, 404, "notFound", Class::CursorDead),
            (Method::Events, 404, "notFound", Class::Permanent),
            (Method::Event, 404, "notFound", Class::ItemGone),
            (Method::Event, 410, "deleted", Class::ItemGone),
            (Method::Events, 410, "fullSyncRequired", Class::CursorDead),
            (Method::Events, 410, "updatedMinTooLongAgo", Class::CursorDead),
            (Method::Message, 429, "rateLimitExceeded", Class::Throttled(None)),
            (Method::Message, 429, "RESOURCE_EXHAUSTED", Class::Throttled(None)),
            (Method::Message, 500, "backendError", Class::Transient),
            (Method::Message, 503, "", Class::Transient),
            (Method::Message, 302, "", Class::Permanent),
        ] {
            assert_eq!(class(method, status, reason), expected, "{method} {status} {reason}");
        }
    }

    #[test]
    fn a_body_that_is_no_envelope_is_judged_by_its_status() {
        for body in ["", "<html>", "[]", r#"{"error":"invalid_grant"}"#, r#"{"error":{"errors":[{}]}}"#] {
            assert_eq!(refused(Method::Message, 502, None, body), Class::Transient, "{body}");
            assert_eq!(refused(Method::Message, 403, None, body), Class::Permanent, "{body}");
        }
        let newer = r#"{"error":{"code":400,"message":"m","status":"FAILED_PRECONDITION"}}"#;
        assert_eq!(refused(Method::Profile, 400, None, newer), Class::Blocked);
    }

    #[test]
    fn the_time_to_come_back_is_found_wherever_google_puts_it() {
        let message = |text: &str| json!({"error": {"message": text}}).to_string();
        let text = message("User-rate limit exceeded.  Retry after 2026-11-22T10:15:00.000Z (Mail sending)");
        let none = message("Too many concurrent requests for user");
        let delay = |delay: &str| {
            let info = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay});
            let error = json!({"message": "m", "status": "RESOURCE_EXHAUSTED", "details": [{"reason": "x"}, info]});
            json!({ "error": error }).to_string()
        };
        for (header, body, expected) in [
            (Some("120"), &none, Some("2026-11-22T10:02:00Z")),
            (Some("Sunday, 22-Nov-26 10:05:00 GMT"), &none, Some("2026-11-22T10:05:00Z")),
            (Some("Sun Nov 22 10:05:00 2026"), &none, Some("2026-11-22T10:05:00Z")),
            (None, &delay("90s"), Some("2026-11-22T10:01:30Z")),
            (None, &delay("0.5s"), Some("2026-11-22T10:00:00.5Z")),
            (Some("120"), &delay("90s"), Some("2026-11-22T10:02:00Z")),
            (None, &delay("1e300s"), None),
            (None, &delay("-5s"), None),
            (None, &delay("soon"), None),
            (Some("Sun, 22 Nov 2026 10:05:00 GMT"), &none, Some("2026-11-22T10:05:00Z")),
            (Some("120"), &text, Some("2026-11-22T10:02:00Z")),
            (Some("soon"), &text, Some("2026-11-22T10:15:00Z")),
            (None, &text, Some("2026-11-22T10:15:00Z")),
            (None, &message("Retry after tea"), None),
            (None, &message("Retry after 2020-01-01T00:00:00Z"), None),
            (Some("4294967295"), &none, Some("2026-11-23T10:00:00Z")),
            (Some("-1"), &none, None),
            (None, &none, None),
        ] {
            let expected = Class::Throttled(expected.map(at));
            assert_eq!(refused(Method::Message, 429, header, body), expected, "{header:?} {body}");
        }
    }

    #[test]
    fn a_failure_that_says_how_long_it_lasts_is_a_wish_for_patience() {
        let now = now();
        assert_eq!(refused(Method::Message, 503, Some("60"), ""), Class::Throttled(Some(now + TimeDelta::minutes(1))));
        assert_eq!(refused(Method::Message, 503, None, ""), Class::Transient);
        assert_eq!(refused(Method::Message, 500, Some("60"), ""), Class::Transient);
    }

    #[test]
    fn the_quota_day_begins_at_midnight_in_california() {
        for (now, midnight) in [
            ("2026-11-22T10:00:00Z", "2026-11-23T08:00:00Z"),
            ("2026-07-01T06:59:59Z", "2026-07-01T07:00:00Z"),
            ("2026-03-08T09:00:00Z", "2026-03-09T07:00:00Z"),
        ] {
            assert_eq!(pacific_midnight(at(now)), at(midnight), "{now}");
        }
    }

    #[test]
    fn the_detail_holds_nothing_but_method_status_and_reason() {
        let detail = |reason: &str| {
            let body = json!({"error": {"message": "ada@example.com", "errors": [{"reason": reason}]}}).to_string();
            refusal(Method::Message, StatusCode::FORBIDDEN, &HeaderMap::new(), body.as_bytes(), now()).detail
        };
        assert_eq!(detail("domainPolicy"), "gmail.messages.get: 403 domainPolicy");
        assert_eq!(detail("ada@example.com\n"), "gmail.messages.get: 403 with an unreadable reason");
        assert_eq!(detail(""), "gmail.messages.get: 403 without a reason");
    }
}
