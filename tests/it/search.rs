//! The timeline's search: what it finds, in which order, what it marks, and that it stays one's own.

use chrono::TimeDelta;
use omnisync::{domain::ids::UserId, sandbox::Deliver};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    flow::{ADA, everything},
    support::{Person, TestApp},
};

const QUERY: &str = "query($search: String, $order: TimelineOrder! = NEWEST, $filter: TimelineFilter, $first: Int, $after: String,
        $last: Int, $before: String) {
    timeline(search: $search, order: $order, filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { node { subject language } highlights { subject { text isMatch } text { text isMatch } } } } }";

/// Subject, text and author of the mails, the oldest first.
const MAILS: [(&str, &str, &str); 8] = [
    (
        "Lunch",
        "Shall we run to the harbour on Thursday, and have lunch there afterwards as we did last year?",
        "Grace Hopper <grace@example.org>",
    ),
    (
        "Häuser",
        "Könnten Sie mir bitte die Pläne der neuen Häuser schicken, bevor wir uns am Donnerstag treffen?",
        "Jürgen Müller <jm@hafen.example>",
    ),
    (
        "Réunion",
        "Pourriez-vous m'envoyer les rapports avant la réunion de jeudi, s'il vous plaît? Merci beaucoup.",
        "Zoé <zoe@example.org>",
    ),
    (
        "会議について",
        "木曜日の会議の前に報告書を送っていただけますか。よろしくお願いします。",
        "佐藤 <sato@example.org>",
    ),
    (
        "Running late",
        "The train stands still. We are running late again, so please begin without us and keep the running order.",
        "Grace Hopper <grace@example.org>",
    ),
    (
        "The order of the day",
        "First the running costs, then the house on the hill, and then we will see what is left of the day.",
        "Alan <alan@example.org>",
    ),
    ("Files", "They are attached <b>not bold</b> & so on.", "Alan <alan@example.org>"),
    ("Order", "A short one about lunch.", "Zoé <zoe@example.org>"),
];

fn mail((subject, text, from): (&str, &str, &str), number: usize) -> String {
    format!(
        "From: {from}\r\nTo: {ADA}\r\nSubject: {subject}\r\nMessage-ID: <{number}@example.org>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\r\nOn Monday Ada wrote:\r\n> What about the zeppelin?\r\n"
    )
}

async fn with_mails(app: &TestApp) -> Person {
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    for (number, one) in MAILS.into_iter().enumerate() {
        let at = app.clock.now() - TimeDelta::days(10) + TimeDelta::minutes(i64::try_from(number).expect("few"));
        let deliver = Deliver { internal_date: Some(at), ..Deliver::default() };
        app.google.deliver(ADA, mail(one, number).as_bytes(), deliver).expect("delivered");
    }
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    ada
}

async fn page(person: &Person, variables: Value) -> Value {
    person.data(QUERY, variables).await["timeline"].clone()
}

fn subjects(page: &Value) -> Vec<String> {
    let edges = page["edges"].as_array().expect("edges");
    edges.iter().map(|edge| edge["node"]["subject"].as_str().expect("a subject").to_owned()).collect()
}

async fn found(person: &Person, search: &str) -> Vec<String> {
    subjects(&page(person, json!({ "search": search })).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_in_every_form_with_and_without_accents() {
    let app = TestApp::start().await;
    let ada = with_mails(&app).await;
    let newest_first: [(&str, &[&str]); 22] = [
        ("lunch", &["Order", "Lunch"]),
        ("runs", &["The order of the day", "Running late", "Lunch"]),
        ("RUNNING late", &["Running late"]),
        ("haus", &["Häuser"]),
        ("hauser plan", &["Häuser"]),
        ("reunions rapport", &["Réunion"]),
        // Stop words are words.
        ("we", &["The order of the day", "Running late", "Lunch"]),
        ("\"running order\"", &["Running late"]),
        ("\"order running\"", &[]),
        ("running -late", &["The order of the day", "Lunch"]),
        ("-\"running order\" order", &["Order", "The order of the day"]),
        // Scripts without blanks.
        ("会議", &["会議について"]),
        ("報告書", &["会議について"]),
        ("告報", &[]),
        ("佐藤", &["会議について"]),
        // Names and addresses.
        ("muller", &["Häuser"]),
        ("jm@hafen.example", &["Häuser"]),
        ("hafen.example", &["Häuser"]),
        ("hopper harbour", &["Lunch"]),
        // What was only quoted is not the author's.
        ("zeppelin", &[]),
        ("' & | ! :* \\ ) lunch <->", &["Order", "Lunch"]),
        ("? ! ☃", &[]),
    ];
    for (search, expected) in newest_first {
        // Signs alone want nothing, which is refused.
        if search.chars().any(char::is_alphanumeric) {
            assert_eq!(found(&ada, search).await, expected, "{search}");
        }
    }
    let hits = page(&ada, json!({ "search": "order", "filter": { "participant": "alan@example.org" } })).await;
    assert_eq!(subjects(&hits), ["The order of the day"]);
    let languages = page(&ada, json!({ "search": "jeudi OR donnerstag" })).await;
    assert_eq!(subjects(&languages), [""; 0]);
    let all = page(&ada, json!({})).await;
    let language = |subject: &str| {
        let edges = all["edges"].as_array().expect("edges");
        edges.iter().find(|edge| edge["node"]["subject"] == json!(subject)).expect("it is there")["node"]["language"]
            .clone()
    };
    assert_eq!(
        (language("Häuser"), language("Réunion"), language("会議について")),
        (json!("de"), json!("fr"), Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matches_is_marked() {
    let app = TestApp::start().await;
    let ada = with_mails(&app).await;
    let marked = |pieces: &Value| {
        let pieces = pieces.as_array().expect("pieces").clone();
        let text = |piece: &Value| piece["text"].as_str().expect("text").to_owned();
        let whole: String = pieces.iter().map(text).collect();
        let matches: Vec<_> = pieces.iter().filter(|piece| piece["isMatch"] == json!(true)).map(text).collect();
        (whole, matches)
    };
    for (search, subject, in_subject, in_text) in [
        ("run", "Running late", vec!["Running"], vec!["running", "running"]),
        ("hauser", "Häuser", vec!["Häuser"], vec!["Häuser"]),
        ("会議", "会議について", vec!["会議"], vec!["会議"]),
        ("grace late", "Running late", vec!["late"], vec!["late"]),
        ("bold", "Files", vec![], vec!["bold"]),
        ("attached", "Files", vec![], vec!["attached"]),
    ] {
        let hits = page(&ada, json!({ "search": search })).await;
        let edges = hits["edges"].as_array().expect("edges");
        let edge = edges.iter().find(|edge| edge["node"]["subject"] == json!(subject)).expect("found");
        let (whole, matches) = marked(&edge["highlights"]["subject"]);
        assert_eq!((whole.as_str(), matches), (subject, in_subject.iter().map(|&text| text.to_owned()).collect()));
        let (whole, matches) = marked(&edge["highlights"]["text"]);
        assert_eq!(matches, in_text, "{whole}");
        let original = MAILS.iter().find(|mail| mail.0 == subject).expect("one of them").1;
        for part in whole.split(" … ") {
            assert!(original.contains(part), "{part}");
        }
    }
    let without = page(&ada, json!({ "first": 1 })).await;
    assert_eq!(without["edges"][0]["highlights"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_comes_first_where_that_is_asked_for() {
    let app = TestApp::start().await;
    let ada = with_mails(&app).await;
    let ranked = page(&ada, json!({ "search": "order", "order": "RELEVANCE" })).await;
    assert_eq!(subjects(&ranked), ["Order", "The order of the day", "Running late"]);
    let first = page(&ada, json!({ "search": "order", "order": "RELEVANCE", "first": 1 })).await;
    let after = &first["pageInfo"]["endCursor"];
    let rest = page(&ada, json!({ "search": "order", "order": "RELEVANCE", "first": 5, "after": after })).await;
    assert_eq!(
        (subjects(&first).join(", "), subjects(&rest).join(", ")),
        ("Order".into(), "The order of the day, Running late".into())
    );
    assert_eq!(rest["pageInfo"]["hasPreviousPage"], json!(true));
    let last = page(&ada, json!({ "search": "order", "order": "RELEVANCE", "last": 2 })).await;
    assert_eq!(subjects(&last), ["The order of the day", "Running late"]);
    let before = &last["pageInfo"]["startCursor"];
    let back = page(&ada, json!({ "search": "order", "order": "RELEVANCE", "last": 5, "before": before })).await;
    assert_eq!(subjects(&back), ["Order"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_search_is_refused_in_words() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let ada = app.person("ada");
    for (variables, message) in [
        (json!({ "search": "x".repeat(257) }), "at most 256 characters"),
        (json!({ "search": "x ".repeat(17) }), "16 words"),
        (json!({ "search": "-lunch" }), "at least one word"),
        (json!({ "search": "" }), "at least one word"),
        (json!({ "order": "RELEVANCE" }), "give search"),
        (json!({ "search": "x", "order": "RELEVANCE", "after": "abc" }), "cursor"),
        (json!({ "search": "x", "after": "abc" }), "cursor"),
    ] {
        let answer = ada.answer(QUERY, variables.clone()).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], json!("BAD_USER_INPUT"), "{answer:#}");
        assert!(error["message"].as_str().expect("a message").contains(message), "{variables}: {error:#}");
    }
}

/// Stores 6,000 more interactions, newer than all others: `often` in all, `seldom` in every hundredth, `once` in the oldest one.
async fn fill(app: &TestApp) {
    let fill = "
        INSERT INTO interactions (user_id, interaction_id, account_id, stream_id, group_key, occurrence, batch_id, service, kind, subject,
            body_text, snippet, occurred_at, participants, labels, attachments, version, normalizer_version, search)
        SELECT user_id, gen_random_uuid(), account_id, stream_id, 'filler' || n, '', batch_id, service, kind, 'filler ' || n, words, '',
            occurred_at + n * interval '1 second', '[]', '{}', '[]', version, normalizer_version, to_tsvector('search.simple', words)
        FROM (SELECT * FROM interactions ORDER BY occurred_at DESC LIMIT 1) AS newest
        CROSS JOIN generate_series(1, 6000) AS n
        CROSS JOIN LATERAL (
            SELECT 'often' || CASE WHEN n % 100 = 0 THEN ' seldom' ELSE '' END || CASE WHEN n = 1 THEN ' once' ELSE '' END AS words
        ) AS t
        RETURNING 1";
    assert_eq!(app.db.rows(fill).await.len(), 6_000);
}

/// All subjects that a search finds, page by page, forwards and backwards.
async fn walk(person: &Person, search: &str, order: &str) -> (Vec<String>, Vec<String>) {
    let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
    let mut place = Value::Null;
    loop {
        let page = page(person, json!({ "search": search, "order": order, "first": 20, "after": place })).await;
        forwards.extend(subjects(&page));
        place = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    place = Value::Null;
    loop {
        let page = page(person, json!({ "search": search, "order": order, "last": 20, "before": place })).await;
        backwards.splice(0..0, subjects(&page));
        place = page["pageInfo"]["startCursor"].clone();
        if page["pageInfo"]["hasPreviousPage"] == json!(false) {
            break;
        }
    }
    (forwards, backwards)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_long_timeline_both_ways_find_the_same() {
    let app = TestApp::start().await;
    let ada = with_mails(&app).await;
    fill(&app).await;
    let seldom: Vec<String> = (1..=60).rev().map(|n| format!("filler {}", n * 100)).collect();
    let (forwards, backwards) = walk(&ada, "seldom", "NEWEST").await;
    assert_eq!((&forwards, &backwards), (&seldom, &seldom));
    let (forwards, backwards) = walk(&ada, "seldom", "RELEVANCE").await;
    assert_eq!((&forwards, &backwards), (&seldom, &seldom), "all match alike, so the newest come first");
    // Behind more interactions than are looked through along the timeline.
    assert_eq!(found(&ada, "once").await, ["filler 1"]);
    assert_eq!(found(&ada, "lunch").await, ["Order", "Lunch"]);
    let ranked = page(&ada, json!({ "search": "order", "order": "RELEVANCE" })).await;
    assert_eq!(subjects(&ranked), ["Order", "The order of the day", "Running late"]);
    assert_eq!(found(&ada, "often -seldom").await[0], "filler 5999");
    let within = json!({ "to": "2026-01-01T00:00:00Z" });
    assert_eq!(subjects(&page(&ada, json!({ "search": "often", "filter": within })).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_a_search_finds_ones_own_and_uses_the_index() {
    let app = TestApp::start().await;
    let ada = with_mails(&app).await;
    fill(&app).await;
    assert_eq!(found(&app.person("eve"), "lunch").await, [""; 0]);
    assert_eq!(found(&app.person("eve"), "once").await, [""; 0]);
    assert_eq!(found(&ada, "once").await.len(), 1);
    // The role itself sees nothing without words, and of another person nothing with them.
    let as_role = async |user: UserId, words: &str, statement: &str| {
        let sql = format!(
            "BEGIN; SET LOCAL ROLE omnisync_search; SET LOCAL app.user_id = '{user}'; SET LOCAL app.search = '{words}'; {statement}"
        );
        let rows = app.db.rows(&sql).await;
        app.db.rows("ROLLBACK").await;
        rows
    };
    let user = UserId::of_subject(app.issuer(), "ada");
    let count = "SELECT count(*)::text FROM interactions";
    assert_eq!(as_role(user, "", count).await, [["0"]]);
    assert_eq!(as_role(user, "''lunch''", count).await, [["2"]]);
    assert_eq!(as_role(UserId(Uuid::nil()), "''lunch''", count).await, [["0"]]);
    app.db.rows("ANALYZE interactions").await;
    let plan = as_role(user, "''once''", "EXPLAIN SELECT interaction_id FROM interactions").await.concat().join("\n");
    assert!(plan.contains("Bitmap Index Scan on interactions_search"), "{plan}");
    let condition = plan.lines().find(|line| line.contains("Index Cond")).expect("a condition");
    assert!(condition.contains("user_id") && condition.contains("search @@"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_is_too_much_for_the_index() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    // Words of four bytes a letter, all different, each part of a longer one, and half of them split once more.
    let letter = |n: u32| char::from_u32(0x1_d400 + n % 1_000).expect("a mathematical letter");
    let word = |n: u32| String::from_iter([letter(n), letter(n / 7), letter(n / 1_000)]);
    let compounds: Vec<String> = (0..200_000_u32).map(|n| format!("{}-{}", word(n), word(n + 9))).collect();
    let signs: Vec<String> = (0..200_000_u32).map(|n| format!("x{n}.example/{n}?{n}")).collect();
    let chinese: String = (0..300_000_u32).filter_map(|n| char::from_u32(0x4e00 + n * 7 % 20_000)).collect();
    for (number, text) in [compounds.join(" "), signs.join(" "), chinese, "a".repeat(900_000)].into_iter().enumerate() {
        let raw = mail(("Much", &format!("needle {text}"), "Grace <grace@example.org>"), number);
        app.google.deliver(ADA, raw.as_bytes(), Deliver::default()).expect("delivered");
    }
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    assert_eq!(found(&ada, "needle").await, ["Much"; 4]);
}
