//! Values that cannot be used, and requests that are none.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{code, counts};
use crate::{
    flow::{ADA, small_mailbox},
    support::{Settings, TestApp},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_out_of_bounds_names_the_field_and_stores_nothing() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 5, 2);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let before = counts(&app).await;
    let many: Vec<String> = (0..501).map(|n| format!("someone{n}@example.org")).collect();
    for (input, field) in [
        (json!({ "mailDaysBack": 0 }), "mailDaysBack"),
        (json!({ "mailDaysBack": -1 }), "mailDaysBack"),
        (json!({ "mailDaysBack": 36_501 }), "mailDaysBack"),
        (json!({ "mailDaysBack": i32::MAX }), "mailDaysBack"),
        (json!({ "calendarDaysBack": -1 }), "calendarDaysBack"),
        (json!({ "calendarDaysBack": 3_651 }), "calendarDaysBack"),
        (json!({ "calendarDaysAhead": i32::MIN }), "calendarDaysAhead"),
        (json!({ "calendarDaysAhead": 0, "calendarDaysBack": 0 }), "calendarDaysAhead"),
        (json!({ "calendars": [] }), "calendars"),
        (json!({ "calendars": ["nobody@example.org"] }), "calendars"),
        (json!({ "calendars": vec!["primary"; 51] }), "calendars"),
        (json!({ "includeLabels": ["Label_does_not_exist"] }), "includeLabels"),
        (json!({ "excludeLabels": ["INBOX", "\u{0}"] }), "excludeLabels"),
        (json!({ "excludedSenders": many }), "excludedSenders"),
        (json!({ "excludedSenders": [""] }), "excludedSenders"),
        (json!({ "excludedDomains": ["two words"] }), "excludedDomains"),
        (json!({ "excludedDomains": ["x".repeat(321)] }), "excludedDomains"),
    ] {
        let payload = ada.preview(&account, input.clone()).await;
        assert_eq!((code(&payload), &payload["userErrors"][0]["field"]), ("INVALID_INPUT", &json!(field)), "{input}");
    }
    assert_eq!(code(&ada.preview(&account, json!({ "services": [] })).await), "NOTHING_CHOSEN");
    assert_eq!(before, counts(&app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_only_gmail_could_answer_is_refused_with_what_to_write_instead() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 5, 0);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let before = counts(&app).await;
    let (long, deep) = ("from:a ".repeat(400), "(".repeat(30) + "from:a" + &")".repeat(30));
    for (query, named) in [
        ("lunch", "lunch"),
        ("from:ada \"free words\"", "free words"),
        ("filename:pdf", "filename"),
        ("around:here", "around"),
        ("label:no-such-label", "no-such-label"),
        ("is:purple", "purple"),
        ("newer_than:soon", "soon"),
        ("after:yesterday", "yesterday"),
        ("(from:ada", ")"),
        ("subject:\"open", "\""),
        ("-", "-"),
        ("from:ada OR", "OR"),
        (long.as_str(), "2000"),
        (deep.as_str(), "20"),
    ] {
        let payload = ada.preview(&account, json!({ "gmailQuery": query })).await;
        assert_eq!(
            (code(&payload), &payload["userErrors"][0]["field"]),
            ("INVALID_INPUT", &json!("gmailQuery")),
            "{query}"
        );
        let message = payload["userErrors"][0]["message"].as_str().expect("a sentence");
        assert!(message.contains(named), "{query}: {message}");
    }
    assert_eq!(before, counts(&app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_that_no_preview_could_use_are_not_kept() {
    let app = TestApp::start_idle(Settings::new()).await;
    let ada = app.person("ada");
    let fields =
        "gmailQuery mailDaysBack calendarDaysBack calendarDaysAhead privateEvents excludedSenders excludedDomains";
    let save = format!(
        "mutation($input: UpdatePreferencesInput!) {{ updatePreferences(input: $input) {{ preferences {{ {fields} }} userErrors {{ code field message }} }} }}"
    );
    let kept = ada.data(&save, json!({ "input": { "mailDaysBack": 12, "excludedDomains": [" News.Example "] } })).await;
    let kept = &kept["updatePreferences"]["preferences"];
    assert_eq!((&kept["mailDaysBack"], &kept["excludedDomains"]), (&json!(12), &json!(["news.example"])));
    let before = counts(&app).await;
    for (input, field) in [
        (json!({ "mailDaysBack": 0 }), "mailDaysBack"),
        (json!({ "calendarDaysBack": 3_651 }), "calendarDaysBack"),
        (json!({ "calendarDaysAhead": -1 }), "calendarDaysAhead"),
        (json!({ "calendarDaysAhead": 0, "calendarDaysBack": 0 }), "calendarDaysAhead"),
        (json!({ "gmailQuery": "free words" }), "gmailQuery"),
        (json!({ "gmailQuery": "x".repeat(2_001) }), "gmailQuery"),
        (json!({ "gmailQuery": "from:\u{0}" }), "gmailQuery"),
        (json!({ "excludedSenders": ["a b"] }), "excludedSenders"),
        (json!({ "excludedDomains": ["\u{0}"] }), "excludedDomains"),
        (json!({ "mailDaysBack": 99, "excludedDomains": [""] }), "excludedDomains"),
    ] {
        let payload = ada.data(&save, json!({ "input": input })).await["updatePreferences"].clone();
        assert_eq!((code(&payload), &payload["userErrors"][0]["field"]), ("INVALID_INPUT", &json!(field)), "{input}");
    }
    assert_eq!(before, counts(&app).await);
    let now = ada.data(&format!("{{ viewer {{ preferences {{ {fields} }} }} }}"), json!({})).await;
    assert_eq!(now["viewer"]["preferences"], *kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_out_of_bounds_is_bad_user_input() {
    let app = TestApp::start_idle(Settings::new()).await;
    let ada = app.person("ada");
    for query in [
        "{ timeline(first: 0) { nodes { id } } }",
        "{ timeline(first: 101) { nodes { id } } }",
        "{ timeline(last: -1) { nodes { id } } }",
        "{ timeline(first: 1, last: 1) { nodes { id } } }",
        "{ timeline(after: \"x\") { nodes { id } } }",
        "{ timeline(filter: { thread: \"\\u0000\" }) { nodes { id } } }",
        "{ batches(first: 101) { nodes { id } } }",
        "{ batches(after: \"AAAA\") { nodes { id } } }",
        "{ items(after: \"nowhere\") { nodes { sourceId } } }",
        "{ items(first: -5) { nodes { sourceId } } }",
        "{ audit(after: \"\\u0000\") { nodes { id } } }",
        "{ timeline(filter: { from: \"yesterday\" }) { nodes { id } } }",
    ] {
        let answer = ada.answer(query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!("BAD_USER_INPUT"), "{query}: {answer:#}");
        assert!(answer["data"].is_null(), "{query}: {answer:#}");
    }
    let many = vec!["x"; 101];
    let answer = ada.answer("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": many })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], json!("BAD_USER_INPUT"), "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_none_gets_a_code_and_does_nothing() {
    let app = TestApp::start_idle(Settings::new()).await;
    let (ada, http) = (app.person("ada"), reqwest::Client::new());
    let before = counts(&app).await;
    let write = "mutation { updatePreferences(input: { mailDaysBack: 5 }) { userErrors { code } } }";
    let body = |query: &str| json!({ "query": query }).to_string();
    let deep = format!("{{ {} id {} }}", "viewer { ".repeat(20), "} ".repeat(20));
    let aliases: String = (0..40).map(|n| format!("a{n}: viewer {{ id }} ")).collect();
    let padded = body(&format!("{write} #{}", " ".repeat(262_144)));
    for (content, text, status, expected) in [
        ("application/json", padded, 413, "BODY_TOO_LARGE"),
        ("application/json", "{".to_owned(), 400, "BAD_REQUEST"),
        ("application/json", "[]".to_owned(), 400, "BAD_REQUEST"),
        ("application/json", format!("[{}]", body(write)), 400, "BAD_REQUEST"),
        ("application/json", "{}".to_owned(), 400, "BAD_REQUEST"),
        ("application/json", json!({ "query": write, "variables": [] }).to_string(), 400, "BAD_REQUEST"),
        ("application/json", body("mutation {"), 400, "GRAPHQL_PARSE_FAILED"),
        ("application/json", body("mutation { forgetEverything }"), 400, "GRAPHQL_VALIDATION_FAILED"),
        ("application/json", body(&deep), 400, "DOCUMENT_TOO_DEEP"),
        ("application/json", body(&format!("{{ {aliases} }}")), 400, "TOO_MANY_ALIASES"),
        ("text/plain", body(write), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/x-www-form-urlencoded", format!("query={write}"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/graphql", write.to_owned(), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        let request = http.post(app.url.join("graphql").expect("an address")).bearer_auth(&ada.token);
        let request = request.header("accept", "application/graphql-response+json").header("content-type", content);
        let answer = request.body(text).send().await.expect("the API answers");
        let (found, answer) = (answer.status(), answer.json::<Value>().await.expect("JSON"));
        assert_eq!(found, StatusCode::from_u16(status).expect("a status"), "{expected}: {answer:#}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!(expected), "{answer:#}");
        assert!(answer["errors"][0]["extensions"]["requestId"].is_string(), "{answer:#}");
    }
    let mut get = app.url.join("graphql").expect("an address");
    get.query_pairs_mut().append_pair("query", write);
    let answer = http.get(get).bearer_auth(&ada.token).send().await.expect("the API answers");
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(before, counts(&app).await);
}
