//! What an item costs does not grow with how many there are.
//!
//! Told by what PostgreSQL reads, rows and entries of indexes, which is the same on every machine. The sync runs on a database that
//! never analyzes a table, so that the planner believes that a stream has next to nothing: a statement that leaves it a choice
//! walks the whole stream for every chunk, as it may while the first sync of a fresh database begins.

use std::collections::BTreeMap;

use omnisync::sandbox::Generate;
use serde_json::json;

use crate::{
    flow::{ADA, everything},
    support::{Settings, TestApp},
    undo::at_rest,
};

/// What was read of each table and its indexes for each item.
type Cost = BTreeMap<String, f64>;

/// Rows and entries of indexes read so far, by every session but this one.
async fn read_so_far(app: &TestApp) -> BTreeMap<String, i64> {
    // A session tells what it has read when it ends, at the latest; the program begins new ones.
    let sessions = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    app.db.rows(sessions).await;
    // Batches and jobs are looked at as time passes, not for items.
    let sql = "SELECT relname, seq_tup_read + coalesce(
            (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid), 0)
        FROM pg_stat_user_tables t WHERE relname NOT IN ('batches', 'jobs')";
    let rows = app.db.rows(sql).await;
    rows.into_iter().map(|mut row| (row.swap_remove(0), row[0].parse().expect("a number"))).collect()
}

/// What the sync of a mailbox costs, and then its undo.
async fn costs(messages: usize) -> [Cost; 2] {
    // No sweep comes between, and with it no statistics.
    let app = TestApp::start_with(Settings::from([("SWEEP_MS", "600000".to_owned())])).await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let generate = Generate { messages, events: 0, months: 3, ..Generate::usual(app.clock.now()) };
    app.google.generate(ADA, &generate).expect("a mailbox");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let before = read_so_far(&app).await;
    let batch = ada.import(&account, everything()).await;
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    at_rest(&app, &batch).await;
    app.db.rows("SELECT refresh_statistics()").await;
    let synced = read_so_far(&app).await;
    ada.undo_whole(&batch).await;
    at_rest(&app, &batch).await;
    let undone = read_so_far(&app).await;
    let n_items = done["counts"]["stored"].as_f64().expect("a number");
    #[expect(clippy::cast_precision_loss, reason = "some millions at most")]
    let between = |old: &BTreeMap<String, i64>, new: &BTreeMap<String, i64>| {
        new.iter().map(|(name, n)| (name.clone(), (n - old[name]) as f64 / n_items)).collect()
    };
    [between(&before, &synced), between(&synced, &undone)]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_a_large_mailbox_costs_what_one_of_a_small_one_costs() {
    let (small, large) = (costs(250).await, costs(1_000).await);
    for (what, (small, large)) in ["sync", "undo"].into_iter().zip(small.iter().zip(&large)) {
        for (name, cost) in large {
            let before = small[name];
            // A walk of the stream for each chunk makes four times as much of each of them.
            assert!(
                *cost < 1.5 * before + 1.0,
                "{what}: {cost:.1} of {name} for each item, and {before:.1} of a small mailbox"
            );
        }
    }
}
