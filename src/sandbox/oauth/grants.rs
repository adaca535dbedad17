//! Who granted what to whom: pending authorizations, codes, grants and tokens.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{super::lock::Shared, tables::Tables};

/// The lifetime Google states for an access token.
pub(super) const ACCESS_TOKEN_SECS: i64 = 3_599;
/// How long a code may wait to be exchanged.
const CODE_MINUTES: i64 = 10;

/// An OAuth client of the one Cloud project the sandbox knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OAuthClient {
    /// Its `client_id`.
    pub id: String,
    /// Its `client_secret`.
    pub secret: String,
    /// Where it may have people sent back to; compared byte for byte.
    pub redirect_uris: Vec<String>,
}

/// A checked authorization request, waiting for the person or carried by a code.
#[derive(Clone, Debug)]
pub(super) struct AuthRequest {
    pub client_id: String,
    pub redirect_uri: String,
    /// Canonical scopes in the order asked.
    pub scopes: Vec<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    /// The challenge and whether its method is S256 (else plain).
    pub challenge: Option<(String, bool)>,
    pub offline: bool,
    /// `prompt=consent`: ask again, and give a new refresh token.
    pub force_consent: bool,
    pub include_granted: bool,
}

/// An authorization code's meaning.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub request: AuthRequest,
    pub email: String,
    pub scopes: BTreeSet<String>,
    pub issued_at: DateTime<Utc>,
}

impl Code {
    pub(super) fn is_expired(&self, now: DateTime<Utc>) -> bool {
        now > self.issued_at + TimeDelta::minutes(CODE_MINUTES)
    }
}

/// Whom an access token speaks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bearer {
    pub email: String,
    pub client_id: String,
    pub scopes: BTreeSet<String>,
    pub expires_at: DateTime<Utc>,
}

/// A refresh token's meaning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refresh {
    pub token: String,
    pub email: String,
    pub client_id: String,
    pub scopes: BTreeSet<String>,
    /// When it was issued; one from before this was kept never gets old.
    #[serde(default)]
    pub issued_at: Option<DateTime<Utc>>,
    /// When it last gave an access token.
    #[serde(default)]
    pub used_at: Option<DateTime<Utc>>,
}

/// A change to grants and tokens, as the state file keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum GrantChange {
    /// The person let the project have these scopes.
    Granted {
        email: String,
        scopes: BTreeSet<String>,
    },
    RefreshIssued(Refresh),
    /// The refresh token gave an access token.
    RefreshUsed {
        token: String,
        at: DateTime<Utc>,
    },
    /// The refresh token gave its successor as well.
    RefreshRotated {
        old: String,
        new: Refresh,
    },
    /// The person's refresh tokens end; access tokens live on until their time.
    RefreshExpired {
        email: String,
        /// Only those that reach mail: what a new password does.
        mail_only: bool,
    },
    AccessIssued {
        token: String,
        bearer: Bearer,
    },
    /// The person takes some scopes back; tokens live on with the others.
    Narrowed {
        email: String,
        scopes: BTreeSet<String>,
    },
    /// Every grant and token of the person ends.
    Revoked {
        email: String,
    },
    /// The same, once it is that late.
    RevokedFrom {
        email: String,
        at: DateTime<Utc>,
    },
    /// Access tokens of the person end; refresh tokens live on.
    AccessExpired {
        email: String,
    },
}

/// The authorization server's memory.
#[derive(Debug)]
pub(crate) struct Authority {
    clients: Vec<OAuthClient>,
    tables: Shared<Tables>,
}

impl Authority {
    pub(crate) fn new(clients: Vec<OAuthClient>) -> Self {
        Self { clients, tables: Shared::default() }
    }

    pub(super) fn client(&self, id: &str) -> Option<&OAuthClient> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// Makes the change as of that moment: what was to end before has ended.
    pub(crate) fn apply(&self, change: &GrantChange, at: DateTime<Utc>) {
        self.settle(at);
        self.tables.write().apply(change.clone());
    }

    /// Whom the token speaks for, if it lives.
    pub(crate) fn bearer(&self, token: &str, now: DateTime<Utc>) -> Option<Arc<Bearer>> {
        self.settle(now);
        self.tables.read().access.get(token).filter(|bearer| bearer.expires_at > now).cloned()
    }

    /// The account an access or refresh token belongs to.
    pub(super) fn owner(&self, token: &str) -> Option<String> {
        let tables = self.tables.read();
        let access = tables.access.get(token).map(|bearer| bearer.email.clone());
        access.or_else(|| tables.refresh.iter().find(|known| known.token == token).map(|known| known.email.clone()))
    }

    /// The refresh token's meaning, if it lives.
    pub(super) fn refresh(
        &self,
        token: &str,
        client_id: &str,
        now: DateTime<Utc>,
        in_testing: bool,
    ) -> Option<Refresh> {
        self.settle(now);
        let tables = self.tables.read();
        let known = tables.refresh.iter().find(|known| known.token == token && known.client_id == client_id)?;
        (!known.is_outlived(now, in_testing)).then(|| known.clone())
    }

    pub(super) fn has_refresh(&self, email: &str, client_id: &str, now: DateTime<Utc>) -> bool {
        self.settle(now);
        self.tables.read().refresh.iter().any(|known| known.email == email && known.client_id == client_id)
    }

    pub(super) fn granted(&self, email: &str, now: DateTime<Utc>) -> BTreeSet<String> {
        self.settle(now);
        self.tables.read().granted.get(email).cloned().unwrap_or_default()
    }

    /// Lets revocations that are due take effect.
    fn settle(&self, now: DateTime<Utc>) {
        let is_due = self.tables.read().revocations.iter().any(|(_, at)| *at <= now);
        if is_due {
            self.tables.write().settle(now);
        }
    }

    /// Keeps a request whose consent page is about to be shown to the owner of `email`.
    pub(super) fn suspend(&self, id: String, request: AuthRequest, email: String) {
        self.tables.write().pending.insert(id, (request, email));
    }

    pub(super) fn resume(&self, id: &str) -> Option<(AuthRequest, String)> {
        self.tables.write().pending.remove(id)
    }

    pub(super) fn keep_code(&self, id: String, code: Code) {
        self.tables.write().codes.insert(id, code);
    }

    /// Takes the code away: whatever becomes of this exchange, a second one fails.
    pub(super) fn take_code(&self, id: &str) -> Option<Code> {
        self.tables.write().codes.remove(id)
    }
}
