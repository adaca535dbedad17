//! What each method costs.

use serde::{Deserialize, Serialize};

/// The API a path belongs to; each has budgets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    Gmail,
    Calendar,
}

impl Service {
    /// That of a route; `None` where nothing is charged.
    pub(crate) fn of(path: &str) -> Option<Self> {
        if path.starts_with("/gmail/v1/") {
            return Some(Self::Gmail);
        }
        path.starts_with("/calendar/v3/").then_some(Self::Calendar)
    }

    pub(super) const fn host(self) -> &'static str {
        match self {
            Self::Gmail => "gmail.googleapis.com",
            Self::Calendar => "calendar-json.googleapis.com",
        }
    }
}

/// Gmail's price list; a Calendar request costs 1 by either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnitTable {
    /// For projects made since 2026-05-01.
    #[default]
    New,
    /// As it was before.
    Legacy,
}

impl UnitTable {
    /// The price of a request to the route.
    pub(crate) fn units(self, path_template: &str) -> u32 {
        match Service::of(path_template) {
            None => return 0,
            Some(Service::Calendar) => return 1,
            Some(Service::Gmail) => {}
        }
        let (new, legacy) = match path_template.strip_prefix("/gmail/v1/users/{user}/") {
            Some("threads/{id}") => (40, 10),
            Some("messages/{id}" | "messages/{id}/attachments/{attachment}") => (20, 5),
            Some("threads") => (10, 10),
            Some("messages") => (5, 5),
            Some("history") => (2, 2),
            Some("profile" | "labels" | "labels/{id}" | "settings/sendAs") => (1, 1),
            _ => (0, 0),
        };
        match self {
            Self::New => new,
            Self::Legacy => legacy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_costs_four_times_as_much_as_it_did() {
        let message = "/gmail/v1/users/{user}/messages/{id}";
        assert_eq!((UnitTable::New.units(message), UnitTable::Legacy.units(message)), (20, 5));
        assert_eq!(UnitTable::New.units("/calendar/v3/calendars/{calendar}/events"), 1);
        assert_eq!(UnitTable::New.units("/token"), 0);
    }
}
