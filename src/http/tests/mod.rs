//! The real router on a real socket, over a toy schema.

mod documents;
mod limits;
mod over_http;
mod over_stream;
mod over_websocket;
mod serving;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_graphql::{Context, Error, Object, Schema, Subscription};
use axum::{Router, routing::get};
use futures::{FutureExt, Stream, StreamExt, stream};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    auth::{self, Authenticator},
    patience::Patience,
    router::{Api, router},
    shutdown::{Shutdown, serve_with},
};
use crate::broker::test_redis::TestRedis;
use crate::clock::Clock;
use crate::config::{self, AuthKey};
use crate::graphql::{
    code::Code,
    viewer::{RequestInfo, Viewer},
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "omnisync";
/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(20);

/// What the resolvers count, so that a test sees what ran.
#[derive(Default)]
struct Counts {
    bumps: AtomicUsize,
    /// Subscription events computed.
    pulls: AtomicUsize,
    /// Rung when `pending` begins.
    begun: tokio::sync::Notify,
}

struct Query;

#[Object]
impl Query {
    async fn hello(&self) -> &str {
        "world"
    }

    async fn half(&self, n: i32) -> i32 {
        n / 2
    }

    async fn me(&self, ctx: &Context<'_>) -> async_graphql::Result<String> {
        Ok(ctx.data::<Viewer>()?.user.to_string())
    }

    async fn whence(&self, ctx: &Context<'_>) -> async_graphql::Result<String> {
        let info = ctx.data::<RequestInfo>()?;
        Ok(format!("{} {:?} {}", info.client, info.address, info.id))
    }

    /// Fails as a resolver must not: with the text of an inner error.
    async fn leak(&self) -> async_graphql::Result<String> {
        Err(std::io::Error::other("password=hunter2 at 10.0.0.1"))?
    }

    async fn unavailable(&self) -> async_graphql::Result<Option<String>> {
        Err(Code::Unavailable.field_error("The mailbox is away."))
    }

    async fn panic(&self, #[graphql(default = true)] really: bool) -> bool {
        assert!(!really, "password=hunter2");
        really
    }

    async fn pending(&self, ctx: &Context<'_>) -> async_graphql::Result<String> {
        ctx.data::<Arc<Counts>>()?.begun.notify_one();
        std::future::pending().await
    }

    async fn cookie(&self, ctx: &Context<'_>) -> bool {
        ctx.append_http_header("Set-Cookie", "a=1; HttpOnly");
        ctx.append_http_header("Set-Cookie", "b=2; HttpOnly");
        true
    }

    async fn deep(&self) -> Query {
        Query
    }

    async fn long(&self) -> String {
        "long ".repeat(10_000)
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn bump(&self, ctx: &Context<'_>) -> async_graphql::Result<usize> {
        Ok(ctx.data::<Arc<Counts>>()?.bumps.fetch_add(1, Ordering::SeqCst))
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    async fn never(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    /// Kilobytes without end, as fast as they are read.
    async fn flood(&self, ctx: &Context<'_>) -> async_graphql::Result<impl Stream<Item = String> + use<>> {
        let counts = ctx.data::<Arc<Counts>>()?.clone();
        Ok(stream::repeat_with(move || {
            counts.pulls.fetch_add(1, Ordering::SeqCst);
            "x".repeat(16 * 1024)
        }))
    }

    async fn explode(&self) -> impl Stream<Item = i32> {
        stream::iter([1]).chain(stream::once(async { panic!("password=hunter2") }))
    }

    async fn refuse(&self) -> async_graphql::Result<impl Stream<Item = i32>> {
        Err::<stream::Empty<i32>, Error>(Code::Unavailable.field_error("Not now."))
    }
}

type Toy = Schema<Query, Mutation, Events>;

struct Server {
    address: SocketAddr,
    clock: Clock,
    shutdown: Shutdown,
    counts: Arc<Counts>,
    redis: Arc<TestRedis>,
    /// Ends when the server has stopped.
    stopped: tokio::task::JoinHandle<()>,
}

/// What a test changes before the server starts.
struct Settings {
    http: config::Http,
    graphql: config::GraphQl,
    auth: config::Auth,
    patience: Patience,
    ready: Result<(), Vec<&'static str>>,
    /// Another server's, instead of one of its own.
    redis: Option<Arc<TestRedis>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            http: config::Http {
                listen: ([127, 0, 0, 1], 0).into(),
                public_url: "https://api.example/".parse().unwrap(),
                allowed_origins: vec!["https://app.example".to_owned(), "nonsense".to_owned()],
                console: false,
                console_sign_in_url: None,
                graphiql: false,
                body_limit_bytes: 262_144,
                timeout: SOON,
            },
            graphql: config::GraphQl {
                ws_init: SOON,
                ws_ping: SOON,
                ws_max_operations: 3,
                ..config::GraphQl::default()
            },
            auth: config::Auth {
                issuer: ISSUER.to_owned(),
                audience: AUDIENCE.to_owned(),
                key: AuthKey::Secret(SECRET.into()),
            },
            patience: Patience::default(),
            ready: Ok(()),
            redis: None,
        }
    }
}

impl Server {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let Settings { http, graphql, auth, patience, ready, redis } = settings;
        // In a process of its own a test may be the first to need it; among others it is not.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (clock, shutdown, counts) = (Clock::default(), Shutdown::default(), Arc::new(Counts::default()));
        let schema = Toy::build(Query, Mutation, Events).data(counts.clone()).disable_suggestions().finish();
        let authenticator = Authenticator::from_config(&auth, clock.clone()).unwrap();
        let redis = redis.unwrap_or_else(|| Arc::new(TestRedis::start()));
        let api =
            Api::new(schema, authenticator, http, graphql, redis.broker(), clock.clone(), shutdown.clone()).unwrap();
        let check = Arc::new(move || std::future::ready(ready.clone()).boxed());
        let extra = Router::new()
            .route("/callback", get(async || "done"))
            .route("/broken", get(async || -> &'static str { panic!("password=hunter2") }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = tokio::spawn(serve_with(listener, router(api, check, extra), shutdown.clone(), patience));
        Self { address, clock, shutdown, counts, redis, stopped }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn token(&self, lifetime: Duration) -> String {
        self.token_of("ada", lifetime)
    }

    fn token_of(&self, subject: &str, lifetime: Duration) -> String {
        auth::issue(&SecretString::from(SECRET), ISSUER, AUDIENCE, subject, lifetime, self.clock.now()).unwrap()
    }

    /// A POST as an ordinary client sends it.
    fn post(&self) -> reqwest::RequestBuilder {
        self.post_as("ada")
    }

    fn post_as(&self, subject: &str) -> reqwest::RequestBuilder {
        reqwest::Client::new()
            .post(self.url("/graphql"))
            .bearer_auth(self.token_of(subject, SOON * 60))
            .header("accept", "application/graphql-response+json")
            .header("content-type", "application/json")
    }

    fn get(&self, query_string: &str) -> reqwest::RequestBuilder {
        reqwest::Client::new().get(self.url("/graphql") + query_string).bearer_auth(self.token(SOON * 60))
    }

    async fn ask(&self, query: &str) -> Answer {
        self.ask_as("ada", json!({ "query": query })).await
    }

    async fn ask_as(&self, subject: &str, request: Value) -> Answer {
        Answer::of(self.post_as(subject).body(request.to_string())).await
    }

    fn bumps(&self) -> usize {
        self.counts.bumps.load(Ordering::SeqCst)
    }
}

/// An answer, read.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

impl Answer {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the code of the first error, whose request id must be that of the header.
    fn refusal(&self) -> (u16, &str) {
        let error = &self.body["errors"][0];
        assert_eq!(error["extensions"]["requestId"], self.header("x-request-id"), "{self:?}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}");
        (self.status, error["extensions"]["code"].as_str().unwrap_or_default())
    }
}
