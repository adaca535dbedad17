//! One calendar, as the oracle and as the normalizer expand it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use omnisync::domain::normalize::{NewInteraction, Note, meeting};
use serde_json::Value;

use super::{mail::fold, report::Report};

/// UID, original start, start, end (exclusive), title.
type Instance = [String; 5];

/// Compares the instances that the oracle expects of a calendar, window by window, with its rows. What its library cannot
/// read is in no window, and is not compared.
pub(super) fn compare(expected: &Value, report: &mut Report) {
    let path = expected["path"].as_str().expect("a path");
    let (mut n_same, mut missing, mut surplus) = (0, Vec::new(), Vec::new());
    let mut left_out = BTreeSet::new();
    for window in list(&expected["windows"]) {
        let mut wanted: BTreeMap<Instance, usize> = BTreeMap::new();
        for instance in list(&window["instances"]) {
            let written = std::array::from_fn(|at| fold(instance[at].as_str().unwrap_or_default()));
            *wanted.entry(whole_day(written)).or_default() += 1;
        }
        let moment = |name: &str| window[name].as_str().and_then(|text| text.parse().ok()).expect("a moment");
        let rows = rows(path, list(&expected["events"]), (moment("from"), moment("to")));
        let is_cut = |row: &&NewInteraction| row.details.notes.contains(&Note::OccurrencesLeftOut);
        left_out.extend(rows.iter().filter(is_cut).map(uid));
        for ours in rows.into_iter().map(instance) {
            match wanted.get_mut(&ours).filter(|n| **n > 0) {
                Some(n) => {
                    *n -= 1;
                    n_same += 1;
                }
                None => surplus.push(ours),
            }
        }
        missing.extend(wanted.into_iter().flat_map(|(instance, n)| vec![instance; n]));
    }
    report.same("instances", n_same);
    // A series that recurs more often than is ever kept says so; what is kept of it is compared.
    let (beyond, missing): (Vec<_>, Vec<_>) = missing.into_iter().partition(|instance| left_out.contains(&instance[0]));
    if !beyond.is_empty() {
        report.differ(
            path,
            "instances_left_out",
            beyond.len(),
            format!("{} instances", beyond.len()),
            format!("{left_out:?}"),
        );
    }
    if !missing.is_empty() || !surplus.is_empty() {
        let n = missing.len().max(surplus.len());
        report.differ(path, "instances", n, format!("{missing:?}"), format!("{surplus:?}"));
    }
}

fn rows(path: &str, groups: &[Value], window: (DateTime<Utc>, DateTime<Utc>)) -> Vec<NewInteraction> {
    let of_group = |group: &Value| {
        let events: Vec<_> = list(group).iter().map(|event| event.to_string().into_bytes()).collect();
        let events: Vec<_> = events.iter().map(Vec::as_slice).collect();
        // The oracle puts floating times into UTC, as the zone of the calendar.
        let rows = meeting::series(&events, window, Some("UTC"));
        rows.unwrap_or_else(|error| panic!("{path} is lost: {error}"))
    };
    groups.iter().flat_map(of_group).collect()
}

fn instance(row: NewInteraction) -> Instance {
    let written = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (start, end) = match row.all_day {
        Some((first, last)) => (first.to_string(), last.succ_opt().unwrap_or(last).to_string()),
        None => (written(row.occurred_at), written(row.ends_at.unwrap_or(row.occurred_at))),
    };
    // The oracle gives a single event an original start, too.
    let original = if row.occurrence.is_empty() { start.clone() } else { row.occurrence.clone() };
    [uid(&row), original, start, end, fold(&row.subject)]
}

/// Google gives every event a UID; the oracle gives one, which it then does not compare, to those that have none.
fn uid(row: &NewInteraction) -> String {
    fold(row.universal_id.as_deref().filter(|uid| !uid.starts_with("without-")).unwrap_or_default())
}

/// A day that ends on itself is a whole day.
fn whole_day([uid, original, start, end, title]: Instance) -> Instance {
    let next = start.parse::<NaiveDate>().ok().and_then(|day| day.succ_opt()).filter(|_| start == end);
    let end = next.map_or(end, |day| day.to_string());
    [uid, original, start, end, title]
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
