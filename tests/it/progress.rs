//! What a batch says of itself while it runs.

use omnisync::sandbox::{Fault, FaultMatch};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{TestApp, eventually},
};

fn job<'a>(batch: &'a Value, kind: &str) -> Option<&'a Value> {
    batch["jobs"].as_array()?.iter().find(|job| job["kind"] == kind)
}

/// Otherwise `percent` would rise to 100 by the first stream and fall back with the second.
#[tokio::test(flavor = "multi_thread")]
async fn everything_is_listed_only_when_every_stream_is() {
    let app = TestApp::start().await;
    small_mailbox(&app, 20, 10);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let preview = ada.preview_id(&account, everything()).await;
    // Mail waits half a minute before it lists anything; meetings do not.
    let profile = FaultMatch { path_prefix: "/gmail/v1/users/me/profile".to_owned(), ..FaultMatch::default() };
    let throttled = Fault { status: 429, reason: "rateLimitExceeded".to_owned(), message: String::new(), times: 1 };
    app.google.fail_next(profile, throttled);
    let batch = ada.approve(&preview, "once").await["batch"]["id"].as_str().expect("an id").to_owned();
    let look = || async {
        let batch = ada.batch(&batch).await;
        let is_read = job(&batch, "CALENDAR_SYNC").is_some_and(|job| job["state"] == "SUCCEEDED");
        let waits = job(&batch, "GMAIL_SYNC").is_some_and(|job| job["errorClass"] == "throttled");
        (is_read && waits).then_some(batch)
    };
    let batch = eventually(look, || "the meetings to be read while the mail waits".to_owned()).await;
    assert_eq!(batch["listingDone"], json!(false), "{batch:#}");
}
