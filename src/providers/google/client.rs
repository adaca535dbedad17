//! The HTTP client: deadlines, bounded replies, and errors that quote nothing.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use reqwest::{Request, RequestBuilder, Response, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::{Instant, timeout};
use url::Url;

use super::error::{Method, failure, refusal};
use crate::clock::Clock;
use crate::config;
use crate::providers::{Class, Error};

/// The largest reply taken, in bytes after decompression. Gmail's largest message is 50 MB, a third more in base64.
const MAX_REPLY: usize = 80 << 20;

/// The largest announced length that memory is set aside for before the bytes come.
const MAX_TRUSTED_LENGTH: usize = 1 << 20;

/// Connections kept open to one host: eight for each of the users a worker process serves at once.
const IDLE_CONNECTIONS: usize = 256;

/// Google asks for the word `gzip` in the name of a client that wants compressed replies.
const USER_AGENT: &str = concat!("omnisync/", env!("CARGO_PKG_VERSION"), " (gzip)");

/// Makes calls; cheap to clone.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Until the headers have come.
    timeout: Duration,
    /// Until the body has come, counted from the start of the call.
    body_timeout: Duration,
    clock: Clock,
}

/// A whole reply, whatever its status.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Client {
    /// # Errors
    /// [`Class::Misconfigured`] when TLS cannot be set up, for want of root certificates for example.
    pub(super) fn new(config: &config::Google, clock: Clock) -> Result<Self, Error> {
        // Does nothing where `main` has installed it already; reqwest panics where nobody has.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            // The configuration says where everything is; the environment's proxies would see loopback traffic in clear.
            .no_proxy()
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http2_adaptive_window(true)
            // All calls to a host share one HTTP/2 connection: find out soon when it is dead.
            .http2_keep_alive_interval(config.timeout)
            .http2_keep_alive_timeout(config.timeout)
            .build()
            .map_err(|_| Error {
                class: Class::Misconfigured,
                detail: "TLS cannot be set up; are root certificates installed?".to_owned(),
            })?;
        Ok(Self { http, timeout: config.timeout, body_timeout: config.body_timeout, clock })
    }

    /// Gets with an access token; returns the body of a 2xx reply.
    pub(super) async fn get(&self, method: Method, url: Url, access: &SecretString) -> Result<Bytes, Error> {
        self.accepted(method, self.http.get(url).bearer_auth(access.expose_secret())).await
    }

    /// Gets what is public; returns the body of a 2xx reply.
    pub(super) async fn get_public(&self, method: Method, url: Url) -> Result<Bytes, Error> {
        self.accepted(method, self.http.get(url)).await
    }

    /// Posts a form and returns the reply's status, which may be a refusal (4xx) for the caller to judge.
    pub(super) async fn post_form(&self, method: Method, url: Url, form: &[(&str, &str)]) -> Result<StatusCode, Error> {
        let reply = self.send(method, self.http.post(url).form(form).build()).await?;
        self.decided(method, reply).map(|reply| reply.status)
    }

    async fn forward(&self, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, Error> {
        let reply = self.send(Method::Token, Request::try_from(request)).await?;
        let reply = self.decided(Method::Token, reply)?;
        let mut response = oauth2::HttpResponse::new(reply.body.into());
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        Ok(response)
    }

    async fn accepted(&self, method: Method, request: RequestBuilder) -> Result<Bytes, Error> {
        let reply = self.send(method, request.build()).await?;
        if reply.status.is_success() { Ok(reply.body) } else { Err(self.refusal(method, &reply)) }
    }

    /// Lets pass what the endpoint decided, and turns away what kept it from deciding.
    fn decided(&self, method: Method, reply: Reply) -> Result<Reply, Error> {
        let undecided = reply.status.is_server_error() || reply.status == StatusCode::TOO_MANY_REQUESTS;
        if undecided { Err(self.refusal(method, &reply)) } else { Ok(reply) }
    }

    fn refusal(&self, method: Method, reply: &Reply) -> Error {
        refusal(method, reply.status, &reply.headers, &reply.body, self.clock.now())
    }

    async fn send(&self, method: Method, request: reqwest::Result<Request>) -> Result<Reply, Error> {
        let started_at = Instant::now();
        // A request can fail to be built only where a header or an address is unfit, which no retry changes.
        let request = request.map_err(|_| failure(Class::Permanent, method, "cannot be sent"))?;
        let mut response = self.head(method, request).await?;
        let left = self.body_timeout.saturating_sub(started_at.elapsed());
        let body = timeout(left, body(method, &mut response)).await;
        let body = body.map_err(|_| failure(Class::Transient, method, "timed out in the body"))??;
        Ok(Reply { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
    }

    /// Sends a request and waits for the head of its reply.
    ///
    /// The other side may close a kept connection just as we use it, so a GET that failed before any byte came back is
    /// tried once more. One that timed out is not: who has waited that long should wait elsewhere.
    async fn head(&self, method: Method, request: Request) -> Result<Response, Error> {
        let late = |_| failure(Class::Transient, method, "timed out");
        let again = (request.method() == http::Method::GET).then(|| request.try_clone()).flatten();
        let mut response = timeout(self.timeout, self.http.execute(request)).await.map_err(late)?;
        if let (Err(_), Some(again)) = (&response, again) {
            response = timeout(self.timeout, self.http.execute(again)).await.map_err(late)?;
        }
        // The cause is left out: it names the address, and with it what was asked.
        response.map_err(|_| failure(Class::Transient, method, "no reply"))
    }
}

/// Carries requests of the `oauth2` crate, which reads the token endpoint's refusals (4xx) itself.
impl<'c> oauth2::AsyncHttpClient<'c> for Client {
    type Error = Error;
    type Future = BoxFuture<'c, Result<oauth2::HttpResponse, Error>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(self.forward(request))
    }
}

async fn body(method: Method, response: &mut Response) -> Result<Bytes, Error> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    let mut body = BytesMut::with_capacity(announced.min(MAX_TRUSTED_LENGTH));
    while let Some(chunk) = response.chunk().await.map_err(|_| failure(Class::Transient, method, "cut body"))? {
        if body.len() + chunk.len() > MAX_REPLY {
            return Err(failure(Class::Permanent, method, "reply too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Reads a reply as JSON.
///
/// # Errors
/// [`Class::Transient`] when it is not what the method documents: it was probably cut or garbled on its way.
pub(super) fn parse<'a, T: Deserialize<'a>>(method: Method, body: &'a [u8]) -> Result<T, Error> {
    // The cause is left out: it quotes what it could not read.
    serde_json::from_slice(body).map_err(|_| failure(Class::Transient, method, "unreadable reply"))
}

/// The address of a method below the root of an API; each segment is escaped.
pub(super) fn address(root: &Url, segments: &[&str]) -> Url {
    let mut url = root.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}
