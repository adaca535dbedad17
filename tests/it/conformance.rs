//! What others have written to test servers like ours, and real clients, against the real API. `docs/CONFORMANCE.md` has the
//! numbers and how to get them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::support::{Settings, TestApp, node, say, say_unchecked};

/// Where the clients' programs and their pinned packages are.
fn described() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/graphql")
}

#[derive(Deserialize)]
struct Audit {
    id: String,
    /// Begins with the level: MUST, SHOULD or MAY.
    name: String,
    /// `ok`, or how bad it is.
    status: String,
    reason: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audits_of_graphql_over_http_pass() {
    let mut node = match node(&described()).await {
        Ok(node) => node,
        Err(why) => return say_unchecked("GraphQL over HTTP, by the audits of graphql-http", &why),
    };
    // Some of the audits ask for `__type`.
    let app = TestApp::start_idle(Settings::from([("GRAPHQL_INTROSPECTION", "true".to_owned())])).await;
    let url = app.url.join("graphql").expect("an address");
    node.arg(described().join("audit.cjs")).arg(url.as_str()).arg(&app.person("ada").token);
    let output = node.output().await.expect("Node.js runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let audits: Vec<Audit> = serde_json::from_slice(&output.stdout).expect("a list of audits");

    let mut numbers = Vec::new();
    for level in ["MUST", "SHOULD", "MAY"] {
        let of_level: Vec<&Audit> =
            audits.iter().filter(|audit| audit.name.split(' ').next() == Some(level)).collect();
        let n_passed = of_level.iter().filter(|audit| audit.status == "ok").count();
        numbers.push(format!("{n_passed} of {} {level}", of_level.len()));
    }
    say(&format!("GraphQL over HTTP, graphql-http: {}", numbers.join(", ")));
    assert_eq!(audits.len(), 61);
    for Audit { id, name, status, reason } in &audits {
        assert_eq!(status, "ok", "{id} {name}: {}", reason.as_deref().unwrap_or_default());
    }
}
