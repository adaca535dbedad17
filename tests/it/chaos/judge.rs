//! Compares the database with the sandbox: what should be there is there once, in the newest version, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::rig::{Rig, moment};
use crate::support::{eventually, uuid_of};

/// What one run came to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whether the trouble came while the run was under way.
    pub(super) met: bool,
    /// Items and occurrences that the sandbox has, and the timeline has not or in an older version.
    pub(super) lost: usize,
    /// Items, versions and occurrences that are there more than once.
    pub(super) doubled: usize,
    /// Whether something never came to its end.
    pub(super) stuck: bool,
    /// Whatever else is not as it should be.
    pub(super) wrong: usize,
    /// Each of these in words.
    pub(super) notes: Vec<String>,
}

impl Found {
    pub(super) fn met(met: bool) -> Self {
        Self { met, ..Self::default() }
    }

    pub(super) fn stuck(note: impl Into<String>) -> Self {
        Self { stuck: true, notes: vec![note.into()], ..Self::default() }
    }

    pub(super) fn broken(note: impl Into<String>) -> Self {
        Self { wrong: 1, notes: vec![note.into()], ..Self::default() }
    }

    pub(super) fn wrong(&mut self, n: usize, note: impl FnOnce() -> String) {
        if n > 0 {
            self.wrong += n;
            self.notes.push(note());
        }
    }

    fn lost<T: std::fmt::Debug>(&mut self, what: &str, lost: &[T]) {
        if !lost.is_empty() {
            self.lost += lost.len();
            self.notes.push(format!("{} {what} lost, as {:?}", lost.len(), &lost[..lost.len().min(3)]));
        }
    }

    fn doubled<T: std::fmt::Debug>(&mut self, what: &str, doubled: &[T]) {
        if !doubled.is_empty() {
            self.doubled += doubled.len();
            self.notes.push(format!("{} {what} doubled, as {:?}", doubled.len(), &doubled[..doubled.len().min(3)]));
        }
    }
}

/// Jobs that still do something for a batch that is over, and deletions whose time has come.
const AT_WORK: &str = "SELECT (SELECT count(*) FROM items WHERE purge_at <= now()) + count(*) FROM jobs j JOIN batches b USING (user_id, batch_id)
    WHERE j.state IN ('queued', 'running', 'waiting', 'paused') AND b.state NOT IN ('queued', 'running', 'paused', 'undoing', 'redoing')";

/// Counts of rows that there must be none of once every batch has ended.
const NEVER: [(&str, &str); 11] = [
    (
        // A batch that brought two versions of an item holds it in the newer one, and gives both up.
        "raw events that no batch holds",
        "SELECT count(*) FROM raw_events r WHERE NOT EXISTS (SELECT FROM batch_items b
             WHERE (b.user_id, b.stream_id, b.source_id) = (r.user_id, r.stream_id, r.source_id)
                 AND (b.version = r.version OR b.batch_id = r.batch_id))",
    ),
    (
        "holds on raw events that are not there",
        // A purge makes them hold nothing.
        "SELECT count(*) FROM batch_items b WHERE CASE WHEN version IS NULL
             THEN outcome IN ('stored', 'unchanged') AND NOT EXISTS (SELECT FROM sync_audit WHERE action = 'purge')
             ELSE NOT EXISTS (SELECT FROM raw_events r
                 WHERE (b.user_id, b.stream_id, b.source_id, b.version) = (r.user_id, r.stream_id, r.source_id, r.version)) END",
    ),
    (
        "holds of undone batches",
        "SELECT count(*) FROM batch_items JOIN batches USING (user_id, batch_id) WHERE state = 'undone'",
    ),
    (
        "rows kept for the redo of batches that are not undone",
        "SELECT count(*) FROM undone_items JOIN batches USING (user_id, batch_id) WHERE state <> 'undone'",
    ),
    (
        "interactions without their raw event",
        "SELECT count(*) FROM interactions n WHERE NOT EXISTS (SELECT FROM raw_events r WHERE r.user_id = n.user_id
             AND r.stream_id = n.stream_id AND r.group_key = n.group_key AND r.version = n.version AND r.batch_id = n.batch_id)",
    ),
    (
        "items in sight with something to purge, or out of sight with older versions for ever",
        "SELECT count(*) FROM items i JOIN LATERAL (SELECT kind, version FROM raw_events r
             WHERE (r.user_id, r.stream_id, r.source_id) = (i.user_id, i.stream_id, i.source_id) ORDER BY version DESC LIMIT 1) n ON true
         WHERE CASE WHEN i.purge_at IS NOT NULL THEN n.kind NOT IN ('gone', 'departed')
             ELSE n.kind IN ('gone', 'departed') AND EXISTS (SELECT FROM raw_events r
                 WHERE (r.user_id, r.stream_id, r.source_id) = (i.user_id, i.stream_id, i.source_id) AND r.version < n.version) END",
    ),
    (
        "stored items that are out of sight",
        "SELECT count(*) FROM items i JOIN LATERAL (SELECT kind FROM raw_events r
             WHERE (r.user_id, r.stream_id, r.source_id) = (i.user_id, i.stream_id, i.source_id) ORDER BY version DESC LIMIT 1) n ON true
         WHERE i.outcome = 'stored' AND n.kind <> 'item'",
    ),
    ("items that are not projected", "SELECT count(*) FROM items WHERE to_project"),
    ("items that were left pending", "SELECT count(*) FROM items WHERE outcome = 'pending'"),
    (
        "batches that call a failure a success",
        "SELECT count(*) FROM batches b WHERE state = 'succeeded' AND (n_failed > 0 OR EXISTS (SELECT FROM jobs j
             WHERE j.user_id = b.user_id AND j.batch_id = b.batch_id AND j.state = 'dead'))",
    ),
    (
        "batches whose counts their items deny",
        "SELECT count(*) FROM batches b JOIN LATERAL (SELECT count(*) FILTER (WHERE outcome = 'stored') AS stored,
                 count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged, count(*) FILTER (WHERE outcome = 'filtered') AS filtered,
                 count(*) FILTER (WHERE outcome = 'failed') AS failed, count(*) FILTER (WHERE outcome = 'gone') AS gone
             FROM batch_items i WHERE i.user_id = b.user_id AND i.batch_id = b.batch_id) i ON true
         WHERE b.state = 'succeeded' AND (n_stored, n_unchanged, n_filtered, n_failed, n_gone)
             <> (i.stored, i.unchanged, i.filtered, i.failed, i.gone)",
    ),
];

/// Waits for the batch's end, lets the next run bring what has changed, and compares; then builds the timeline anew.
pub(super) async fn whole(rig: &mut Rig, batch: &str, ends: &[&str], mut found: Found) -> Found {
    let end = rig.end(batch).await;
    if !ends.contains(&end.as_str()) {
        found.wrong(1, || format!("the batch ended as {end}"));
        found
            .notes
            .push(format!("{:?}", rig.app.db.rows("SELECT kind, state, attempt, error_class, error FROM jobs").await));
    }
    settled(rig, found).await
}

/// As [`whole`], when the batch has ended.
pub(super) async fn settled(rig: &mut Rig, mut found: Found) -> Found {
    rig.app.google.clear_faults();
    let _worker = rig.worker();
    if rig.changed {
        again(rig, &mut found).await;
    }
    mails(rig, &mut found).await;
    meetings(rig, &mut found).await;
    nothing_amiss(rig, &mut found).await;
    rebuilt(rig, &mut found).await;
    found
}

/// Checks what must never be, once the workers have let go of their last jobs.
pub(super) async fn nothing_amiss(rig: &Rig, found: &mut Found) {
    let at_rest = || async { (rig.app.db.number_of(AT_WORK).await == 0).then_some(()) };
    eventually(at_rest, || "rest of jobs whose batches are over".to_owned()).await;
    for (what, sql) in NEVER {
        let n = rig.app.db.number_of(sql).await;
        found.wrong(usize::try_from(n).unwrap_or(0), || format!("{n} {what}"));
    }
}

/// A later run, which must succeed.
async fn again(rig: &Rig, found: &mut Found) {
    let batch = rig.ada.sync_now(&rig.account).await;
    let end = rig.end(&batch).await;
    found.wrong(usize::from(end != "succeeded"), || format!("the run after it ended as {end}"));
}

/// The ledger of a stream: id, then outcome and version.
async fn ledger(rig: &Rig, collection: &str) -> BTreeMap<String, (String, i64)> {
    let sql = format!(
        "SELECT i.source_id, i.outcome, coalesce(i.version, -1) FROM items i JOIN streams s USING (user_id, stream_id)
         WHERE s.account_id = '{}' AND s.collection_id = '{collection}'",
        uuid_of(&rig.account)
    );
    let rows = rig.app.db.rows(&sql).await;
    rows.into_iter().map(|row| (row[0].clone(), (row[1].clone(), row[2].parse().expect("a number")))).collect()
}

/// What is in one list and not, or less often, in the other.
fn without<T: Ord + Clone>(list: &[T], other: &[T]) -> Vec<T> {
    let mut left: BTreeMap<&T, isize> = BTreeMap::new();
    list.iter().for_each(|one| *left.entry(one).or_default() += 1);
    other.iter().for_each(|one| *left.entry(one).or_default() -= 1);
    left.into_iter().flat_map(|(one, n)| std::iter::repeat_n(one.clone(), usize::try_from(n).unwrap_or(0))).collect()
}

/// Sorts what is shown against what is there.
fn compare<T: Ord + Clone + std::fmt::Debug>(found: &mut Found, what: &str, there: &[T], shown: &[T]) {
    found.lost(what, &without(there, shown));
    let known: BTreeSet<&T> = there.iter().collect();
    let (doubled, strange): (Vec<T>, Vec<T>) = without(shown, there).into_iter().partition(|one| known.contains(one));
    found.doubled(what, &doubled);
    found.wrong(strange.len(), || format!("{} {what} shown that are not there: {strange:?}", strange.len()));
}

async fn mails(rig: &Rig, found: &mut Found) {
    let inside: BTreeSet<String> =
        rig.app.google.search(rig.email, "-in:chats").expect("a search").into_iter().collect();
    let there: Vec<(String, i64, String)> = rig
        .app
        .google
        .messages(rig.email)
        .expect("mail")
        .into_iter()
        .filter(|mail| inside.contains(&mail.id))
        .map(|mail| (mail.id, i64::try_from(mail.history_id).unwrap_or(-1), mail.labels.join(" ")))
        .collect();
    let sql = format!(
        "SELECT group_key, version, (SELECT coalesce(string_agg(l, ' ' ORDER BY l COLLATE \"C\"), '') FROM unnest(labels) l)
         FROM interactions WHERE kind = 'email' AND account_id = '{}'",
        uuid_of(&rig.account)
    );
    let shown: Vec<(String, i64, String)> = rig
        .app
        .db
        .rows(&sql)
        .await
        .into_iter()
        .map(|row| (row[0].clone(), row[1].parse().expect("a number"), row[2].clone()))
        .collect();
    compare(found, "mails", &there, &shown);
    let ledger = ledger(rig, "mailbox").await;
    let stored = |id: &String, version: i64| ledger.get(id) == Some(&("stored".to_owned(), version));
    let missing: Vec<_> = there.iter().filter(|(id, version, _)| !stored(id, *version)).map(|mail| &mail.0).collect();
    found.lost("mails of the ledger", &missing);
    if !rig.changed {
        let sql = "SELECT stream_id, source_id, version FROM raw_events r WHERE EXISTS (SELECT FROM raw_events o
            WHERE (o.user_id, o.stream_id, o.source_id) = (r.user_id, r.stream_id, r.source_id) AND o.version < r.version)";
        found.doubled("raw events", &rig.app.db.rows(sql).await);
    }
}

/// Whether an event is a meeting: birthdays, working hours and the like are outside every consent.
fn is_meeting(event: &Value) -> bool {
    matches!(event["eventType"].as_str(), None | Some("default" | "fromGmail")) && event["status"] != json!("cancelled")
}

/// When something is, as a day or a moment in UTC.
fn when(time: &Value) -> String {
    match time["date"].as_str() {
        Some(day) => day.to_owned(),
        None => moment(&time["dateTime"]).to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}

async fn meetings(rig: &Rig, found: &mut Found) {
    let account = uuid_of(&rig.account);
    let sql = format!(
        "SELECT s.collection_id, p.snapshot->'calendar'->>'from', p.snapshot->'calendar'->>'to'
         FROM streams s JOIN previews p USING (user_id, preview_id) WHERE s.service = 'calendar' AND s.account_id = '{account}'"
    );
    let streams = rig.app.db.rows(&sql).await;
    let bearer = rig.app.calendar_bearer(&rig.ada, rig.email).await;
    found.wrong(usize::from(streams.is_empty()), || "no calendar was read".to_owned());
    for row in streams {
        let [calendar, from, to] = row.try_into().expect("three columns");
        let (path, window) = ([calendar.as_str(), "events"], (from, to));
        let id = |event: &Value, name: &str| event[name].as_str().map(str::to_owned);
        let group = |event: &Value| id(event, "recurringEventId").or_else(|| id(event, "id")).expect("an id");
        let listed = rig.app.google_lists(&bearer, &path, &window, true).await;
        let there: Vec<(String, String)> = listed
            .iter()
            .filter(|event| is_meeting(event))
            .map(|event| (group(event), when(&event["start"])))
            .collect();
        let sql = format!(
            "SELECT n.group_key, coalesce(n.all_day_from::text, to_char(n.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))
             FROM interactions n JOIN streams s USING (user_id, stream_id)
             WHERE s.collection_id = '{calendar}' AND s.account_id = '{account}'"
        );
        let rows = rig.app.db.rows(&sql).await;
        let shown: Vec<(String, String)> = rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        compare(found, "meetings", &there, &shown);
        let ledger = ledger(rig, &calendar).await;
        let listed = rig.app.google_lists(&bearer, &path, &window, false).await;
        let stored = |event: &&Value| {
            let version = moment(&event["updated"]).timestamp_millis();
            ledger.get(&id(event, "id").expect("an id")) == Some(&("stored".to_owned(), version))
        };
        let missing = listed.iter().filter(|event| is_meeting(event) && !stored(event));
        let missing: Vec<String> = missing.filter_map(|event| id(event, "id")).collect();
        found.lost("meetings of the ledger", &missing);
    }
}

/// Every interaction of the account with every column.
async fn interactions(rig: &Rig) -> Vec<Vec<String>> {
    let account = uuid_of(&rig.account);
    let sql = format!("SELECT to_jsonb(n) FROM interactions n WHERE account_id = '{account}' ORDER BY interaction_id");
    rig.app.db.rows(&sql).await
}

/// Invariant 7: builds the timeline anew from the raw events.
async fn rebuilt(rig: &Rig, found: &mut Found) {
    let before = interactions(rig).await;
    let account = uuid_of(&rig.account);
    let forget = format!(
        "DELETE FROM interactions WHERE account_id = '{account}'; UPDATE items SET to_project = true
         WHERE stream_id IN (SELECT stream_id FROM streams WHERE account_id = '{account}')"
    );
    rig.app.db.rows(&forget).await;
    // A run in which nothing has changed projects what is marked as behind.
    again(rig, found).await;
    let after = interactions(rig).await;
    let differing = without(&before, &after).len() + without(&after, &before).len();
    found.wrong(differing, || format!("{differing} rows differ from a timeline built anew"));
}

/// After an undo nothing of the batch is left, and the way back is open.
pub(super) async fn undone(rig: &mut Rig, batch: &str, mut found: Found) -> Found {
    let end = rig.end(batch).await;
    found.wrong(usize::from(end != "undone"), || format!("the batch ended as {end}"));
    nothing_amiss(rig, &mut found).await;
    for table in ["raw_events", "interactions", "batch_items"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE batch_id = '{}'", uuid_of(batch));
        let n = rig.app.db.number_of(&sql).await;
        found.wrong(usize::try_from(n).unwrap_or(0), || format!("{n} rows of an undone batch in {table}"));
    }
    let _worker = rig.worker();
    let again = rig.import().await;
    whole(rig, &again, &["succeeded"], found).await
}
