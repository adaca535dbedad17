use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use futures::{StreamExt, stream};
use tokio::sync::Barrier;

use super::*;
use crate::domain::{
    account::Service,
    consent::MailScope,
    stream::{Collection, Cursor},
};
use crate::providers::{Listing, Next, Page, Provider};

fn scope(include_labels: &[&str]) -> MailScope {
    MailScope {
        query: "from:ada after:1700000000".to_owned(),
        include_labels: include_labels.iter().map(|label| (*label).to_owned()).collect(),
        exclude_labels: vec![],
        labels: vec![],
        after: DateTime::UNIX_EPOCH,
    }
}

fn mailbox() -> Collection {
    Collection::mailbox()
}

async fn changes(google: &Google, page: Option<&str>) -> Result<Page, Error> {
    google.changes(&"at".into(), &mailbox(), &Cursor("100".to_owned()), page).await
}

#[tokio::test]
async fn a_listing_is_paged_by_opaque_tokens() {
    let server = Server::start(async |asked: Asked| match asked.query.get("pageToken").map(String::as_str) {
        None => ok(json!({
            "messages": [{"id": "m1", "threadId": "t1"}, {"id": "m2", "threadId": "t1"}],
            "nextPageToken": "a&b=c", "resultSizeEstimate": 201
        })),
        Some("a&b=c") => ok(json!({"resultSizeEstimate": 0})),
        Some(_) => refuse(400, "invalidArgument"),
    })
    .await;
    let google = server.google();
    let (access, scope) = ("at".into(), scope(&["INBOX"]));

    let first = google.list(&access, Listing::Mail(&scope), None).await.unwrap();
    assert_eq!(first.entries.iter().map(brief).collect::<Vec<_>>(), ["id m1", "id m2"]);
    assert_eq!((first.next, first.estimate), (Next::Page("a&b=c".to_owned()), Some(201)));

    let last = google.list(&access, Listing::Mail(&scope), Some("a&b=c")).await.unwrap();
    assert_eq!((last.entries.len(), last.next), (0, Next::End(None)));

    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/gmail/v1/users/me/messages");
    assert_eq!(asked.query["q"], "from:ada after:1700000000 in:inbox");
    assert_eq!(asked.query["maxResults"], "500");
    assert_eq!(asked.query["labelIds"], "INBOX");
    assert_eq!(asked.headers["authorization"], "Bearer at");
}

#[tokio::test]
async fn several_labels_are_left_to_the_filter() {
    let server = Server::start(async |_| ok(json!({}))).await;
    let scope = scope(&["INBOX", "Label_1"]);
    server.google().list(&"at".into(), Listing::Mail(&scope), None).await.unwrap();
    assert!(!server.asked()[0].query.contains_key("labelIds"));
}

#[tokio::test]
async fn labels_and_baseline_are_read() {
    let server = Server::start(async |asked: Asked| match asked.path.as_str() {
        "/gmail/v1/users/me/labels" => ok(json!({"labels": [{"id": "Label_1", "name": "Work", "type": "user"}]})),
        _ => ok(json!({"emailAddress": "ada@example.com", "messagesTotal": 3, "historyId": "12345678901234"})),
    })
    .await;
    let google = server.google();
    let labels = google.labels(&"at".into()).await.unwrap();
    assert_eq!((labels[0].id.as_str(), labels[0].name.as_str()), ("Label_1", "Work"));
    let baseline = google.baseline(&"at".into(), Service::Gmail).await.unwrap();
    assert_eq!(baseline, Some(Cursor("12345678901234".to_owned())));
    assert_eq!(google.baseline(&"at".into(), Service::Calendar).await.unwrap(), None);
    assert_eq!(google.collections(&"at".into(), Service::Gmail).await.unwrap(), [mailbox()]);
}

#[tokio::test]
async fn only_addresses_that_gmail_takes_for_the_persons_own_are_theirs() {
    let server = Server::start(async |_| {
        ok(json!({"sendAs": [
            {"sendAsEmail": "Me@Example.com", "isPrimary": true, "isDefault": true},
            {"sendAsEmail": "nick@example.org", "treatAsAlias": true, "verificationStatus": "accepted"},
            {"sendAsEmail": "domain@example.net", "treatAsAlias": true},
            {"sendAsEmail": "unshown@example.org", "treatAsAlias": true, "verificationStatus": "pending"},
            {"sendAsEmail": "boss@example.org", "treatAsAlias": false, "verificationStatus": "accepted"},
            {"sendAsEmail": "team@example.org", "verificationStatus": "accepted"},
            {"sendAsEmail": "NICK@example.org", "treatAsAlias": true, "verificationStatus": "accepted"},
        ]}))
    })
    .await;
    let addresses = server.google().addresses(&"at".into()).await.unwrap();
    assert_eq!(addresses, ["domain@example.net", "me@example.com", "nick@example.org"]);
    assert_eq!(server.asked()[0].path, "/gmail/v1/users/me/settings/sendAs");
}

#[tokio::test]
async fn history_tells_each_message_once_and_deletion_wins() {
    let change = |id: &str| json!({"message": {"id": id, "threadId": "t"}});
    let page = json!({
        "history": [
            {"id": "101", "messages": [{"id": "untyped"}], "messagesAdded": [change("added")]},
            {"id": "103", "labelsAdded": [{"message": {"id": "labelled"}, "labelIds": ["TRASH"]}]},
            {"id": "104", "labelsRemoved": [change("unlabelled")], "messagesAdded": [change("brief")]},
            {"id": "107", "labelsAdded": [change("added")], "messagesDeleted": [change("brief")]},
            {"id": "109", "messagesDeleted": [change("old")]},
            {"id": "110"}
        ],
        "historyId": "115"
    });
    let body = page.to_string();
    let server = Server::start(move |_| std::future::ready(body.clone().into_response())).await;

    let page = changes(&server.google(), None).await.unwrap();
    let entries: Vec<_> = page.entries.iter().map(brief).collect();
    assert_eq!(entries, ["id added", "id labelled", "gone brief @107", "id unlabelled", "gone old @109"]);
    assert_eq!(page.next, Next::End(Some(Cursor("115".to_owned()))));

    let Entry::Gone { record, .. } = &page.entries[4] else { panic!("{:?}", page.entries[4]) };
    let record: Value = serde_json::from_slice(record).unwrap();
    assert_eq!(record, json!({"id": "109", "messagesDeleted": [change("old")]}));

    assert_eq!(server.asked()[0].path, "/gmail/v1/users/me/history");
    assert_eq!(server.asked()[0].query["startHistoryId"], "100");
}

#[tokio::test]
async fn history_gives_its_cursor_only_at_the_end() {
    let server = Server::start(async |asked: Asked| match asked.query.get("pageToken") {
        None => ok(json!({"history": [], "nextPageToken": "p2", "historyId": "115"})),
        Some(_) => ok(json!({"historyId": "115"})),
    })
    .await;
    let google = server.google();
    assert_eq!(changes(&google, None).await.unwrap().next, Next::Page("p2".to_owned()));
    assert_eq!(changes(&google, Some("p2")).await.unwrap().next, Next::End(Some(Cursor("115".to_owned()))));
    assert_eq!(server.asked()[1].query["startHistoryId"], "100");
}

#[tokio::test]
async fn an_old_history_id_is_a_dead_cursor() {
    let server = Server::start(async |_| refuse(404, "notFound")).await;
    assert_eq!(class(changes(&server.google(), None).await), Some(Class::CursorDead));
}

#[tokio::test]
async fn history_ids_beyond_63_bits_are_refused() {
    for id in ["9223372036854775808", "-1", "", "12a"] {
        let server = Server::start(move |_| std::future::ready(ok(json!({ "historyId": id })))).await;
        assert_eq!(class(changes(&server.google(), None).await), Some(Class::Permanent), "{id}");
    }
}

#[tokio::test]
async fn messages_come_byte_for_byte_each_with_its_own_outcome() {
    // Spacing, order and doubled keys are what a parser would not give back.
    const BODY: &str = "{\n \"raw\": \"RGVhcg\", \"x\":1, \"id\": \"m1\" , \"historyId\":\"42\",\"x\":2 }";
    let server = Server::start(async |asked: Asked| {
        assert_eq!(asked.query["format"], "raw");
        match asked.path.strip_prefix("/gmail/v1/users/me/messages/") {
            Some("m1") => BODY.into_response(),
            Some("m2") => ok(json!({"id": "another", "historyId": "42"})),
            Some("a%2Fb%3Fc") => refuse(403, "userRateLimitExceeded"),
            _ => refuse(404, "notFound"),
        }
    })
    .await;
    let google = server.google();
    let ids = ["m1", "m2", "m3", "a/b?c"].map(str::to_owned);
    let access = "at".into();
    let hydrated: HashMap<_, _> = google.hydrate(&access, &mailbox(), stream::iter(ids.clone()), 2).collect().await;

    let payload = hydrated["m1"].as_ref().unwrap();
    assert_eq!(payload.json, Bytes::from_static(BODY.as_bytes()));
    assert_eq!((payload.source_id.as_str(), payload.group.as_str(), payload.version), ("m1", "m1", 42));
    let classes = ["m2", "m3", "a/b?c"].map(|id| hydrated[id].as_ref().err().map(|error| error.class.clone()));
    assert_eq!(classes, [Some(Class::Transient), Some(Class::ItemGone), Some(Class::Throttled(None))]);
}

#[tokio::test]
async fn messages_are_fetched_side_by_side() {
    // Nothing is answered until four requests stand at the server together.
    let four = Arc::new(Barrier::new(4));
    let server = Server::start(move |asked: Asked| {
        let four = four.clone();
        async move {
            four.wait().await;
            ok(json!({"id": asked.path.rsplit('/').next(), "historyId": "1"}))
        }
    })
    .await;
    let google = server.google();
    let ids: Vec<_> = (0..8).map(|n| format!("m{n}")).collect();
    let access = "at".into();
    let hydrated: Vec<_> = google.hydrate(&access, &mailbox(), stream::iter(ids.clone()), 4).collect().await;
    assert_eq!(hydrated.iter().filter(|(_, payload)| payload.is_ok()).count(), 8);
}
