use std::collections::HashMap;

use futures::SinkExt;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, handshake::client::Request},
};

use super::*;

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Server {
    fn handshake(&self) -> Request {
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        request
    }

    async fn connect(&self) -> Client {
        Client(connect_async(self.handshake()).await.unwrap().0)
    }

    /// A socket that is acknowledged, with a token of the given life.
    async fn connect_for(&self, lifetime: Duration) -> Client {
        let mut client = self.connect().await;
        client.init(lifetime, self).await;
        client
    }

    async fn ready(&self) -> Client {
        self.connect_for(SOON * 60).await
    }

    /// The answer to a handshake that is refused.
    async fn refused(&self, request: Request) -> u16 {
        match connect_async(request).await {
            Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }
}

impl Client {
    /// Signs in, with a token of the given life.
    async fn init(&mut self, lifetime: Duration, server: &Server) {
        let payload = json!({ "Authorization": format!("Bearer {}", server.token(lifetime)) });
        self.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(self.message().await, json!({ "type": "connection_ack" }));
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    async fn frame(&mut self) -> Message {
        timeout(SOON, self.0.next()).await.expect("a frame in time").expect("an open socket").unwrap()
    }

    /// The next message, pings aside.
    async fn message(&mut self) -> Value {
        loop {
            match self.frame().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code of the close frame, whatever comes before it.
    async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.frame().await {
                let frame = frame.expect("a code");
                assert!(frame.reason.len() <= 123 && !frame.reason.is_empty());
                return frame.code.into();
            }
        }
    }

    /// The code after `message` is sent as it is.
    async fn close_code_after(mut self, message: impl Into<Message>) -> u16 {
        self.0.send(message.into()).await.unwrap();
        self.close_code().await
    }
}

fn text(message: Value) -> Message {
    Message::text(message.to_string())
}

/// The rows of the protocol's table of close codes.
#[tokio::test]
async fn each_breach_has_its_close_code() {
    let server = Server::start().await;
    let init = || text(json!({ "type": "connection_init" }));
    let subscribe = |id: Value| text(json!({ "type": "subscribe", "id": id, "payload": { "query": "{ hello }" } }));
    let payload = |payload: Value| text(json!({ "type": "subscribe", "id": "1", "payload": payload }));

    let hasty = Server::start_with(|settings| settings.graphql.ws_init = Duration::from_millis(50)).await;
    assert_eq!(hasty.connect().await.close_code().await, 4408, "no init in time");

    for junk in ["", "{", "null", "[\"ping\"]", "{}", r#"{"type": 1}"#, r#"{"type": "connection_init", "payload": []}"#]
    {
        assert_eq!(server.connect().await.close_code_after(Message::text(junk)).await, 4400, "{junk:?}");
        assert_eq!(server.ready().await.close_code_after(Message::text(junk)).await, 4400, "{junk:?}");
    }
    assert_eq!(server.ready().await.close_code_after(Message::binary(vec![0xff, 0, 1])).await, 4400);
    let long = "x".repeat(1_000);
    assert_eq!(server.ready().await.close_code_after(text(json!({ "type": long }))).await, 4400, "unknown type");
    assert_eq!(server.connect().await.close_code_after(subscribe(json!("1"))).await, 4401, "subscribe before ack");

    for refused in [
        json!({}),
        json!({ "Authorization": "Bearer nonsense" }),
        json!({ "Authorization": server.token(SOON) }),
        json!({ "token": "" }),
        json!({ "token": 1 }),
    ] {
        let message = text(json!({ "type": "connection_init", "payload": refused }));
        assert_eq!(server.connect().await.close_code_after(message).await, 4403, "init refused: {refused}");
    }
    assert_eq!(server.connect().await.close_code_after(init()).await, 4403, "init without a token");
    assert_eq!(server.ready().await.close_code_after(init()).await, 4429, "second init");

    for id in [json!(""), json!(null), json!(1), json!("x".repeat(256))] {
        assert_eq!(server.ready().await.close_code_after(subscribe(id.clone())).await, 4400, "id {id}");
    }
    let without_id = text(json!({ "type": "subscribe", "payload": { "query": "{ hello }" } }));
    assert_eq!(server.ready().await.close_code_after(without_id).await, 4400, "no id");
    for broken in [json!(null), json!({}), json!({ "query": 1 }), json!(["{ hello }"])] {
        assert_eq!(server.ready().await.close_code_after(payload(broken.clone())).await, 4400, "payload {broken}");
    }

    let mut twice = server.ready().await;
    twice.subscribe("1", "subscription { never }").await;
    twice.subscribe("1", "subscription { never }").await;
    assert_eq!(twice.close_code().await, 4409, "same id twice");

    let hasty = Server::start_with(|settings| settings.graphql.ws_ping = Duration::from_millis(50)).await;
    let mut many = hasty.ready().await;
    for _ in 0..51 {
        // The server may have closed before the last.
        let _ = many.0.send(text(json!({ "type": "pong" }))).await;
    }
    assert_eq!(many.close_code().await, 1008, "too many messages");
}

#[tokio::test]
async fn messages_have_a_largest_size() {
    let server = Server::start().await;
    let sized = |size: usize| {
        let ping = json!({ "type": "ping", "payload": { "x": "" } }).to_string();
        ping.replace("\"\"", &format!("\"{}\"", "x".repeat(size - ping.len())))
    };
    let mut client = server.ready().await;
    client.0.send(Message::text(sized(65_536))).await.unwrap();
    assert_eq!(client.message().await["type"], "pong");
    for size in [65_537, 200_000, 1_000_000] {
        assert_eq!(server.ready().await.close_code_after(Message::text(sized(size))).await, 1009, "{size} bytes");
    }
    let mut fragmented = server.ready().await;
    use tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    for n in 0..5 {
        let opcode = if n == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message("x".repeat(20_000), OpCode::Data(opcode), n == 4);
        fragmented.0.send(Message::Frame(frame)).await.unwrap();
    }
    assert_eq!(fragmented.close_code().await, 1009, "fragmented");
    // More than is read at all; the writer and the reader must not wait for each other.
    let (mut writer, mut reader) = server.ready().await.0.split();
    let write = tokio::spawn(async move { writer.send(Message::text("x".repeat(2_000_000))).await });
    let code = loop {
        if let Message::Close(Some(frame)) = timeout(SOON, reader.next()).await.unwrap().unwrap().unwrap() {
            break u16::from(frame.code);
        }
    };
    assert_eq!(code, 1009);
    write.abort();
}

#[tokio::test]
async fn handshakes_are_refused_before_they_become_sockets() {
    let server = Server::start().await;
    let with = |name: &'static str, value: &str| {
        let mut request = server.handshake();
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    assert_eq!(server.refused(with("origin", "https://evil.example")).await, 403);
    assert_eq!(server.refused(with("origin", "null")).await, 403);
    assert_eq!(server.refused(with("sec-fetch-site", "cross-site")).await, 403);
    assert_eq!(server.refused(with("authorization", "Bearer nonsense")).await, 401);
    assert_eq!(server.refused(with("sec-websocket-version", "12")).await, 400);
    for name in ["token", "access_token", "Authorization"] {
        let mut request = server.handshake();
        *request.uri_mut() = format!("ws://{}/graphql?{name}=x", server.address).parse().unwrap();
        assert_eq!(server.refused(request).await, 400, "{name}");
    }
    assert!(connect_async(with("origin", "https://app.example")).await.is_ok());
    // Also those a client would take, had it the choice.
    for offered in ["graphql-ws", "graphql-ws, soap", ""] {
        let mut request = server.handshake();
        if offered.is_empty() {
            request.headers_mut().remove("sec-websocket-protocol");
        } else {
            request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
        }
        let mut client = Client(connect_async(request).await.unwrap().0);
        assert_eq!(client.close_code().await, 4406, "{offered:?}");
    }
    let (_, answer) = connect_async(with("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "graphql-transport-ws");
}

#[tokio::test]
async fn a_token_is_taken_from_any_of_its_places() {
    let server = Server::start().await;
    let token = server.token(SOON);
    for payload in [
        json!({ "Authorization": format!("Bearer {token}") }),
        json!({ "authorization": format!("bearer {token}") }),
        json!({ "token": token }),
        json!({ "token": format!("Bearer {token}") }),
    ] {
        let mut client = server.connect().await;
        client.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(client.message().await["type"], "connection_ack", "{payload}");
    }
    let mut request = server.handshake();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let mut client = Client(connect_async(request).await.unwrap().0);
    client.send(json!({ "type": "connection_init" })).await;
    assert_eq!(client.message().await["type"], "connection_ack");
}

#[tokio::test]
async fn operations_of_every_type_run_and_complete() {
    let server = Server::start().await;
    let mut client = server.ready().await;
    client.send(json!({ "type": "ping", "payload": { "x": 1 } })).await;
    assert_eq!(client.message().await, json!({ "type": "pong", "payload": { "x": 1 } }));
    client.send(json!({ "type": "pong" })).await;

    for (query, data) in [
        ("{ hello }", json!({ "hello": "world" })),
        ("mutation { bump }", json!({ "bump": 0 })),
        ("subscription { count(to: 1) }", json!({ "count": 1 })),
    ] {
        client.subscribe("a", query).await;
        assert_eq!(client.message().await, json!({ "type": "next", "id": "a", "payload": { "data": data } }));
        assert_eq!(client.message().await, json!({ "type": "complete", "id": "a" }));
    }

    client.subscribe("b", "subscription { count(to: 3) }").await;
    for n in 1..=3 {
        assert_eq!(client.message().await["payload"]["data"]["count"], n);
    }
    assert_eq!(client.message().await, json!({ "type": "complete", "id": "b" }));

    // Completed by the client, an operation says no more and its id is free.
    client.subscribe("c", "subscription { never }").await;
    client.send(json!({ "type": "complete", "id": "c" })).await;
    client.send(json!({ "type": "complete", "id": "unknown" })).await;
    client.subscribe("c", "{ hello }").await;
    assert_eq!(client.message().await["type"], "next");
    assert_eq!(client.message().await["type"], "complete");
}

#[tokio::test]
async fn operations_take_turns() {
    let server = Server::start().await;
    let mut client = server.ready().await;
    for id in ["a", "b"] {
        client.subscribe(id, "subscription { flood }").await;
    }
    // Both always have something to say; whatever came before the second had begun is read first.
    while client.message().await["id"] != "b" {}
    let mut n_of_each = HashMap::new();
    for _ in 0..20 {
        *n_of_each.entry(client.message().await["id"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert!(n_of_each["a"] >= 8 && n_of_each["b"] >= 8, "{n_of_each:?}");
    // One that ends, among them, and one that its client ends.
    client.subscribe("c", "subscription { count(to: 2) }").await;
    let mut of_it = Vec::new();
    while of_it.last() != Some(&json!("complete")) {
        let message = client.message().await;
        if message["id"] == "c" {
            of_it.push(message["type"].clone());
        }
    }
    assert_eq!(of_it, ["next", "next", "complete"]);
    client.send(json!({ "type": "complete", "id": "a" })).await;
    client.send(json!({ "type": "ping" })).await;
    while client.message().await["type"] != "pong" {}
    for _ in 0..5 {
        assert_eq!(client.message().await["id"], "b");
    }
}

#[tokio::test]
async fn what_does_not_run_is_an_error_and_others_go_on() {
    let server = Server::start_with(|settings| settings.http.timeout = Duration::from_millis(100)).await;
    let mut client = server.ready().await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("query Q($n: Int!) { half(n: $n) }", "BAD_USER_INPUT"),
        ("{ __schema { types { name } } }", "INTROSPECTION_DISABLED"),
        ("{ panic }", "INTERNAL_SERVER_ERROR"),
        ("{ pending }", "TIMEOUT"),
    ] {
        client.subscribe("1", query).await;
        let message = client.message().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("1")), "{query}: {message}");
        let extensions = &message["payload"][0]["extensions"];
        assert_eq!(extensions["code"], code, "{query}");
        assert_eq!(extensions["requestId"].as_str().unwrap().len(), 36);
    }
    // A failing field is part of a result.
    client.subscribe("1", "{ leak }").await;
    let message = client.message().await;
    assert_eq!(message["type"], "next", "{message}");
    assert_eq!(message["payload"]["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert!(!message.to_string().contains("hunter2"));
    assert_eq!(client.message().await["type"], "complete");
    // So is a subscription that begins with a failure; one that panics half-way ends with an error.
    client.subscribe("1", "subscription { refuse }").await;
    let message = client.message().await;
    assert_eq!(message["payload"]["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{message}");
    assert_eq!(client.message().await["type"], "complete");
    client.subscribe("1", "subscription { explode }").await;
    assert_eq!(client.message().await["payload"]["data"]["explode"], 1);
    let message = client.message().await;
    assert_eq!(message["type"], "error");
    assert_eq!(message["payload"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");

    for id in ["a", "b", "c"] {
        client.subscribe(id, "subscription { never }").await;
    }
    client.subscribe("d", "{ hello }").await;
    let message = client.message().await;
    assert_eq!(message["type"], "error");
    assert_eq!(message["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
    client.send(json!({ "type": "complete", "id": "b" })).await;
    client.subscribe("d", "{ hello }").await;
    assert_eq!(client.message().await["type"], "next");
}

#[tokio::test]
async fn a_persons_sockets_share_their_limits() {
    let server = Server::start_with(|settings| {
        settings.graphql.max_subscriptions = 2;
        settings.graphql.cost_per_minute = 10;
    })
    .await;
    let (mut one, mut other) = (server.ready().await, server.ready().await);
    one.subscribe("a", "subscription { never }").await;
    other.subscribe("a", "subscription { never }").await;
    one.subscribe("b", "subscription { never }").await;
    let refused = one.message().await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
    assert_eq!(refused["payload"][0]["extensions"]["limit"], 2);
    // The place is free as soon as the client says so.
    one.send(json!({ "type": "complete", "id": "a" })).await;
    one.subscribe("b", "subscription { count(to: 1) }").await;
    assert_eq!(one.message().await["type"], "next");
    assert_eq!(one.message().await["type"], "complete");
    // Three subscriptions cost one each; seven are left.
    for n in 0..8 {
        other.subscribe("c", "{ hello }").await;
        let message = other.message().await;
        if n == 7 {
            assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED");
            break;
        }
        assert_eq!(message["type"], "next", "{n}");
        assert_eq!(other.message().await["type"], "complete");
    }
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let server = Server::start().await;
    let mut short = server.connect_for(Duration::from_secs(1)).await;
    assert_eq!(short.close_code().await, 4403);

    let mut client = server.connect_for(Duration::from_secs(3_600)).await;
    client.subscribe("1", "subscription { never }").await;
    client.send(json!({ "type": "ping" })).await;
    assert_eq!(client.message().await["type"], "pong");
    server.clock.advance(chrono::TimeDelta::seconds(3_601));
    assert_eq!(client.close_code().await, 4403);
}

#[tokio::test]
async fn a_stopping_server_closes_its_sockets_for_a_restart() {
    let server = Server::start().await;
    let mut client = server.ready().await;
    client.subscribe("1", "subscription { never }").await;
    let mut silent = server.connect().await;
    server.shutdown.begin();
    assert_eq!(client.close_code().await, 1012);
    assert_eq!(silent.close_code().await, 1012);
    drop((client, silent));
    timeout(SOON, server.stopped).await.expect("the server waits for sockets, and they end").unwrap();
}

#[tokio::test]
async fn the_server_pings_and_gives_up_on_the_dead() {
    let server = Server::start_with(|settings| settings.graphql.ws_ping = Duration::from_millis(100)).await;
    // Our client answers pings whenever it reads, so an idle one lives.
    let mut alive = server.ready().await;
    for _ in 0..6 {
        assert!(matches!(alive.frame().await, Message::Ping(_)));
    }
    // This one never answers: its bytes go nowhere.
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut dead = TcpStream::connect(server.address).await.unwrap();
    let handshake = "GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    dead.write_all(handshake.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    // 1001 and its reason of 18 bytes.
    let close = [0x88, 2 + 18, 0x03, 0xe9];
    while !seen.windows(close.len()).any(|window| window == close) {
        let n = timeout(SOON, dead.read_buf(&mut seen)).await.expect("a close frame in time").unwrap();
        assert_ne!(n, 0, "a close frame comes before the end");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_stands_still_and_is_closed() {
    // A write may wait for three pings' time.
    let ping = Duration::from_millis(400);
    let server = Server::start_with(|settings| settings.graphql.ws_ping = ping).await;
    // What lies at our end is not the server's.
    let small = TcpSocket::new_v4().unwrap();
    small.set_recv_buffer_size(16 * 1024).unwrap();
    let stream = MaybeTlsStream::Plain(small.connect(server.address).await.unwrap());
    let mut client = Client(client_async(server.handshake(), stream).await.unwrap().0);
    client.init(SOON * 60, &server).await;
    client.subscribe("1", "subscription { flood }").await;
    assert_eq!(client.message().await["type"], "next");
    // Not reading, until the server has computed nothing more for longer than that.
    let pulls = || server.counts.pulls.load(Ordering::SeqCst);
    let mut tick = tokio::time::interval(ping * 4);
    tick.tick().await;
    let mut before = usize::MAX;
    while before != pulls() {
        before = pulls();
        tick.tick().await;
    }
    println!("{before} events of 16 kB were computed for a reader that does not read");
    assert!(before < 60, "a megabyte for one that does not read: {before}");
    // What was sent before is still read, and then the reason.
    assert_eq!(client.close_code().await, 1013);
}
