//! Mail: lists, messages, attachments, history.

use base64::{Engine, engine::general_purpose::URL_SAFE};
use chrono::TimeDelta;
use serde_json::json;

use super::{
    super::{Behaviour, Deliver, Generate, Truth},
    support::*,
};

#[tokio::test]
async fn a_generated_mailbox_is_listed_and_read() {
    let google = Google::start();
    let control = google.control();
    control.generate(ADA, &Generate { messages: 700, events: 60, ..Generate::usual(now()) }).unwrap();
    control.advance(now() - control.now()).unwrap();
    let token = google.linked().await;
    let truth = control.messages(ADA).unwrap();
    assert_eq!(truth.len(), 700);
    let q = "category:primary -in:chats newer_than:365d";
    let (listed, last) = google
        .all(
            &token,
            "/gmail/v1/users/me/messages?maxResults=100&q=category:primary%20-in:chats%20newer_than:365d",
            "messages",
        )
        .await;
    assert_eq!(ids(&listed), control.search(ADA, q).unwrap());
    assert_ne!(last["resultSizeEstimate"].as_u64(), Some(listed.len() as u64));
    let is_personal = |mail: &&Truth| mail.labels.iter().any(|label| label == "SENT" || label == "CATEGORY_PERSONAL");
    let n_personal = truth.iter().filter(is_personal).count();
    assert!((420..600).contains(&n_personal), "{n_personal} of 700 are between people");
    for path in ["messages?maxResults=x", "messages?pageToken=made-up", "messages/zz"] {
        assert_eq!(google.get(&token, &format!("/gmail/v1/users/me/{path}")).await.0, 400, "{path}");
    }
    let empty = google.ok(&token, "/gmail/v1/users/me/messages?q=rfc822msgid:none").await;
    assert!(empty.get("messages").is_none());
    for mail in truth.iter().step_by(23) {
        let raw = google.ok(&token, &format!("/gmail/v1/users/me/messages/{}?format=raw", mail.id)).await;
        assert_eq!(URL_SAFE.decode(raw["raw"].as_str().unwrap()).unwrap(), mail.raw);
        assert_eq!(raw["internalDate"], mail.internal_date.to_string());
        let full = google.ok(&token, &format!("/gmail/v1/users/me/messages/{}", mail.id)).await;
        assert_eq!(full["historyId"], mail.history_id.to_string());
        assert!(!full["payload"]["headers"].as_array().unwrap().is_empty());
    }
    assert!(control.loud().is_empty());
}

#[tokio::test]
async fn attachments_are_fetched_by_ids_that_change() {
    let google = Google::start();
    let token = google.linked().await;
    let raw = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n--b--\r\n";
    let id = google.control().deliver(ADA, raw, Deliver::default()).unwrap();
    let path = format!("/gmail/v1/users/me/messages/{id}");
    let attachment = async || {
        let full = google.ok(&token, &path).await;
        full["payload"]["parts"][0]["body"]["attachmentId"].as_str().unwrap().to_owned()
    };
    let (first, second) = (attachment().await, attachment().await);
    assert_ne!(first, second);
    for attachment in [first, second] {
        let body = google.ok(&token, &format!("{path}/attachments/{attachment}")).await;
        assert_eq!(body, json!({"size": 5, "data": "SGVsbG8="}));
    }
    assert_eq!(google.get(&token, &format!("{path}/attachments/abc")).await.0, 400);
    let metadata = google.ok(&token, &format!("{path}?format=metadata&metadataHeaders=subject")).await;
    assert_eq!(metadata["payload"]["headers"], json!([{"name": "Subject", "value": "x"}]));
}

#[tokio::test]
async fn history_tells_what_happened_and_expires() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let profile = google.ok(&token, "/gmail/v1/users/me/profile").await;
    let start = profile["historyId"].as_str().unwrap().to_owned();
    let kept = control.deliver(ADA, &mail("kept"), Deliver::default()).unwrap();
    let gone = control.deliver(ADA, &mail("gone"), Deliver::default()).unwrap();
    control.modify_labels(ADA, &kept, &["STARRED", "Clients"], &["UNREAD"]).unwrap();
    control.trash(ADA, &gone).unwrap();
    control.delete(ADA, &gone).unwrap();
    let path = format!("/gmail/v1/users/me/history?startHistoryId={start}&maxResults=2");
    let (records, last) = google.all(&token, &path, "history").await;
    let kinds: Vec<&str> = records
        .iter()
        .map(|record| {
            *["messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved"]
                .iter()
                .find(|kind| record.get(*kind).is_some())
                .unwrap()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "messagesAdded",
            "messagesAdded",
            "labelsAdded",
            "labelsRemoved",
            "labelsAdded",
            "labelsRemoved",
            "messagesDeleted"
        ]
    );
    assert_eq!(records[2]["labelsAdded"][0]["labelIds"], json!(["STARRED", "Label_1"]));
    let end = last["historyId"].as_str().unwrap();
    assert!(
        google.ok(&token, &format!("/gmail/v1/users/me/history?startHistoryId={end}")).await.get("history").is_none()
    );
    let deleted = google.ok(&token, &format!("{path}&historyTypes=messageDeleted")).await;
    assert_eq!(deleted["history"][0]["messagesDeleted"][0]["message"]["id"], json!(gone));
    assert_eq!(google.get(&token, &format!("/gmail/v1/users/me/messages/{gone}")).await.0, 404);
    control.expire_history(ADA).unwrap();
    let (status, body) = google.get(&token, &path).await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (404, &json!("notFound")));
    assert_eq!(google.get(&token, "/gmail/v1/users/me/history?startHistoryId=99999999999").await.0, 404);
}

#[tokio::test]
async fn history_may_lag_behind_what_everything_else_shows() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let start = google.ok(&token, "/gmail/v1/users/me/profile").await["historyId"].as_str().unwrap().to_owned();
    control.behave(Behaviour { history_lag_secs: 5, ..Behaviour::default() });
    let id = control.deliver(ADA, &mail("new"), Deliver::default()).unwrap();
    let path = format!("/gmail/v1/users/me/history?startHistoryId={start}");
    assert_eq!(google.ok(&token, &path).await, json!({"historyId": start}));
    google.ok(&token, &format!("/gmail/v1/users/me/messages/{id}")).await;
    let pushed = google.ok(&token, "/gmail/v1/users/me/profile").await["historyId"].as_str().unwrap().to_owned();
    google.ok(&token, &format!("/gmail/v1/users/me/history?startHistoryId={pushed}")).await;
    control.advance(TimeDelta::seconds(5)).unwrap();
    let told = google.ok(&token, &path).await;
    assert_eq!((&told["historyId"], told["history"].as_array().unwrap().len()), (&json!(pushed), 1));
}

#[tokio::test]
async fn threads_hold_their_messages() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let deliver = |subject: &str, minute: i64, thread: Option<String>| {
        let internal_date = Some(now() + TimeDelta::minutes(minute));
        control.deliver(ADA, &mail(subject), Deliver { internal_date, thread, ..Deliver::default() }).unwrap()
    };
    let first = deliver("plan", 0, None);
    let reply = deliver("reply", 1, Some(first.clone()));
    let other = deliver("other", 2, None);
    let (threads, _) = google.all(&token, "/gmail/v1/users/me/threads?maxResults=1", "threads").await;
    assert_eq!(ids(&threads), [other.as_str(), first.as_str()]);
    let found = google.ok(&token, &format!("/gmail/v1/users/me/threads/{first}?format=metadata")).await;
    assert_eq!(ids(found["messages"].as_array().unwrap()), [first.as_str(), reply.as_str()]);
    assert_eq!(found["historyId"], threads[1]["historyId"]);
    let searched = google.ok(&token, "/gmail/v1/users/me/threads?q=subject:other").await;
    assert_eq!(ids(searched["threads"].as_array().unwrap()), [other.as_str()]);
    assert_eq!(google.get(&token, "/gmail/v1/users/me/threads/ff").await.0, 404);
    assert_eq!(google.get(&token, &format!("/gmail/v1/users/me/threads/{first}?format=raw")).await.0, 400);
}

#[tokio::test]
async fn history_is_forgotten_with_age() {
    let google = Google::start();
    let (control, tokens) = (google.control(), google.link(&SCOPES.split(' ').collect::<Vec<_>>()).await);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fresh = async || {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        google.token(&form).await.1["access_token"].as_str().unwrap().to_owned()
    };
    let id_now = async |token: &str| {
        google.ok(token, "/gmail/v1/users/me/profile").await["historyId"].as_str().unwrap().to_owned()
    };
    let since = |start: &str| format!("/gmail/v1/users/me/history?startHistoryId={start}");
    let token = tokens["access_token"].as_str().unwrap();
    let start = id_now(token).await;
    control.deliver(ADA, &mail("old"), Deliver::default()).unwrap();
    let seen = id_now(token).await;
    control.advance(TimeDelta::hours(7 * 24 - 1)).unwrap();
    let token = fresh().await;
    assert_eq!(google.ok(&token, &since(&start)).await["history"].as_array().unwrap().len(), 1);
    control.deliver(ADA, &mail("young"), Deliver::default()).unwrap();
    control.advance(TimeDelta::hours(2)).unwrap();
    let token = fresh().await;
    assert_eq!(google.get(&token, &since(&start)).await.0, 404, "it has missed what was forgotten");
    assert_eq!(google.ok(&token, &since(&seen)).await["history"].as_array().unwrap().len(), 1);
    // In rare cases it is only hours.
    control.behave(Behaviour { history_hours: 1, ..Behaviour::default() });
    assert_eq!(google.get(&token, &since(&seen)).await.0, 404);
    let newest = id_now(&token).await;
    assert_eq!(
        google.ok(&token, &since(&newest)).await,
        json!({"historyId": newest}),
        "who has missed nothing goes on"
    );
}

#[tokio::test]
async fn history_can_be_asked_about_one_label() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let start = google.ok(&token, "/gmail/v1/users/me/profile").await["historyId"].as_str().unwrap().to_owned();
    let starred = control.deliver(ADA, &mail("one"), Deliver::default()).unwrap();
    control.deliver(ADA, &mail("two"), Deliver::default()).unwrap();
    control.modify_labels(ADA, &starred, &["STARRED"], &[]).unwrap();
    control.modify_labels(ADA, &starred, &[], &["STARRED"]).unwrap();
    let path = format!("/gmail/v1/users/me/history?startHistoryId={start}&labelId=STARRED&maxResults=1");
    let (records, _) = google.all(&token, &path, "history").await;
    let kinds: Vec<bool> = records.iter().map(|record| record.get("labelsAdded").is_some()).collect();
    assert_eq!(kinds, [true, false], "the change that took the label away is about it as well");
}

#[tokio::test]
async fn answers_are_compressed_for_clients_that_say_so_twice() {
    let google = Google::start();
    let token = google.linked().await;
    let id = google.control().deliver(ADA, &mail("plain"), Deliver::default()).unwrap();
    let http = reqwest::Client::builder().no_gzip().build().unwrap();
    for (agent, accepted, encoding) in
        [("app (gzip)", "gzip", Some("gzip")), ("app", "gzip", None), ("app (gzip)", "identity", None)]
    {
        let request = http.get(google.at(&format!("/gmail/v1/users/me/messages/{id}"))).bearer_auth(&token);
        let answer = request.header("user-agent", agent).header("accept-encoding", accepted).send().await.unwrap();
        let told = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told.as_deref(), encoding, "{agent}, {accepted}");
        assert_eq!(answer.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]), encoding.is_some());
    }
}
