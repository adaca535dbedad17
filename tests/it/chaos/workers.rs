//! Workers that die, meet, are rung twice, and have clocks of their own.

use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::join_all;
use omnisync::{
    app::App,
    broker::Ring,
    clock::Clock,
    domain::ids::{JobId, UserId},
    sync,
};
use rand::Rng;
use uuid::Uuid;

use super::{
    judge::{Found, whole},
    rig::{Rig, impatient},
};
use crate::support::{Cluster, TestDatabase, connect, eventually};

/// What holds a write up until its worker is dead. `steps` counts the writes to the table that was picked: a sequence,
/// because it alone outlives the transaction.
const HOLD: &str = "
    CREATE SEQUENCE steps;
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF nextval('public.steps') = TG_ARGV[0]::bigint THEN PERFORM pg_advisory_xact_lock(4711); END IF;
        RETURN NULL;
    END $$;";
/// Each table, and how many statements write to it in any run.
const TABLES: [(&str, i64); 7] = [
    ("items", 8),
    ("raw_events", 4),
    ("batch_items", 5),
    ("batches", 12),
    ("jobs", 15),
    ("interactions", 4),
    ("streams", 3),
];
/// How many rows of a table that is written a row at a time at commit.
const ROWS: i64 = 40;

/// How far a clock goes wrong.
const SKEW: TimeDelta = TimeDelta::minutes(10);

/// Plans the n-th write to a table to be held up, right after the statement or at the commit.
async fn plan(db: &TestDatabase, table: &str, nth: i64, at_commit: bool) {
    let (kind, when) = if at_commit {
        ("CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW")
    } else {
        ("TRIGGER", "FOR EACH STATEMENT")
    };
    let trigger =
        format!("CREATE {kind} hold AFTER INSERT OR UPDATE OR DELETE ON {table} {when} EXECUTE FUNCTION hold({nth})");
    db.rows(HOLD).await;
    db.rows(&trigger).await;
}

/// Kills the worker between two statements of a transaction, or while it waits for the commit to be confirmed.
pub(super) async fn killed_at_a_write(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let batch = rig.import().await;
    let (table, most) = TABLES[usize::try_from(seed).unwrap_or(0) % TABLES.len()];
    let at_commit = rig.rng.random_bool(0.3);
    let nth = rig.rng.random_range(1..=if at_commit { ROWS.min(most * 5) } else { most });
    let gate = connect(&rig.app.db.owner_url).await;
    gate.batch_execute("SELECT pg_advisory_lock(4711)").await.expect("the gate is closed");
    plan(&rig.app.db, table, nth, at_commit).await;
    let worker = rig.worker();
    let met = rig
        .reaches(
            &batch,
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM steps",
            usize::try_from(nth).unwrap_or(1),
        )
        .await;
    worker.kill();
    gate.batch_execute("SELECT pg_advisory_unlock(4711)").await.expect("the gate is open");
    // What the dead one had sent may still be at work, and taking the trigger away waits for it.
    rig.app.db.rows(&format!("DROP TRIGGER hold ON {table}")).await;
    let _next = rig.worker();
    whole(&mut rig, &batch, &["succeeded"], Found::met(met)).await
}

/// Kills up to three workers, each after it has got somewhere. More in a row would rightly give the job up.
pub(super) async fn killed_at_random(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let batch = rig.import().await;
    let mut least = 0;
    let mut met = false;
    for _ in 0..rig.rng.random_range(1..=3) {
        let worker = rig.worker();
        least += rig.rng.random_range(1..=rig.n_messages / 3);
        let alive = rig.stored(&batch, least).await;
        rig.linger(40).await;
        met |= alive;
        worker.kill();
    }
    let _last = rig.worker();
    whole(&mut rig, &batch, &["succeeded"], Found::met(met)).await
}

/// Every job that is due, as a ring.
async fn due(db: &TestDatabase) -> Vec<Ring> {
    let sql = "SELECT user_id, job_id FROM jobs WHERE state = 'queued' AND run_at <= now()";
    let id = |text: &String| Uuid::parse_str(text).expect("an id");
    let rows = db.rows(sql).await;
    rows.iter().map(|row| Ring { user: UserId(id(&row[0])), job: JobId(id(&row[1])) }).collect()
}

/// Two workers on every stream, and beside them every job that is due handed out twice more.
pub(super) async fn twice(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let batch = rig.import().await;
    let handles = App::for_worker(Arc::clone(&rig.app.config), rig.app.clock.clone()).expect("a worker's handles");
    let _workers = (rig.worker(), rig.worker());
    let deliver = || async {
        let rings = due(&rig.app.db).await;
        let twice = rings.iter().flat_map(|ring| [("one", *ring), ("two", *ring)]);
        // A worker survives a database that does not answer in time: the job's lease runs out, and it is handed out again.
        let _ = join_all(twice.map(|(owner, ring)| sync::work(&handles, owner, ring))).await;
        let state = rig.state(&batch).await;
        (!["queued", "running"].contains(&state.as_str())).then_some(())
    };
    eventually(deliver, || "the end of a batch".to_owned()).await;
    whole(&mut rig, &batch, &["succeeded"], Found::met(true)).await
}

/// Workers whose clocks are ten minutes ahead of and behind the database's.
pub(super) async fn skewed(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let batch = rig.import().await;
    let both = rig.rng.random_bool(0.5);
    let first = if rig.rng.random_bool(0.5) { SKEW } else { -SKEW };
    for skew in [Some(first), both.then_some(-first)].into_iter().flatten() {
        let clock = Clock::default();
        clock.advance(skew);
        rig.app.start_worker_by(clock);
    }
    // A worker with the right time takes over, and gives back, what those two have begun.
    let least = rig.rng.random_range(1..rig.n_messages / 2);
    let met = rig.stored(&batch, least).await;
    let third = rig.worker();
    rig.linger(200).await;
    third.kill();
    whole(&mut rig, &batch, &["succeeded"], Found::met(met)).await
}
