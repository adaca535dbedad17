//! The timeline is a projection: after any history, building it anew from the raw events changes nothing.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use omnisync::{domain::ids::UserId, sandbox::Deliver};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use crate::{
    flow::everything,
    people::miscounted,
    support::{FINISHED, Person, TestApp, any_meeting},
};

const STEPS: usize = 15;
/// The tables that a projection writes.
const DERIVED: [&str; 4] = ["interactions", "interaction_people", "identities", "contacts"];

/// One person with a random history.
struct History<'a> {
    app: &'a TestApp,
    person: Person,
    name: String,
    email: String,
    account: String,
    preview: String,
    rng: StdRng,
    /// Batches that can be undone; none when the history is compared with Google's truth, which knows no undo.
    live: Vec<String>,
    with_undo: bool,
    n_delivered: usize,
}

impl<'a> History<'a> {
    async fn begin(app: &'a TestApp, seed: u64, with_undo: bool) -> Self {
        let name = format!("person{seed}");
        let email = format!("{name}@brightwater.example");
        app.google.add_account(&email, "Ada Brook").expect("an account");
        let person = app.person(&name);
        let rng = StdRng::seed_from_u64(seed);
        let mut history = Self {
            app,
            account: person.connect(&email).await,
            person,
            name,
            email,
            preview: String::new(),
            rng,
            live: Vec::new(),
            with_undo,
            n_delivered: 0,
        };
        for _ in 0..6 {
            history.deliver();
            history.put_event();
        }
        history.change_policy().await;
        history.import().await;
        history
    }

    /// Approves everything, what was undone before included.
    async fn import(&mut self) {
        let mut input = everything();
        input["includeUndone"] = json!(true);
        self.preview = self.person.preview_id(&self.account, input).await;
        let payload = self.person.approve(&self.preview, &self.preview).await;
        let batch = payload["batch"]["id"].as_str().unwrap_or_else(|| panic!("{payload:#}")).to_owned();
        self.wait(batch).await;
    }

    /// Syncs, or approves anew when an undo has taken the consent back.
    async fn sync(&mut self) {
        let query = "mutation($input: SyncNowInput!) { syncNow(input: $input) { batch { id } } }";
        let answer = self.person.data(query, json!({ "input": { "accountId": self.account } })).await;
        match answer["syncNow"]["batch"]["id"].as_str() {
            Some(batch) => self.wait(batch.to_owned()).await,
            None => self.import().await,
        }
    }

    async fn wait(&mut self, batch: String) {
        let done = self.person.batch_in(&batch, FINISHED).await;
        assert_eq!(done["state"], json!("SUCCEEDED"), "{}: {done:#}", self.name);
        self.live.push(batch);
    }

    fn deliver(&mut self) {
        self.n_delivered += 1;
        let n = self.n_delivered;
        let others =
            ["Grace <grace@example.org>", "grace+x@example.org", "Linus <linus@example.net>", "no-reply@example.net"];
        let other = others.choose(&mut self.rng).expect("some");
        let is_sent = self.rng.random_bool(0.4);
        let (from, to) = if is_sent { (self.email.as_str(), *other) } else { (*other, self.email.as_str()) };
        let head = format!("From: {from}\r\nTo: {to}\r\n");
        let raw =
            format!("{head}Subject: Mail {n}\r\nMessage-ID: <{n}.{}@example.org>\r\n\r\nNumber {n}\r\n", self.name);
        let labels = if is_sent { vec!["SENT".to_owned()] } else { Deliver::default().labels };
        let delivery = Deliver { labels, ..Deliver::default() };
        self.app.google.deliver(&self.email, raw.as_bytes(), delivery).expect("delivered");
    }

    fn put_event(&mut self) {
        let event = any_meeting(&mut self.rng, self.app.clock.now());
        self.app.google.put_event(&self.email, "primary", event).expect("made");
    }

    fn any_mail(&mut self) -> Option<String> {
        let mails = self.app.google.messages(&self.email).expect("mail");
        mails.choose(&mut self.rng).map(|mail| mail.id.clone())
    }

    /// A meeting that stands: a single one or a series.
    fn any_event(&mut self) -> Option<Value> {
        let events = self.app.google.events(&self.email, "primary").expect("events");
        let standing: Vec<_> = events
            .into_iter()
            .filter(|event| event["status"] != json!("cancelled") && event["recurringEventId"].is_null())
            .collect();
        standing.choose(&mut self.rng).cloned()
    }

    fn change_mail(&mut self) {
        let (google, email) = (self.app.google.clone(), self.email.clone());
        let Some(id) = self.any_mail() else { return };
        let changed = match self.rng.random_range(0..5) {
            0 => google.modify_labels(&email, &id, &["STARRED"], &["UNREAD"]),
            1 => google.modify_labels(&email, &id, &["UNREAD"], &["STARRED"]),
            2 => google.trash(&email, &id),
            3 => google.modify_labels(&email, &id, &["INBOX"], &["TRASH"]),
            _ => google.delete(&email, &id),
        };
        changed.expect("changed");
    }

    fn change_event(&mut self) {
        let (google, email) = (self.app.google.clone(), self.email.clone());
        let Some(event) = self.any_event() else { return };
        let id = event["id"].as_str().expect("an id");
        let start = moment(&event["start"]["dateTime"]);
        let is_series = event["recurrence"].is_array();
        let to = start + TimeDelta::minutes(self.rng.random_range(1..600));
        match self.rng.random_range(0..3) {
            0 => google.cancel_event(&email, "primary", id).expect("cancelled"),
            1 if is_series => {
                google.cancel_instance(&email, "primary", id, start + TimeDelta::days(1)).expect("cancelled")
            }
            2 if is_series => {
                let instance = format!("{id}_{}", start.format("%Y%m%dT%H%M%SZ"));
                // It may be cancelled already; then there is nothing to move.
                google.move_event(&email, "primary", &instance, to, to + TimeDelta::hours(1)).ok();
            }
            _ => google.move_event(&email, "primary", id, to, to + TimeDelta::hours(1)).expect("moved"),
        }
    }

    /// Deletions mean something else from now on. What is kept is not at Google any more, so it is left out where the timeline
    /// is compared with that.
    async fn change_policy(&mut self) {
        let policies: &[&str] =
            if self.with_undo { &["MIRROR", "TOMBSTONE", "KEEP"] } else { &["MIRROR", "TOMBSTONE"] };
        let policy = policies.choose(&mut self.rng).expect("some");
        self.person.set_deletion_policy(&self.account, policy).await;
    }

    async fn undo_any(&mut self) {
        if self.live.is_empty() {
            return;
        }
        let batch = self.live.swap_remove(self.rng.random_range(0..self.live.len()));
        self.person.undo_whole(&batch).await;
        self.change_policy().await;
    }

    async fn play(mut self) {
        for step in 0..STEPS {
            match self.rng.random_range(0..10) {
                0 | 1 => self.deliver(),
                2 | 3 => self.change_mail(),
                4 => self.put_event(),
                5 | 6 => self.change_event(),
                7 if self.with_undo => self.undo_any().await,
                7 => self.change_policy().await,
                _ => {
                    self.sync().await;
                    self.check(step).await;
                }
            }
        }
        self.sync().await;
        self.check(STEPS).await;
    }

    fn user(&self) -> UserId {
        UserId::of_subject(self.app.issuer(), &self.name)
    }

    /// Everything that is derived of the person, row by row with every column, as text.
    async fn rows(&self) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for table in DERIVED {
            let sql = format!("SELECT to_jsonb(n) FROM {table} n WHERE user_id = '{}' ORDER BY 1", self.user());
            all.extend(self.app.db.rows(&sql).await);
        }
        all
    }

    async fn check(&mut self, step: usize) {
        let (before, shown) = (self.rows().await, self.person.timeline(json!({})).await);
        if !self.with_undo {
            self.check_truth(step).await;
        }
        let miscounted = miscounted(&self.app.db, Some(self.user())).await;
        assert!(miscounted.is_empty(), "{} after step {step}: {miscounted:#?}", self.name);
        let user = self.user();
        for table in DERIVED {
            self.app.db.rows(&format!("DELETE FROM {table} WHERE user_id = '{user}'")).await;
        }
        self.app.db.rows(&format!("UPDATE items SET to_project = true WHERE user_id = '{user}'")).await;
        // A run in which nothing has changed projects what is marked as behind.
        self.sync().await;
        let after = self.rows().await;
        let only_in = |ours: &[Vec<String>], theirs: &[Vec<String>]| {
            ours.iter().filter(|row| !theirs.contains(row)).flatten().cloned().collect::<Vec<_>>()
        };
        let (lost, gained) = (only_in(&before, &after), only_in(&after, &before));
        assert!(lost == gained, "{} after step {step}: {lost:#?} became {gained:#?}", self.name);
        assert_eq!(self.person.timeline(json!({})).await, shown, "{} after step {step}", self.name);
    }

    /// The timeline against what Google has.
    async fn check_truth(&self, step: usize) {
        let mails = self.app.google.messages(&self.email).expect("mail");
        let expected: BTreeSet<(String, Vec<String>)> =
            mails.into_iter().filter(|mail| !mail.is_trashed).map(|mail| (mail.id, mail.labels)).collect();
        let labels = |row: &Value| -> Vec<String> {
            let mut labels: Vec<String> = serde_json::from_value(row["labels"].clone()).expect("labels");
            labels.sort_unstable();
            labels
        };
        let id = |value: &Value| value.as_str().expect("an id").to_owned();
        let shown = self.person.timeline(json!({ "kind": "EMAIL" })).await;
        let shown: BTreeSet<_> = shown.iter().map(|row| (id(&row["sourceId"]), labels(row))).collect();
        assert_eq!(shown, expected, "{} after step {step}", self.name);

        let window = self.app.window_of(&self.preview).await;
        let bearer = self.app.calendar_bearer(&self.person, &self.email).await;
        let listed = self.app.google_lists(&bearer, &["primary", "events"], &window, true).await;
        let group = |event: &Value| {
            id(if event["recurringEventId"].is_null() { &event["id"] } else { &event["recurringEventId"] })
        };
        let expected: BTreeSet<_> =
            listed.iter().map(|event| (group(event), moment(&event["start"]["dateTime"]))).collect();
        let shown = self.person.timeline(json!({ "kind": "MEETING" })).await;
        let shown: BTreeSet<_> = shown.iter().map(|row| (id(&row["sourceId"]), moment(&row["occurredAt"]))).collect();
        assert_eq!(shown, expected, "{} after step {step}", self.name);
    }
}

fn moment(value: &Value) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(value.as_str().unwrap_or_else(|| panic!("{value}"))).expect("a time").to_utc()
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_after_any_history_the_timeline_is_what_its_raw_events_and_google_say() {
    let app = TestApp::start().await;
    let app = &app;
    join_all((0..6).map(|seed| async move { History::begin(app, seed, seed % 2 == 1).await.play().await })).await;
}
