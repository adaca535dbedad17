use sha2::{Digest, Sha256};

use super::*;

const QUERY: &str = "query Half($n: Int!) { half(n: $n) }";

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// As Apollo's clients send it.
fn named(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

fn by_hash(text: &str) -> Value {
    json!({ "extensions": named(&hash(text)), "variables": { "n": 8 } })
}

fn with_text(text: &str) -> Value {
    json!({ "query": text, "extensions": named(&hash(text)), "variables": { "n": 8 } })
}

#[tokio::test]
async fn a_document_that_was_sent_with_its_hash_runs_by_its_hash() {
    let server = Server::start().await;
    let unknown = server.ask_as("ada", by_hash(QUERY)).await;
    assert_eq!(unknown.refusal(), (400, "PERSISTED_QUERY_NOT_FOUND"));
    assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    // A client that takes JSON reads an answer only when it is 200.
    let json = server.post().header("accept", "application/json").body(by_hash(QUERY).to_string());
    assert_eq!(Answer::of(json.header("accept", "application/json")).await.refusal().1, "PERSISTED_QUERY_NOT_FOUND");

    let half = json!({ "data": { "half": 4 } });
    assert_eq!(server.ask_as("ada", with_text(QUERY)).await.body, half);
    assert_eq!(server.ask_as("ada", by_hash(QUERY)).await.body, half);
    let id = json!({ "documentId": format!("sha256:{}", hash(QUERY)), "variables": { "n": 8 } });
    assert_eq!(server.ask_as("ada", id).await.body, half);
    let get = server.get(&format!("?variables={{\"n\":8}}&extensions={}", named(&hash(QUERY))));
    assert_eq!(Answer::of(get).await.body, half);
    // Nobody else gets anything by it.
    assert_eq!(server.ask_as("bob", by_hash(QUERY)).await.refusal().1, "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn what_is_not_its_own_hash_or_did_not_pass_or_may_hold_content_is_not_kept() {
    let server = Server::start().await;
    let poisoned = json!({ "query": "{ hello }", "extensions": named(&hash(QUERY)) });
    assert_eq!(server.ask_as("ada", poisoned).await.refusal(), (400, "BAD_REQUEST"));
    assert_eq!(server.ask_as("ada", by_hash(QUERY)).await.refusal().1, "PERSISTED_QUERY_NOT_FOUND");

    for text in ["{ hello", "{ __schema { types { name } } }"] {
        assert_eq!(server.ask_as("ada", with_text(text)).await.status, 400);
        assert_eq!(server.ask_as("ada", by_hash(text)).await.refusal().1, "PERSISTED_QUERY_NOT_FOUND");
    }
    let content = "{ hello @include(if: true) # \"secret\"\n }";
    assert_eq!(server.ask_as("ada", with_text(content)).await.status, 200);
    assert_eq!(server.ask_as("ada", by_hash(content)).await.refusal().1, "PERSISTED_QUERY_NOT_FOUND");
    for id in ["bytes", "", "x"] {
        let request = json!({ "extensions": named(id) });
        assert_eq!(server.ask_as("ada", request).await.refusal().1, "PERSISTED_QUERY_NOT_FOUND", "{id}");
    }
}

#[tokio::test]
async fn where_documents_are_trusted_no_other_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Half.graphql"), QUERY).unwrap();
    std::fs::write(
        folder.path().join("more.json"),
        json!({ "h1": "{ hello }", "b1": "mutation { bump }" }).to_string(),
    )
    .unwrap();
    let server = Server::start_with(|settings| {
        settings.graphql.trusted_documents = Some(folder.path().to_owned());
        settings.graphql.introspection = true;
    })
    .await;
    for request in [
        json!({ "documentId": "h1" }),
        json!({ "documentId": "Half", "variables": { "n": 8 } }),
        by_hash(QUERY),
        with_text(QUERY),
        json!({ "query": "{ hello }" }),
        json!({ "documentId": "b1" }),
    ] {
        assert_eq!(server.ask_as("ada", request.clone()).await.status, 200, "{request}");
    }
    assert_eq!(server.bumps(), 1);
    for request in [
        json!({ "query": "{ me }" }),
        json!({ "query": "{ hello  }" }),
        json!({ "query": "mutation { bump bump }" }),
        json!({ "query": "{ __schema { types { name } } }" }),
        json!({ "query": "{ me }", "documentId": "h1" }),
        json!({ "documentId": "h2" }),
        with_text("{ me }"),
        by_hash("{ me }"),
    ] {
        assert_eq!(server.ask_as("ada", request.clone()).await.refusal(), (400, "DOCUMENT_NOT_TRUSTED"), "{request}");
    }
    assert_eq!(Answer::of(server.get("?documentId=b1")).await.refusal(), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(server.bumps(), 1);
}
