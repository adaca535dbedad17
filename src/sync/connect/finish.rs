//! The way back from the provider: who may finish a link, and what finishing does.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::{hash, redirect_uri, state_place};
use crate::{
    app::App,
    db::{
        accounts::{self, Account, ConnectAttempt, Link},
        audit, people,
    },
    domain::{
        account::{AccountState, ProviderName, Service},
        ids::{AccountId, UserId},
        people::mailbox,
    },
    providers::{Grant, Provider},
    seal::Place,
    sync::{Caller, Error, Refusal, Result, Vault, work::hint_accounts},
};

/// What came back with the browser.
#[derive(Clone, Debug, Default)]
pub struct Returned<'a> {
    pub state: &'a str,
    pub code: Option<&'a str>,
    /// The provider's word for a refusal: `access_denied`, `admin_policy_enforced`.
    pub error: Option<&'a str>,
    /// The issuer, which must be the one we sent the person to (RFC 9207).
    pub issuer: Option<&'a str>,
    /// The secret in the browser's cookie.
    pub browser_secret: Option<&'a str>,
}

/// How a return ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    /// Linked; the browser goes to `return_to`.
    Linked { account: AccountId, return_to: String },
    /// The person or their administrator said no; nothing was linked.
    Denied { code: &'static str, return_to: String },
    /// Allowed by the person; the application finishes with this code, in the name of whoever is signed in there.
    Handed { connect_code: String, return_to: String },
    /// The return does not belong to an attempt that could be finished. No call to the provider was made.
    Unknown,
}

/// Takes the browser's return: links the account, or hands the application a code to finish with.
///
/// # Errors
/// When the provider or the database fails; nothing was linked then.
pub async fn complete(app: &App, request_id: &str, client: &str, returned: &Returned<'_>) -> Result<Completed> {
    let Some((user, attempt)) = open_state(app, returned.state) else { return Ok(Completed::Unknown) };
    if returned.issuer.is_some_and(|issuer| issuer != app.config.google.issuer) {
        return Ok(Completed::Unknown);
    }
    let caller = Caller { user, request_id: request_id.to_owned(), client: client.to_owned() };
    let mut tx = app.db.begin(user).await?;
    let Some(known) = ConnectAttempt::find_usable(&mut tx, attempt, app.clock.now()).await? else {
        return Ok(Completed::Unknown);
    };
    let is_bound = known.browser_hash.is_some();
    if is_bound && known.browser_hash != returned.browser_secret.map(hash) {
        return Ok(Completed::Unknown);
    }
    match returned.code {
        Some(code) if !is_bound => {
            let sealed = app.keyset.seal(&code_place(user, attempt), code.as_bytes())?;
            let connect_code = URL_SAFE_NO_PAD.encode([attempt.as_bytes().as_slice(), &sealed].concat());
            Ok(Completed::Handed { connect_code, return_to: known.return_to })
        }
        code => {
            let Some(found) = ConnectAttempt::consume(&mut tx, attempt, app.clock.now()).await? else {
                return Ok(Completed::Unknown);
            };
            tx.commit().await?;
            match code {
                Some(code) => exchange(app, &caller, attempt, found, code).await,
                None => {
                    note(app, &caller, "refused").await?;
                    Ok(Completed::Denied { code: denial(returned.error), return_to: found.return_to })
                }
            }
        }
    }
}

/// Finishes a link whose code was handed to the application, in the name of the person who is signed in there. Someone who
/// was sent another person's address ends here: the code names whose link it is.
///
/// # Errors
/// Refused when the code is not this person's, was used, or is older than ten minutes.
pub async fn finish(app: &App, caller: &Caller, connect_code: &str) -> Result<AccountId> {
    let unusable = || Refusal::Invalid {
        field: "connectCode",
        message: "This code was used, is too old, or belongs to someone else. Connect again.".to_owned(),
    };
    let bytes = URL_SAFE_NO_PAD.decode(connect_code).map_err(|_| unusable())?;
    let (attempt, sealed) = bytes.split_at_checked(16).ok_or_else(unusable)?;
    let attempt = Uuid::from_slice(attempt).map_err(|_| unusable())?;
    let code = app.keyset.open(&code_place(caller.user, attempt), sealed).map_err(|_| unusable())?;
    let code = std::str::from_utf8(&code).map_err(|_| unusable())?;
    let mut tx = app.db.begin(caller.user).await?;
    let found = ConnectAttempt::consume(&mut tx, attempt, app.clock.now()).await?.ok_or_else(unusable)?;
    tx.commit().await?;
    match exchange(app, caller, attempt, found, code).await? {
        Completed::Linked { account, .. } => Ok(account),
        Completed::Denied { code: "CONSENT_DENIED", .. } => Err(Refusal::ConsentDenied.into()),
        _ => Err(Refusal::ProviderUnavailable.into()),
    }
}

fn code_place(user: UserId, attempt: Uuid) -> Place {
    Place::of("connect_attempts", "code", &[user.0.as_bytes(), attempt.as_bytes()])
}

fn denial(error: Option<&str>) -> &'static str {
    match error {
        Some("access_denied") => "CONSENT_DENIED",
        Some("admin_policy_enforced" | "org_internal") => "BLOCKED_BY_ADMINISTRATOR",
        _ => "CONNECT_FAILED",
    }
}

/// Trades the code for tokens and links the account they open.
async fn exchange(app: &App, caller: &Caller, attempt: Uuid, found: ConnectAttempt, code: &str) -> Result<Completed> {
    let mut tx = app.db.begin(caller.user).await?;
    let vault = Vault::open(app, &mut tx).await?;
    tx.commit().await?;
    let verifier = vault.open_verifier(attempt, &found.verifier)?;
    let return_to = found.return_to;
    let grant = match app.google.exchange(code, &verifier, &found.nonce, &redirect_uri(&app.config)).await {
        Ok(grant) => grant,
        Err(error) => {
            tracing::warn!(user.id = %caller.user, error = %error, "the provider did not complete a link");
            note(app, caller, "failed").await?;
            return Ok(Completed::Denied { code: "CONNECT_FAILED", return_to });
        }
    };
    let wanted: Vec<Service> = found.services.iter().filter_map(|word| Service::from_word(word)).collect();
    if !wanted.iter().any(|service| service.is_granted(&grant.tokens.scopes)) {
        // The tokens open nothing we read, so they are dropped. They are not revoked: that would end every other link of
        // this Google account with us.
        note(app, caller, "refused").await?;
        return Ok(Completed::Denied { code: "CONSENT_DENIED", return_to });
    }
    let account = link(app, caller, &vault, &grant, &wanted).await?;
    Ok(Completed::Linked { account, return_to })
}

fn open_state(app: &App, state: &str) -> Option<(UserId, Uuid)> {
    let sealed = URL_SAFE_NO_PAD.decode(state).ok()?;
    let name = app.keyset.open(&state_place(), &sealed).ok()?;
    let (user, attempt) = name.split_at_checked(16)?;
    Some((UserId(Uuid::from_slice(user).ok()?), Uuid::from_slice(attempt).ok()?))
}

async fn link(app: &App, caller: &Caller, vault: &Vault, grant: &Grant, wanted: &[Service]) -> Result<AccountId> {
    let mut tx = app.db.begin(caller.user).await?;
    let known = Account::find_by_subject(&mut tx, ProviderName::Google, &grant.subject).await?;
    let account = known.as_ref().map_or_else(AccountId::generate, |known| known.account_id);
    let tokens = &grant.tokens;
    let missing: Vec<&str> =
        wanted.iter().filter(|service| !service.is_granted(&tokens.scopes)).map(|service| service.as_str()).collect();
    let reason = format!("Access to {} was not granted. Connect again to add it.", missing.join(" and "));
    let seal = |token: &SecretString| vault.seal_token(account, "refresh_token", token.expose_secret());
    let refresh = tokens.refresh.as_ref().map(seal).transpose()?;
    let written = Link {
        account,
        provider: ProviderName::Google,
        subject: &grant.subject,
        email: &grant.email,
        scopes: &tokens.scopes,
        state: if missing.is_empty() { AccountState::Active } else { AccountState::NeedsScope },
        state_reason: (!missing.is_empty()).then_some(reason.as_str()),
        access_token: &vault.seal_token(account, "access_token", tokens.access.expose_secret())?,
        refresh_token: refresh.as_deref(),
        access_expires_at: app.clock.now()
            + TimeDelta::from_std(tokens.expires_in).unwrap_or_else(|_| TimeDelta::hours(1)),
    };
    accounts::link(&mut tx, &written).await?;
    // Whoever it was before, this address is the person's own.
    people::hold(&mut tx).await?;
    people::hide(&mut tx, &[mailbox(&grant.email)]).await?;
    audit::insert(
        &mut tx,
        &entry(caller, Some(account), "succeeded", json!({ "services": wanted.len() - missing.len() })),
    )
    .await?;
    tx.commit().await?;
    hint_accounts(app, caller.user).await;
    Ok(account)
}

fn entry<'a>(
    caller: &'a Caller,
    account: Option<AccountId>,
    outcome: &'static str,
    counts: serde_json::Value,
) -> audit::Entry<'a> {
    audit::Entry {
        action: "connect",
        outcome,
        request: Some((&caller.request_id, &caller.client)),
        account,
        preview: None,
        batch: None,
        counts,
    }
}

async fn note(app: &App, caller: &Caller, outcome: &'static str) -> Result<(), Error> {
    let mut tx = app.db.begin(caller.user).await?;
    audit::insert(&mut tx, &entry(caller, None, outcome, json!({}))).await?;
    Ok(tx.commit().await?)
}
