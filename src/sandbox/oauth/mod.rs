//! Google's OAuth 2.0 and OpenID Connect: the consent pages, the token and revocation endpoints, the published key.

mod authorize;
mod grants;
mod keys;
mod pages;
mod scopes;
mod tables;
mod token;

use axum::{
    Router,
    routing::{get, post},
};

pub use self::grants::OAuthClient;
pub(super) use self::{
    grants::{Authority, Bearer, GrantChange},
    keys::SigningKeys,
    pages::{escape, page},
};
use super::world::SharedWorld;

pub(super) fn routes() -> Router<SharedWorld> {
    Router::new()
        .route("/o/oauth2/v2/auth", get(authorize::page))
        .route("/o/oauth2/v2/consent", post(authorize::decide))
        .route("/token", post(token::exchange))
        .route("/revoke", post(token::revoke))
        .route("/oauth2/v3/certs", get(token::certificates))
        .route("/.well-known/openid-configuration", get(token::discovery))
        .route("/v1/userinfo", get(token::userinfo))
}
