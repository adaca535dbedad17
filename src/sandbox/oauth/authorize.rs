//! `GET /o/oauth2/v2/auth` and the consent form it leads to.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use url::Url;

use super::{
    super::{
        params::Params,
        world::{Account, SharedWorld, World, random_token},
    },
    grants::{AuthRequest, Code, GrantChange},
    pages::{self, Refusal},
    scopes,
};

/// Checks the request, finds the account, and shows the chooser or the consent page, or goes straight back.
pub(super) async fn page(State(world): State<SharedWorld>, params: Params) -> Response {
    let request = match check(&world, &params) {
        Ok(request) => request,
        Err(refusal) => return pages::refusal(&refusal),
    };
    let prompts: Vec<&str> = params.find("prompt").unwrap_or_default().split(' ').collect();
    let silent = prompts.contains(&"none");
    let Some(account) = choose(&world, &params, prompts.contains(&"select_account")) else {
        if silent {
            return back(&world, &request, &[("error", "interaction_required")]);
        }
        return pages::chooser(&request.client_id, &links(&world, &params));
    };
    let granted = world.authority.granted(&account.email, world.clock.now());
    let asks_anew = request.scopes.iter().any(|scope| !granted.contains(scope));
    if !request.force_consent && !asks_anew {
        let scopes = request.scopes.iter().cloned().collect();
        return grant(&world, request, account.email.clone(), scopes);
    }
    if silent {
        return back(&world, &request, &[("error", "consent_required")]);
    }
    let id = random_token("", 18);
    let page = pages::consent(&id, &request.client_id, &account.email, &request.scopes);
    world.authority.suspend(id, request, account.email.clone());
    page
}

/// `POST /o/oauth2/v2/consent`: the person's decision.
pub(super) async fn decide(State(world): State<SharedWorld>, body: String) -> Response {
    let form = Params::parse(&body);
    let Some((request, email)) = form.find("request").and_then(|id| world.authority.resume(id)) else {
        return pages::refusal(&Refusal::new(
            "invalid_request",
            "This page was answered already, or the sandbox was restarted. Go back and start again.",
        ));
    };
    if form.find("decision") != Some("continue") {
        return back(&world, &request, &[("error", "access_denied")]);
    }
    let ticked: BTreeSet<&str> = form.all("scope").collect();
    let is_kept = |scope: &&String| scopes::SIGN_IN.contains(&scope.as_str()) || ticked.contains(scope.as_str());
    let scopes: BTreeSet<String> = request.scopes.iter().filter(is_kept).cloned().collect();
    if scopes.is_empty() {
        return back(&world, &request, &[("error", "access_denied")]);
    }
    grant(&world, request, email, scopes)
}

/// Reads the request, or says on a page why not: a request that is wrong must not be redirected.
fn check(world: &World, params: &Params) -> Result<AuthRequest, Refusal> {
    let client = params.find("client_id").and_then(|id| world.authority.client(id));
    let client = client.ok_or_else(|| Refusal::new("invalid_client", "The OAuth client was not found."))?;
    let redirect_uri = params.find("redirect_uri").unwrap_or_default();
    if !client.redirect_uris.iter().any(|known| known == redirect_uri) {
        return Err(Refusal::new(
            "redirect_uri_mismatch",
            format!("The redirect URI in the request, {redirect_uri}, is not registered for this client."),
        ));
    }
    if params.find("response_type") != Some("code") {
        return Err(Refusal::new("unsupported_response_type", "The sandbox supports response_type=code."));
    }
    let mut scopes: Vec<String> = Vec::new();
    for asked in params.find("scope").unwrap_or_default().split_ascii_whitespace() {
        let known = scopes::canonical(asked);
        let known = known.ok_or_else(|| Refusal::new("invalid_scope", format!("Unknown scope: {asked}")))?;
        if !scopes.iter().any(|scope| scope == known) {
            scopes.push(known.to_owned());
        }
    }
    if scopes.is_empty() {
        return Err(Refusal::new("invalid_request", "Missing required parameter: scope"));
    }
    let owned = |name: &str| params.find(name).map(str::to_owned);
    Ok(AuthRequest {
        client_id: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        scopes,
        state: owned("state"),
        nonce: owned("nonce"),
        challenge: challenge(params)?,
        offline: params.find("access_type") == Some("offline"),
        force_consent: params.find("prompt").is_some_and(|prompt| prompt.split(' ').any(|word| word == "consent")),
        include_granted: params.flag("include_granted_scopes"),
    })
}

fn challenge(params: &Params) -> Result<Option<(String, bool)>, Refusal> {
    let method = params.find("code_challenge_method").unwrap_or("plain");
    if !["plain", "S256"].contains(&method) {
        return Err(Refusal::new("invalid_request", "Invalid code_challenge_method."));
    }
    Ok(params.find("code_challenge").map(|challenge| (challenge.to_owned(), method == "S256")))
}

/// The account the request is about: the one clicked, the one hinted at, or the only one.
fn choose(world: &World, params: &Params, ask: bool) -> Option<Arc<Account>> {
    if let Some(chosen) = params.find("account") {
        return world.account(chosen);
    }
    if ask {
        return None;
    }
    let mut accounts = world.accounts();
    if let Some(hint) = params.find("login_hint") {
        let is_hinted = |account: &&Arc<Account>| account.email.eq_ignore_ascii_case(hint) || account.sub == hint;
        return accounts.iter().find(is_hinted).cloned();
    }
    if accounts.len() == 1 { accounts.pop() } else { None }
}

/// Name, address and link of each account.
fn links(world: &World, params: &Params) -> Vec<(String, String, String)> {
    let link = |account: Arc<Account>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(params.pairs().iter().filter(|(name, _)| name != "account"));
        query.append_pair("account", &account.email);
        (account.name.clone(), account.email.clone(), format!("/o/oauth2/v2/auth?{}", query.finish()))
    };
    world.accounts().into_iter().map(link).collect()
}

/// Keeps the grant and sends the person back with a code.
fn grant(world: &World, request: AuthRequest, email: String, scopes: BTreeSet<String>) -> Response {
    let change = GrantChange::Granted { email: email.clone(), scopes: scopes.clone() };
    if let Err(error) = world.commit_grant(change) {
        return pages::page(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong",
            &pages::escape(&error.to_string()),
        );
    }
    let scopes = if request.include_granted { world.authority.granted(&email, world.clock.now()) } else { scopes };
    let scope = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let id = random_token("4/0A", 32);
    let response = back(world, &request, &[("code", &id), ("scope", &scope), ("authuser", "0"), ("prompt", "consent")]);
    world.authority.keep_code(id, Code { request, email, scopes, issued_at: world.clock.now() });
    response
}

/// 303 to the client, with `state` and `iss` (RFC 9207).
fn back(world: &World, request: &AuthRequest, pairs: &[(&str, &str)]) -> Response {
    let Ok(mut target) = Url::parse(&request.redirect_uri) else {
        return pages::refusal(&Refusal::new("redirect_uri_mismatch", "The registered redirect URI is not a URL."));
    };
    {
        let mut query = target.query_pairs_mut();
        if let Some(state) = &request.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &world.issuer());
        query.extend_pairs(pairs);
    }
    let headers = [(header::LOCATION, target.as_str()), (header::REFERRER_POLICY, "no-referrer")];
    (StatusCode::SEE_OTHER, headers).into_response()
}
