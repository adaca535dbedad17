//! `POST /token`, `POST /revoke`, the published key, the discovery document, userinfo.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{
        envelope::ApiError,
        error::Error,
        params::Params,
        world::{SharedWorld, World, random_token},
    },
    grants::{ACCESS_TOKEN_SECS, Bearer, Code, GrantChange, OAuthClient, Refresh},
    scopes,
};

/// A refusal in the shape of RFC 6749, section 5.2.
struct Refused {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl Refused {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        Self { status, error, description: description.into() }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, error: "internal_failure", description: error.to_string() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        (self.status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

pub(super) async fn exchange(State(world): State<SharedWorld>, headers: HeaderMap, body: String) -> Response {
    let form = Params::parse(&body);
    let answer = match form.find("grant_type") {
        Some("authorization_code") => by_code(&world, &headers, &form),
        Some("refresh_token") => by_refresh(&world, &headers, &form),
        Some(other) => Err(Refused::new("unsupported_grant_type", format!("Invalid grant_type: {other}"))),
        None => Err(Refused::new("invalid_request", "Missing required parameter: grant_type")),
    };
    match answer {
        Ok(tokens) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// The client, by `client_secret_post` or `client_secret_basic`.
fn client<'w>(world: &'w World, headers: &HeaderMap, form: &Params) -> Result<&'w OAuthClient, Refused> {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| basic_credentials(value.to_str().ok()?));
    let posted =
        || Some((form.find("client_id")?.to_owned(), form.find("client_secret").unwrap_or_default().to_owned()));
    let Some((id, secret)) = basic.or_else(posted) else {
        return Err(Refused::new("invalid_request", "Could not determine client ID from request."));
    };
    let client = world.authority.client(&id);
    let client = client.ok_or_else(|| Refused::new("invalid_client", "The OAuth client was not found."))?;
    if client.secret == secret { Ok(client) } else { Err(Refused::new("invalid_client", "Unauthorized")) }
}

fn basic_credentials(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    // Both halves are form-encoded before they are joined (RFC 6749, section 2.3.1).
    let decode = |part: &str| url::form_urlencoded::parse(part.as_bytes()).next().map(|(key, _)| key.into_owned());
    Some((decode(id)?, decode(secret).unwrap_or_default()))
}

fn required<'f>(form: &'f Params, name: &str) -> Result<&'f str, Refused> {
    form.find(name).ok_or_else(|| Refused::new("invalid_request", format!("Missing required parameter: {name}")))
}

fn by_code(world: &World, headers: &HeaderMap, form: &Params) -> Result<Value, Refused> {
    let client = client(world, headers, form)?;
    let code = required(form, "code")?;
    let redirect_uri = required(form, "redirect_uri")?;
    let code = world.authority.take_code(code).filter(|code| !code.is_expired(world.clock.now()));
    let code = code.ok_or_else(|| Refused::new("invalid_grant", "Malformed auth code."))?;
    if code.request.client_id != client.id {
        return Err(Refused::new("invalid_grant", "Bad Request"));
    }
    if code.request.redirect_uri != redirect_uri {
        return Err(Refused::new("redirect_uri_mismatch", "Bad Request"));
    }
    check_verifier(code.request.challenge.as_ref(), form.find("code_verifier"))?;
    let refresh = code.request.offline
        && (code.request.force_consent || !world.authority.has_refresh(&code.email, &client.id, world.clock.now()));
    let mut tokens = issue(world, &client.id, &code)?;
    if refresh {
        let token = random_token("1//0", 48);
        let refresh = Refresh {
            token: token.clone(),
            email: code.email.clone(),
            client_id: client.id.clone(),
            scopes: code.scopes.clone(),
            issued_at: Some(world.clock.now()),
            used_at: None,
        };
        limit(world, &refresh, &mut tokens);
        world.commit_grant(GrantChange::RefreshIssued(refresh))?;
        tokens["refresh_token"] = token.into();
    }
    Ok(tokens)
}

fn check_verifier(challenge: Option<&(String, bool)>, verifier: Option<&str>) -> Result<(), Refused> {
    let Some((challenge, is_s256)) = challenge else { return Ok(()) };
    let verifier = verifier.ok_or_else(|| Refused::new("invalid_grant", "Missing code verifier."))?;
    let hashed = || URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let answer = if *is_s256 { hashed() } else { verifier.to_owned() };
    if answer == *challenge { Ok(()) } else { Err(Refused::new("invalid_grant", "Invalid code verifier.")) }
}

/// The reply to a code: access token, granted scopes, and the identity token when `openid` was asked.
fn issue(world: &World, client_id: &str, code: &Code) -> Result<Value, Refused> {
    let (access, mut tokens) = issue_access(world, client_id, &code.email, &code.scopes)?;
    if code.scopes.contains("openid") {
        tokens["id_token"] = id_token(world, client_id, code, &access)?.into();
    }
    Ok(tokens)
}

fn issue_access(
    world: &World,
    client_id: &str,
    email: &str,
    scopes: &std::collections::BTreeSet<String>,
) -> Result<(String, Value), Refused> {
    let token = random_token("ya29.a0", 96);
    let bearer = Bearer {
        email: email.to_owned(),
        client_id: client_id.to_owned(),
        scopes: scopes.clone(),
        expires_at: world.clock.now() + TimeDelta::seconds(ACCESS_TOKEN_SECS),
    };
    world.commit_grant(GrantChange::AccessIssued { token: token.clone(), bearer })?;
    let scope = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let reply = json!({"access_token": token, "expires_in": ACCESS_TOKEN_SECS, "scope": scope, "token_type": "Bearer"});
    Ok((token, reply))
}

fn id_token(world: &World, client_id: &str, code: &Code, access: &str) -> Result<String, Refused> {
    let account =
        world.account(&code.email).ok_or_else(|| Refused::new("invalid_grant", "Account has been deleted"))?;
    let now = world.clock.now().timestamp();
    let mut claims = json!({
        "iss": world.issuer(), "azp": client_id, "aud": client_id, "sub": account.sub,
        "at_hash": URL_SAFE_NO_PAD.encode(&Sha256::digest(access)[..16]),
        "iat": now, "exp": now + ACCESS_TOKEN_SECS + 1,
    });
    if let Some(nonce) = &code.request.nonce {
        claims["nonce"] = nonce.as_str().into();
    }
    if code.scopes.contains(scopes::EMAIL) {
        claims["email"] = account.email.as_str().into();
        claims["email_verified"] = true.into();
    }
    if code.scopes.contains(scopes::PROFILE) {
        claims["name"] = account.name.as_str().into();
    }
    Ok(world.keys.sign(&claims)?)
}

fn by_refresh(world: &World, headers: &HeaderMap, form: &Params) -> Result<Value, Refused> {
    let client = client(world, headers, form)?;
    let token = required(form, "refresh_token")?;
    let now = world.clock.now();
    let behaviour = world.behaviour.read().clone();
    let known = world.authority.refresh(token, &client.id, now, behaviour.in_testing);
    let known = known.ok_or_else(|| Refused::new("invalid_grant", "Token has been expired or revoked."))?;
    let (_, mut reply) = issue_access(world, &client.id, &known.email, &known.scopes)?;
    limit(world, &known, &mut reply);
    if behaviour.rotate_refresh_tokens {
        let next = random_token("1//0", 48);
        let issued = Refresh { token: next.clone(), issued_at: Some(now), used_at: None, ..known };
        world.commit_grant(GrantChange::RefreshRotated { old: token.to_owned(), new: issued })?;
        reply["refresh_token"] = next.into();
    } else {
        world.commit_grant(GrantChange::RefreshUsed { token: token.to_owned(), at: now })?;
    }
    Ok(reply)
}

/// Says how long a refresh token lives that has a time of its own.
fn limit(world: &World, refresh: &Refresh, reply: &mut Value) {
    if let Some(end) = refresh.ends_at(world.behaviour.read().in_testing) {
        // One second less than there are, as with access tokens.
        reply["refresh_token_expires_in"] = ((end - world.clock.now()).num_seconds() - 1).max(0).into();
    }
}

/// Ends the token, its pair, and every grant of its owner to the project.
pub(super) async fn revoke(State(world): State<SharedWorld>, params: Params, body: String) -> Response {
    let form = Params::parse(&body);
    let Some(token) = form.find("token").or_else(|| params.find("token")) else {
        return Refused::new("invalid_request", "Missing required parameter: token").into_response();
    };
    // A token that is unknown, or already dead, is as revoked as it can be: 200.
    let at = world.clock.now() + TimeDelta::seconds(world.behaviour.read().revoke_delay_secs.into());
    let revoked = world.authority.owner(token).map(|email| world.commit_grant(GrantChange::RevokedFrom { email, at }));
    match revoked.transpose() {
        Ok(_) => Json(json!({})).into_response(),
        Err(error) => Refused::from(error).into_response(),
    }
}

pub(super) async fn certificates(State(world): State<SharedWorld>) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=3600")], Json(world.keys.jwks())).into_response()
}

pub(super) async fn discovery(State(world): State<SharedWorld>) -> Json<Value> {
    let issuer = world.issuer();
    let at = |path: &str| format!("{issuer}{path}");
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": at("/o/oauth2/v2/auth"),
        "token_endpoint": at("/token"),
        "revocation_endpoint": at("/revoke"),
        "userinfo_endpoint": at("/v1/userinfo"),
        "jwks_uri": at("/oauth2/v3/certs"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "name", "sub"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

pub(super) async fn userinfo(State(world): State<SharedWorld>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    let bearer = world.authenticate(&headers)?;
    let account = world.account(&bearer.email).ok_or_else(ApiError::unauthenticated)?;
    let mut claims = json!({"sub": account.sub});
    if bearer.scopes.contains(scopes::EMAIL) {
        claims["email"] = account.email.as_str().into();
        claims["email_verified"] = true.into();
    }
    if bearer.scopes.contains(scopes::PROFILE) {
        claims["name"] = account.name.as_str().into();
    }
    Ok(Json(claims))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_needs_its_verifier() {
        // The pair of RFC 7636, appendix B.
        let challenge = ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(), true);
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(check_verifier(Some(&challenge), Some(verifier)).is_ok());
        assert!(check_verifier(Some(&challenge), Some("another")).is_err());
        assert!(check_verifier(Some(&challenge), None).is_err());
        assert!(check_verifier(None, None).is_ok());
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let header = format!("Basic {}", STANDARD.encode("an%3Aid:se%2Bcret"));
        assert_eq!(basic_credentials(&header), Some(("an:id".to_owned(), "se+cret".to_owned())));
    }
}
