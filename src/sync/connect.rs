//! `connect`: sends a person to the provider, and links the account when they come back.
//!
//! The browser that asks gets a cookie, and only that browser can finish (RFC 9700, 2.1: a transaction is bound to the user
//! agent it began in). The state parameter is a sealed name of the attempt: it tells the callback whose it is, cannot be made
//! by anyone else, and works once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

use super::{Caller, Error, Refusal, Result, Vault, session::Session};
use crate::{
    app::App,
    config::Config,
    db::{
        accounts::{self, Account, ConnectAttempt, Link, NewAttempt},
        audit,
    },
    domain::{
        account::{AccountState, ProviderName, Service},
        consent::Label,
        ids::{AccountId, UserId},
        stream::Collection,
    },
    providers::{Authorization, Grant, Provider},
    seal::Place,
};

/// How long a person may take at the provider.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// The path of the callback, which is registered with the provider.
pub const CALLBACK_PATH: &str = "/oauth/google/callback";
/// Where a browser returns to when the application named no place.
pub const LANDING_PATH: &str = "/connected";

/// What to connect.
#[derive(Clone, Debug)]
pub struct Request {
    /// The services to ask for.
    pub services: Vec<Service>,
    /// The address to suggest.
    pub login_hint: Option<String>,
    /// Where to send the browser afterwards: a path here, or an address on the allow-list.
    pub return_to: Option<String>,
}

/// Where to send the person.
#[derive(Clone, Debug)]
pub struct Started {
    /// The provider's address.
    pub authorization_url: Url,
    /// After this the attempt is refused.
    pub expires_at: DateTime<Utc>,
    /// The secret of the browser that asked, for a cookie.
    pub browser_secret: String,
}

fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

fn state_place() -> Place {
    Place::of("connect_attempts", "state", &[])
}

/// The address to register with the provider.
pub fn redirect_uri(config: &Config) -> String {
    format!("{}{}", config.http.public_url.as_str().trim_end_matches('/'), CALLBACK_PATH)
}

/// Begins to link an account.
///
/// # Errors
/// Refused when nothing is asked for, or the way back is not allowed.
pub async fn start(app: &App, caller: &Caller, request: &Request) -> Result<Started> {
    if request.services.is_empty() {
        return Err(Refusal::NothingChosen.into());
    }
    let return_to = allowed_return(app, request.return_to.as_deref())?;
    if request.login_hint.as_ref().is_some_and(|hint| hint.len() > 320) {
        return Err(Refusal::Invalid {
            field: "loginHint",
            message: "An address has at most 320 characters.".to_owned(),
        }
        .into());
    }
    let (attempt, nonce, verifier, browser_secret) = (Uuid::now_v7(), secret(), secret(), secret());
    let expires_at = app.clock.now() + LIFETIME;

    let mut tx = app.db.begin(caller.user).await?;
    let vault = Vault::open_or_create(app, &mut tx).await?;
    let new = NewAttempt {
        attempt,
        provider: ProviderName::Google,
        services: &request.services,
        nonce: &nonce,
        verifier: &vault.seal_verifier(attempt, &verifier)?,
        browser_hash: &hash(&browser_secret),
        return_to: &return_to,
        expires_at,
    };
    ConnectAttempt::insert(&mut tx, &new).await?;
    let known = Account::all(&mut tx).await?;
    tx.commit().await?;

    let name = [caller.user.0.as_bytes().as_slice(), attempt.as_bytes()].concat();
    let state = URL_SAFE_NO_PAD.encode(app.keyset.seal(&state_place(), &name)?);
    // A refresh token comes with the first consent only, so one that is missing must be asked for.
    let has_lasting = |account: &Account| account.refresh_token.is_some() && account.state == AccountState::Active;
    let authorization_url = app.google.authorization_url(&Authorization {
        redirect_uri: &redirect_uri(&app.config),
        state: &state,
        nonce: &nonce,
        code_challenge: &URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
        services: &request.services,
        login_hint: request.login_hint.as_deref(),
        force_consent: known.is_empty() || !known.iter().all(has_lasting),
    });
    Ok(Started { authorization_url, expires_at, browser_secret })
}

/// Where the browser goes afterwards: a path of ours, or an address whose origin is allowed. Never anywhere else, so that a
/// link to us cannot send people to a stranger.
fn allowed_return(app: &App, wanted: Option<&str>) -> Result<String, Refusal> {
    let http = &app.config.http;
    let refused = || Refusal::Invalid {
        field: "returnTo",
        message: "returnTo must be a path here, or an address on an allowed origin.".to_owned(),
    };
    let wanted = wanted.unwrap_or(LANDING_PATH);
    if wanted.len() > 2_000 || wanted.chars().any(|c| c.is_control() || c == '\\') {
        return Err(refused());
    }
    let url = http.public_url.join(wanted).map_err(|_| refused())?;
    // `blob:https://app.example/x` has the origin of app.example and leads elsewhere.
    let is_web = matches!(url.scheme(), "http" | "https");
    let origin = url.origin().ascii_serialization();
    let ours = origin == http.public_url.origin().ascii_serialization();
    let allowed = http.allowed_origins.iter().any(|known| known.trim_end_matches('/') == origin);
    if is_web && (ours || allowed) && url.username().is_empty() && url.password().is_none() {
        Ok(url.into())
    } else {
        Err(refused())
    }
}

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
    /// The return does not belong to an attempt that could be finished. No call to the provider was made.
    Unknown,
}

/// Finishes linking an account.
///
/// # Errors
/// When the provider or the database fails; nothing was linked then.
pub async fn complete(app: &App, request_id: &str, client: &str, returned: &Returned<'_>) -> Result<Completed> {
    let Some((user, attempt)) = open_state(app, returned.state) else { return Ok(Completed::Unknown) };
    let Some(browser_secret) = returned.browser_secret else { return Ok(Completed::Unknown) };
    let mut tx = app.db.begin(user).await?;
    let found = ConnectAttempt::consume(&mut tx, attempt, &hash(browser_secret), app.clock.now()).await?;
    let Some(found) = found else { return Ok(Completed::Unknown) };
    let vault = Vault::open(app, &mut tx).await?;
    tx.commit().await?;
    if returned.issuer.is_some_and(|issuer| issuer != app.config.google.issuer) {
        return Ok(Completed::Unknown);
    }
    let caller = Caller { user, request_id: request_id.to_owned(), client: client.to_owned() };
    let Some(code) = returned.code else {
        let code = match returned.error {
            Some("access_denied") => "CONSENT_DENIED",
            Some("admin_policy_enforced" | "org_internal") => "BLOCKED_BY_ADMINISTRATOR",
            _ => "CONNECT_FAILED",
        };
        note(app, &caller, None, "refused").await?;
        return Ok(Completed::Denied { code, return_to: found.return_to });
    };
    let verifier = vault.open_verifier(attempt, &found.verifier)?;
    let grant = match app.google.exchange(code, &verifier, &found.nonce, &redirect_uri(&app.config)).await {
        Ok(grant) => grant,
        Err(error) => {
            tracing::warn!(user.id = %user, error = %error, "the provider did not complete a link");
            note(app, &caller, None, "failed").await?;
            return Ok(Completed::Denied { code: "CONNECT_FAILED", return_to: found.return_to });
        }
    };
    let wanted: Vec<Service> = found.services.iter().filter_map(|word| Service::from_word(word)).collect();
    if !wanted.iter().any(|service| service.is_granted(&grant.tokens.scopes)) {
        // Nothing we could read: keeping tokens that serve no purpose would be worse than none.
        app.google.revoke(&grant.tokens.access).await.ok();
        note(app, &caller, None, "refused").await?;
        return Ok(Completed::Denied { code: "CONSENT_DENIED", return_to: found.return_to });
    }
    let account = link(app, &caller, &vault, &grant, &wanted).await?;
    Ok(Completed::Linked { account, return_to: found.return_to })
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
    let seal = |token: &secrecy::SecretString| vault.seal_token(account, "refresh_token", token.expose_secret());
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
    audit::insert(
        &mut tx,
        &entry(caller, Some(account), "succeeded", json!({ "services": wanted.len() - missing.len() })),
    )
    .await?;
    tx.commit().await?;
    Ok(account)
}

async fn note(app: &App, caller: &Caller, account: Option<AccountId>, outcome: &'static str) -> Result<(), Error> {
    let mut tx = app.db.begin(caller.user).await?;
    audit::insert(&mut tx, &entry(caller, account, outcome, json!({}))).await?;
    Ok(tx.commit().await?)
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

/// The calendars an account can read, asked of the provider now.
///
/// # Errors
/// Refused when the account cannot be read.
pub async fn calendars(app: &App, caller: &Caller, account: AccountId) -> Result<Vec<Collection>> {
    let session = Session::open(app, caller.user, account).await?;
    session.require(Service::Calendar)?;
    match session.calendars(app).await {
        Err(Error::Refused(Refusal::NeedsReauth)) => session.refresh(app).await?.calendars(app).await,
        found => found,
    }
}

/// The labels of an account, asked of the provider now.
///
/// # Errors
/// Refused when the account cannot be read.
pub async fn labels(app: &App, caller: &Caller, account: AccountId) -> Result<Vec<Label>> {
    let session = Session::open(app, caller.user, account).await?;
    session.require(Service::Gmail)?;
    match session.labels(app).await {
        Err(Error::Refused(Refusal::NeedsReauth)) => session.refresh(app).await?.labels(app).await,
        found => found,
    }
}
