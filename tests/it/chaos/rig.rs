//! What a run stands on: a person with a mailbox of their own, and the ways in which it changes.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use omnisync::sandbox::{Control, Deliver, Effect, FaultMatch, FaultPlan, Generate, When};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything},
    support::{Cluster, Person, Settings, TestApp, WorkerProcess, any_meeting, eventually_within, uuid_of},
};

/// How long a batch may take to end: tries that failed wait up to 15, 30 and 60 s for the next.
const PATIENCE: Duration = Duration::from_secs(200);
/// States that a batch leaves by itself.
const GOING: [&str; 4] = ["queued", "running", "undoing", "redoing"];
/// The calendar that changes.
const CALENDAR: &str = "primary";

/// Someone else's mailbox, of the same person here.
pub(super) const BEN: &str = "ben@stonebridge.example";
/// The most runs that go at once.
const RUNS: f64 = 6.0;
/// How long a lease lasts for each run that shares a processor, in seconds.
const LEASE_SECS: u32 = 3;
/// And at most: a crash must be over well before a run counts as stuck.
const MAX_LEASE_SECS: u32 = 20;

/// Short leases and slices, so that a crash is over soon and every run has many slices.
pub(super) fn impatient() -> Settings {
    let lease = lease_secs().to_string();
    let settings = [("LEASE_SECS", &*lease), ("SLICE_SECS", "2"), ("SLICE_ITEMS", "40"), ("CHUNK_ITEMS", "10")];
    settings.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// A lease that a worker which lives keeps, however many others it shares the machine with: it is to run out when a worker
/// has died, and three times in a row would rightly give the job up.
fn lease_secs() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
    // What else the machine does just now; nothing where the system does not say.
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let load = load.and_then(|text| text.split(' ').next()?.parse::<f64>().ok()).unwrap_or_default();
    let sharing = (load.max(RUNS) / processors).ceil().max(1.0) as u32;
    (LEASE_SECS * sharing).min(MAX_LEASE_SECS)
}

/// One run's application, person and mailbox. Its database goes with it.
pub(super) struct Rig {
    pub(super) app: TestApp,
    pub(super) ada: Person,
    /// The account that changes and is judged, and its address.
    pub(super) account: String,
    pub(super) email: &'static str,
    /// Decides whatever the run leaves to chance.
    pub(super) rng: StdRng,
    /// Messages in the mailbox at the start.
    pub(super) n_messages: usize,
    /// Whether something has changed at Google since the start.
    pub(super) changed: bool,
    n_made: usize,
    cluster: Arc<Cluster>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        let (cluster, number) = (Arc::clone(&self.cluster), self.app.db.number);
        tokio::spawn(async move { cluster.remove(number).await });
    }
}

impl Rig {
    /// A person who is linked, with a mailbox that follows from the seed; API running, no worker.
    pub(super) async fn new(cluster: &Arc<Cluster>, seed: u64, settings: Settings) -> Self {
        Self::sized(cluster, seed, settings, 50..=150).await
    }

    /// As [`Rig::new`], with a mailbox of this size.
    pub(super) async fn sized(
        cluster: &Arc<Cluster>,
        seed: u64,
        settings: Settings,
        messages: std::ops::RangeInclusive<usize>,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let app = TestApp::start_idle_on(cluster, settings).await;
        let (n_messages, events) = (rng.random_range(messages), rng.random_range(8..=20));
        fill(&app, ADA, seed, n_messages, events);
        let ada = app.person("ada");
        let account = ada.connect(ADA).await;
        // Under both of these the timeline is what Google has; only what lies below it differs.
        ada.set_deletion_policy(&account, if rng.random_bool(0.5) { "MIRROR" } else { "TOMBSTONE" }).await;
        let cluster = Arc::clone(cluster);
        Self { app, ada, account, email: ADA, rng, n_messages, changed: false, n_made: 0, cluster }
    }

    /// Gives the person a second account, of about the same size; gives its id.
    pub(super) async fn link_another(&mut self, seed: u64) -> String {
        fill(&self.app, BEN, seed, self.n_messages, 8);
        self.ada.connect(BEN).await
    }

    /// Makes calls to Google take their time, so that whatever is to happen in between can.
    pub(super) fn slow(&self, path_prefix: &str, latency_ms: u64, when: When) {
        let which = FaultMatch { method: None, path_prefix: path_prefix.to_owned() };
        self.app.google.plan_fault(FaultPlan { which, effect: Effect::Late, latency_ms, when });
    }

    /// Lets one mail come a second later than the others, so that the run is not over before something can happen to it.
    pub(super) fn straggle(&mut self) {
        let inside = self.app.google.search(self.email, "-in:chats").expect("a search");
        let id = inside.choose(&mut self.rng).expect("mail");
        self.slow(&format!("/gmail/v1/users/me/messages/{id}"), 1_000, When::Next(1));
    }

    /// Everything the account's mailbox and calendars hold.
    pub(super) fn consent(&self) -> Value {
        let mut input = everything();
        (input["privateEvents"], input["includeUndone"]) = (json!(true), json!(true));
        input["calendars"] = json!(self.app.google.calendars(self.email).expect("calendars"));
        input
    }

    /// Previews and approves everything; gives the batch.
    pub(super) async fn import(&self) -> String {
        self.ada.import(&self.account, self.consent()).await
    }

    pub(super) fn worker(&self) -> WorkerProcess {
        WorkerProcess::start(&self.app.vars)
    }

    /// A batch's state, straight from the database.
    pub(super) async fn state(&self, batch: &str) -> String {
        let sql = format!("SELECT state FROM batches WHERE batch_id = '{}'", uuid_of(batch));
        self.app.db.rows(&sql).await[0][0].clone()
    }

    /// Waits until a number in the database has come this far; `false` when the batch ended first.
    pub(super) async fn reaches(&self, batch: &str, sql: &str, least: usize) -> bool {
        let least = i64::try_from(least).expect("a small number");
        let look = || async {
            if self.app.db.number_of(sql).await >= least {
                return Some(true);
            }
            (!GOING.contains(&self.state(batch).await.as_str())).then_some(false)
        };
        eventually_within(PATIENCE, look, || format!("{least} from {sql}")).await
    }

    /// Waits until so many items of the batch are stored; `false` when it ended first.
    pub(super) async fn stored(&self, batch: &str, least: usize) -> bool {
        let sql = format!("SELECT n_stored FROM batches WHERE batch_id = '{}'", uuid_of(batch));
        self.reaches(batch, &sql, least).await
    }

    /// Waits until the batch has ended, undone included; gives its state.
    pub(super) async fn end(&self, batch: &str) -> String {
        let look = || async {
            let state = self.state(batch).await;
            (!GOING.contains(&state.as_str()) && state != "paused").then_some(state)
        };
        let sql = format!(
            "SELECT b.state, j.kind, j.state, j.attempt, j.error_class, j.run_at - now(), j.checkpoint
             FROM batches b JOIN jobs j USING (user_id, batch_id) WHERE batch_id = '{}'",
            uuid_of(batch)
        );
        match tokio::time::timeout(PATIENCE, eventually_within(PATIENCE * 2, look, String::new)).await {
            Ok(state) => state,
            Err(_) => panic!("never came about: the end of a batch; {:?}", self.app.db.rows(&sql).await),
        }
    }

    fn google(&self) -> Control {
        self.app.google.clone()
    }

    /// Delivers a mail; gives its id.
    pub(super) fn deliver(&mut self) -> String {
        self.n_made += 1;
        let n = self.n_made;
        let head = "From: Grace <grace@example.org>\r\nTo: ada@brightwater.example\r\n";
        let raw = format!("{head}Subject: Mail {n}\r\nMessage-ID: <{n}@chaos.example.org>\r\n\r\nNumber {n}\r\n");
        self.changed = true;
        self.google().deliver(self.email, raw.as_bytes(), Deliver::default()).expect("delivered")
    }

    /// Makes a meeting or a series.
    pub(super) fn meet(&mut self) {
        let event = any_meeting(&mut self.rng, self.app.clock.now());
        self.changed = true;
        self.google().put_event(self.email, CALENDAR, event).expect("made");
    }

    /// Does one thing that people do to their mail and meetings.
    pub(super) fn change(&mut self) {
        self.changed = true;
        match self.rng.random_range(0..8) {
            0..=2 => drop(self.deliver()),
            3..=5 => self.change_mail(),
            6 => self.meet(),
            _ => self.change_meeting(),
        }
    }

    fn change_mail(&mut self) {
        let mails = self.google().messages(self.email).expect("mail");
        let Some(id) = mails.choose(&mut self.rng).map(|mail| mail.id.clone()) else { return };
        let (google, email) = (self.google(), self.email);
        let changed = match self.rng.random_range(0..5) {
            0 => google.modify_labels(email, &id, &["STARRED"], &["UNREAD"]),
            1 => google.modify_labels(email, &id, &["UNREAD"], &["STARRED"]),
            2 => google.trash(email, &id),
            3 => google.modify_labels(email, &id, &["INBOX"], &["TRASH"]),
            _ => google.delete(email, &id),
        };
        changed.expect("changed");
    }

    fn change_meeting(&mut self) {
        let events = self.google().events(self.email, CALENDAR).expect("events");
        let standing = |event: &&Value| {
            event["status"] != json!("cancelled")
                && event["recurringEventId"].is_null()
                && event["start"]["dateTime"].is_string()
        };
        let standing: Vec<&Value> = events.iter().filter(standing).collect();
        let Some(event) = standing.choose(&mut self.rng) else { return };
        let id = event["id"].as_str().expect("an id");
        if self.rng.random_bool(0.3) {
            return self.google().cancel_event(self.email, CALENDAR, id).expect("cancelled");
        }
        let to = moment(&event["start"]["dateTime"]) + TimeDelta::minutes(self.rng.random_range(1..600));
        self.google().move_event(self.email, CALENDAR, id, to, to + TimeDelta::hours(1)).expect("moved");
    }

    /// Waits a moment that the seed has chosen: not for anything to happen, but so that the next comes at any time.
    pub(super) async fn linger(&mut self, up_to_ms: u64) {
        let moment = self.rng.random_range(0..=up_to_ms);
        tokio::time::sleep(Duration::from_millis(moment)).await;
    }
}

/// Puts mail and meetings into an account, new if need be.
fn fill(app: &TestApp, email: &str, seed: u64, messages: usize, events: usize) {
    app.google.add_account(email, "Ada Brook").expect("an account");
    let usual = Generate::usual(app.clock.now().trunc_subsecs(0));
    app.google.generate(email, &Generate { seed, messages, events, months: 3, ..usual }).expect("a mailbox");
}

pub(super) fn moment(value: &Value) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(value.as_str().unwrap_or_else(|| panic!("{value}"))).expect("a time").to_utc()
}
