//! What only reads, each statement a transaction of its own.

use std::sync::Arc;

use omnisync::{
    app::App,
    db::{
        Tx,
        accounts::{self, Account},
    },
    domain::{account::AccountState, ids::UserId},
};

use crate::{
    flow::ADA,
    support::{Opener, Settings, TestApp, eventually},
};

/// Waits until so many of the worker's sessions have left a transaction open.
async fn open_transactions(app: &TestApp, wanted: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'omnisync_worker'
        AND state = 'idle in transaction'";
    let look = async || (app.db.number_of(sql).await == wanted).then_some(());
    eventually(look, || format!("there are not {wanted} transactions open")).await;
}

async fn emails(tx: &mut Tx) -> Vec<String> {
    let all = Account::all(tx).await.expect("accounts");
    all.into_iter().map(|account| account.email).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_reads_ends_its_transaction_by_itself_once_the_connection_knows_it() {
    let app = TestApp::start_idle(Settings::new()).await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    app.person("ada").connect(ADA).await;
    let user = Opener::of(&app, ADA).await.user;
    let db = App::for_worker(Arc::clone(&app.config), app.clock.clone()).expect("the handles").db;

    let mut tx = db.begin_reading(user).await.expect("a connection");
    // Prepared first, it comes after whatever is sent with it, so its transaction stays open for as long as the reading goes on.
    assert_eq!(emails(&mut tx).await, [ADA]);
    open_transactions(&app, 1).await;
    tx.commit().await.expect("committed");
    open_transactions(&app, 0).await;

    let mut tx = db.begin_reading(user).await.expect("a connection");
    for _ in 0..3 {
        assert_eq!(emails(&mut tx).await, [ADA]);
        open_transactions(&app, 0).await;
    }
    // Statements that it knows, and one that it does not, in one reading.
    let id = Account::all(&mut tx).await.expect("accounts").remove(0).account_id;
    assert_eq!(Account::find(&mut tx, id).await.expect("an account").map(|one| one.email).as_deref(), Some(ADA));
    open_transactions(&app, 1).await;
    assert_eq!(emails(&mut tx).await, [ADA]);
    tx.commit().await.expect("committed");
    open_transactions(&app, 0).await;

    // Whoever has the connection next is asked for their own rows.
    let stranger = UserId(uuid::Uuid::nil());
    let mut tx = db.begin_reading(stranger).await.expect("a connection");
    assert!(emails(&mut tx).await.is_empty());
    tx.commit().await.expect("committed");
    let mut tx = db.begin_reading(user).await.expect("a connection");
    assert_eq!(emails(&mut tx).await, [ADA]);
    tx.commit().await.expect("committed");

    // Nothing can be written by the way.
    let mut tx = db.begin_reading(user).await.expect("a connection");
    for _ in 0..2 {
        let refused = accounts::mark(&mut tx, id, AccountState::Active, "").await.expect_err("it only reads");
        assert!(format!("{refused:?}").contains("read-only"), "{refused:?}");
        drop(tx);
        open_transactions(&app, 0).await;
        tx = db.begin_reading(user).await.expect("a connection");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_read_at_once_read_each_their_own() {
    let app = TestApp::start_idle(Settings::new()).await;
    let people: Vec<(String, String)> =
        (0..4).map(|n| (format!("p{n}"), format!("p{n}@brightwater.example"))).collect();
    let mut users = Vec::new();
    for (name, email) in &people {
        app.google.add_account(email, name).expect("an account");
        app.person(name).connect(email).await;
        users.push((Opener::of(&app, email).await.user, email.clone()));
    }
    let db = App::for_worker(Arc::clone(&app.config), app.clock.clone()).expect("the handles").db;
    let reading = (0..400).map(|n| {
        let ((user, email), db) = (users[n % users.len()].clone(), db.clone());
        tokio::spawn(async move {
            let mut tx = db.begin_reading(user).await.expect("a connection");
            for _ in 0..=n % 3 {
                assert_eq!(emails(&mut tx).await, std::slice::from_ref(&email));
            }
            // Some forget to say that they are done.
            if n % 5 > 0 {
                tx.commit().await.expect("committed");
            }
        })
    });
    for one in reading {
        one.await.expect("their own");
    }
    open_transactions(&app, 0).await;
}
