//! How an account stands: active only when everything that was approved is here, and otherwise it says what is not so.

use omnisync::sandbox::{Deliver, Fault, FaultMatch};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Person, Settings, TestApp},
};

const LIST: &str = "/gmail/v1/users/me/messages";
const GET: &str = "/gmail/v1/users/me/messages/";

/// Short chunks; a batch that has to wait does not take long.
fn impatient() -> Settings {
    let settings = [("LEASE_SECS", "3"), ("SLICE_SECS", "2"), ("CHUNK_ITEMS", "10")];
    settings.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

fn fail(app: &TestApp, path: &str, status: u16, reason: &str, times: u32) {
    let (reason, message) = (reason.to_owned(), "a fault of the tests".to_owned());
    let which = FaultMatch { method: None, path_prefix: path.to_owned() };
    app.google.fail_next(which, Fault { status, reason, message, times });
}

/// The state, and each shortcoming as `CODE` or `CODE of SERVICE`, in a fixed order.
async fn standing(person: &Person) -> (String, Vec<String>) {
    let query = "{ viewer { accounts { state stateReason shortcomings { code message stream { service } } } } }";
    let account = person.data(query, json!({})).await["viewer"]["accounts"][0].clone();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{account:#}")).to_owned();
    let shortcomings = account["shortcomings"].as_array().expect("a list");
    assert_eq!(account["state"] == "ACTIVE", shortcomings.is_empty(), "{account:#}");
    assert_eq!(account["stateReason"], shortcomings.first().map_or(Value::Null, |one| one["message"].clone()));
    let named = shortcomings.iter().map(|one| match one["stream"]["service"].as_str() {
        Some(service) => format!("{} of {service}", text(&one["code"])),
        None => text(&one["code"]),
    });
    let mut named: Vec<String> = named.collect();
    named.sort();
    (text(&account["state"]), named)
}

async fn assert_wanting(person: &Person, state: &str, shortcomings: &[&str]) {
    assert_eq!(standing(person).await, (state.to_owned(), shortcomings.iter().map(ToString::to_string).collect()));
}

async fn assert_active(person: &Person) {
    assert_wanting(person, "ACTIVE", &[]).await;
}

async fn audit(person: &Person, account: &str) -> Value {
    let query = "mutation($input: AuditCompletenessInput!) { auditCompleteness(input: $input) { batch { id } } }";
    let payload = person.data(query, json!({ "input": { "accountId": account } })).await;
    person.finished(payload["auditCompleteness"]["batch"]["id"].as_str().expect("an id")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_an_administrator_closed_is_blocked_and_the_other_works() {
    let app = TestApp::start_with(impatient()).await;
    small_mailbox(&app, 20, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    ada.finished(&ada.import(&account, everything()).await).await;
    assert_active(&ada).await;
    fail(&app, "/gmail/v1/users/me/history", 403, "domainPolicy", 1);
    let blocked = ada.finished(&ada.sync_now(&account).await).await;
    assert_eq!(blocked["state"], json!("FAILED"), "{blocked:#}");
    assert_wanting(&ada, "BLOCKED", &["BLOCKED of GMAIL"]).await;
    // Once the administrator has opened it again.
    ada.finished(&ada.sync_now(&account).await).await;
    assert_active(&ada).await;
}

async fn act(person: &Person, verb: &str, batch: &str) {
    let query = format!("mutation($id: ID!) {{ {verb}(input: {{ batchId: $id }}) {{ userErrors {{ code }} }} }}");
    assert_eq!(person.data(&query, json!({ "id": batch })).await[verb]["userErrors"], json!([]));
}

/// Ada with a linked account, and no worker yet.
async fn linked(messages: usize) -> (TestApp, Person, String) {
    let app = TestApp::start_idle(impatient()).await;
    small_mailbox(&app, messages, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    (app, ada, account)
}

/// As [`linked`], with everything imported and a worker at hand.
async fn imported() -> (TestApp, Person, String) {
    let (app, ada, account) = linked(30).await;
    app.start_worker();
    ada.finished(&ada.import(&account, everything()).await).await;
    assert_active(&ada).await;
    (app, ada, account)
}

const UNREAD: [&str; 6] = [
    "COVERAGE_UNKNOWN of CALENDAR",
    "COVERAGE_UNKNOWN of GMAIL",
    "NOT_LISTED of CALENDAR",
    "NOT_LISTED of GMAIL",
    "RUN_UNFINISHED of CALENDAR",
    "RUN_UNFINISHED of GMAIL",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_active_once_its_first_run_has_ended_and_until_it_is_undone() {
    let (app, ada, account) = linked(30).await;
    assert_wanting(&ada, "LINKED", &["NOT_APPROVED"]).await;
    let batch = ada.import(&account, everything()).await;
    assert_wanting(&ada, "INCOMPLETE", &UNREAD).await;
    act(&ada, "pause", &batch).await;
    assert_wanting(&ada, "INCOMPLETE", &UNREAD).await;
    act(&ada, "resume", &batch).await;
    app.start_worker();
    ada.finished(&batch).await;
    assert_active(&ada).await;
    let query = "{ viewer { accounts { streams { service coverage { listed gaps percent } } } } }";
    let streams = ada.data(query, json!({})).await["viewer"]["accounts"][0]["streams"].clone();
    let mail = streams.as_array().and_then(|all| all.iter().find(|one| one["service"] == "GMAIL")).expect("a mailbox");
    let listed = app.google.search(ADA, "-in:chats").expect("a search").len();
    assert_eq!(mail["coverage"], json!({ "listed": listed, "gaps": 0, "percent": 100.0 }), "a first listing proves it");

    app.google
        .deliver(ADA, b"From: g@example.org\r\nSubject: New\r\n\r\nNew.\r\n", Deliver::default())
        .expect("delivered");
    let later = ada.sync_now(&account).await;
    ada.finished(&later).await;
    assert_active(&ada).await;
    // What the person took back is as they want it.
    ada.undo_whole(&later).await;
    assert_active(&ada).await;
    ada.undo_whole(&batch).await;
    assert_wanting(&ada, "LINKED", &["NOT_APPROVED"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_stopped_leaves_an_account_incomplete_until_another_has_ended() {
    let (app, ada, account) = linked(30).await;
    let batch = ada.import(&account, everything()).await;
    act(&ada, "cancel", &batch).await;
    app.start_worker();
    ada.batch_in(&batch, &["CANCELLED"]).await;
    let stopped = UNREAD.map(|one| one.replace("RUN_UNFINISHED", "RUN_CANCELLED"));
    assert_wanting(&ada, "INCOMPLETE", &stopped.each_ref().map(String::as_str)).await;
    ada.finished(&ada.sync_now(&account).await).await;
    assert_active(&ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_given_up_says_so_and_what_waits_until_it_is_read() {
    let (app, ada, account) = linked(40).await;
    let batch = ada.import(&account, everything()).await;
    fail(&app, GET, 403, "accessNotConfigured", 1);
    app.start_worker();
    ada.finished(&batch).await;
    assert_wanting(&ada, "INCOMPLETE", &["ITEMS_WAITING of GMAIL", "RUN_FAILED of GMAIL"]).await;
    ada.finished(&ada.sync_now(&account).await).await;
    assert_active(&ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_cannot_be_had_is_wanting_until_it_can_or_is_not_asked_for() {
    let (app, ada, account) = linked(20).await;
    let mail = b"From: g@example.org\r\nSubject: quokka\r\n\r\nHard to get.\r\n";
    let id = app.google.deliver(ADA, mail, Deliver::default()).expect("delivered");
    fail(&app, &format!("{GET}{id}"), 400, "invalidArgument", u32::MAX);
    app.start_worker();
    let first = ada.finished(&ada.import(&account, everything()).await).await;
    assert_eq!(first["state"], json!("PARTIAL"), "{first:#}");
    assert_wanting(&ada, "INCOMPLETE", &["ITEMS_FAILED of GMAIL"]).await;
    // A run that goes well does not make it better: the mail is still not here.
    ada.finished(&ada.sync_now(&account).await).await;
    assert_wanting(&ada, "INCOMPLETE", &["ITEMS_FAILED of GMAIL"]).await;

    let mut without = everything();
    without["gmailQuery"] = json!("-in:chats -subject:quokka");
    ada.finished(&ada.import(&account, without).await).await;
    assert_active(&ada).await;

    ada.finished(&ada.import(&account, everything()).await).await;
    assert_wanting(&ada, "INCOMPLETE", &["ITEMS_FAILED of GMAIL"]).await;
    app.google.clear_faults();
    audit(&ada, &account).await;
    assert_active(&ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_died_is_said_until_everything_is_listed_anew() {
    let (app, ada, account) = imported().await;
    app.google.expire_history(ADA).expect("expired");
    fail(&app, LIST, 403, "accessNotConfigured", 1);
    ada.finished(&ada.sync_now(&account).await).await;
    assert_wanting(&ada, "INCOMPLETE", &["CURSOR_DEAD of GMAIL", "RUN_FAILED of GMAIL"]).await;
    ada.finished(&ada.sync_now(&account).await).await;
    assert_active(&ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_listed_to_its_end_is_not_called_complete() {
    let (app, ada, account) = imported().await;
    // As a stream from before listings noted what they had covered.
    app.db
        .rows("UPDATE streams SET audited_at = NULL, n_audited = NULL, n_gaps = NULL WHERE service = 'calendar'")
        .await;
    assert_wanting(&ada, "INCOMPLETE", &["COVERAGE_UNKNOWN of CALENDAR"]).await;
    audit(&ada, &account).await;
    assert_active(&ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_one_person_are_told_apart() {
    const WORK: &str = "ada@stonebridge.example";
    let (app, ada, _) = imported().await;
    app.google.add_account(WORK, "Ada Brook").expect("an account");
    ada.connect(WORK).await;
    let query = "{ viewer { accounts { email state streams { service } shortcomings { code } } } }";
    let accounts = ada.data(query, json!({})).await["viewer"]["accounts"].clone();
    let told: Vec<_> =
        accounts.as_array().expect("accounts").iter().map(|one| (&one["email"], &one["state"])).collect();
    let (here, work) = (json!(ADA), json!(WORK));
    assert_eq!(told, [(&here, &json!("ACTIVE")), (&work, &json!("LINKED"))]);
    assert_eq!((&accounts[0]["shortcomings"], &accounts[1]["streams"]), (&json!([]), &json!([])));
}
