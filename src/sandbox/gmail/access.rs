//! Who may call what: the bearer's mailbox, and the scopes each method accepts by the discovery document.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};

use super::super::{
    envelope::{ApiError, ApiResult},
    oauth::Bearer,
    world::{Account, World},
};

const FULL: &str = "https://mail.google.com/";
const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
const READONLY: &str = "https://www.googleapis.com/auth/gmail.readonly";
const METADATA: &str = "https://www.googleapis.com/auth/gmail.metadata";
const LABELS: &str = "https://www.googleapis.com/auth/gmail.labels";

/// What a method asks of the token.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needs {
    /// Reading content.
    Content,
    /// Reading what `gmail.metadata` may see as well.
    Metadata,
    /// Reading labels.
    Labels,
}

impl Needs {
    const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Content => &[FULL, MODIFY, READONLY],
            Self::Metadata => &[FULL, MODIFY, READONLY, METADATA],
            Self::Labels => &[FULL, MODIFY, READONLY, METADATA, LABELS],
        }
    }
}

/// A caller that may call.
pub(super) struct Caller {
    pub account: Arc<Account>,
    bearer: Arc<Bearer>,
}

impl Caller {
    /// Whether the token opens no content, so that `q` and the full formats are refused.
    pub(super) fn sees_metadata_only(&self) -> bool {
        !Needs::Content.scopes().iter().any(|scope| self.bearer.scopes.contains(*scope))
    }
}

/// Lets the bearer into the mailbox `user` names: `me`, or the bearer's own address.
pub(super) fn admit(world: &World, headers: &HeaderMap, user: &str, needs: Needs, method: &str) -> ApiResult<Caller> {
    let bearer = world.authenticate(headers)?;
    if !needs.scopes().iter().any(|scope| bearer.scopes.contains(*scope)) {
        return Err(ApiError::insufficient_scopes("gmail.googleapis.com", method));
    }
    let account = world.account(&bearer.email).ok_or_else(ApiError::unauthenticated)?;
    if user != "me" && !user.eq_ignore_ascii_case(&account.email) {
        let message = format!("Delegation denied for {}", account.email);
        return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message));
    }
    Ok(Caller { account, bearer })
}
