//! Keeps pages of other sites out. An origin only ever takes rights away: who asks is the token's matter.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use url::{Origin, Url};

use super::{
    answer::{Media, refuse},
    envelope::RequestId,
};
use crate::config;
use crate::graphql::code::Code;

/// How long a browser remembers that a page may call us. Most of them forget sooner.
const PREFLIGHT: Duration = Duration::from_secs(3_600);

/// The web origins that may call us from a browser.
#[derive(Clone, Debug)]
pub(super) struct Origins(Arc<[HeaderValue]>);

impl Origins {
    /// The configured origins and our own. An entry that is no origin is passed over, with a warning.
    pub(super) fn from_config(config: &config::Http) -> Self {
        let configured = config.allowed_origins.iter().filter_map(|entry| {
            let origin = Url::parse(entry).ok().and_then(|url| ascii(&url.origin()));
            if origin.is_none() {
                tracing::warn!(entry, "ALLOWED_ORIGINS holds an entry that is not a web origin");
            }
            origin
        });
        Self(configured.chain(ascii(&config.public_url.origin())).collect())
    }

    /// Whether a request may come from where it says; one that says nothing is not a browser's.
    fn allow(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => self.0.contains(origin),
            (Some(_), Some(_)) => false,
            (None, _) => headers.get("sec-fetch-site").is_none_or(|site| site != "cross-site"),
        }
    }

    /// Answers preflights, and lets pages of these origins read our answers.
    pub(super) fn cors(&self) -> CorsLayer {
        const EXPOSED: [HeaderName; 2] = [HeaderName::from_static("x-request-id"), header::RETRY_AFTER];
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.0.iter().cloned()))
            // For the cookie that `connect` gives. Nothing at `/graphql` reads one.
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST])
            // Many clients send more than they must. None of it means anything here by being hard to send.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(EXPOSED)
            .max_age(PREFLIGHT)
    }
}

fn ascii(origin: &Origin) -> Option<HeaderValue> {
    if !origin.is_tuple() {
        return None;
    }
    HeaderValue::try_from(origin.ascii_serialization()).ok()
}

/// Refuses requests, socket handshakes among them, that a page of a foreign origin sends.
pub(super) async fn guard(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    if origins.allow(request.headers()) {
        return next.run(request).await;
    }
    let error = Code::Forbidden.error("Pages of this origin may not call this server.");
    refuse(Media::Json, error, RequestId::of(request.extensions()))
}
