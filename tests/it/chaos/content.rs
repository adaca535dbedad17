//! A message that cannot be had, and one that is as large as Gmail takes.

use std::sync::Arc;

use omnisync::sandbox::{Deliver, Effect, FaultMatch, FaultPlan, When};
use rand::Rng;

use super::{
    judge::{Found, whole},
    rig::{Rig, impatient},
};
use crate::{flow::ADA, support::Cluster};

/// The largest mail, in bytes, as it travels.
const LARGEST: usize = 50 << 20;

/// One message is refused for good, or comes as nonsense every time: it is set aside and named, and keeps nothing else
/// up. When it can be had, the next consent brings it.
pub(super) async fn poison(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut rig = Rig::new(&cluster, seed, impatient()).await;
    let batch = rig.import().await;
    let inside = rig.app.google.search(ADA, "-in:chats").expect("a search");
    let id = inside[rig.rng.random_range(0..inside.len())].clone();
    let refused = Effect::Refuse {
        status: 400,
        reason: "invalidArgument".to_owned(),
        message: "a fault of the tests".to_owned(),
        retry_after: None,
    };
    let effect = if seed.is_multiple_of(2) { refused } else { Effect::InvalidJson };
    let which = FaultMatch { method: None, path_prefix: format!("/gmail/v1/users/me/messages/{id}") };
    rig.app.google.plan_fault(FaultPlan { which, effect, latency_ms: 0, when: When::Next(u32::MAX) });
    let _worker = rig.worker();
    let end = rig.end(&batch).await;
    let mut found = Found::met(end == "partial");
    let failed = rig.app.db.rows("SELECT source_id FROM items WHERE outcome = 'failed' AND reason IS NOT NULL").await;
    found.wrong(usize::from(failed != [[id.clone()]]), || format!("{failed:?} set aside instead of {id}"));
    let shown = rig.app.db.number_of("SELECT count(*) FROM interactions WHERE kind = 'email'").await;
    let missing = inside.len() - 1 - usize::try_from(shown).unwrap_or(0).min(inside.len() - 1);
    found.wrong(missing, || format!("the poison kept {missing} others away"));
    rig.app.google.clear_faults();
    let again = rig.import().await;
    whole(&mut rig, &again, &["succeeded"], found).await
}

/// A mail with an attachment that does not compress.
fn large(rig: &mut Rig) -> Vec<u8> {
    const LINE: usize = 57;
    const HEAD: &str = "From: Grace <grace@example.org>\r\nTo: ada@brightwater.example\r\nSubject: Everything\r\n\
        Message-ID: <large@chaos.example.org>\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"part\"\r\n\r\n--part\r\nContent-Type: text/plain\r\n\r\nAll of it.\r\n\
        --part\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"all.bin\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n";
    let mut mail = HEAD.as_bytes().to_vec();
    let mut line = [0; LINE];
    // Xorshift: a good generator takes seconds for so much without optimization.
    let mut word = rig.rng.random_range(1..u64::MAX);
    while mail.len() < LARGEST - 200 {
        for bytes in line.chunks_mut(8) {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
        }
        mail.extend_from_slice(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, line).as_bytes());
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(b"--part--\r\n");
    mail
}

/// A message of 50 MiB among small ones.
pub(super) async fn huge(cluster: Arc<Cluster>, seed: u64) -> Found {
    let mut settings = impatient();
    // A minute of work in a debug build, on a machine that others share; nobody dies here.
    let patient = [("LEASE_SECS", "600"), ("GOOGLE_TIMEOUT_SECS", "60")];
    settings.extend(patient.map(|(name, value)| (name, value.to_owned())));
    let mut rig = Rig::sized(&cluster, seed, settings, 5..=20).await;
    let mail = large(&mut rig);
    rig.app.google.deliver(ADA, &mail, Deliver::default()).expect("delivered");
    let batch = rig.import().await;
    let _worker = rig.worker();
    whole(&mut rig, &batch, &["succeeded"], Found::met(true)).await
}
