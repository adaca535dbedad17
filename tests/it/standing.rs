//! `accountStatus`: how one's accounts stand, now and after each change.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::{sync::mpsc::Receiver, time::timeout};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{PATIENCE, Person, TestApp, WorkerProcess},
};

const ACCOUNT: &str = "id email state stateReason shortcomings { code message stream { id } } services { service granted }
    deletionPolicy { kind days } streams { id name service consented completedAt coverage { checkedAt listed gaps percent } }";
const HOME: &str = "ada@home.example";

/// What a client knows of its accounts.
struct Board {
    person: Person,
    messages: Receiver<Value>,
    known: BTreeMap<String, Value>,
    /// Every state of every account, as it was told.
    states: Vec<String>,
}

impl Board {
    async fn open(person: &Person) -> Self {
        let query = format!("subscription {{ accountStatus {{ {ACCOUNT} }} }}");
        let messages = person.subscribe(&query, json!({})).await;
        Self { person: person.clone(), messages, known: BTreeMap::new(), states: Vec::new() }
    }

    async fn truth(&self) -> BTreeMap<String, Value> {
        let answer = self.person.data(&format!("{{ viewer {{ accounts {{ {ACCOUNT} }} }} }}"), json!({})).await;
        let accounts = answer["viewer"]["accounts"].as_array().expect("accounts").clone();
        accounts.into_iter().map(|one| (one["id"].as_str().expect("an id").to_owned(), one)).collect()
    }

    /// Reads until it knows what is so; nothing is told twice on the way.
    async fn catch_up(&mut self) {
        let truth = self.truth().await;
        while self.known != truth {
            let message = timeout(PATIENCE, self.messages.recv()).await;
            let message =
                message.unwrap_or_else(|_| panic!("never told: {truth:#?} but {:#?}", self.known)).expect("it goes on");
            let account = message["data"]["accountStatus"].clone();
            let id = account["id"].as_str().unwrap_or_else(|| panic!("{message:#}")).to_owned();
            self.states.push(account["state"].as_str().expect("a state").to_owned());
            assert_ne!(self.known.insert(id, account.clone()).as_ref(), Some(&account), "told twice");
        }
    }

    /// As [`Board::catch_up`], once an account stands like this.
    async fn sees(&mut self, account: &str, state: &str) {
        while self.known.get(account).is_none_or(|known| known["state"] != json!(state)) {
            let message = timeout(PATIENCE, self.messages.recv()).await;
            let message = message.unwrap_or_else(|_| panic!("never {state}: {:#?}", self.known)).expect("it goes on");
            let account = message["data"]["accountStatus"].clone();
            self.states.push(account["state"].as_str().expect("a state").to_owned());
            self.known.insert(account["id"].as_str().expect("an id").to_owned(), account);
        }
        self.catch_up().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_told_as_they_stand_and_after_each_change_on_every_server() {
    let app = TestApp::start().await;
    small_mailbox(&app, 30, 5);
    app.google.add_account(HOME, "Ada Brook").expect("an account");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let mut boards = [Board::open(&ada).await, Board::open(&app.elsewhere("ada").await).await];
    let stranger = app.person("ben");
    let mut strange = Board::open(&stranger).await;
    for board in &mut boards {
        board.sees(&account, "LINKED").await;
        assert_eq!(board.states, ["LINKED"]);
    }
    let home = ada.connect(HOME).await;
    for board in &mut boards {
        board.sees(&home, "LINKED").await;
    }
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;
    for board in &mut boards {
        board.sees(&account, "ACTIVE").await;
    }
    ada.set_deletion_policy(&account, "KEEP").await;
    ada.undo_whole(&batch).await;
    for board in &mut boards {
        board.sees(&account, "LINKED").await;
        assert_eq!(board.known[&account]["deletionPolicy"]["kind"], json!("KEEP"));
    }
    let leave = "mutation($input: DisconnectInput!) { disconnect(input: $input) { userErrors { code } } }";
    ada.data(leave, json!({ "input": { "accountId": home, "data": "KEEP", "revoke": false } })).await;
    for board in &mut boards {
        board.sees(&home, "DISCONNECTED").await;
    }
    assert!(strange.messages.try_recv().is_err(), "another person's accounts are nobody else's news");
    strange.catch_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_told_to_be_active_though_every_hint_is_lost() {
    let app = TestApp::start_idle(crate::support::Settings::new()).await;
    small_mailbox(&app, 30, 5);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let mut board = Board::open(&ada).await;
    let batch = ada.import(&account, everything()).await;
    let mut elsewhere = app.vars.clone();
    elsewhere.insert("REDIS_PREFIX", format!("{}-elsewhere", app.config.redis.prefix));
    let _worker = WorkerProcess::start(&elsewhere);
    ada.finished(&batch).await;
    board.sees(&account, "ACTIVE").await;
}
