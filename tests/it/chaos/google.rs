//! A Google that refuses, forgets, takes rights away, and does not stand still.

use std::sync::Arc;

use omnisync::sandbox::{Effect, FaultMatch, FaultPlan, When};
use rand::{Rng, seq::SliceRandom};

use super::{
    judge::{Found, settled, whole},
    person::retry_dead,
    rig::{Rig, impatient},
};
use crate::{flow::ADA, support::Cluster};

/// Both services.
const APIS: [&str; 2] = ["/gmail/", "/calendar/"];
/// The share of calls that meet each of the five troubles: 20 % in all.
const SHARE_OF_EACH: f64 = 0.0436;

fn refusal(status: u16, reason: &str, retry_after: Option<&str>) -> Effect {
    let (reason, message) = (reason.to_owned(), "a fault of the tests".to_owned());
    Effect::Refuse { status, reason, message, retry_after: retry_after.map(str::to_owned) }
}

/// 429, 403, 500, calls that take too long and bodies cut in half, on a fifth of all calls.
pub(super) async fn refuses(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut settings = impatient();
    settings.insert("GOOGLE_TIMEOUT_SECS", "1".to_owned());
    let mut rig = Rig::new(&cluster, seed, settings).await;
    let batch = rig.import().await;
    let mut troubles = [
        (refusal(429, "rateLimitExceeded", Some("1")), 0),
        (refusal(403, "rateLimitExceeded", Some("1")), 0),
        (refusal(500, "backendError", None), 0),
        (Effect::Late, 1_500),
        (Effect::CutBody, 0),
    ];
    // A call meets the first plan that it falls under, so the order matters a little.
    troubles.shuffle(&mut rig.rng);
    for (n, (effect, latency_ms)) in (0..).zip(troubles) {
        for api in APIS {
            let which = FaultMatch { method: None, path_prefix: api.to_owned() };
            let when = When::Share { probability: SHARE_OF_EACH, seed: seed * 10 + n };
            rig.app.google.plan_fault(FaultPlan { which, effect: effect.clone(), latency_ms, when });
        }
    }
    let _worker = rig.worker();
    let end = rig.end(&batch).await;
    rig.app.google.clear_faults();
    let mut found = Found::met(true);
    // Three failures of one message set it aside, five of one listing give the job up. Both must be named, and the person
    // asks for the rest once more.
    if end == "partial" || end == "failed" {
        let told = rig
            .app
            .db
            .number_of("SELECT n_failed + (SELECT count(*) FROM jobs WHERE state = 'dead') FROM batches")
            .await;
        found.wrong(usize::from(told == 0), || format!("the batch ended as {end}, and nothing says why"));
        let again = rig.import().await;
        return whole(&mut rig, &again, &["succeeded"], found).await;
    }
    whole(&mut rig, &batch, &["succeeded"], found).await
}

/// Cursors of both services die while the first run lists and fetches, and a mail with them.
pub(super) async fn forgets(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let is_later_run = rig.rng.random_bool(0.5);
    let _worker = rig.worker();
    let mut batch = rig.import().await;
    if is_later_run {
        rig.end(&batch).await;
        (0..rig.n_messages / 4).for_each(|_| rig.change());
        batch = rig.ada.sync_now(&rig.account).await;
    }
    let mut met = false;
    for _ in 0..rig.rng.random_range(1..=3) {
        let least = rig.rng.random_range(0..rig.n_messages / if is_later_run { 8 } else { 2 });
        let alive = rig.stored(&batch, least).await;
        (0..rig.rng.random_range(0..4)).for_each(|_| rig.change());
        rig.app.google.expire_history(ADA).expect("expired");
        rig.app.google.invalidate_sync_tokens(ADA).expect("invalidated");
        rig.changed = true;
        met |= alive;
    }
    whole(&mut rig, &batch, &["succeeded"], Found::met(met)).await
}

/// The person takes the grant back at Google in the middle, and links the account again.
pub(super) async fn revokes(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let batch = rig.import().await;
    let _worker = rig.worker();
    let least = rig.rng.random_range(0..rig.n_messages * 2 / 3);
    rig.stored(&batch, least).await;
    rig.linger(60).await;
    rig.app.google.revoke_grants(ADA).expect("revoked");
    let end = rig.end(&batch).await;
    let mut found = Found::met(end != "succeeded");
    rig.ada.connect(ADA).await;
    if rig.rng.random_bool(0.5) {
        if end == "succeeded" {
            return settled(&mut rig, found).await;
        }
        retry_dead(&rig, &batch).await;
        return whole(&mut rig, &batch, &["succeeded"], found).await;
    }
    let again = rig.ada.sync_now(&rig.account).await;
    found.wrong(usize::from(end == "cancelled"), || format!("the batch ended as {end}"));
    whole(&mut rig, &again, &["succeeded"], found).await
}

/// One of the two scopes goes away in the middle, and comes back when the person links the account again.
pub(super) async fn narrows(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let batch = rig.import().await;
    let is_mail = rig.rng.random_bool(0.5);
    // Meetings are few: they would all be there before anyone could take anything away.
    if is_mail {
        rig.straggle()
    } else {
        rig.slow("/calendar/", 500, When::Next(u32::MAX))
    }
    let _worker = rig.worker();
    let scope = if is_mail {
        let least = rig.rng.random_range(0..rig.n_messages / 2);
        rig.stored(&batch, least).await;
        "https://www.googleapis.com/auth/gmail.readonly"
    } else {
        let at_work = "SELECT count(*) FROM jobs WHERE kind = 'google_calendar_sync' AND state = 'running'";
        rig.reaches(&batch, at_work, 1).await;
        rig.linger(400).await;
        "https://www.googleapis.com/auth/calendar.readonly"
    };
    rig.app.google.narrow_grants(ADA, &[scope]).expect("narrowed");
    rig.app.google.clear_faults();
    let end = rig.end(&batch).await;
    let found = Found::met(end != "succeeded");
    rig.ada.connect(ADA).await;
    if end != "succeeded" && rig.rng.random_bool(0.5) {
        retry_dead(&rig, &batch).await;
        return whole(&mut rig, &batch, &["succeeded"], found).await;
    }
    let again = rig.ada.sync_now(&rig.account).await;
    whole(&mut rig, &again, &["succeeded"], found).await
}

/// Mail comes, is labelled, trashed and deleted, meetings move, while they are read.
pub(super) async fn changes(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let batch = rig.import().await;
    let _worker = rig.worker();
    let mut n_met = 0;
    for least in (0..rig.n_messages).step_by(5) {
        let alive = rig.stored(&batch, least).await;
        (0..rig.rng.random_range(1..=3)).for_each(|_| rig.change());
        n_met += usize::from(alive);
    }
    whole(&mut rig, &batch, &["succeeded"], Found::met(n_met > 0)).await
}
