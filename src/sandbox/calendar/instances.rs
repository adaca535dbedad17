//! Instances of recurring events: the rule's occurrences with exceptions laid over them.

use std::collections::HashSet;

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde_json::{Map, Value};

use super::{
    store::{Calendar, Row},
    times::{Time, Window, occurrences, span},
};

impl Calendar {
    /// The unchanged instances of a master in the window. Exceptions are rows of their own.
    pub(super) fn instances(&self, master: &Row, window: Window, limit: usize) -> Vec<Map<String, Value>> {
        let id = master.text("id");
        let changed: HashSet<String> = self
            .exceptions(id)
            .filter_map(|row| Time::read(row.event.get("originalStartTime")?, self.zone))
            .map(Time::suffix)
            .collect();
        let Some((start, end)) = span(&master.event, self.zone) else { return Vec::new() };
        let length = end.moment(self.zone) - start.moment(self.zone);
        // Days are counted, not measured: a day with a change of clocks is a day.
        let length = match (start, end) {
            (Time::Day(first), Time::Day(after)) => after - first,
            _ => length,
        };
        let starts = occurrences(&master.event, self.zone, window, limit);
        let unchanged = starts.into_iter().filter(|start| !changed.contains(&start.suffix()));
        unchanged.map(|start| instance_of(master, start, length)).collect()
    }

    /// The unchanged instance with that id: the master's id, an underscore, the original start.
    pub(super) fn instance(&self, id: &str) -> Option<Map<String, Value>> {
        let (master_id, suffix) = id.rsplit_once('_')?;
        let master = self.find(master_id).filter(|row| row.is_master())?;
        // Only days near the one in the id are expanded, wherever that day falls in the calendar's zone.
        let day = NaiveDate::parse_from_str(suffix.get(..8)?, "%Y%m%d").ok()?.and_time(NaiveTime::MIN).and_utc();
        let window = Window { min: Some(day - TimeDelta::days(2)), max: Some(day + TimeDelta::days(3)) };
        let near = self.instances(master, window, usize::MAX);
        near.into_iter().find(|event| event.get("id").is_some_and(|known| known == id))
    }
}

fn instance_of(master: &Row, start: Time, length: TimeDelta) -> Map<String, Value> {
    let mut event = master.event.clone();
    event.remove("recurrence");
    let id = master.text("id");
    event.insert("id".into(), format!("{id}_{}", start.suffix()).into());
    event.insert("recurringEventId".into(), id.into());
    event.insert("originalStartTime".into(), start.write());
    event.insert("start".into(), start.write());
    event.insert("end".into(), start.plus(length).write());
    event
}
