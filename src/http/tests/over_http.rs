use super::*;

/// Every status and word of a refusal that is not about the document.
#[tokio::test]
async fn each_refusal_has_its_status_and_its_word() {
    let server = Server::start().await;
    let body = json!({ "query": "mutation { bump }" }).to_string();
    let bare = || reqwest::Client::new().post(server.url("/graphql"));
    let with_type =
        |media: &str| bare().bearer_auth(server.token(SOON)).header("content-type", media).body(body.clone());
    let sent = |text: &str| server.post().body(text.to_owned());
    for (request, status, code) in [
        (bare().body(body.clone()), 401, "UNAUTHENTICATED"),
        (bare().bearer_auth("nonsense").body(body.clone()), 401, "UNAUTHENTICATED"),
        (bare().basic_auth("ada", Some("x")).body(body.clone()), 401, "UNAUTHENTICATED"),
        (bare().body(json!({ "query": "{ __typename }" }).to_string()), 401, "UNAUTHENTICATED"),
        (bare().bearer_auth(server.token(SOON)).body(body.clone()), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (with_type("text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (with_type("application/x-www-form-urlencoded"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (with_type("multipart/form-data; boundary=x"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (with_type("application/json; charset=utf-16"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (server.post().header("accept", "text/html").body(body.clone()), 200, ""),
        (server.get("?query={hello}").header("accept", "text/html"), 406, "NOT_ACCEPTABLE"),
        (server.get("?query=mutation{bump}"), 405, "METHOD_NOT_ALLOWED"),
        (server.get("?query=subscription{never}"), 405, "METHOD_NOT_ALLOWED"),
        (server.get(""), 400, "BAD_REQUEST"),
        (server.get("?query={hello}&query={hello}"), 400, "BAD_REQUEST"),
        (server.get("?query={hello}&variables=x"), 400, "BAD_REQUEST"),
        (server.get("?query={hello}&access_token=x"), 400, "BAD_REQUEST"),
        (sent(""), 400, "BAD_REQUEST"),
        (sent("{"), 400, "BAD_REQUEST"),
        (sent("{}"), 400, "BAD_REQUEST"),
        (sent("[]"), 400, "BAD_REQUEST"),
        (sent(&format!("[{body}]")), 400, "BAD_REQUEST"),
        (sent(r#"["{hello}"]"#), 400, "BAD_REQUEST"),
        (sent(r#"{"query": 1}"#), 400, "BAD_REQUEST"),
        (sent(r#"{"query": "{hello}", "variables": []}"#), 400, "BAD_REQUEST"),
        (sent(r#"{"query": "{hello}", "operationName": 1}"#), 400, "BAD_REQUEST"),
        (sent(r#"{"query": "{hello}", "extensions": "x"}"#), 400, "BAD_REQUEST"),
        (sent(r#"{"query": "subscription { never }"}"#), 406, "NOT_ACCEPTABLE"),
        (sent(r#"{"query": "{hello}", "extensions": {"persistedQuery": 1}}"#), 400, "BAD_REQUEST"),
        (sent(r#"{"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "x"}}}"#), 400, "BAD_REQUEST"),
        (sent(r#"{"documentId": 1}"#), 400, "BAD_REQUEST"),
        (sent(r#"{"query": "{hello}", "operationName": "X"}"#), 400, "BAD_REQUEST"),
        (reqwest::Client::new().get(server.url("/nowhere")), 404, "NOT_FOUND"),
        (reqwest::Client::new().delete(server.url("/graphql")), 405, "METHOD_NOT_ALLOWED"),
        (reqwest::Client::new().post(server.url("/callback")), 405, "METHOD_NOT_ALLOWED"),
        (reqwest::Client::new().get(server.url("/broken")), 500, "INTERNAL_SERVER_ERROR"),
    ] {
        let shown = format!("{request:?}");
        let answer = Answer::of(request).await;
        if status == 200 {
            // Two Accept headers are one list, and the first of them is one of ours.
            assert_eq!(answer.status, 200, "{answer:?}");
            continue;
        }
        assert_eq!(answer.refusal(), (status, code), "{shown} {answer:?}");
        assert_eq!(answer.body.get("data"), None);
        assert_eq!(answer.header("www-authenticate"), if status == 401 { "Bearer" } else { "" });
        assert_eq!(answer.headers.contains_key("allow"), status == 405, "{answer:?}");
        if status == 401 {
            assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1);
        }
    }
    assert_eq!(server.bumps(), 1, "only the one that was accepted ran");
    let head = reqwest::Client::new().head(server.url("/graphql?query=mutation{bump}"));
    assert_eq!(head.bearer_auth(server.token(SOON)).send().await.unwrap().status(), 405);
    assert_eq!(server.bumps(), 1);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_a_request_id_of_its_own() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    let too_large = server.post().body("x".repeat(300_000));
    let foreign = server.post().header("origin", "https://evil.example").body("{}");
    let upgrade = client
        .get(server.url("/graphql"))
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("origin", "https://evil.example");
    let mut ids = std::collections::HashSet::new();
    for (request, status) in [
        (server.post().body(r#"{"query": "{ hello }"}"#), 200),
        (client.get(server.url("/healthz")), 200),
        (client.get(server.url("/callback")).header("x-request-id", "mine"), 200),
        (client.get(server.url("/nowhere")), 404),
        (client.put(server.url("/graphql")), 405),
        (client.get(server.url("/broken")), 500),
        (too_large, 413),
        (foreign, 403),
        (upgrade, 403),
    ] {
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, status, "{answer:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {answer:?}");
        }
        assert!(!answer.header("permissions-policy").is_empty());
        assert_eq!(answer.header("x-request-id").len(), 36);
        assert!(ids.insert(answer.header("x-request-id").to_owned()));
    }
    let plain =
        Server::start_with(|settings| settings.http.public_url = "http://127.0.0.1:4000/".parse().unwrap()).await;
    assert_eq!(
        Answer::of(reqwest::Client::new().get(plain.url("/healthz"))).await.header("strict-transport-security"),
        ""
    );
}

#[tokio::test]
async fn errors_of_the_request_have_no_data_and_a_status_by_media_type() {
    let server = Server::start().await;
    for (body, code) in [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ unknown }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query Q($n: Int!) { half(n: $n) }" }), "BAD_USER_INPUT"),
        (
            json!({ "query": "query Q($n: Int!) { half(n: $n) }", "variables": {"n": 2_147_483_648_i64} }),
            "BAD_USER_INPUT",
        ),
    ] {
        let answer = Answer::of(server.post().body(body.to_string())).await;
        assert_eq!(answer.refusal(), (400, code));
        assert!(answer.header("content-type").starts_with("application/graphql-response+json"));
        assert_eq!(answer.body.get("data"), None);

        let url = reqwest::Client::new().post(server.url("/graphql")).bearer_auth(server.token(SOON));
        let answer = Answer::of(url.header("content-type", "application/json").body(body.to_string())).await;
        assert_eq!(answer.refusal(), (200, code));
        assert!(answer.header("content-type").starts_with("application/json"));
        assert_eq!(answer.body.get("data"), None);
    }
    // A limit is a refusal in either media type.
    let answer = server.ask("{ __schema { types { name } } }").await;
    assert_eq!(answer.refusal(), (400, "INTROSPECTION_DISABLED"));
    let nested = format!("{{ {} hello {} }}", "deep { ".repeat(12), "}".repeat(12));
    assert_eq!(server.ask(&nested).await.refusal(), (400, "DOCUMENT_TOO_DEEP"));
}

#[tokio::test]
async fn errors_of_fields_keep_the_data_and_hide_inner_texts() {
    let server = Server::start().await;
    for (query, code) in [
        ("{ leak }", "INTERNAL_SERVER_ERROR"),
        ("{ hello unavailable }", "UNAVAILABLE"),
        ("{ half(n: 2147483648) }", "BAD_USER_INPUT"),
    ] {
        let answer = server.ask(query).await;
        assert_eq!(answer.refusal(), (200, code), "{answer:?}");
        assert!(answer.body.get("data").is_some());
    }
    let answer = server.ask("{ hello unavailable }").await;
    assert_eq!(answer.body["data"]["hello"], "world");
    assert_eq!(answer.body["errors"][0]["message"], "The mailbox is away.");
}

#[tokio::test]
async fn a_panic_and_a_timeout_are_answered() {
    let server = Server::start().await;
    assert_eq!(server.ask("{ panic }").await.refusal(), (500, "INTERNAL_SERVER_ERROR"));
    assert_eq!(server.ask("{ hello }").await.status, 200, "the server goes on");
    let server = Server::start_with(|settings| settings.http.timeout = Duration::from_millis(50)).await;
    assert_eq!(server.ask("{ pending }").await.refusal(), (504, "TIMEOUT"));
}

#[tokio::test]
async fn operations_run_with_their_viewer_and_their_headers_are_kept() {
    let server = Server::start().await;
    let ada = crate::domain::ids::UserId::of_subject(ISSUER, "ada").to_string();
    assert_eq!(server.ask("{ me }").await.body, json!({ "data": { "me": ada } }));
    assert_eq!(server.ask("mutation { bump }").await.body, json!({ "data": { "bump": 0 } }));
    let get = server.get("?query=query+A{hello}query+B($n:Int!){half(n:$n)}&operationName=B&variables={\"n\":8}");
    let answer = Answer::of(get).await;
    assert_eq!(answer.body, json!({ "data": { "half": 4 } }));
    assert!(answer.header("content-type").starts_with("application/json"));

    let answer = server.ask("{ cookie }").await;
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; HttpOnly", "b=2; HttpOnly"]);

    let long = format!("app\t{}", "é".repeat(500));
    let request = server.post().header("user-agent", http::HeaderValue::try_from(long.as_bytes()).unwrap());
    let answer = Answer::of(request.body(r#"{"query": "{ whence }"}"#)).await;
    let whence = format!("app{} Some(127.0.0.1) {}", "é".repeat(197), answer.header("x-request-id"));
    assert_eq!(answer.body["data"]["whence"], whence);
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let server = Server::start().await;
    let sized = |size: usize| {
        let body = json!({ "query": "{ hello }", "extensions": { "x": "" } }).to_string();
        body.replace("\"\"", &format!("\"{}\"", "x".repeat(size - body.len())))
    };
    assert_eq!(Answer::of(server.post().body(sized(262_144))).await.status, 200);
    assert_eq!(Answer::of(server.post().body(sized(262_145))).await.refusal(), (413, "BODY_TOO_LARGE"));
    // Without a Content-Length.
    let chunked = |size| reqwest::Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>(sized(size))]));
    assert_eq!(Answer::of(server.post().body(chunked(262_144))).await.status, 200);
    assert_eq!(Answer::of(server.post().body(chunked(262_145))).await.refusal(), (413, "BODY_TOO_LARGE"));
}

#[tokio::test]
async fn pages_of_foreign_origins_are_refused_and_ours_may_read() {
    let server = Server::start().await;
    let send = |name: &'static str, value: &'static str| {
        Answer::of(server.post().header(name, value).body(r#"{"query": "mutation { bump }"}"#))
    };
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "https://app.example.evil.example"),
        ("origin", "http://app.example"),
        ("origin", "https://app.example:8443"),
        ("sec-fetch-site", "cross-site"),
    ] {
        assert_eq!(send(name, value).await.refusal(), (403, "FORBIDDEN"), "{name}: {value}");
    }
    assert_eq!(server.bumps(), 0);
    for (name, value) in
        [("origin", "https://app.example"), ("origin", "https://api.example"), ("sec-fetch-site", "same-origin")]
    {
        let answer = send(name, value).await;
        assert_eq!(answer.status, 200, "{name}: {value}");
        assert_eq!(answer.header("access-control-allow-origin"), if name == "origin" { value } else { "" });
    }
    assert_eq!(server.bumps(), 3);

    let preflight = |origin: &str| {
        let request = reqwest::Client::new().request(http::Method::OPTIONS, server.url("/graphql"));
        Answer::of(request.header("origin", origin).header("access-control-request-method", "POST"))
    };
    let allowed = preflight("https://app.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
    // A page asks once for a while, and may say more than it must, as many clients do.
    assert_eq!(allowed.header("access-control-max-age"), "3600");
    let named = reqwest::Client::new().request(http::Method::OPTIONS, server.url("/graphql"));
    let named = named.header("origin", "https://app.example").header("access-control-request-method", "POST");
    let named = Answer::of(named.header("access-control-request-headers", "authorization,apollographql-client-name"));
    assert_eq!(named.await.header("access-control-allow-headers"), "authorization,apollographql-client-name");
    // Without it, the page's browser would drop the cookie that `connect` gives.
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), "");
    // A refusal, too, can be read by a page of ours.
    let refused = reqwest::Client::new().post(server.url("/graphql")).header("origin", "https://app.example");
    let refused = Answer::of(refused).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, "https://app.example"));
    // People come to the callback from elsewhere.
    let callback = reqwest::Client::new().get(server.url("/callback")).header("sec-fetch-site", "cross-site");
    assert_eq!(Answer::of(callback).await.status, 200);
}

#[tokio::test]
async fn fragment_bombs_are_refused_while_others_are_served() {
    let server = Server::start().await;
    let chain: String = (0..40).map(|n| format!(" fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1)).collect();
    let bomb = format!("{{ ...F0 }}{chain} fragment F40 on Query {{ hello }}");
    let bombs = futures::future::join_all((0..50).map(|_| server.ask(&bomb))).await;
    assert_eq!(server.ask("{ hello }").await.status, 200);
    for answer in bombs {
        assert!(["DOCUMENT_TOO_COMPLEX", "DOCUMENT_TOO_DEEP"].contains(&answer.refusal().1), "{answer:?}");
    }
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_say_so() {
    let server = Server::start().await;
    let client = reqwest::Client::builder().no_gzip().build().unwrap();
    let ask = async |query: &str, encoding: &str| {
        let request = client.post(server.url("/graphql")).bearer_auth(server.token(SOON));
        let request = request.header("content-type", "application/json").header("accept-encoding", encoding);
        let answer = request.body(json!({ "query": query }).to_string()).send().await.unwrap();
        let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let facts = (header("content-encoding"), header("vary").contains("accept-encoding"));
        (facts, answer.bytes().await.unwrap())
    };
    let (facts, body) = ask("{ long }", "gzip, br").await;
    assert_eq!(facts, ("gzip".to_owned(), true));
    assert!(body.len() < 5_000, "{}", body.len());
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*body), &mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["data"]["long"], "long ".repeat(10_000));
    for (query, encoding) in [("{ long }", "identity"), ("{ hello }", "gzip")] {
        assert_eq!(ask(query, encoding).await.0.0, "", "{query} {encoding}");
    }
}

#[tokio::test]
async fn health_and_readiness_are_told_apart() {
    let client = reqwest::Client::new();
    let server = Server::start().await;
    let ready = Answer::of(client.get(server.url("/readyz"))).await;
    assert_eq!((ready.status, ready.body), (200, json!({ "status": "ready" })));
    let server = Server::start_with(|settings| settings.ready = Err(vec!["database"])).await;
    assert_eq!(Answer::of(client.get(server.url("/healthz"))).await.status, 200);
    let ready = Answer::of(client.get(server.url("/readyz"))).await;
    assert_eq!((ready.status, ready.body), (503, json!({ "status": "unavailable", "problems": ["database"] })));
}
