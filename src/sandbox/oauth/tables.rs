//! Grants and tokens, and what each change does to them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    grants::{ACCESS_TOKEN_SECS, AuthRequest, Bearer, Code, GrantChange, Refresh},
    scopes,
};

/// Live refresh tokens of one account for one client; the next one silently ends the oldest.
const REFRESH_TOKENS_PER_CLIENT: usize = 100;

/// A refresh token that is not used for six months ends.
const UNUSED_DAYS: i64 = 182;
/// How long one lives that an app in testing was given, unless it only signs people in.
const TESTING_DAYS: i64 = 7;

/// The tables behind an [`super::grants::Authority`].
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) granted: HashMap<String, BTreeSet<String>>,
    /// Shared, so that a request copies no scopes.
    pub(super) access: HashMap<String, Arc<Bearer>>,
    pub(super) refresh: Vec<Refresh>,
    /// Revocations that are yet to take effect.
    pub(super) revocations: Vec<(String, DateTime<Utc>)>,
    /// Requests whose consent page is open, by the id in the page.
    pub(super) pending: HashMap<String, (AuthRequest, String)>,
    pub(super) codes: HashMap<String, Code>,
}

impl Tables {
    pub(super) fn apply(&mut self, change: GrantChange) {
        match change {
            GrantChange::Granted { email, scopes } => self.granted.entry(email).or_default().extend(scopes),
            GrantChange::RefreshIssued(refresh) => self.keep(refresh),
            GrantChange::RefreshUsed { token, at } => {
                let known = self.refresh.iter_mut().find(|known| known.token == token);
                known.into_iter().for_each(|known| known.used_at = Some(at));
            }
            GrantChange::RefreshRotated { old, new } => {
                self.drop_refresh(|known| known.token == old);
                self.keep(new);
            }
            GrantChange::RefreshExpired { email, mail_only } => {
                self.drop_refresh(|known| known.email == email && (!mail_only || scopes::reach_mail(&known.scopes)));
            }
            GrantChange::AccessIssued { token, bearer } => {
                // Dead tokens are dropped here, so that a long-lived sandbox does not gather them.
                let issued_at = bearer.expires_at - TimeDelta::seconds(ACCESS_TOKEN_SECS);
                self.access.retain(|_, known| known.expires_at > issued_at);
                self.access.insert(token, Arc::new(bearer));
            }
            GrantChange::Narrowed { email, scopes } => self.narrow(&email, &scopes),
            GrantChange::Revoked { email } => self.revoke(&email),
            GrantChange::RevokedFrom { email, at } => self.revocations.push((email, at)),
            GrantChange::AccessExpired { email } => self.access.retain(|_, bearer| bearer.email != email),
        }
    }

    /// Ends what was to end by then.
    pub(super) fn settle(&mut self, now: DateTime<Utc>) {
        for (email, at) in std::mem::take(&mut self.revocations) {
            if at <= now {
                self.revoke(&email);
            } else {
                self.revocations.push((email, at));
            }
        }
    }

    fn keep(&mut self, refresh: Refresh) {
        let same = |known: &Refresh| known.email == refresh.email && known.client_id == refresh.client_id;
        if self.refresh.iter().filter(|known| same(known)).count() >= REFRESH_TOKENS_PER_CLIENT
            && let Some(oldest) = self.refresh.iter().position(same)
        {
            self.refresh.remove(oldest);
        }
        self.refresh.push(refresh);
    }

    fn drop_refresh(&mut self, ends: impl Fn(&Refresh) -> bool) {
        self.refresh.retain(|known| !ends(known));
    }

    fn narrow(&mut self, email: &str, scopes: &BTreeSet<String>) {
        let keep = |own: &mut BTreeSet<String>| own.retain(|scope| !scopes.contains(scope));
        self.granted.entry(email.to_owned()).and_modify(keep);
        for bearer in self.access.values_mut().filter(|bearer| bearer.email == email) {
            keep(&mut Arc::make_mut(bearer).scopes);
        }
        for refresh in self.refresh.iter_mut().filter(|refresh| refresh.email == email) {
            keep(&mut refresh.scopes);
        }
    }

    fn revoke(&mut self, email: &str) {
        self.granted.remove(email);
        self.access.retain(|_, bearer| bearer.email != email);
        self.drop_refresh(|refresh| refresh.email == email);
        self.codes.retain(|_, code| code.email != email);
    }
}

impl Refresh {
    /// Whether it has died of age: unused for long, or issued by an app in testing.
    pub(super) fn is_outlived(&self, now: DateTime<Utc>, in_testing: bool) -> bool {
        let Some(issued_at) = self.issued_at else { return false };
        now >= self.used_at.unwrap_or(issued_at) + TimeDelta::days(UNUSED_DAYS)
            || self.ends_at(in_testing).is_some_and(|end| now >= end)
    }

    /// When it ends however it is used; `None` for one without such a time.
    pub(super) fn ends_at(&self, in_testing: bool) -> Option<DateTime<Utc>> {
        let is_plain = self.scopes.iter().all(|scope| scopes::SIGN_IN.contains(&scope.as_str()));
        self.issued_at.filter(|_| in_testing && !is_plain).map(|issued_at| issued_at + TimeDelta::days(TESTING_DAYS))
    }
}
