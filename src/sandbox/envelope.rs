//! Google's error envelope: `{"error":{"code","message","errors":[{"domain","reason","message"}],"status"}}`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// One refusal of the Gmail or Calendar API.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    domain: &'static str,
    reason: String,
    message: String,
    /// Where Google names the offending parameter, or the `Authorization` header.
    location: Option<&'static str>,
    details: Option<Box<Value>>,
    /// The `Retry-After` header, as it stands.
    retry_after: Option<Box<str>>,
}

pub(super) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(super) fn new(status: StatusCode, reason: impl Into<String>, message: impl Into<String>) -> Self {
        let (reason, message) = (reason.into(), message.into());
        Self { status, domain: "global", reason, message, location: None, details: None, retry_after: None }
    }

    pub(super) fn in_domain(mut self, domain: &'static str) -> Self {
        self.domain = domain;
        self
    }

    pub(super) fn at(mut self, location: &'static str) -> Self {
        self.location = Some(location);
        self
    }

    /// Adds a `Retry-After` header: seconds, or a date of HTTP.
    pub(super) fn retry_after(mut self, value: impl Into<Box<str>>) -> Self {
        self.retry_after = Some(value.into());
        self
    }

    /// 400 `invalidArgument`, as Gmail says it.
    pub(super) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalidArgument", message)
    }

    /// 400 `invalid` about one parameter, as Calendar says it.
    pub(super) fn invalid_parameter(parameter: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message).at(parameter)
    }

    /// 404 of Gmail.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", "Requested entity was not found.")
    }

    /// 401 for a token that is missing, unknown, expired or revoked.
    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authError",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid \
             authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        )
        .at("Authorization")
    }

    /// 403 for a good token without the scope the method needs.
    pub(super) fn insufficient_scopes(service: &'static str, method: &str) -> Self {
        let mut error = Self::new(
            StatusCode::FORBIDDEN,
            "insufficientPermissions",
            "Request had insufficient authentication scopes.",
        );
        error.details = Some(Box::new(json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
            "metadata": {"service": service, "method": method},
        }])));
        error
    }

    /// The inner `errors[].message`, which for these two differs from the outer one.
    fn inner_message(&self) -> &str {
        match self.reason.as_str() {
            "authError" => "Invalid Credentials",
            "insufficientPermissions" => "Insufficient Permission",
            _ => &self.message,
        }
    }

    fn canonical_status(&self) -> Option<&'static str> {
        Some(match self.status.as_u16() {
            400 if self.reason == "failedPrecondition" => "FAILED_PRECONDITION",
            400 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            429 => "RESOURCE_EXHAUSTED",
            500 => "INTERNAL",
            503 => "UNAVAILABLE",
            _ => return None,
        })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut inner = json!({"message": self.inner_message(), "domain": self.domain, "reason": self.reason});
        if let Some(location) = self.location {
            inner["locationType"] =
                if ["Authorization", "If-Match"].contains(&location) { "header" } else { "parameter" }.into();
            inner["location"] = location.into();
        }
        let mut error = json!({"code": self.status.as_u16(), "message": self.message, "errors": [inner]});
        // Calendar's own envelopes are of the older kind and carry no canonical status.
        if let Some(status) = self.canonical_status().filter(|_| self.domain != "calendar") {
            error["status"] = status.into();
        }
        if let Some(details) = self.details {
            error["details"] = *details;
        }
        let mut response = (self.status, Json(json!({"error": error}))).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"";
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(value) = self.retry_after.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}
