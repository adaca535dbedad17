//! A person who takes back, stops or holds what has just begun.

use std::sync::Arc;

use rand::Rng;
use serde_json::json;

use super::{
    judge::{Found, settled, undone, whole},
    rig::{Rig, impatient},
};
use crate::support::Cluster;

/// Asks for `pauseBatch` and the like; what is refused, because the run was over, is said.
async fn act(rig: &Rig, mutation: &str, field: &str, id: &str) -> bool {
    let input = if field == "jobId" { "ControlJobInput" } else { "ControlBatchInput" };
    let query = format!("mutation($input: {input}!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}");
    let data = rig.ada.data(&query, json!({ "input": { field: id } })).await;
    data[mutation]["userErrors"] == json!([])
}

/// Tries every job of the batch again that was given up.
pub(super) async fn retry_dead(rig: &Rig, batch: &str) {
    let jobs = rig.ada.batch(batch).await["jobs"].clone();
    for job in jobs.as_array().into_iter().flatten().filter(|job| job["state"] == json!("DEAD")) {
        act(rig, "retryJob", "jobId", job["id"].as_str().expect("an id")).await;
    }
}

/// A run that is going, at a moment that the seed has chosen.
async fn underway(cluster: &Arc<Cluster>, seed: u64) -> (Rig, String, crate::support::WorkerProcess) {
    let mut rig = Rig::new(cluster, seed, impatient()).await;
    let batch = rig.import().await;
    let worker = rig.worker();
    let steps = format!(
        "SELECT n_listed + n_stored + n_normalized FROM batches WHERE batch_id = '{}'",
        crate::support::uuid_of(&batch)
    );
    let least = rig.rng.random_range(0..rig.n_messages * 3);
    rig.reaches(&batch, &steps, least / 2).await;
    // So that there may be two versions of an item in one batch.
    (0..rig.rng.random_range(0..10)).for_each(|_| rig.change());
    rig.reaches(&batch, &steps, least).await;
    rig.linger(20).await;
    (rig, batch, worker)
}

/// Undoes a run while it is going; another follows.
pub(super) async fn undoes(cluster: Arc<Cluster>, seed: u64) -> Found {
    let (mut rig, batch, _worker) = underway(&cluster, seed).await;
    let met = rig.state(&batch).await != "succeeded";
    let asked = rig.ada.undo(&batch, false).await;
    let mut found = Found::met(met);
    found.wrong(usize::from(asked["userErrors"] != json!([])), || format!("no undo: {asked}"));
    undone(&mut rig, &batch, found).await
}

/// Undoes a run while it is going and brings it back, while the mailbox changes and workers die; the next brings the rest.
pub(super) async fn redoes(cluster: Arc<Cluster>, seed: u64) -> Found {
    let (mut rig, batch, mut worker) = underway(&cluster, seed).await;
    let mut found = Found::met(rig.state(&batch).await != "succeeded");
    for _ in 0..rig.rng.random_range(1..=3) {
        rig.ada.undo(&batch, false).await;
        rig.end(&batch).await;
        (0..rig.rng.random_range(0..5)).for_each(|_| rig.change());
        let asked = rig.ada.redo(&batch).await;
        found.wrong(usize::from(asked["userErrors"] != json!([])), || format!("no redo: {asked}"));
        if rig.rng.random_bool(0.5) {
            rig.linger(100).await;
            worker.kill();
            worker = rig.worker();
        }
        // Now and then the next undo comes before the redo has ended.
        if rig.rng.random_bool(0.5) {
            rig.end(&batch).await;
        }
    }
    let end = rig.end(&batch).await;
    found.wrong(usize::from(!["cancelled", "succeeded"].contains(&end.as_str())), || {
        format!("the batch ended as {end}")
    });
    rig.changed = true;
    settled(&mut rig, found).await
}

/// Cancels a run while it is going; the next one brings the rest.
pub(super) async fn cancels(cluster: Arc<Cluster>, seed: u64) -> Found {
    let (mut rig, batch, _worker) = underway(&cluster, seed).await;
    let met = act(&rig, "cancel", "batchId", &batch).await;
    let end = rig.end(&batch).await;
    let mut found = Found::met(met);
    let expected = if met { "cancelled" } else { "succeeded" };
    found.wrong(usize::from(end != expected), || format!("the batch ended as {end}"));
    // What was stored came onto the timeline.
    let behind = rig.app.db.number_of("SELECT count(*) FROM items WHERE to_project").await;
    found.wrong(usize::try_from(behind).unwrap_or(0), || format!("{behind} items stored and never projected"));
    rig.changed = true;
    settled(&mut rig, found).await
}

/// Holds a run and lets it go on, up to three times.
pub(super) async fn pauses(cluster: Arc<Cluster>, seed: u64) -> Found {
    let (mut rig, batch, _worker) = underway(&cluster, seed).await;
    let mut met = false;
    for _ in 0..rig.rng.random_range(1..=3) {
        if !act(&rig, "pause", "batchId", &batch).await {
            break;
        }
        met = true;
        rig.linger(100).await;
        let resumed = act(&rig, "resume", "batchId", &batch).await;
        assert!(resumed, "a run that was held can be resumed");
        rig.linger(100).await;
    }
    whole(&mut rig, &batch, &["succeeded"], Found::met(met)).await
}
