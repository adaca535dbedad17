//! Secrets stay sealed (invariant 9): strings that occur nowhere else are sent through every flow, with every process logging
//! at its most talkative; then all that is kept and all that was said is searched for them.

mod process;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use omnisync::{
    domain::ids::AccountId,
    sandbox::{Deliver, Fault, FaultMatch},
};
use process::Process;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Consent, Opener, Person, Settings, TestApp, cells, holds, uuid_of},
};

/// A secret and what it is, for the message of a test that finds it.
struct Canary {
    what: &'static str,
    text: String,
    /// Columns where it stands by design.
    may_be_in: &'static [&'static str],
}

fn canary(what: &'static str, text: impl Into<String>, may_be_in: &'static [&'static str]) -> Canary {
    let text = text.into();
    assert!(text.len() >= 8, "{what} is too short to search for");
    Canary { what, text, may_be_in }
}

const SUBJECT: &str = "kestrelkettle";
const BODY: &str = "lemurlantern";
const SENDER: &str = "narwhal.nectar@ocelotorchard.example";
const FILE: &str = "pangolinpaper.pdf";
const TITLE: &str = "tapirtrumpet";
const GOOGLES_WORDS: &str = "wombatwhistle";

/// What people wrote.
fn content() -> Vec<Canary> {
    vec![
        canary("a subject", SUBJECT, &["interactions.subject", "interactions.search"]),
        canary("a body", BODY, &["interactions.body_text", "interactions.snippet", "interactions.search"]),
        canary(
            "a sender",
            SENDER,
            &[
                "interactions.participants",
                "interactions.search",
                "interaction_people.address",
                "identities.address",
                "identities.names",
            ],
        ),
        canary("a file's name", FILE, &["interactions.attachments"]),
        canary("a meeting's title", TITLE, &["interactions.subject", "interactions.search"]),
        canary("a provider's words", GOOGLES_WORDS, &[]),
    ]
}

/// What the processes were configured with.
fn configured(app: &TestApp) -> Vec<Canary> {
    let password = Url::parse(app.db.api_url.expose_secret()).expect("an address");
    let redis = Url::parse(app.db.redis_url.expose_secret()).expect("an address");
    let mut all = vec![
        canary("the wrapping key", app.vars["OMNISYNC_KEYS"].split(':').nth(1).expect("a key"), &[]),
        canary("the client's secret", &app.vars["GOOGLE_CLIENT_SECRET"], &[]),
        canary("the secret of tokens", &app.vars["AUTH_SECRET"], &[]),
        canary("a database password", password.password().expect("a password"), &[]),
    ];
    all.extend(redis.password().map(|password| canary("the Redis password", password, &[])));
    all
}

async fn tokens(app: &TestApp, account: &str) -> Vec<Canary> {
    let opener = Opener::of(app, ADA).await;
    let account_id = AccountId(uuid_of(account).parse().expect("a UUID"));
    let mut all = Vec::new();
    for (what, column) in [("the access token", "access_token"), ("the refresh token", "refresh_token")] {
        let sealed = app.db.rows(&format!("SELECT encode({column}, 'hex') FROM accounts")).await[0][0].clone();
        let sealed = hex::decode(sealed).expect("bytes");
        let token = opener.vault.open_token(account_id, column, &sealed).expect("it opens");
        all.push(canary(what, token.expose_secret(), &[]));
    }
    for row in app.db.rows("SELECT attempt_id, encode(verifier, 'hex') FROM connect_attempts").await {
        let attempt: Uuid = row[0].parse().expect("a UUID");
        let verifier = opener.vault.open_verifier(attempt, &hex::decode(&row[1]).expect("bytes")).expect("it opens");
        all.push(canary("a PKCE verifier", verifier.as_str(), &[]));
    }
    all
}

/// Links the account by way of these processes; gives it and the secrets of the way.
async fn connect(app: &TestApp, api: &Process, person: &Person) -> (String, Vec<Canary>) {
    let (url, cookie) = person.begin_connect(json!({})).await;
    let mut back = person.consent(&url, ADA, Consent::All).await;
    let value = |name: &str| back.query_pairs().find(|(key, _)| key == name).expect("it is there").1.into_owned();
    let secrets = vec![
        canary("the code", value("code"), &[]),
        canary("the browser's secret", cookie.split_once('=').expect("a pair").1, &[]),
        canary("the bearer token", &person.token, &[]),
        canary("the token's signature", person.token.rsplit('.').next().expect("a part"), &[]),
    ];
    // The provider sends people to the address that is registered; the process under test listens on another.
    back.set_port(api.url.port()).expect("a port");
    let (_, location) = person.come_back(back, Some(&cookie)).await;
    let account = Url::parse(&location).expect("an address");
    let account = account.query_pairs().find(|(key, _)| key == "connected").expect("linked").1.into_owned();
    assert!(account.starts_with(&URL_SAFE_NO_PAD.encode("Account:")[..8]), "{account} in {}", app.url);
    (account, secrets)
}

/// Everything the test's part of Redis holds.
async fn redis_dump(app: &TestApp) -> Vec<String> {
    let client = redis::Client::open(app.db.redis_url.expose_secret()).expect("an address");
    let mut redis = client.get_multiplexed_async_connection().await.expect("Redis answers");
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(format!("*t{}*", app.db.number)).query_async(&mut redis).await.expect("keys");
    let mut all = keys.clone();
    for key in &keys {
        let kind: String = redis::cmd("TYPE").arg(key).query_async(&mut redis).await.expect("a type");
        let mut command = match kind.as_str() {
            "string" => redis::cmd("GET"),
            "hash" => redis::cmd("HGETALL"),
            "list" => redis::cmd("LRANGE"),
            "set" => redis::cmd("SMEMBERS"),
            "zset" => redis::cmd("ZRANGE"),
            // It has gone meanwhile.
            "none" => continue,
            other => panic!("say how to read a {other}"),
        };
        command.arg(key);
        if matches!(kind.as_str(), "list" | "zset") {
            command.arg(0).arg(-1);
        }
        let value: redis::Value = command.query_async(&mut redis).await.expect("a value");
        let mut texts = Vec::new();
        flatten(&value, &mut texts);
        all.extend(texts);
    }
    all
}

fn flatten(value: &redis::Value, texts: &mut Vec<String>) {
    match value {
        redis::Value::BulkString(bytes) => texts.push(String::from_utf8_lossy(bytes).into_owned()),
        redis::Value::Array(values) | redis::Value::Set(values) => {
            values.iter().for_each(|value| flatten(value, texts))
        }
        redis::Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            flatten(key, texts);
            flatten(value, texts);
        }),
        other => texts.push(format!("{other:?}")),
    }
}

fn assert_absent(haystacks: &[String], canaries: &[Canary], place: &str) {
    assert!(!haystacks.is_empty(), "there is nothing in {place} to search");
    for canary in canaries {
        if let Some(found) = haystacks.iter().find(|text| holds(text, &canary.text)) {
            let shown: String = found.chars().take(600).collect();
            panic!("{} is in {place}: {shown}", canary.what);
        }
    }
}

async fn assert_sealed(app: &TestApp, canaries: &[Canary]) {
    let cells = cells(&app.db).await;
    for canary in canaries {
        let found = cells.iter().filter(|cell| cell.holds(&canary.text)).map(|cell| format!("{cell:?}"));
        let stray: Vec<String> = found.filter(|column| !canary.may_be_in.contains(&column.as_str())).collect();
        assert!(stray.is_empty(), "{} is in {stray:?}", canary.what);
    }
}

/// Mail and a meeting with every kind of content.
fn fill(app: &TestApp) {
    small_mailbox(app, 10, 2);
    let mail = format!(
        "From: {SENDER}\r\nTo: {ADA}\r\nSubject: {SUBJECT}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\n{BODY}\r\n--b\r\nContent-Type: application/pdf\r\n\
         Content-Disposition: attachment; filename={FILE}\r\n\r\n%PDF\r\n--b--\r\n"
    );
    app.google.deliver(ADA, mail.as_bytes(), Deliver::default()).expect("delivered");
    #[expect(clippy::disallowed_methods, reason = "the sandbox's calendar is about today")]
    let start = chrono::Utc::now();
    let (start, end) = (json!({ "dateTime": start }), json!({ "dateTime": start + chrono::TimeDelta::hours(1) }));
    app.google.put_event(ADA, "primary", json!({ "summary": TITLE, "start": start, "end": end })).expect("a meeting");
}

fn fail(app: &TestApp, path: &str, times: u32) {
    let which = FaultMatch { method: None, path_prefix: path.to_owned() };
    let message = format!("{GOOGLES_WORDS} {SUBJECT}");
    app.google.fail_next(which, Fault { status: 400, reason: "invalidArgument".to_owned(), message, times });
}

/// Requests that fail in different places, with secrets in their hands.
async fn errors(app: &TestApp, person: &Person, account: &str) -> Vec<String> {
    let mut all = Vec::new();
    for path in ["/gmail/v1/users/me/labels", "/gmail/v1/users/me/messages", "/calendar/v3/users/me/calendarList"] {
        fail(app, path, 1);
        let query = "mutation($id: ID!) { preview(input: { accountId: $id }) { userErrors { code message } } }";
        all.push(person.answer(query, json!({ "id": account })).await.to_string());
    }
    fail(app, "/gmail/v1/users/me/labels", 1);
    all.push(person.answer("{ viewer { accounts { labels { sourceId } } } }", Value::Null).await.to_string());
    let other = Person::new(app.url.clone(), format!("{}x", person.token));
    all.push(other.answer("{ viewer { id } }", Value::Null).await.to_string());
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_9_no_secret_and_no_content_is_in_tables_redis_logs_or_errors() {
    let app = TestApp::start_idle(Settings::new()).await;
    fill(&app);
    let api = Process::serve(&app).await;
    let ada = Person::new(api.url.clone(), app.person("ada").token);
    let (account, way) = connect(&app, &api, &ada).await;
    let mut canaries: Vec<Canary> = content().into_iter().chain(way).chain(configured(&app)).collect();
    canaries.extend(tokens(&app, &account).await);

    let preview = ada.preview_id(&account, everything()).await;
    assert_sealed(&app, &canaries).await;
    let batch = ada.approve(&preview, "once").await["batch"]["id"].as_str().expect("an id").to_owned();
    assert_absent(&redis_dump(&app).await, &canaries, "Redis before the work");
    let worker = Process::work(&app);
    assert_eq!(ada.finished(&batch).await["state"], json!("SUCCEEDED"));
    assert_sealed(&app, &canaries).await;

    // A refresh, a run that meets errors, and an undo.
    app.google.expire_access_tokens(ADA).expect("expired");
    let answers = errors(&app, &ada, &account).await;
    app.google
        .deliver(ADA, format!("From: {SENDER}\r\nSubject: {SUBJECT}\r\n\r\n{BODY}").as_bytes(), Deliver::default())
        .expect("delivered");
    fail(&app, "/gmail/v1/users/me/history", 1);
    let failed = ada.finished(&ada.sync_now(&account).await).await;
    canaries.extend(tokens(&app, &account).await);
    ada.finished(&ada.sync_now(&account).await).await;
    ada.undo_whole(&batch).await;
    assert_sealed(&app, &canaries).await;
    assert_absent(&redis_dump(&app).await, &canaries, "Redis after the work");
    assert_absent(&[answers, vec![failed.to_string()]].concat(), &canaries, "an answer that refuses");
    for (name, log) in [("the API's log", api.log()), ("the worker's log", worker.log())] {
        assert!(log.len() > 4, "{name} is silent: {log:?}");
        assert_absent(&log, &canaries, name);
    }
}
