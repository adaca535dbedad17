//! The Calendar API, version 3, as far as a sync needs it: the list of calendars, events, instances, sync tokens.

mod access;
mod calendars;
mod collection;
mod events;
mod instances;
mod listing;
mod pages;
mod present;
mod store;
mod tags;
mod times;

use axum::{Router, routing::get};

pub use self::collection::{NewCalendar, Role};
pub(super) use self::{
    collection::Calendars,
    store::Calendar,
    times::{cut, rfc3339},
};
use super::world::SharedWorld;

pub(super) fn routes() -> Router<SharedWorld> {
    let events = "/calendar/v3/calendars/{calendar}/events";
    Router::new()
        .route("/calendar/v3/users/me/calendarList", get(calendars::list))
        .route("/calendar/v3/users/me/calendarList/{calendar}", get(calendars::find_entry))
        .route("/calendar/v3/calendars/{calendar}", get(calendars::find))
        .route(events, get(events::list))
        .route(&format!("{events}/{{event}}"), get(events::find))
        .route(&format!("{events}/{{event}}/instances"), get(events::instances))
}
