//! Ids that name nothing of the caller's.

use serde_json::{Value, json};

use super::{code, counts, sync_now};
use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Settings, TestApp},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_names_nothing_is_not_found_everywhere() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 10, 2);
    let (ada, ben) = (app.person("ada"), app.person("ben"));
    let account = ada.connect(ADA).await;
    let preview = ada.preview_id(&account, everything()).await;
    let batch = ada.approve(&preview, "once").await["batch"]["id"].as_str().expect("an id").to_owned();
    let me = ada.data("{ viewer { id } }", json!({})).await["viewer"]["id"].as_str().expect("an id").to_owned();
    let garbage = ["", " ", "x", "null", "0", "QmF0Y2g6", "4pyT", "\u{0}", "\u{202e}", "../batches", "' OR 1=1 --"];
    let long = "A".repeat(10_000);

    let before = counts(&app).await;
    // Ben asks with everything of Ada's, and Ada with ids of the wrong kind.
    for (person, ids) in [(&ben, vec![&account, &preview, &batch, &me]), (&ada, vec![&me])] {
        for id in ids.into_iter().map(String::as_str).chain(garbage).chain([long.as_str()]) {
            assert_eq!(code(&person.preview(id, json!({})).await), "NOT_FOUND", "preview {id:?}");
            assert_eq!(code(&person.approve(id, "a key").await), "NOT_FOUND", "approve {id:?}");
            assert_eq!(code(&sync_now(person, id).await), "NOT_FOUND", "syncNow {id:?}");
            assert_eq!(code(&person.undo(id, false).await), "NOT_FOUND", "undo {id:?}");
            assert_eq!(code(&person.undo(id, true).await), "NOT_FOUND", "undo's dry run {id:?}");
            if id != me || *person.token == ben.token {
                let node = person
                    .data("query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }", json!({ "id": id }));
                assert_eq!(node.await, json!({ "node": null, "nodes": [null] }), "{id:?}");
            }
        }
    }
    for (id, verb) in [
        (&preview, "preview"),
        (&batch, "preview"),
        (&account, "approve"),
        (&batch, "approve"),
        (&account, "undo"),
        (&preview, "undo"),
        (&batch, "syncNow"),
    ] {
        let payload = match verb {
            "preview" => ada.preview(id, json!({})).await,
            "approve" => ada.approve(id, "a key").await,
            "undo" => ada.undo(id, false).await,
            _ => sync_now(&ada, id).await,
        };
        assert_eq!(code(&payload), "NOT_FOUND", "{verb} with an id of another kind");
    }
    assert_eq!(before, counts(&app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_progress_of_a_batch_that_is_not_there_is_an_error_and_the_end() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 5, 0);
    let (ada, ben) = (app.person("ada"), app.person("ben"));
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    let query = "subscription($id: ID!) { batchProgress(batchId: $id) { seq } }";
    for (person, id) in [(&ben, batch.as_str()), (&ada, account.as_str()), (&ada, "x"), (&ada, ""), (&ada, "\u{0}")] {
        let mut events = person.subscribe(query, json!({ "id": id })).await;
        let answer = events.recv().await.expect("an answer");
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!("NOT_FOUND"), "{id:?}: {answer:#}");
        assert!(answer["data"].is_null(), "{answer:#}");
        assert_eq!(events.recv().await, None::<Value>);
    }
}
