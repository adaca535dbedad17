//! Linked identities: providers, their services, scopes and states.

use super::words;

words! {
    /// A company whose services hold the person's data.
    ProviderName {
        /// Google.
        Google = "google",
    }
}

words! {
    /// A kind of data at a provider.
    Service {
        /// Mail.
        Gmail = "gmail",
        /// Meetings.
        Calendar = "calendar",
    }
}

words! {
    /// Whether an account can be used, and if not, why.
    AccountState {
        /// Tokens work.
        Active = "active",
        /// The grant has expired or was revoked; the person must link the account again.
        NeedsReauth = "needs_reauth",
        /// The person left out a scope that a service needs.
        NeedsScope = "needs_scope",
        /// The person took the link away.
        Disconnected = "disconnected",
    }
}

impl Service {
    /// Any one of these OAuth scopes lets us read the service (google.com scope names).
    pub const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Gmail => &[
                "https://www.googleapis.com/auth/gmail.readonly",
                "https://www.googleapis.com/auth/gmail.modify",
                "https://mail.google.com/",
            ],
            Self::Calendar => {
                &["https://www.googleapis.com/auth/calendar.readonly", "https://www.googleapis.com/auth/calendar"]
            }
        }
    }

    /// The narrowest scope, which is the one we ask for.
    pub const fn scope(self) -> &'static str {
        self.scopes()[0]
    }

    /// Whether the granted scopes let us read the service.
    pub fn is_granted(self, granted: &[String]) -> bool {
        granted.iter().any(|scope| self.scopes().contains(&scope.as_str()))
    }
}
