//! `connect`: sends a person to the provider, and links the account when they come back.
//!
//! A link is finished by whom it was begun by, in one of two ways (RFC 9700, 2.1: a transaction is bound to the user agent
//! it began in). Usually the browser that asks gets a cookie, and only that browser can finish. An application that cannot
//! share cookies with us, on another site or on a phone, gets a code when the person returns, and finishes with its own
//! sign-in. The state parameter is a sealed name of the attempt: it tells the callback whose it is, cannot be made
//! by anyone else, and works once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

mod finish;

pub use finish::{Completed, Returned, complete, finish};

use super::{Caller, Refusal, Result, Vault};
use crate::{
    app::App,
    config::Config,
    db::accounts::{Account, ConnectAttempt, NewAttempt},
    domain::account::{AccountState, ProviderName, Service},
    providers::{Authorization, Provider},
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
    /// Whether the application finishes with a code instead of the browser with a cookie.
    pub hand_over: bool,
}

/// Where to send the person.
#[derive(Clone, Debug)]
pub struct Started {
    /// The provider's address.
    pub authorization_url: Url,
    /// After this the attempt is refused.
    pub expires_at: DateTime<Utc>,
    /// The secret of the browser that asked, for a cookie; `None` when the application finishes.
    pub browser_secret: Option<String>,
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
    let (attempt, nonce, verifier) = (Uuid::now_v7(), secret(), secret());
    let browser_secret = (!request.hand_over).then(secret);
    let browser_hash = browser_secret.as_deref().map(hash);
    let expires_at = app.clock.now() + LIFETIME;

    let mut tx = app.db.begin(caller.user).await?;
    let vault = Vault::open_or_create(app, &mut tx).await?;
    let new = NewAttempt {
        attempt,
        provider: ProviderName::Google,
        services: &request.services,
        nonce: &nonce,
        verifier: &vault.seal_verifier(attempt, &verifier)?,
        browser_hash: browser_hash.as_deref(),
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
