//! Workers that die, freeze, meet, and are rung twice; a Redis that forgets. The end is always that of a run without faults.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use omnisync::{
    app::App,
    broker::Ring,
    db::{
        batches::{self, Fence},
        jobs,
    },
    domain::ids::{JobId, UserId},
    sandbox::Generate,
    sync,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    flow::{ADA, everything},
    support::{Person, Settings, State, TestApp, WorkerProcess, eventually},
};

const MESSAGES: usize = 600;
const EVENTS: usize = 60;
const STORED: &str = "SELECT sum(n_stored)::bigint FROM batches";
const NORMALIZED: &str = "SELECT sum(n_normalized)::bigint FROM batches";

/// Short leases and slices, so that a crash is over soon and no slice holds everything.
fn impatient() -> Settings {
    let settings = [("LEASE_SECS", "3"), ("SLICE_SECS", "2"), ("SLICE_ITEMS", "60"), ("CHUNK_ITEMS", "20")];
    settings.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// The same mailbox in every run; versions and windows follow from a fixed day.
fn fill(app: &TestApp) {
    let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().expect("a time");
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let generate = Generate { messages: MESSAGES, events: EVENTS, months: 3, ..Generate::usual(now) };
    app.google.generate(ADA, &generate).expect("a mailbox");
}

/// Fills the mailbox and approves all of it; gives the person and the batch.
async fn begin(app: &TestApp) -> (Person, String) {
    fill(app);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    (ada, batch)
}

/// What a run without faults leaves behind.
async fn faultless() -> State {
    let app = TestApp::start().await;
    let (ada, batch) = begin(&app).await;
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    State::of(&app.db).await
}

async fn ends_like_a_faultless_run(app: &TestApp, ada: &Person, batch: &str) {
    let done = ada.finished(batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    State::of(&app.db).await.assert_equals(&faultless().await);
}

/// Waits until a number in the database has come this far.
async fn reaches(app: &TestApp, sql: &str, least: i64) {
    let look = || async { (app.db.number_of(sql).await >= least).then_some(()) };
    eventually(look, || format!("{least} from {sql}")).await;
}

/// Kills a worker at each of these moments, and starts another. Three, because a job that took four down is given up.
async fn survives_kills(moments: [(&str, i64); 3]) {
    let app = TestApp::start_idle(impatient()).await;
    let (ada, batch) = begin(&app).await;
    for (sql, least) in moments {
        let worker = WorkerProcess::start(&app.vars);
        reaches(&app, sql, least).await;
        worker.kill();
    }
    let _last = WorkerProcess::start(&app.vars);
    ends_like_a_faultless_run(&app, &ada, &batch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_4_a_worker_killed_again_and_again_ends_as_one_that_lived() {
    let running = "SELECT count(*) FROM jobs WHERE state = 'running'";
    let items = "SELECT count(*) FROM items";
    survives_kills([(running, 1), (items, 1), (STORED, 200)]).await;
    survives_kills([(STORED, 100), (NORMALIZED, 250), (STORED, 500)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_a_redis_that_forgets_everything_loses_and_doubles_nothing() {
    let app = TestApp::start_with(impatient()).await;
    let (ada, batch) = begin(&app).await;
    for least in [1, 100, 200, 300, 400, 500] {
        reaches(&app, STORED, least).await;
        assert!(app.wipe_redis().await > 0, "there was nothing to forget");
    }
    ends_like_a_faultless_run(&app, &ada, &batch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_4_two_workers_at_once_do_the_work_of_one() {
    let app = TestApp::start_with(impatient()).await;
    app.start_worker();
    let (ada, batch) = begin(&app).await;
    ends_like_a_faultless_run(&app, &ada, &batch).await;
}

/// Every job that is due, as a ring.
async fn due(app: &TestApp) -> Vec<Ring> {
    let sql = "SELECT user_id, job_id FROM jobs WHERE state = 'queued' AND run_at <= now()";
    let id = |text: &String| Uuid::parse_str(text).expect("an id");
    let rows = app.db.rows(sql).await;
    rows.iter().map(|row| Ring { user: UserId(id(&row[0])), job: JobId(id(&row[1])) }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_4_every_ring_delivered_twice_works_once() {
    let app = TestApp::start_idle(impatient()).await;
    let (ada, batch) = begin(&app).await;
    let worker = App::for_worker(Arc::clone(&app.config), app.clock.clone()).expect("a worker's handles");
    while ada.batch(&batch).await["finishedAt"].is_null() {
        let rings = due(&app).await;
        let twice = rings.iter().flat_map(|ring| [("one", *ring), ("two", *ring)]);
        let outcomes = join_all(twice.map(|(owner, ring)| sync::work(&worker, owner, ring))).await;
        let n_worked = outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(sync::Outcome::Worked))).count();
        assert!(n_worked >= rings.len().min(1), "a due job was worked by nobody");
    }
    ends_like_a_faultless_run(&app, &ada, &batch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_that_end_their_listings_at_once_do_not_wait_in_a_circle() {
    const LEASE: Duration = Duration::from_secs(60);
    let app = TestApp::start_idle(impatient()).await;
    begin(&app).await;
    let worker = App::for_worker(Arc::clone(&app.config), app.clock.clone()).expect("a worker's handles");
    let mut ends = Vec::new();
    for Ring { user, job } in due(&app).await {
        let mut tx = worker.db.begin(user).await.expect("a transaction");
        let mut claim = jobs::claim(&mut tx, job, "one", LEASE).await.expect("a claim").expect("a job that is due");
        tx.commit().await.expect("committed");
        let mut tx = worker.db.begin(user).await.expect("a transaction");
        assert!(jobs::hold(&mut tx, &mut claim, LEASE, None, true).await.expect("held"));
        jobs::mark_listed(&mut tx, &claim).await.expect("marked");
        ends.push(async move {
            batches::mark_listed(&mut tx, Fence { batch: claim.batch_id, generation: 1 }).await?;
            tx.commit().await
        });
    }
    assert_eq!(ends.len(), 2, "one for mail, one for the calendar");
    for end in join_all(ends).await {
        end.expect("no deadlock");
    }
    assert_eq!(app.db.number_of("SELECT count(*) FROM batches WHERE listing_done").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_4_a_worker_frozen_past_its_lease_writes_nothing_when_it_comes_back() {
    let app = TestApp::start_idle(impatient()).await;
    let (ada, batch) = begin(&app).await;
    let frozen = WorkerProcess::start(&app.vars);
    reaches(&app, STORED, 100).await;
    frozen.freeze();
    app.start_worker();
    let done = ada.finished(&batch).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let before = State::of(&app.db).await;
    frozen.thaw();
    frozen.finish().await;
    State::of(&app.db).await.assert_equals(&before);
    before.assert_equals(&faultless().await);
}
