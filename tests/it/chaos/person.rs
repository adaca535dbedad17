//! A person who takes back, stops or holds what has just begun, who leaves and comes back, and who has two accounts.

use std::{sync::Arc, time::Duration};

use omnisync::sandbox::{Effect, FaultMatch, FaultPlan, When};
use rand::{Rng, seq::SliceRandom};
use serde_json::{Value, json};

use super::{
    judge::{Found, settled, undone, whole},
    rig::{BEN, Rig, impatient},
};
use crate::{
    flow::ADA,
    support::{Cluster, Consent, WorkerProcess, input_of, uuid_of},
};

/// Asks for `pause` and the like; what is refused, because the run was over, is said.
async fn act(rig: &Rig, mutation: &str, field: &str, id: &str) -> bool {
    let input = input_of(mutation);
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
async fn underway(cluster: &Arc<Cluster>, seed: u64) -> (Rig, String, WorkerProcess) {
    let mut rig = Rig::new(cluster, seed, impatient()).await;
    let batch = rig.import().await;
    rig.straggle();
    let worker = rig.worker();
    let steps =
        format!("SELECT n_listed + n_stored + n_normalized FROM batches WHERE batch_id = '{}'", uuid_of(&batch));
    // Of each mail three steps; of the last ones, which end the run, there is one too many to wait for.
    let least = rig.rng.random_range(0..rig.n_messages * 5 / 2);
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

/// The payload of a mutation on the account.
async fn ask(rig: &Rig, mutation: &str, more: &Value) -> Value {
    let input = input_of(mutation);
    let mut fields = json!({ "accountId": rig.account });
    fields.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
    let returned = if mutation == "disconnect" { "account { state }" } else { "batch { id }" };
    let query =
        format!("mutation($input: {input}!) {{ {mutation}(input: $input) {{ {returned} userErrors {{ code }} }} }}");
    rig.ada.data(&query, json!({ "input": fields })).await[mutation].clone()
}

/// A later run or an audit begins while the person disconnects the account and, it may be, links it again. Whichever comes
/// first, nothing stands still, and with a new approval everything is there.
pub(super) async fn leaves(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let _worker = rig.worker();
    let first = rig.import().await;
    rig.end(&first).await;
    (0..rig.n_messages / 4).for_each(|_| rig.change());
    // What has changed is little, and would be read before anyone could leave.
    for api in ["/gmail/", "/calendar/"] {
        rig.slow(api, 150, When::Next(u32::MAX));
    }
    let run = ["syncNow", "auditCompleteness"][rig.rng.random_range(0..2)];
    // All at once, or the run first and the others in its middle.
    let delays: Vec<Duration> = (0..3).map(|_| Duration::from_millis(rig.rng.random_range(0..80))).collect();
    let (comes_back, ahead) = (rig.rng.random_bool(0.5), rig.rng.random_bool(0.5));
    let begun = if ahead { Some(ask(&rig, run, &json!({})).await) } else { None };
    if let Some(batch) = begun.as_ref().and_then(|begun| begun["batch"]["id"].as_str()) {
        let least = rig.rng.random_range(0..rig.n_messages / 16);
        rig.stored(batch, least).await;
    }
    let running = async {
        tokio::time::sleep(delays[0]).await;
        ask(&rig, run, &json!({})).await
    };
    let leaving = async {
        tokio::time::sleep(delays[1]).await;
        ask(&rig, "disconnect", &json!({ "data": "KEEP", "revoke": seed.is_multiple_of(2) })).await
    };
    let returning = async {
        if comes_back {
            tokio::time::sleep(delays[2]).await;
            let (url, cookie) = rig.ada.begin_connect(json!({})).await;
            let back = rig.ada.consent(&url, ADA, Consent::All).await;
            // A grant that is being taken back may take the new one's code with it; then it is not linked.
            rig.ada.come_back(back, Some(&cookie)).await;
        }
    };
    let (ran, left, ()) = tokio::join!(running, leaving, returning);
    let mut found = Found::default();
    found.wrong(usize::from(left["userErrors"] != json!([])), || format!("could not leave: {left}"));
    for begun in begun.iter().chain([&ran]) {
        let Some(batch) = begun["batch"]["id"].as_str() else {
            let known = ["DISCONNECTED", "NO_CONSENT", "NEEDS_REAUTH", "ACCOUNT_BUSY"];
            let code = begun["userErrors"][0]["code"].as_str().unwrap_or_default().to_owned();
            found.wrong(usize::from(!known.contains(&code.as_str())), || format!("no run: {begun}"));
            found.met = true;
            continue;
        };
        let end = rig.end(batch).await;
        found.met |= end != "succeeded";
        // It was stopped, or found that there was nothing left to read or nobody to read it for.
        let known = ["cancelled", "succeeded", "partial", "failed"];
        found.wrong(usize::from(!known.contains(&end.as_str())), || format!("the run ended as {end}"));
    }
    rig.app.google.clear_faults();
    let account = rig.ada.connect(ADA).await;
    found.wrong(usize::from(account != rig.account), || "the account came back as another".to_owned());
    let again = rig.import().await;
    whole(&mut rig, &again, &["succeeded"], found).await
}

/// What happens to one of two accounts.
async fn troubled(rig: &mut Rig, batch: &str) -> bool {
    let least = rig.rng.random_range(0..rig.n_messages / 2);
    let met = rig.stored(batch, least).await;
    match rig.rng.random_range(0..3) {
        0 => rig.app.google.revoke_grants(BEN).expect("revoked"),
        1 => rig.app.google.narrow_grants(BEN, &["https://www.googleapis.com/auth/gmail.readonly"]).expect("narrowed"),
        _ => {
            rig.app.google.expire_history(BEN).expect("expired");
            rig.app.google.invalidate_sync_tokens(BEN).expect("invalidated");
            rig.app.google.expire_access_tokens(BEN).expect("expired");
        }
    }
    met
}

/// Two accounts of one person are read at once, and one of them has trouble: refusals, broken answers, and a grant, a scope or
/// a cursor that ends. The other must not notice.
pub(super) async fn two_accounts(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let ada = rig.account.clone();
    let ben = rig.link_another(seed + 1_000).await;
    let mut bens = rig.app.google.search(BEN, "-in:chats").expect("a search");
    bens.shuffle(&mut rig.rng);
    for (n, id) in bens.iter().take(bens.len() / 4).enumerate() {
        let refused = |status, reason: &str| Effect::Refuse {
            status,
            reason: reason.to_owned(),
            message: "a fault of the tests".to_owned(),
            retry_after: Some("1".to_owned()),
        };
        let effect = match n % 4 {
            0 => refused(500, "backendError"),
            1 => refused(403, "rateLimitExceeded"),
            2 => Effect::CutBody,
            _ => Effect::InvalidJson,
        };
        let which = FaultMatch { method: None, path_prefix: format!("/gmail/v1/users/me/messages/{id}") };
        rig.app.google.plan_fault(FaultPlan { which, effect, latency_ms: 0, when: When::Next(1) });
    }
    let adas = rig.import().await;
    (rig.account, rig.email) = (ben.clone(), BEN);
    rig.straggle();
    let batch = rig.import().await;
    let _workers = (rig.worker(), rig.worker());
    let mut found = Found::met(troubled(&mut rig, &batch).await);
    let end = rig.end(&adas).await;
    found.wrong(usize::from(end != "succeeded"), || format!("the other account's batch ended as {end}"));
    rig.end(&batch).await;
    // The person links it again, and asks once more for what did not come.
    rig.ada.connect(BEN).await;
    rig.app.google.clear_faults();
    let again = rig.import().await;
    let found = whole(&mut rig, &again, &["succeeded"], found).await;
    (rig.account, rig.email) = (ada, ADA);
    settled(&mut rig, found).await
}
