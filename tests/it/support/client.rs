//! A person who uses the API as a client does: over HTTP, with a token, and with a browser for the consent page.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::{SinkExt, StreamExt};
use reqwest::{StatusCode, redirect::Policy};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};
use url::Url;

use super::{PATIENCE, eventually_within};

/// What a person does on the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Leaves everything ticked.
    All,
    /// Leaves only the scope that holds this word ticked.
    Only(&'static str),
    /// Goes away.
    Deny,
}

#[derive(Clone)]
pub(crate) struct Person {
    url: Url,
    pub(crate) token: String,
    http: reqwest::Client,
}

const BATCH: &str =
    "id state origin error listingDone throttledUntil etaSeconds createdAt startedAt finishedAt undoneAt redoUntil
    counts { listed stored unchanged filtered failed gone normalized removed restored }
    jobs { id kind state attempt errorClass error }";

/// The states a batch ends in.
pub(crate) const FINISHED: &[&str] = &["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED", "UNDONE"];

impl Person {
    pub(crate) fn new(url: Url, token: String) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
        Self { url, token, http }
    }

    /// The whole answer to an operation.
    pub(crate) async fn answer(&self, query: &str, variables: Value) -> Value {
        self.send(json!({ "query": query, "variables": variables })).await.1
    }

    async fn send(&self, body: Value) -> (reqwest::header::HeaderMap, Value) {
        let url = self.url.join("graphql").expect("an address");
        let request = self.http.post(url).bearer_auth(&self.token).json(&body);
        let answer = request.send().await.expect("the API answers");
        let headers = answer.headers().clone();
        (headers, answer.json().await.expect("the answer is JSON"))
    }

    /// What a query is said to cost, and its data.
    pub(crate) async fn cost_and_data(&self, query: &str) -> (u64, Value) {
        let answer = self.send(json!({ "query": query, "extensions": { "cost": true } })).await.1;
        let cost = answer["extensions"]["cost"]["document"].as_u64();
        (cost.unwrap_or_else(|| panic!("{query}: {answer:#}")), answer["data"].clone())
    }

    /// The data of an operation that must succeed. One that ran out of time, as on a busy machine, is asked again, as a client
    /// would: what tests ask may be asked twice, mutations by their keys or because they say the same again.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.answer(query, variables.clone()).await;
        for _ in 0..2 {
            if answer["errors"][0]["extensions"]["code"] == json!("TIMEOUT") {
                answer = self.answer(query, variables.clone()).await;
            }
        }
        assert!(answer.get("errors").is_none(), "{query}: {answer:#}");
        answer["data"].clone()
    }

    /// Begins to link an account; gives the provider's address and the browser's cookie.
    pub(crate) async fn begin_connect(&self, input: Value) -> (Url, String) {
        let query = "mutation($input: ConnectInput!) { connect(input: $input) { authorizationUrl userErrors { code message } } }";
        let (headers, answer) = self.send(json!({ "query": query, "variables": { "input": input } })).await;
        let url = answer["data"]["connect"]["authorizationUrl"].as_str().unwrap_or_else(|| panic!("{answer:#}"));
        let cookie = headers["set-cookie"].to_str().expect("a cookie").split(';').next().expect("a pair").to_owned();
        (Url::parse(url).expect("an address"), cookie)
    }

    /// What the person does at the provider; gives the address they are sent back to.
    pub(crate) async fn consent(&self, authorization: &Url, email: &str, consent: Consent) -> Url {
        let mut at = authorization.clone();
        at.query_pairs_mut().append_pair("account", email);
        let answer = self.http.get(at).send().await.expect("Google answers");
        // Whoever has granted everything that is asked for is not asked again.
        if let Some(back) = answer.headers().get("location") {
            return Url::parse(back.to_str().expect("text")).expect("an address");
        }
        let page = answer.text().await.expect("a page");
        let value = |name: &str| -> Vec<String> {
            let marker = format!("name=\"{name}\" value=\"");
            page.match_indices(&marker)
                .map(|(at, _)| page[at + marker.len()..].split('"').next().expect("a value").replace("&amp;", "&"))
                .collect()
        };
        let mut form =
            vec![("request".to_owned(), value("request").first().unwrap_or_else(|| panic!("{page}")).clone())];
        form.push(("decision".to_owned(), if consent == Consent::Deny { "cancel" } else { "continue" }.to_owned()));
        for scope in value("scope") {
            if !matches!(consent, Consent::Only(word) if !scope.contains(word)) {
                form.push(("scope".to_owned(), scope));
            }
        }
        let form_url = authorization.join("/o/oauth2/v2/consent").expect("an address");
        let answer = self.http.post(form_url).form(&form).send().await.expect("Google answers");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        Url::parse(answer.headers()["location"].to_str().expect("text")).expect("an address")
    }

    /// Brings the browser back; gives the status and where it is sent on to, or the page.
    pub(crate) async fn come_back(&self, to: Url, cookie: Option<&str>) -> (StatusCode, String) {
        let mut request = self.http.get(to);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let answer = request.send().await.expect("the API answers");
        let status = answer.status();
        let location = answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned());
        (
            status,
            match location {
                Some(location) => location,
                None => answer.text().await.expect("a page"),
            },
        )
    }

    /// Links an account with these consents; gives its id.
    pub(crate) async fn connect_with(&self, email: &str, consent: Consent) -> String {
        let (url, cookie) = self.begin_connect(json!({})).await;
        let back = self.consent(&url, email, consent).await;
        let (status, location) = self.come_back(back, Some(&cookie)).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{location}");
        let location = Url::parse(&location).expect("an address");
        let connected = location.query_pairs().find(|(key, _)| key == "connected");
        connected.unwrap_or_else(|| panic!("not linked: {location}")).1.into_owned()
    }

    /// Links an account with every consent; gives its id.
    pub(crate) async fn connect(&self, email: &str) -> String {
        self.connect_with(email, Consent::All).await
    }

    /// The payload of `preview`.
    pub(crate) async fn preview(&self, account: &str, mut input: Value) -> Value {
        input["accountId"] = json!(account);
        let query = "mutation($input: PreviewInput!) { preview(input: $input) {
            preview { id hash expiresAt mailQuery mail { atLeast atMost } meetings { atLeast atMost } gmailUnits calendarRequests
                estimatedSeconds perLabel { key count } perCalendar { key name count } topSenders { key count }
                excludedByRule { key count } samples { service title who at snippet } sampledMails }
            userErrors { code field message } } }";
        self.data(query, json!({ "input": input })).await["preview"].clone()
    }

    /// A preview that must be made; gives its id.
    pub(crate) async fn preview_id(&self, account: &str, input: Value) -> String {
        let payload = self.preview(account, input).await;
        payload["preview"]["id"].as_str().unwrap_or_else(|| panic!("{payload:#}")).to_owned()
    }

    /// The payload of `approve`.
    pub(crate) async fn approve(&self, preview: &str, key: &str) -> Value {
        let query = format!(
            "mutation($input: ApproveInput!) {{ approve(input: $input) {{ batch {{ {BATCH} }} userErrors {{ code field message }} }} }}"
        );
        let input = json!({ "previewId": preview, "idempotencyKey": key });
        self.data(&query, json!({ "input": input })).await["approve"].clone()
    }

    /// Previews and approves; gives the batch's id.
    pub(crate) async fn import(&self, account: &str, input: Value) -> String {
        let preview = self.preview_id(account, input).await;
        let payload = self.approve(&preview, &preview).await;
        payload["batch"]["id"].as_str().unwrap_or_else(|| panic!("{payload:#}")).to_owned()
    }

    /// Brings an account up to date; gives the batch's id.
    pub(crate) async fn sync_now(&self, account: &str) -> String {
        let query =
            "mutation($input: SyncNowInput!) { syncNow(input: $input) { batch { id } userErrors { code message } } }";
        let payload = self.data(query, json!({ "input": { "accountId": account } })).await["syncNow"].clone();
        payload["batch"]["id"].as_str().unwrap_or_else(|| panic!("{payload:#}")).to_owned()
    }

    /// The payload of `setDeletionPolicy`.
    pub(crate) async fn try_set_deletion_policy(&self, account: &str, kind: &str, days: Option<i32>) -> Value {
        let query = "mutation($input: SetDeletionPolicyInput!) { setDeletionPolicy(input: $input) {
            account { id deletionPolicy { kind days } } userErrors { code field message } } }";
        let input = json!({ "accountId": account, "kind": kind, "days": days });
        self.data(query, json!({ "input": input })).await["setDeletionPolicy"].clone()
    }

    /// Says what deletions mean for an account from now on.
    pub(crate) async fn set_deletion_policy(&self, account: &str, kind: &str) {
        let payload = self.try_set_deletion_policy(account, kind, None).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
    }

    /// The payload of `undo`.
    pub(crate) async fn undo(&self, batch: &str, dry_run: bool) -> Value {
        let query = format!(
            "mutation($input: UndoInput!) {{ undo(input: $input) {{ batch {{ {BATCH} }} counts {{ service removed restored kept }}
                userErrors {{ code field message }} }} }}"
        );
        self.data(&query, json!({ "input": { "batchId": batch, "dryRun": dry_run } })).await["undo"].clone()
    }

    /// The payload of `redo`.
    pub(crate) async fn redo(&self, batch: &str) -> Value {
        let query = format!(
            "mutation($input: RedoInput!) {{ redo(input: $input) {{ batch {{ {BATCH} }} userErrors {{ code field message }} }} }}"
        );
        self.data(&query, json!({ "input": { "batchId": batch } })).await["redo"].clone()
    }

    /// A batch as it stands.
    pub(crate) async fn batch(&self, id: &str) -> Value {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Batch {{ {BATCH} }} }} }}");
        self.data(&query, json!({ "id": id })).await["node"].clone()
    }

    /// Waits until a batch has come to one of these states.
    pub(crate) async fn batch_in(&self, id: &str, states: &[&str]) -> Value {
        self.batch_in_within(PATIENCE, id, states).await
    }

    /// As [`Person::batch_in`], for a batch that takes its time.
    pub(crate) async fn batch_in_within(&self, patience: Duration, id: &str, states: &[&str]) -> Value {
        let last = std::sync::Mutex::new(Value::Null);
        let look = || async {
            let batch = self.batch(id).await;
            *last.lock().expect("one looks at a time") = batch.clone();
            batch["state"].as_str().is_some_and(|state| states.contains(&state)).then_some(batch)
        };
        let missed = || format!("batch in {states:?}; it is {:#}", last.lock().expect("nobody looks"));
        eventually_within(patience, look, missed).await
    }

    /// Waits until a batch has finished.
    pub(crate) async fn finished(&self, id: &str) -> Value {
        self.batch_in(id, FINISHED).await
    }

    /// Takes a batch back and waits until it is.
    pub(crate) async fn undo_whole(&self, batch: &str) -> Value {
        let payload = self.undo(batch, false).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
        self.batch_in(batch, &["UNDONE"]).await
    }

    /// Brings a batch back and waits until it is.
    pub(crate) async fn redo_whole(&self, batch: &str) -> Value {
        let payload = self.redo(batch).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
        self.batch_in(batch, &["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"]).await
    }

    /// The whole timeline, page by page, newest first.
    pub(crate) async fn timeline(&self, filter: Value) -> Vec<Value> {
        let query = "query($filter: TimelineFilter, $after: String) { timeline(first: 100, after: $after, filter: $filter) {
            nodes { id kind service direction subject snippet bodyText occurredAt endsAt allDay { first last } thread universalId
                sourceId location status labels deletedAt participants { role address name response isSelf }
                attachments { name mediaType sizeBytes inline } }
            pageInfo { hasNextPage endCursor } } }";
        let (mut all, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = self.data(query, json!({ "filter": filter, "after": after })).await["timeline"].clone();
            all.extend(page["nodes"].as_array().expect("rows").iter().cloned());
            if page["pageInfo"]["hasNextPage"] != json!(true) {
                return all;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// A socket that has subscribed, and of which nothing has been read yet.
    pub(crate) async fn socket(&self, query: &str, variables: Value) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        let mut url = self.url.join("graphql").expect("an address");
        url.set_scheme("ws").expect("a scheme");
        let mut request = url.as_str().into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a header"));
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket");
        let init =
            json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", self.token) } });
        let subscribe =
            json!({ "id": "1", "type": "subscribe", "payload": { "query": query, "variables": variables } });
        socket.send(Message::text(init.to_string())).await.expect("sent");
        socket.send(Message::text(subscribe.to_string())).await.expect("sent");
        socket
    }

    /// What a subscription sends until it completes: the payload of each `next` message.
    pub(crate) async fn subscribe(&self, query: &str, variables: Value) -> mpsc::Receiver<Value> {
        let (mut write, mut read) = self.socket(query, variables).await.split();
        let (sender, receiver) = mpsc::channel(1_000);
        tokio::spawn(async move {
            // Both halves live here: without the sending one, the server would see the client go.
            while let Some(Ok(message)) = read.next().await {
                let Message::Text(text) = message else { continue };
                let message: Value = serde_json::from_str(&text).expect("messages are JSON");
                let goes_on = match message["type"].as_str() {
                    Some("next") => sender.send(message["payload"].clone()).await.is_ok(),
                    Some("error") => sender.send(json!({ "errors": message["payload"] })).await.is_ok_and(|()| false),
                    Some("ping") => write.send(Message::text(r#"{"type":"pong"}"#)).await.is_ok(),
                    Some("connection_ack" | "pong") => true,
                    _ => false,
                };
                if !goes_on {
                    return;
                }
            }
        });
        receiver
    }
}

/// The type of a mutation's input.
pub(crate) fn input_of(mutation: &str) -> String {
    let (first, rest) = mutation.split_at(1);
    format!("{}{rest}Input", first.to_uppercase())
}

/// The id at the provider of everything on a timeline.
pub(crate) fn source_ids(timeline: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = timeline.iter().map(|row| row["sourceId"].as_str().expect("an id").to_owned()).collect();
    ids.sort_unstable();
    ids
}

/// The UUID in an opaque id, for tests that look into the database.
pub(crate) fn uuid_of(id: &str) -> String {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).expect("an id")).expect("text");
    text.split_once(':').expect("a kind and a UUID").1.to_owned()
}
