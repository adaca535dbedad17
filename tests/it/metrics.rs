//! What Prometheus reads: of an API and of a worker, each on a listener of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
};

use serde_json::json;
use url::Url;

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Person, Settings, TestApp, WorkerProcess, eventually},
};

/// An address that was free a moment ago.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").to_string()
}

/// Every sample: its name with its labels, and its value.
type Samples = BTreeMap<String, f64>;

async fn samples(address: &str) -> Option<Samples> {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = http.get(format!("http://{address}/metrics")).send().await.ok()?;
    let text = answer.error_for_status().expect("metrics").text().await.expect("text");
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        (name.to_owned(), value.parse().expect("a number"))
    };
    Some(text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(sample).collect())
}

fn value(samples: &Samples, name: &str) -> f64 {
    *samples.get(name).unwrap_or_else(|| panic!("no {name} in {samples:#?}"))
}

/// Nothing but fixed words labels a sample, so no id, address or text can; and the README names every metric.
fn check_names(samples: &Samples) {
    const WORDS: &[&str] = &[
        "service",
        "gmail",
        "calendar",
        "class",
        "ok",
        "transient",
        "code",
        "GRAPHQL_PARSE_FAILED",
        "query",
        "mutation",
        "subscription",
        "kind",
        "google_gmail_sync",
        "google_calendar_sync",
        "normalize_google_email",
        "normalize_google_event",
        "undo",
        "verdict",
        "done",
        "continue",
        "wait",
        "retry_after",
        "give_up",
        "state",
        "open",
        "half_open",
        "closed",
    ];
    let readme = include_str!("../../README.md");
    for sample in samples.keys() {
        let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        assert!(readme.contains(&format!("`{base}`")), "the README does not name {base}");
        let bounds = labels.split_once("le=\"").map_or(labels, |(before, _)| before);
        let words = bounds.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        let strange: Vec<&str> = words.filter(|word| !WORDS.contains(word)).collect();
        assert!(strange.is_empty(), "{sample}: {strange:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_and_a_worker_tell_what_they_have_done_in_fixed_words() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 40, 8);
    let (api, serving, working) = (free_address(), free_address(), free_address());
    let process = |role: &str, metrics: &str| {
        let mut vars = app.vars.clone();
        vars.extend([("METRICS_LISTEN", metrics.to_owned()), ("HTTP_LISTEN", api.clone())]);
        WorkerProcess::start_as(role, &vars)
    };
    let _processes = [process("serve", &serving), process("work", &working)];
    for address in [&serving, &working] {
        eventually(|| samples(address), || format!("metrics at {address}")).await;
    }

    // The link is made through the application of the test, whose address Google knows; all else through the process.
    let account = app.person("ada").connect(ADA).await;
    let url = Url::parse(&format!("http://{api}/")).expect("an address");
    let ada = Person::new(url, app.person("ada").token);
    let batch = ada.import(&account, everything()).await;
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");

    ada.answer("{", json!({})).await;
    let told = samples(&serving).await.expect("metrics");
    check_names(&told);
    assert_eq!(value(&told, r#"omnisync_refusals_total{code="GRAPHQL_PARSE_FAILED"}"#), 1.0);
    for kind in ["query", "mutation"] {
        assert_eq!(value(&told, &format!(r#"omnisync_operations_live{{kind="{kind}"}}"#)), 0.0, "all are over");
    }
    let calls = |told: &Samples| value(told, r#"omnisync_provider_calls_total{service="gmail",class="ok"}"#);
    assert!(calls(&told) >= 22.0, "labels, a page and 20 samples: {told:#?}");

    let told = samples(&working).await.expect("metrics");
    check_names(&told);
    let mails = app.google.search(ADA, "-in:chats").expect("a search").len() as f64;
    assert!(calls(&told) >= mails, "{told:#?}");
    let units = value(&told, r#"omnisync_quota_units_total{service="gmail"}"#);
    assert!(units >= 20.0 * mails, "{told:#?}");
    let stored: f64 = ["gmail", "calendar"]
        .iter()
        .map(|service| value(&told, &format!(r#"omnisync_items_stored_total{{service="{service}"}}"#)))
        .sum();
    assert_eq!(json!(stored as i64), done["counts"]["stored"]);
    assert_eq!(value(&told, r#"omnisync_slices_total{kind="google_gmail_sync",verdict="done"}"#), 1.0);
    assert!(value(&told, r#"omnisync_slice_seconds_count{kind="google_gmail_sync"}"#) >= 1.0);
    assert_eq!(value(&told, r#"omnisync_project_breaker{service="gmail",state="closed"}"#), 1.0);
    assert_eq!(value(&told, r#"omnisync_project_breaker{service="gmail",state="open"}"#), 0.0);
    assert_eq!(value(&told, r#"omnisync_account_breakers_open{service="calendar"}"#), 0.0);
    let names: BTreeSet<&str> = told.keys().filter_map(|name| name.split('{').next()).collect();
    assert!(names.contains("omnisync_slice_seconds_bucket"), "a histogram, not a summary: {names:?}");
}
