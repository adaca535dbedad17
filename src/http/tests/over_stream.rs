use tokio::time::timeout;

use super::*;

const EVENTS: &str = "text/event-stream";
/// What Apollo Client sends with a subscription.
const APOLLO: &str =
    "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9";
/// The multipart type alone.
const MULTIPART: &str = "multipart/mixed;subscriptionSpec=1.0";

/// An answer that goes on.
struct Stream {
    answer: reqwest::Response,
    text: String,
}

impl Stream {
    fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    fn header(&self, name: &str) -> &str {
        self.answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Reads on until the text has `part`.
    async fn until(&mut self, part: &str) {
        while !self.text.contains(part) {
            let chunk = timeout(SOON, self.answer.chunk()).await.expect("something in time").unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.expect("more")).unwrap());
        }
    }

    /// The whole text, once the server has ended it.
    async fn whole(mut self) -> String {
        while let Some(chunk) = timeout(SOON, self.answer.chunk()).await.expect("an end in time").unwrap() {
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        self.text
    }
}

impl Server {
    async fn stream(&self, accept: &str, query: &str) -> Stream {
        self.stream_for(SOON * 60, accept, query).await
    }

    async fn stream_for(&self, lifetime: Duration, accept: &str, query: &str) -> Stream {
        let request = reqwest::Client::new().post(self.url("/graphql")).bearer_auth(self.token(lifetime));
        let request = request.header("accept", accept).header("content-type", "application/json");
        let answer = request.body(json!({ "query": query }).to_string()).send().await.unwrap();
        Stream { answer, text: String::new() }
    }

    /// What the one event of a stream holds.
    async fn event(&self, query: &str) -> Value {
        let text = self.stream(EVENTS, query).await.whole().await;
        let data = text
            .strip_prefix(":\n\nevent: next\ndata: ")
            .and_then(|rest| rest.strip_suffix("\n\nevent: complete\ndata:\n\n"));
        serde_json::from_str(data.unwrap_or_else(|| panic!("{text}"))).unwrap()
    }
}

#[tokio::test]
async fn a_subscription_is_a_stream_of_events() {
    let server = Server::start().await;
    let stream = server.stream(EVENTS, "subscription { count(to: 2) }").await;
    assert_eq!((stream.status(), stream.header("content-type")), (200, "text/event-stream; charset=utf-8"));
    assert_eq!((stream.header("cache-control"), stream.header("x-accel-buffering")), ("no-store", "no"));
    let events = ":\n\nevent: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\n\
        event: complete\ndata:\n\n";
    assert_eq!(stream.whole().await, events);
    // Other operations come the same way when the client takes nothing else.
    assert_eq!(server.event("{ hello }").await, json!({ "data": { "hello": "world" } }));
    assert_eq!(server.event("mutation { bump }").await, json!({ "data": { "bump": 0 } }));
    let both = server.stream("text/event-stream, application/json", "{ hello }").await;
    assert_eq!(both.whole().await, r#"{"data":{"hello":"world"}}"#);
}

#[tokio::test]
async fn a_subscription_is_parts_of_one_body() {
    let server = Server::start().await;
    for accept in [APOLLO, MULTIPART] {
        let stream = server.stream(accept, "subscription { count(to: 2) }").await;
        let media = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0";
        assert_eq!((stream.status(), stream.header("content-type")), (200, media));
        let part = |n: u8| {
            format!(
                "\r\ncontent-type: application/json\r\n\r\n{{\"payload\":{{\"data\":{{\"count\":{n}}}}}}}\r\n--graphql"
            )
        };
        assert_eq!(stream.whole().await, format!("\r\n--graphql{}{}--\r\n", part(1), part(2)));
    }
    let query = server.stream(APOLLO, "{ hello }").await;
    assert_eq!(query.header("content-type"), "application/graphql-response+json; charset=utf-8");
    let alone = server.stream(MULTIPART, "{ hello }").await.whole().await;
    assert!(
        alone.contains(r#"{"payload":{"data":{"hello":"world"}}}"#) && alone.ends_with("--graphql--\r\n"),
        "{alone}"
    );
}

#[tokio::test]
async fn what_does_not_run_is_said_where_the_client_looks() {
    let server = Server::start_with(|settings| settings.http.timeout = Duration::from_millis(100)).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription Q($n: Int!) { count(to: $n) }", "BAD_USER_INPUT"),
        ("{ __schema { types { name } } }", "INTROSPECTION_DISABLED"),
        ("{ pending }", "TIMEOUT"),
        ("subscription { refuse }", "UNAVAILABLE"),
    ] {
        let event = server.event(query).await;
        assert_eq!(event["errors"][0]["extensions"]["code"], code, "{event}");
        assert_eq!(event["errors"][0]["extensions"]["requestId"].as_str().unwrap().len(), 36, "{event}");
        assert_eq!(event.get("data").is_some(), code == "UNAVAILABLE", "{event}");
    }
    // Apollo's clients take JSON for what they ask, and a status with it.
    let refused = server.stream(APOLLO, "subscription {").await;
    assert_eq!(refused.status(), 400);
    assert!(refused.whole().await.contains("GRAPHQL_PARSE_FAILED"));
    let invalid = server.stream(APOLLO, "subscription { unknown }").await.whole().await;
    assert!(invalid.contains(r#"{"payload":{"errors":["#) && invalid.ends_with("--graphql--\r\n"), "{invalid}");
    let panics = server.stream(EVENTS, "subscription { explode }").await.whole().await;
    assert!(panics.contains(r#"{"data":{"explode":1}}"#) && panics.contains("INTERNAL_SERVER_ERROR"), "{panics}");
    assert!(panics.ends_with("event: complete\ndata:\n\n") && !panics.contains("hunter2"), "{panics}");

    // Who asks, and how, is looked at before anything streams.
    let bare = || reqwest::Client::new().post(server.url("/graphql")).header("accept", EVENTS);
    let signed = || bare().bearer_auth(server.token(SOON)).header("content-type", "application/json");
    let query = json!({ "query": "subscription { never }" }).to_string();
    let get = server.get("?query=subscription{never}").header("accept", EVENTS);
    for (request, status) in [
        (bare().header("content-type", "application/json").body(query.clone()), 401),
        (bare().bearer_auth(server.token(SOON)).body(query.clone()), 415),
        (signed().header("origin", "https://evil.example").body(query.clone()), 403),
        (signed().body("x".repeat(300_000)), 413),
        (signed().body("{"), 400),
        (get, 405),
    ] {
        assert_eq!(Answer::of(request).await.status, status);
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let server = Server::start().await;
    let mut events = server.stream_for(Duration::from_secs(3_600), EVENTS, "subscription { never }").await;
    let mut parts = server.stream_for(Duration::from_secs(3_600), APOLLO, "subscription { never }").await;
    let short = server.stream_for(Duration::from_secs(1), EVENTS, "subscription { never }").await;
    assert_eq!(short.whole().await, ":\n\n: the token has expired\n\n");
    events.until(":\n\n").await;
    parts.until("--graphql").await;
    server.clock.advance(chrono::TimeDelta::seconds(3_601));
    // Without `complete`, so that clients come again.
    assert_eq!(events.whole().await, ":\n\n: the token has expired\n\n");
    let parts = parts.whole().await;
    assert!(parts.contains(r#""payload":null"#) && parts.contains("UNAUTHENTICATED"), "{parts}");
    assert!(parts.ends_with("--graphql--\r\n"), "{parts}");
}

#[tokio::test]
async fn a_stopping_server_ends_its_streams_for_a_restart() {
    let server = Server::start().await;
    let mut events = server.stream(EVENTS, "subscription { never }").await;
    let mut parts = server.stream(APOLLO, "subscription { never }").await;
    events.until(":\n\n").await;
    parts.until("--graphql").await;
    server.shutdown.begin();
    assert_eq!(events.whole().await, ":\n\n: the server restarts\n\n");
    let parts = parts.whole().await;
    assert!(parts.contains("UNAVAILABLE") && parts.ends_with("--graphql--\r\n"), "{parts}");
    timeout(SOON, server.stopped).await.expect("the server waits for streams, and they end").unwrap();
}

#[tokio::test]
async fn a_silent_stream_gives_signs_of_life_and_outlives_the_patience_for_requests() {
    let server = Server::start_with(|settings| {
        settings.graphql.ws_ping = Duration::from_millis(100);
        settings.patience.idle = Duration::from_millis(200);
        settings.patience.head = Duration::from_millis(200);
        settings.http.timeout = Duration::from_millis(200);
    })
    .await;
    let mut events = server.stream(EVENTS, "subscription { never }").await;
    events.until(&":\n\n".repeat(8)).await;
    let mut parts = server.stream(APOLLO, "subscription { never }").await;
    parts.until(&"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql".repeat(8)).await;
}

#[tokio::test]
async fn a_subscription_ends_when_its_client_goes() {
    let server = Server::start_with(|settings| settings.graphql.max_subscriptions = 1).await;
    let mut first = server.stream(EVENTS, "subscription { never }").await;
    first.until(":\n\n").await;
    let second = server.event("subscription { count(to: 1) }").await;
    assert_eq!(second["errors"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
    assert_eq!(second["errors"][0]["extensions"]["limit"], 1);
    drop(first);
    let look = async { while server.event("subscription { count(to: 1) }").await.get("errors").is_some() {} };
    timeout(SOON, look).await.expect("the place of the one that went is free");
}

#[tokio::test]
async fn a_stream_that_is_not_read_stands_still_and_is_cut_off() {
    let server = Server::start_with(|settings| {
        settings.patience.write = Duration::from_millis(500);
        settings.graphql.max_subscriptions = 1;
    })
    .await;
    let mut stream = server.stream(EVENTS, "subscription { flood }").await;
    stream.until("event: next").await;
    // Not read until its place is free again, which it is when the connection is gone.
    let look = async { while server.event("subscription { count(to: 1) }").await.get("errors").is_some() {} };
    timeout(SOON, look).await.expect("it is cut off");
    let pulls = server.counts.pulls.load(Ordering::SeqCst);
    println!("{pulls} events of 16 kB were computed for a reader that does not read");
    assert!(pulls < 2_000, "{pulls}");
    while let Ok(Some(_)) = timeout(SOON, stream.answer.chunk()).await.expect("an end") {}
}
