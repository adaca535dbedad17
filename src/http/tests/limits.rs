use std::time::Instant;

use futures::future::join_all;

use super::*;

#[tokio::test]
async fn one_person_runs_so_many_operations_at_once_and_others_are_not_held_up() {
    let server = Server::start_with(|settings| {
        settings.graphql.max_running = 2;
        settings.http.timeout = Duration::from_millis(500);
    })
    .await;
    let begun = async {
        for _ in 0..2 {
            server.counts.begun.notified().await;
        }
        let refused = server.ask("{ hello }").await;
        assert_eq!(refused.refusal(), (429, "TOO_MANY_OPERATIONS"));
        assert_eq!(refused.body["errors"][0]["extensions"]["limit"], 2);
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(server.ask_as("bob", json!({ "query": "{ hello }" })).await.status, 200);
    };
    let (first, second, ()) = tokio::join!(server.ask("{ pending }"), server.ask("{ pending }"), begun);
    assert_eq!((first.refusal().1, second.refusal().1), ("TIMEOUT", "TIMEOUT"));
    assert_eq!(server.ask("{ hello }").await.status, 200, "the places are free again");
    assert_eq!(server.ask("{ panic }").await.status, 500);
    assert_eq!(server.ask("{ panic }").await.status, 500);
    assert_eq!(server.ask("{ hello }").await.status, 200, "after a panic, too");
}

#[tokio::test]
async fn an_operation_ends_when_its_client_goes() {
    let server = Server::start_with(|settings| settings.graphql.max_running = 1).await;
    let body = json!({ "query": "{ pending }" }).to_string();
    let pending = tokio::spawn(server.post().body(body).send());
    server.counts.begun.notified().await;
    assert_eq!(server.ask("{ hello }").await.status, 429);
    pending.abort();
    let look = async { while server.ask("{ hello }").await.status != 200 {} };
    tokio::time::timeout(SOON, look).await.expect("its place is free");
}

/// Two processes that share a Redis.
async fn two_with_a_minute_of(cost: u32) -> (Server, Server) {
    let small = |settings: &mut Settings| settings.graphql.cost_per_minute = cost;
    let one = Server::start_with(small).await;
    let other = Server::start_with(|settings| {
        small(settings);
        settings.redis = Some(one.redis.clone());
    });
    let other = other.await;
    (one, other)
}

#[tokio::test]
async fn a_minute_has_so_much_for_one_person_over_all_processes() {
    let (one, other) = two_with_a_minute_of(100).await;
    // Each costs four, half of them from the one process and half from the other.
    let query = json!({ "query": "{ deep { hello } deep { hello } }" });
    let asked = (0..40).map(|n| if n % 2 == 0 { &one } else { &other }.ask_as("ada", query.clone()));
    let answers = join_all(asked).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 25, "100 / 4");
    let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(refused.refusal(), (429, "RATE_LIMITED"));
    let extensions = &refused.body["errors"][0]["extensions"];
    assert_eq!(extensions["limit"], 100);
    let seconds = extensions["retryAfterSeconds"].as_u64().unwrap();
    assert!((1..=62).contains(&seconds), "{seconds}");
    assert_eq!(refused.header("retry-after"), seconds.to_string());
    assert_eq!(one.ask_as("bob", query.clone()).await.status, 200, "another person's minute is another");
    // What does not run costs nothing.
    for _ in 0..30 {
        assert_eq!(one.ask_as("cyd", json!({ "query": "{ hello" })).await.refusal().1, "GRAPHQL_PARSE_FAILED");
    }
    assert_eq!(one.ask_as("cyd", query).await.status, 200);
}

#[tokio::test]
async fn what_a_process_draws_ahead_is_spent_there_and_never_more_than_there_is() {
    let (one, other) = two_with_a_minute_of(600).await;
    let query = json!({ "query": "{ deep { hello } deep { hello } }", "extensions": { "cost": true } });
    let (mut n_answered, mut left) = (0, Vec::new());
    for _ in 0..20 {
        let asked = (0..10).map(|n| if n % 2 == 0 { &one } else { &other }.ask_as("ada", query.clone()));
        for answer in join_all(asked).await {
            if answer.status == 200 {
                n_answered += 1;
                left.push(answer.body["extensions"]["cost"]["minuteLeft"].as_u64().unwrap());
            }
        }
    }
    // A share has ten, which is two of these more for each process.
    assert!((600 / 4 - 2 * 2..=600 / 4).contains(&n_answered), "{n_answered} of 150");
    assert!(
        left.iter().all(|left| *left < 600) && left.iter().min() < Some(&40) && left.iter().max() > Some(&500),
        "{left:?}"
    );
}

#[tokio::test]
async fn without_redis_requests_go_on() {
    let server = Server::start().await;
    assert_eq!(server.ask("{ hello }").await.status, 200);
    server.redis.signal("STOP");
    let stopped = Instant::now();
    for _ in 0..20 {
        assert_eq!(server.ask("{ hello }").await.status, 200);
    }
    println!("20 requests took {:?} without Redis", stopped.elapsed());
    let asked = json!({ "query": "{ hello }", "extensions": { "cost": true } });
    let answer = server.ask_as("ada", asked).await;
    assert_eq!(answer.body["extensions"]["cost"]["document"], 1);
    assert_eq!(answer.body["extensions"]["cost"]["minuteLeft"], Value::Null);
    server.redis.signal("CONT");
}

#[tokio::test]
async fn an_answer_says_what_it_cost_when_it_is_asked() {
    let server = Server::start().await;
    let ask = |wants: Value| server.ask_as("ada", json!({ "query": "{ deep { hello } }", "extensions": wants }));
    assert_eq!(ask(json!({})).await.body.get("extensions"), None);
    assert_eq!(ask(json!({ "cost": false })).await.body.get("extensions"), None);
    let answer = ask(json!({ "cost": true, "other": [1] })).await;
    let cost = json!({ "document": 2, "documentLimit": 5_000, "minuteLimit": 500_000, "minuteLeft": 499_994 });
    assert_eq!(answer.body, json!({ "data": { "deep": { "hello": "world" } }, "extensions": { "cost": cost } }));
    let get = server.get("?query={hello}&extensions={\"cost\":true}");
    assert_eq!(Answer::of(get).await.body["extensions"]["cost"]["document"], 1);
}

#[tokio::test]
async fn each_refusal_of_a_document_says_its_number() {
    let server = Server::start().await;
    for (query, code, limit) in [
        (format!("{{ {} }}", "hello ".repeat(4_000)), "TOO_MANY_TOKENS", 4_000),
        (format!("{{ {} hello {} }}", "deep { ".repeat(12), "}".repeat(12)), "DOCUMENT_TOO_DEEP", 12),
        (format!("{{ {} }}", "a: hello ".repeat(31)), "TOO_MANY_ALIASES", 30),
        (format!("{{ hello {} }}", "@x ".repeat(11)), "TOO_MANY_DIRECTIVES", 10),
        ("{ deep(first: 5000) { hello } }".to_owned(), "DOCUMENT_TOO_COMPLEX", 5_000),
        (format!("# {}\n{{ hello }}", "x".repeat(65_536)), "DOCUMENT_TOO_LARGE", 65_536),
    ] {
        let answer = server.ask(&query).await;
        assert_eq!(answer.refusal(), (400, code));
        assert_eq!(answer.body["errors"][0]["extensions"]["limit"], limit, "{answer:?}");
    }
    let large = Answer::of(server.post().body(" ".repeat(300_000))).await;
    assert_eq!(large.body["errors"][0]["extensions"]["limit"], 262_144);
}
