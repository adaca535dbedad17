//! Google's OAuth 2.0 for web servers: the address to consent at, tokens for a code, fresh tokens, taking a grant back.

use std::{borrow::Cow, time::Duration};

use http::StatusCode;
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, StandardRevocableToken, StandardTokenResponse,
    TokenResponse, TokenUrl,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
        BasicTokenType,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::client::Client;
use super::error::{Method, failure, word};
use super::identity::Verifier;
use crate::clock::Clock;
use crate::config;
use crate::domain::account::Service;
use crate::providers::{Authorization, Class, Error, Grant, GrantTokens};

/// How long an access token lives where the reply does not say; Google's live an hour. One that dies sooner is refused
/// with a 401, and refreshed.
const USUAL_LIFE: Duration = Duration::from_secs(3_600);

/// Google's OAuth endpoints.
pub(super) struct OAuth {
    auth_url: Url,
    revoke_url: Url,
    client: Client,
    tokens: TokenClient,
    verifier: Verifier,
}

type TokenReply = StandardTokenResponse<IdToken, BasicTokenType>;

/// The `oauth2` crate's client, of which only the token endpoint is used.
type TokenClient = oauth2::Client<
    BasicErrorResponse,
    TokenReply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What OpenID Connect adds to a token reply.
#[derive(Debug, Serialize, Deserialize)]
struct IdToken {
    #[serde(skip_serializing)]
    id_token: Option<SecretString>,
}

impl ExtraTokenFields for IdToken {}

impl OAuth {
    pub(super) fn new(config: &config::Google, client: Client, clock: Clock) -> Self {
        let tokens = oauth2::Client::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(ClientSecret::new(config.client_secret.expose_secret().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(config.token_url.clone()));
        let verifier = Verifier::new(config, client.clone(), clock);
        Self { auth_url: config.auth_url.clone(), revoke_url: config.revoke_url.clone(), client, tokens, verifier }
    }

    pub(super) fn authorization_url(&self, request: &Authorization<'_>) -> Url {
        let services = request.services.iter().copied().map(Service::scope);
        let scope = ["openid", "email"].into_iter().chain(services).collect::<Vec<_>>().join(" ");
        let mut url = self.auth_url.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.tokens.client_id())
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("scope", &scope)
            .append_pair("state", request.state)
            .append_pair("nonce", request.nonce)
            .append_pair("code_challenge", request.code_challenge)
            .append_pair("code_challenge_method", "S256")
            // A refresh token comes only with offline access, and only at the first consent or a forced one.
            .append_pair("access_type", "offline")
            .append_pair("include_granted_scopes", "true")
            .extend_pairs(request.login_hint.map(|address| ("login_hint", address)))
            .extend_pairs(request.force_consent.then_some(("prompt", "consent")));
        url
    }

    pub(super) async fn exchange(
        &self,
        code: &str,
        verifier: &str,
        nonce: &str,
        redirect_uri: &str,
    ) -> Result<Grant, Error> {
        let redirect_uri = RedirectUrl::new(redirect_uri.to_owned())
            .map_err(|_| failure(Class::Misconfigured, Method::Token, "the redirect address is none"))?;
        let reply = self
            .tokens
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .set_redirect_uri(Cow::Owned(redirect_uri))
            .request_async(&self.client)
            .await
            .map_err(refused)?;
        let id_token = reply.extra_fields().id_token.as_ref();
        let id_token = id_token.ok_or_else(|| failure(Class::Permanent, Method::Token, "no identity token"))?;
        let identity = self.verifier.verify(id_token.expose_secret(), nonce).await?;
        Ok(Grant { subject: identity.sub, email: identity.email, tokens: grant_tokens(&reply) })
    }

    pub(super) async fn refresh(&self, refresh: &SecretString) -> Result<GrantTokens, Error> {
        let refresh = RefreshToken::new(refresh.expose_secret().to_owned());
        let reply = self.tokens.exchange_refresh_token(&refresh).request_async(&self.client).await.map_err(refused)?;
        Ok(grant_tokens(&reply))
    }

    /// Takes back the token's whole grant: every scope that the person granted to our project.
    pub(super) async fn revoke(&self, token: &SecretString) -> Result<(), Error> {
        let form = [("token", token.expose_secret())];
        match self.client.post_form(Method::Revoke, self.revoke_url.clone(), &form).await? {
            // A token that is no longer known has been taken back already.
            StatusCode::OK | StatusCode::BAD_REQUEST => Ok(()),
            _ => Err(failure(Class::Permanent, Method::Revoke, "refused")),
        }
    }
}

fn grant_tokens(reply: &TokenReply) -> GrantTokens {
    GrantTokens {
        access: reply.access_token().secret().as_str().into(),
        refresh: reply.refresh_token().map(|token| token.secret().as_str().into()),
        expires_in: reply.expires_in().unwrap_or(USUAL_LIFE),
        scopes: reply.scopes().into_iter().flatten().map(|scope| scope.to_string()).collect(),
    }
}

fn refused(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    use BasicErrorResponseType::{InvalidClient, InvalidGrant, InvalidScope, UnauthorizedClient, UnsupportedGrantType};
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(reply) => {
            let class = match reply.error() {
                InvalidGrant => Class::NeedsReauth,
                InvalidClient | UnauthorizedClient | UnsupportedGrantType | InvalidScope => Class::Misconfigured,
                _ => Class::Permanent,
            };
            Error { class, detail: format!("{}: {}", Method::Token, word(reply.error().as_ref())) }
        }
        // The cause is left out: it holds the reply, and so may hold tokens.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            failure(Class::Transient, Method::Token, "unreadable reply")
        }
    }
}
