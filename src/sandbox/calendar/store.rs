//! One calendar and its events, with the sequence in which they changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::{
    super::{error::Error, rng::digest64},
    collection::NewCalendar,
    times::{Time, Window, local, rfc3339, span},
};

/// One event as it stands, and when it last changed.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub event: Map<String, Value>,
    pub seq: u64,
}

impl Row {
    pub(super) fn text(&self, field: &str) -> &str {
        self.event.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.text("status") == "cancelled"
    }

    pub(super) fn is_master(&self) -> bool {
        self.event.contains_key("recurrence")
    }

    /// The id of its master, when it is an exception.
    pub(super) fn master(&self) -> Option<&str> {
        self.event.get("recurringEventId").and_then(Value::as_str)
    }
}

/// One calendar.
#[derive(Debug)]
pub(crate) struct Calendar {
    pub(super) meta: NewCalendar,
    pub(super) zone: Tz,
    pub(super) primary: bool,
    pub(super) deleted: bool,
    /// When its entry in the list last changed, in the list's own sequence.
    pub(super) list_seq: u64,
    /// Raised to kill the sync tokens of this calendar.
    pub(super) generation: u64,
    rows: HashMap<String, Row>,
    by_seq: BTreeMap<u64, String>,
    /// A master's id to those of its exceptions.
    by_master: HashMap<String, BTreeSet<String>>,
    seq: u64,
    owner: String,
    n_made: u64,
}

impl Calendar {
    pub(super) fn new(meta: NewCalendar, zone: Tz, owner: &str, list_seq: u64) -> Self {
        Self {
            zone,
            primary: meta.id == owner,
            meta,
            deleted: false,
            list_seq,
            generation: 0,
            rows: HashMap::new(),
            by_seq: BTreeMap::new(),
            by_master: HashMap::new(),
            seq: 0,
            owner: owner.to_owned(),
            n_made: 0,
        }
    }

    /// Its id, unless it was deleted.
    pub(crate) fn id(&self) -> Option<String> {
        (!self.deleted).then(|| self.meta.id.clone())
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn find(&self, id: &str) -> Option<&Row> {
        self.rows.get(id)
    }

    /// The rows that changed after `seq`, in the order they changed.
    pub(super) fn changed_after(&self, seq: u64) -> impl Iterator<Item = &Row> {
        self.by_seq.range(seq + 1..).filter_map(|(_, id)| self.rows.get(id))
    }

    /// The exceptions of a master, cancelled ones included, by their ids.
    pub(super) fn exceptions(&self, master: &str) -> impl Iterator<Item = &Row> {
        self.by_master.get(master).into_iter().flatten().filter_map(|id| self.rows.get(id))
    }

    /// Every event as stored, cancelled ones included, in the order they changed.
    pub(crate) fn events(&self) -> impl Iterator<Item = Value> {
        self.changed_after(0).map(|row| Value::Object(row.event.clone()))
    }

    pub(crate) fn n_events(&self) -> usize {
        self.rows.len()
    }

    /// The UID all copies of an event share.
    pub(crate) fn ical_uid(&self, id: &str) -> Option<String> {
        self.rows.get(id).map(|row| row.text("iCalUID").to_owned())
    }

    /// Ids and starts of a master's unchanged instances before that moment.
    pub(crate) fn starts_before(&self, master: &str, before: DateTime<Utc>) -> Vec<(String, DateTime<Utc>)> {
        let Some(row) = self.rows.get(master) else { return Vec::new() };
        let window = Window { min: None, max: Some(before) };
        let start = |event: &Map<String, Value>| span(event, self.zone).map(|(start, _)| start.moment(self.zone));
        let named = |event: Map<String, Value>| Some((event.get("id")?.as_str()?.to_owned(), start(&event)?));
        self.instances(row, window, usize::MAX).into_iter().filter_map(named).collect()
    }

    /// Stores an event, filling in what Google fills in, and returns its id. With the id of one that is there, the given
    /// fields replace its own.
    pub(crate) fn put(&mut self, event: &Value, at: DateTime<Utc>) -> Result<String, Error> {
        let given = event.as_object().ok_or(Error::BadEvent("not an object"))?;
        let id = given.get("id").and_then(Value::as_str).map_or_else(|| self.fresh_id(), str::to_owned);
        let known = self.rows.get(&id).map(|row| row.event.clone());
        let mut merged = known.clone().unwrap_or_default();
        merged.extend(given.clone());
        let is_sparse = merged.get("status").is_some_and(|status| status == "cancelled");
        if !is_sparse && span(&merged, self.zone).is_none() {
            return Err(Error::BadEvent("it needs a start with a date or a dateTime with an offset"));
        }
        let moved = known
            .as_ref()
            .is_some_and(|known| known.get("start") != merged.get("start") || known.get("end") != merged.get("end"));
        let sequence = merged.get("sequence").and_then(Value::as_i64).unwrap_or(0) + i64::from(moved);
        merged.insert("sequence".into(), sequence.into());
        // A dated import keeps its dates; a change is dated now.
        if known.is_some() || !merged.contains_key("updated") {
            merged.insert("updated".into(), rfc3339(at).into());
        }
        self.fill_in(&id, &mut merged, at);
        self.store(id.clone(), merged);
        Ok(id)
    }

    fn fill_in(&self, id: &str, event: &mut Map<String, Value>, at: DateTime<Utc>) {
        let own = json!({"email": self.owner, "self": true});
        let defaults = [
            ("kind", json!("calendar#event")),
            ("id", json!(id)),
            ("status", json!("confirmed")),
            ("htmlLink", json!(format!("https://www.google.com/calendar/event?eid={id}"))),
            ("created", json!(rfc3339(at))),
            ("creator", own.clone()),
            ("organizer", own),
            ("iCalUID", json!(format!("{id}@google.com"))),
            ("eventType", json!("default")),
            ("reminders", json!({"useDefault": true})),
        ];
        for (name, value) in defaults {
            event.entry(name).or_insert(value);
        }
    }

    fn store(&mut self, id: String, mut event: Map<String, Value>) {
        self.seq += 1;
        let updated = event.get("updated").and_then(Value::as_str).unwrap_or_default();
        let updated_ms = DateTime::parse_from_rfc3339(updated).map_or(0, |at| at.timestamp_millis());
        // Google's tag is the time of the change in half microseconds.
        event.insert("etag".into(), format!("\"{}\"", updated_ms * 2_000 + (self.seq as i64 % 2)).into());
        let row = Row { event, seq: self.seq };
        if let Some(master) = row.master() {
            self.by_master.entry(master.to_owned()).or_default().insert(id.clone());
        }
        if let Some(old) = self.rows.insert(id.clone(), row) {
            self.by_seq.remove(&old.seq);
        }
        self.by_seq.insert(self.seq, id);
    }

    /// 26 characters of base32hex, as Google's ids are.
    fn fresh_id(&mut self) -> String {
        self.n_made += 1;
        let word = |salt: &[u8]| digest64(&[b"event", self.meta.id.as_bytes(), &self.n_made.to_be_bytes(), salt]);
        let mut bits = (u128::from(word(b"a")) << 64) | u128::from(word(b"b"));
        let mut id = String::with_capacity(26);
        for _ in 0..26 {
            id.push(char::from(b"0123456789abcdefghijklmnopqrstuv"[(bits & 31) as usize]));
            bits >>= 5;
        }
        id
    }

    /// Moves an event, or one instance of a recurring one, to other times.
    pub(crate) fn move_to(
        &mut self,
        id: &str,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let mut event = match self.rows.get(id) {
            Some(row) => row.event.clone(),
            None => self.instance(id).ok_or_else(|| Error::UnknownEvent(id.to_owned()))?,
        };
        let zone = match event.get("start").and_then(|start| Time::read(start, self.zone)) {
            Some(Time::At(_, zone)) => zone,
            _ => self.zone,
        };
        for (field, moment) in [("start", start), ("end", end)] {
            event.insert(field.into(), json!({"dateTime": local(moment, zone), "timeZone": zone.name()}));
        }
        self.put(&Value::Object(event), at).map(drop)
    }

    /// Cancels an event; a master takes its exceptions with it.
    pub(crate) fn cancel(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), Error> {
        let mut ids: Vec<String> = self.exceptions(id).map(|row| row.text("id").to_owned()).collect();
        ids.push(id.to_owned());
        for id in ids {
            let row = self.rows.get(&id).ok_or_else(|| Error::UnknownEvent(id.clone()))?;
            let mut event = row.event.clone();
            event.insert("status".into(), "cancelled".into());
            event.insert("updated".into(), rfc3339(at).into());
            self.store(id, event);
        }
        Ok(())
    }

    /// Cancels the instance of a master that was to start then, whether or not it had been moved.
    pub(crate) fn cancel_instance(
        &mut self,
        master: &str,
        original: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let row = self.rows.get(master).ok_or_else(|| Error::UnknownEvent(master.to_owned()))?;
        let original = match span(&row.event, self.zone) {
            Some((Time::Day(_), _)) => Time::Day(original.with_timezone(&self.zone).date_naive()),
            Some((Time::At(_, zone), _)) => Time::At(original, zone),
            None => return Err(Error::BadEvent("the master has no start")),
        };
        let id = format!("{master}_{}", original.suffix());
        let mut event = match self.rows.get(&id) {
            Some(row) => row.event.clone(),
            None => self.instance(&id).ok_or_else(|| Error::UnknownEvent(id.clone()))?,
        };
        event.insert("status".into(), "cancelled".into());
        event.insert("updated".into(), rfc3339(at).into());
        self.store(id, event);
        Ok(())
    }
}
