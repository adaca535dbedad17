//! An event as one reader sees it: sparse when cancelled, private or free/busy only, in the zone and size asked for.

use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::{
    collection::Role,
    store::Calendar,
    times::{Time, local},
};

/// How a request wants its events written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    pub zone: Option<Tz>,
    pub max_attendees: Option<usize>,
}

/// Fields that survive when a reader may only know that the time is taken.
const BUSY_FIELDS: [&str; 13] = [
    "kind",
    "etag",
    "id",
    "status",
    "htmlLink",
    "created",
    "updated",
    "start",
    "end",
    "recurrence",
    "recurringEventId",
    "originalStartTime",
    "iCalUID",
];

/// What a cancelled exception is sure to carry; anything else cancelled carries its id alone.
const CANCELLED_EXCEPTION_FIELDS: [&str; 6] = ["kind", "etag", "id", "status", "recurringEventId", "originalStartTime"];
const CANCELLED_FIELDS: [&str; 4] = ["kind", "etag", "id", "status"];

pub(super) fn present(calendar: &Calendar, event: &Map<String, Value>, style: Style) -> Value {
    let keep = |fields: &[&str]| -> Map<String, Value> {
        event
            .iter()
            .filter(|(name, _)| fields.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    let text = |field: &str| event.get(field).and_then(Value::as_str).unwrap_or_default();
    if text("status") == "cancelled" {
        let is_exception = event.contains_key("recurringEventId");
        return Value::Object(if is_exception { keep(&CANCELLED_EXCEPTION_FIELDS) } else { keep(&CANCELLED_FIELDS) });
    }
    let is_private = matches!(text("visibility"), "private" | "confidential");
    let sees_all = calendar.meta.role > Role::Reader || (calendar.meta.role == Role::Reader && !is_private);
    let mut event = if sees_all { event.clone() } else { keep(&BUSY_FIELDS) };
    if !sees_all {
        event.insert("visibility".into(), "private".into());
    }
    if let Some(zone) = style.zone {
        for field in ["start", "end", "originalStartTime"] {
            if let Some(Time::At(at, own)) = event.get(field).and_then(|value| Time::read(value, calendar.zone)) {
                event.insert(field.into(), json!({"dateTime": local(at, zone), "timeZone": own.name()}));
            }
        }
    }
    if let (Some(limit), Some(Value::Array(attendees))) = (style.max_attendees, event.get_mut("attendees"))
        && attendees.len() > limit
    {
        // The reader's own entry is the one that is always there.
        attendees.retain(|attendee| attendee["self"] == true);
        event.insert("attendeesOmitted".into(), true.into());
    }
    Value::Object(event)
}
