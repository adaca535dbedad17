//! The scopes this Google knows, and how its consent page words them.

use std::collections::BTreeSet;

/// `openid`, or one of the two that sign a person in; never a checkbox.
pub(super) const SIGN_IN: [&str; 3] = ["openid", EMAIL, PROFILE];

pub(super) const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
pub(super) const PROFILE: &str = "https://www.googleapis.com/auth/userinfo.profile";

const DESCRIBED: [(&str, &str); 16] = [
    ("https://mail.google.com/", "Read, compose, send and permanently delete all your email from Gmail"),
    ("https://www.googleapis.com/auth/gmail.readonly", "View your email messages and settings"),
    (
        "https://www.googleapis.com/auth/gmail.metadata",
        "View your email message metadata such as labels and headers, but not the email body",
    ),
    ("https://www.googleapis.com/auth/gmail.modify", "Read, compose and send emails from your Gmail account"),
    ("https://www.googleapis.com/auth/gmail.labels", "See and edit your email labels"),
    ("https://www.googleapis.com/auth/gmail.send", "Send email on your behalf"),
    (
        "https://www.googleapis.com/auth/calendar",
        "See, edit, share and permanently delete all the calendars you can access using Google Calendar",
    ),
    (
        "https://www.googleapis.com/auth/calendar.readonly",
        "See and download any calendar you can access using your Google Calendar",
    ),
    ("https://www.googleapis.com/auth/calendar.events", "View and edit events on all your calendars"),
    ("https://www.googleapis.com/auth/calendar.events.readonly", "View events on all your calendars"),
    ("https://www.googleapis.com/auth/calendar.events.owned.readonly", "See the events on Google calendars you own"),
    (
        "https://www.googleapis.com/auth/calendar.calendarlist",
        "See, add and remove Google calendars you're subscribed to",
    ),
    (
        "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
        "See the list of Google calendars you're subscribed to",
    ),
    (
        "https://www.googleapis.com/auth/calendar.calendars.readonly",
        "See the title, description, default time zone and other properties of Google calendars you have access to",
    ),
    ("https://www.googleapis.com/auth/calendar.settings.readonly", "View your Calendar settings"),
    ("https://www.googleapis.com/auth/calendar.freebusy", "View your availability in your calendars"),
];

/// The scope as Google stores and returns it: `email` and `profile` become their long forms. `None` when unknown.
pub(super) fn canonical(scope: &str) -> Option<&'static str> {
    match scope {
        "email" => return Some(EMAIL),
        "profile" => return Some(PROFILE),
        _ => {}
    }
    SIGN_IN.into_iter().chain(DESCRIBED.map(|(name, _)| name)).find(|known| *known == scope)
}

/// What the consent page says of a scope.
pub(super) fn description(scope: &str) -> &'static str {
    DESCRIBED.iter().find(|(name, _)| *name == scope).map_or("Sign you in", |(_, text)| text)
}

/// Whether any of them opens a mailbox: such refresh tokens end with the password.
pub(super) fn reach_mail(scopes: &BTreeSet<String>) -> bool {
    scopes.iter().any(|scope| scope.starts_with("https://mail.google.com/") || scope.contains("/auth/gmail."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_become_long_and_strangers_are_refused() {
        assert_eq!(canonical("email"), Some(EMAIL));
        assert_eq!(canonical("openid"), Some("openid"));
        assert_eq!(canonical("https://www.googleapis.com/auth/gmail.readonly/"), None);
    }
}
