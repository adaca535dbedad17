//! Who may call what: the scopes each method accepts by the discovery document.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};

use super::super::{
    envelope::{ApiError, ApiResult},
    world::{Account, World},
};

/// What a method asks of the token: the last words of the scopes that open it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needs {
    CalendarList,
    Calendars,
    Events,
}

impl Needs {
    const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::CalendarList => {
                &["calendar", "calendar.readonly", "calendar.calendarlist", "calendar.calendarlist.readonly"]
            }
            Self::Calendars => &["calendar", "calendar.readonly", "calendar.calendars", "calendar.calendars.readonly"],
            Self::Events => &[
                "calendar",
                "calendar.readonly",
                "calendar.events",
                "calendar.events.readonly",
                "calendar.events.owned",
                "calendar.events.owned.readonly",
            ],
        }
    }
}

/// Lets the bearer in, or says which of token and scope is missing.
pub(super) fn admit(world: &World, headers: &HeaderMap, needs: Needs, method: &str) -> ApiResult<Arc<Account>> {
    let bearer = world.authenticate(headers)?;
    let names = bearer.scopes.iter().filter_map(|scope| scope.strip_prefix("https://www.googleapis.com/auth/"));
    if !names.into_iter().any(|name| needs.scopes().contains(&name)) {
        return Err(ApiError::insufficient_scopes("calendar-json.googleapis.com", method));
    }
    world.account(&bearer.email).ok_or_else(ApiError::unauthenticated)
}

/// 404 of Calendar, which also hides calendars the caller may not see.
pub(super) fn not_found() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "notFound", "Not Found")
}

/// 410: the sync token is dead, and everything has to be listed anew.
pub(super) fn full_sync_required() -> ApiError {
    let message = "Sync token is no longer valid, a full sync is required.";
    ApiError::new(StatusCode::GONE, "fullSyncRequired", message).in_domain("calendar").at("syncToken")
}
