//! Calendars: sync tokens, windows, instances.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    super::{Behaviour, Generate, NewCalendar, Role},
    support::*,
};

#[tokio::test]
async fn calendars_sync_from_token_to_token() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    control.generate(ADA, &Generate { messages: 0, ..Generate::usual(now()) }).unwrap();
    let (entries, last) = google.all(&token, "/calendar/v3/users/me/calendarList?maxResults=2", "items").await;
    let roles: BTreeSet<&str> = entries.iter().map(|entry| entry["accessRole"].as_str().unwrap()).collect();
    assert_eq!(roles, BTreeSet::from(["freeBusyReader", "owner", "reader", "writer"]));
    assert!(last["nextSyncToken"].is_string());
    let n_events: usize = control.accounts()[0].n_events;
    assert_eq!(n_events, 300);

    let path = "/calendar/v3/calendars/primary/events?maxResults=50";
    let (items, last) = google.all(&token, path, "items").await;
    let sync = last["nextSyncToken"].as_str().unwrap();
    let master = items.iter().find(|item| item.get("recurrence").is_some() && item["eventType"] == "default").unwrap();
    let cancelled = items.iter().find(|item| item["status"] == "cancelled").unwrap();
    assert!(cancelled.get("originalStartTime").is_some() && cancelled.get("summary").is_none(), "{cancelled}");
    let changes = format!("{path}&syncToken={sync}");
    assert_eq!(google.ok(&token, &changes).await["items"], json!([]));
    let made = control
        .put_event(ADA, "primary", json!({"summary": "Tea", "start": {"dateTime": "2026-12-01T16:00:00Z"}}))
        .unwrap();
    let is_single = |item: &&Value| {
        item["status"] == "confirmed" && item.get("recurrence").is_none() && item.get("recurringEventId").is_none()
    };
    let single = items.iter().find(is_single).unwrap();
    control.cancel_event(ADA, "primary", single["id"].as_str().unwrap()).unwrap();
    let instances = google
        .ok(
            &token,
            &format!(
                "/calendar/v3/calendars/primary/events/{}/instances?timeMin=2026-11-23T00:00:00Z&maxResults=3",
                master["id"].as_str().unwrap()
            ),
        )
        .await;
    let original = instances["items"][0]["originalStartTime"]["dateTime"].as_str().unwrap().parse().unwrap();
    control.cancel_instance(ADA, "primary", master["id"].as_str().unwrap(), original).unwrap();
    let changed = google.ok(&token, &changes).await;
    let changed = changed["items"].as_array().unwrap();
    assert_eq!(
        ids(changed),
        [made.as_str(), single["id"].as_str().unwrap(), instances["items"][0]["id"].as_str().unwrap()]
    );
    let fields: BTreeSet<&str> = changed[1].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, BTreeSet::from(["etag", "id", "kind", "status"]));

    for forbidden in
        ["timeMin=2026-01-01T00:00:00Z", "q=x", "orderBy=updated", "showDeleted=false", "singleEvents=true"]
    {
        assert_eq!(google.get(&token, &format!("{changes}&{forbidden}")).await.0, 400, "{forbidden}");
    }
    control.invalidate_sync_tokens(ADA).unwrap();
    let (status, body) = google.get(&token, &changes).await;
    let message = "Sync token is no longer valid, a full sync is required.";
    let inner = json!({"domain": "calendar", "reason": "fullSyncRequired", "message": message, "locationType": "parameter", "location": "syncToken"});
    assert_eq!((status, body), (410, json!({"error": {"code": 410, "message": message, "errors": [inner]}})));
}

#[tokio::test]
async fn windows_hold_masters_and_expand_singles_over_the_change_of_clocks() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let berlin = |time: &str| json!({"dateTime": time, "timeZone": "Europe/Berlin"});
    let weekly = json!({"id": "weekly0", "summary": "Weekly", "start": berlin("2026-03-16T09:00:00+01:00"), "end": berlin("2026-03-16T10:00:00+01:00"), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]});
    control.put_event(ADA, "primary", weekly).unwrap();
    control
        .put_event(
            ADA,
            "primary",
            json!({"id": "past0", "start": {"date": "2026-01-01"}, "end": {"date": "2026-01-02"}}),
        )
        .unwrap();
    control
        .move_event(
            ADA,
            "primary",
            "weekly0_20260323T080000Z",
            "2026-03-24T08:00:00Z".parse().unwrap(),
            "2026-03-24T09:00:00Z".parse().unwrap(),
        )
        .unwrap();
    let window = "timeMin=2026-03-22T00:00:00Z&timeMax=2026-04-01T00:00:00Z";
    let masters = google.ok(&token, &format!("/calendar/v3/calendars/primary/events?{window}")).await;
    assert_eq!(ids(masters["items"].as_array().unwrap()), ["weekly0", "weekly0_20260323T080000Z"]);
    let singles = google
        .ok(&token, &format!("/calendar/v3/calendars/{ADA}/events?{window}&singleEvents=true&orderBy=startTime"))
        .await;
    let singles = singles["items"].as_array().unwrap();
    assert_eq!(ids(singles), ["weekly0_20260323T080000Z", "weekly0_20260330T070000Z"]);
    assert_eq!(singles[1]["start"]["dateTime"], "2026-03-30T09:00:00+02:00");
    assert_eq!(google.get(&token, "/calendar/v3/calendars/primary/events?orderBy=startTime").await.0, 400);
    assert_eq!(google.get(&token, "/calendar/v3/calendars/nobody/events").await.0, 404);
    let empty = google.ok(&token, "/calendar/v3/calendars/primary/events?timeMin=2026-06-01T00:00:00Z").await;
    assert_eq!(empty["items"], json!([]));
}

const EVENTS: &str = "/calendar/v3/calendars/primary/events";

fn day(id: &str) -> Value {
    json!({"id": id, "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}})
}

#[tokio::test]
async fn a_page_may_be_empty_and_lead_on() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    for n in 0..25 {
        control.put_event(ADA, "primary", day(&format!("day{n:02}"))).unwrap();
    }
    control.behave(Behaviour { empty_pages: true, ..Behaviour::default() });
    control.clear_journal();
    let (items, last) = google.all(&token, &format!("{EVENTS}?maxResults=10"), "items").await;
    assert_eq!((items.len(), control.journal().len()), (25, 6), "every page after an empty one");
    assert!(last["nextSyncToken"].is_string());
}

#[tokio::test]
async fn tags_spare_what_is_known_and_refuse_what_has_changed() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    control.put_event(ADA, "primary", day("day00")).unwrap();
    let ask = async |path: &str, name: &str, tag: &str| {
        google.http.get(google.at(path)).bearer_auth(&token).header(name, tag).send().await.unwrap()
    };
    for path in
        [&format!("{EVENTS}/day00"), EVENTS, "/calendar/v3/users/me/calendarList", "/calendar/v3/calendars/primary"]
    {
        let tag = google.ok(&token, path).await["etag"].as_str().unwrap().to_owned();
        let known = ask(path, "if-none-match", &tag).await;
        assert_eq!((known.status().as_u16(), known.headers()["etag"].to_str().unwrap()), (304, tag.as_str()), "{path}");
        assert!(known.bytes().await.unwrap().is_empty());
        assert_eq!(ask(path, "if-match", &tag).await.status(), 200);
        assert_eq!(ask(path, "if-none-match", "\"other\"").await.status(), 200);
        let stale = ask(path, "if-match", "\"other\"").await;
        assert_eq!(stale.status(), 412);
        let body: Value = stale.json().await.unwrap();
        assert_eq!(body["error"]["errors"][0]["reason"], "conditionNotMet");
    }
}

#[tokio::test]
async fn what_is_long_gone_is_forgotten_and_other_rights_are_another_calendar() {
    let google = Google::start();
    let (control, tokens) = (google.control(), google.link(&SCOPES.split(' ').collect::<Vec<_>>()).await);
    let token = tokens["access_token"].as_str().unwrap();
    control.put_event(ADA, "primary", day("day00")).unwrap();
    let sync = google.ok(token, EVENTS).await["nextSyncToken"].as_str().unwrap().to_owned();
    control.cancel_event(ADA, "primary", "day00").unwrap();
    let updated_min = (control.now() - TimeDelta::days(20)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let deleted = format!("{EVENTS}?showDeleted=true");
    assert_eq!(google.ok(token, &deleted).await["items"].as_array().unwrap().len(), 1);
    assert_eq!(google.ok(token, &format!("{EVENTS}?updatedMin={updated_min}")).await["items"][0]["id"], "day00");
    control.advance(TimeDelta::days(31)).unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let fresh = google.token(&form).await.1["access_token"].as_str().unwrap().to_owned();
    assert_eq!(google.ok(&fresh, &deleted).await["items"], json!([]));
    let (status, body) = google.get(&fresh, &format!("{EVENTS}?updatedMin={updated_min}")).await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (410, &json!("updatedMinTooLongAgo")));
    assert_eq!(google.ok(&fresh, &format!("{EVENTS}?syncToken={sync}")).await["items"][0]["status"], "cancelled");

    let shared = |role| NewCalendar { id: "team@group.example".into(), role, ..NewCalendar::default() };
    control.add_calendar(ADA, shared(Role::Reader)).unwrap();
    let path = "/calendar/v3/calendars/team@group.example/events";
    let sync = google.ok(&fresh, path).await["nextSyncToken"].as_str().unwrap().to_owned();
    control.add_calendar(ADA, shared(Role::FreeBusyReader)).unwrap();
    assert_eq!(google.get(&fresh, &format!("{path}?syncToken={sync}")).await.0, 410);
}

#[tokio::test]
async fn pages_of_any_size_make_the_same_list() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    for n in 0..12 {
        let start = json!({"dateTime": format!("2026-03-{:02}T09:00:00Z", 28 - n)});
        let mut event = json!({"id": format!("event{n}"), "start": start});
        if n % 3 == 0 {
            event["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=5"]);
        }
        control.put_event(ADA, "primary", event).unwrap();
    }
    let events = "/calendar/v3/calendars/primary/events";
    for (list, n) in [
        (format!("{events}?timeMin=2026-03-20T00:00:00Z"), 10),
        (format!("{events}?singleEvents=true"), 8 + 4 * 5),
        (format!("{events}?singleEvents=true&orderBy=startTime"), 8 + 4 * 5),
        (format!("{events}?orderBy=updated"), 12),
        (format!("{events}/event3/instances?timeMin=2026-04-01T00:00:00Z"), 4),
    ] {
        let (whole, last) = google.all(&token, &list, "items").await;
        assert_eq!(whole.len(), n, "{list}");
        for size in 1..=4 {
            let (paged, end) = google.all(&token, &format!("{list}&maxResults={size}"), "items").await;
            assert_eq!(ids(&paged), ids(&whole), "{list} by {size}");
            assert_eq!(end.get("nextSyncToken"), last.get("nextSyncToken"), "{list} by {size}");
        }
    }
}

const LIST: &str = "/calendar/v3/users/me/calendarList";

#[tokio::test]
async fn the_list_of_calendars_tells_what_was_hidden_and_deleted() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let named = |id: &str, role, hidden| NewCalendar { id: id.into(), role, hidden, ..NewCalendar::default() };
    control.add_calendar(ADA, named("team@x", Role::Writer, false)).unwrap();
    control.add_calendar(ADA, named("shy@x", Role::Owner, true)).unwrap();
    control.add_calendar(ADA, named("busy@x", Role::FreeBusyReader, false)).unwrap();
    control.add_calendar(ADA, named("old@x", Role::Owner, false)).unwrap();
    control.delete_calendar(ADA, "old@x").unwrap();
    let list = async |query: &str| google.all(&token, &format!("{LIST}?maxResults=1{query}"), "items").await.0;
    assert_eq!(ids(&list("").await), [ADA, "team@x", "busy@x"]);
    assert_eq!(ids(&list("&showHidden=true").await), [ADA, "team@x", "shy@x", "busy@x"]);
    assert_eq!(ids(&list("&showDeleted=true").await), [ADA, "team@x", "busy@x", "old@x"]);
    assert_eq!(ids(&list("&minAccessRole=writer").await), [ADA, "team@x"]);

    let first = google.ok(&token, &format!("{LIST}?maxResults=1")).await;
    let page = first["nextPageToken"].as_str().unwrap();
    assert_eq!(google.get(&token, &format!("{LIST}?pageToken={page}&showHidden=true")).await.0, 400);
    // Nobody falls between two pages because another goes away.
    control.delete_calendar(ADA, "team@x").unwrap();
    let (rest, last) = google.all(&token, &format!("{LIST}?maxResults=1&pageToken={page}"), "items").await;
    assert_eq!(ids(&rest), ["busy@x"]);
    let changes = format!("{LIST}?syncToken={}", last["nextSyncToken"].as_str().unwrap());
    control.add_calendar(ADA, named("busy@x", Role::FreeBusyReader, true)).unwrap();
    let told = google.ok(&token, &changes).await["items"].clone();
    assert_eq!((&told[0]["id"], &told[0]["deleted"]), (&json!("team@x"), &json!(true)));
    assert_eq!((&told[1]["id"], &told[1]["hidden"]), (&json!("busy@x"), &json!(true)), "{told:#}");
    for forbidden in ["minAccessRole=owner", "showHidden=false", "showDeleted=false"] {
        assert_eq!(google.get(&token, &format!("{changes}&{forbidden}")).await.0, 400, "{forbidden}");
    }
    control.invalidate_sync_tokens(ADA).unwrap();
    assert_eq!(google.get(&token, &changes).await.0, 410);
}

#[tokio::test]
async fn a_page_may_be_short_and_lead_on() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    for n in 0..25 {
        control.put_event(ADA, "primary", day(&format!("day{n:02}"))).unwrap();
    }
    let page = google.ok(&token, &format!("{EVENTS}?maxResults=20")).await;
    assert_eq!((page["items"].as_array().unwrap().len(), page["nextPageToken"].is_string()), (18, true));
    assert!(page.get("nextSyncToken").is_none());
    assert_eq!(google.all(&token, &format!("{EVENTS}?maxResults=20"), "items").await.0.len(), 25);
}

#[tokio::test]
async fn readers_see_as_much_as_they_may_and_as_many_as_they_ask_for() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let shared = |role| NewCalendar { id: "team@x".into(), role, ..NewCalendar::default() };
    control.add_calendar(ADA, shared(Role::Owner)).unwrap();
    let guests = json!([{"email": "b@x"}, {"email": ADA, "self": true}, {"email": "c@x"}]);
    let event = |id: &str, visibility: &str| {
        json!({"id": id, "summary": "Talk", "visibility": visibility, "attendees": guests, "start": {"date": "2026-12-01"},
            "end": {"date": "2026-12-02"}, "extendedProperties": {"private": {"app": "crm"}, "shared": {"n": "1"}}})
    };
    control.put_event(ADA, "team@x", event("open00", "default")).unwrap();
    control.put_event(ADA, "team@x", event("shut00", "private")).unwrap();
    let path = "/calendar/v3/calendars/team@x/events";
    let seen = async || {
        let items = google.ok(&token, path).await["items"].clone();
        items.as_array().unwrap().iter().map(|item| item.get("summary").is_some()).collect::<Vec<_>>()
    };
    for (role, expected) in
        [(Role::Owner, [true, true]), (Role::Reader, [true, false]), (Role::FreeBusyReader, [false, false])]
    {
        control.add_calendar(ADA, shared(role)).unwrap();
        assert_eq!(seen().await, expected, "{role:?}");
    }
    let hidden = google.ok(&token, &format!("{path}/open00")).await;
    assert!(hidden.get("attendees").is_none() && hidden["start"]["date"] == "2026-12-01", "{hidden}");

    control.add_calendar(ADA, shared(Role::Owner)).unwrap();
    let few = google.ok(&token, &format!("{path}/open00?maxAttendees=2")).await;
    assert_eq!((&few["attendeesOmitted"], &few["attendees"]), (&json!(true), &json!([guests[1]])));
    let all = google.ok(&token, &format!("{path}/open00?maxAttendees=3")).await;
    assert_eq!((all.get("attendeesOmitted"), all["attendees"].as_array().unwrap().len()), (None, 3));

    let found = async |query: &str| google.ok(&token, &format!("{path}?{query}")).await;
    let both = found("privateExtendedProperty=app%3Dcrm&sharedExtendedProperty=n%3D1").await;
    assert_eq!((both["items"].as_array().unwrap().len(), both.get("nextSyncToken")), (2, None));
    assert_eq!(found("privateExtendedProperty=app%3Dcrm&privateExtendedProperty=x%3Dy").await["items"], json!([]));
    assert_eq!(google.get(&token, &format!("{path}?sharedExtendedProperty=n")).await.0, 400);
}

#[tokio::test]
async fn deleted_instances_are_shown_alone_where_singles_are_asked_for() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let at = |hour: &str| json!({"dateTime": format!("2026-12-01T{hour}:00:00Z"), "timeZone": "UTC"});
    let daily = json!({"id": "daily0", "start": at("09"), "end": at("10"), "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]});
    control.put_event(ADA, "primary", daily).unwrap();
    let second = "2026-12-02T09:00:00Z".parse().unwrap();
    control.cancel_instance(ADA, "primary", "daily0", second).unwrap();
    let list =
        async |query: &str| google.ok(&token, &format!("{EVENTS}?singleEvents=true{query}")).await["items"].clone();
    assert_eq!(list("").await.as_array().unwrap().len(), 2);
    let with_deleted = list("&showDeleted=true").await;
    let statuses: Vec<&str> =
        with_deleted.as_array().unwrap().iter().map(|item| item["status"].as_str().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == "cancelled").count(), 1, "{statuses:?}");
    assert_eq!(statuses.len(), 3);
    let instances = format!("{EVENTS}/daily0/instances");
    let one = google.ok(&token, &format!("{instances}?originalStart=2026-12-03T10:00:00%2B01:00")).await;
    assert_eq!(ids(one["items"].as_array().unwrap()), ["daily0_20261203T090000Z"]);
    assert_eq!(google.ok(&token, &format!("{instances}?originalStart=2026-12-03T10:00:00Z")).await["items"], json!([]));
}
