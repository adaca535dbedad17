use chrono::{DateTime, TimeDelta};

use super::*;
use crate::domain::{
    account::Service,
    consent::CalendarScope,
    stream::{Collection, Cursor},
};
use crate::providers::{Listing, Next, Page, Provider};

fn calendar() -> Collection {
    Collection {
        service: Service::Calendar,
        id: "team#1@group.calendar.google.com".to_owned(),
        name: "Team".to_owned(),
        primary: false,
        time_zone: None,
    }
}

async fn list(google: &Google, page: Option<&str>) -> Result<Page, Error> {
    let from = DateTime::parse_from_rfc3339("2026-11-01T00:00:00Z").unwrap().to_utc();
    let scope =
        CalendarScope { calendars: vec![calendar().id], from, to: from + TimeDelta::days(30), private_events: false };
    google.list(&"at".into(), Listing::Calendar(&scope, &calendar()), page).await
}

async fn changes(google: &Google, page: Option<&str>) -> Result<Page, Error> {
    google.changes(&"at".into(), &calendar(), &Cursor("sync==".to_owned()), page).await
}

/// One of each kind of item, as Google sends them.
const ITEMS: &str = r#"{ "kind": "calendar#events", "items": [
 {"id":"single", "status": "confirmed",  "updated":"2026-11-02T08:00:00.500Z","summary":"Käse \u00e9"},
 {"id":"master","status":"confirmed","updated":"2026-11-02T08:00:00Z","recurrence":["RRULE:FREQ=DAILY"]},
 {"id":"master_1","status":"confirmed","updated":"2026-11-02T08:00:01Z","recurringEventId":"master"},
 {"id":"master_2","status":"cancelled","etag":"\"3587227204246000\"","recurringEventId":"master"},
 {"id":"deleted","status":"cancelled","updated":"2026-11-02T08:00:02Z"}
], "nextSyncToken": "next==" }"#;

#[tokio::test]
async fn calendars_are_gathered_over_all_pages() {
    let server = Server::start(async |asked: Asked| match asked.query.get("pageToken") {
        None => ok(json!({
            "items": [
                {"id": "ada@example.com", "summary": "ada@example.com", "timeZone": "Europe/Paris", "primary": true,
                 "accessRole": "owner"},
                {"id": "hidden", "summary": "h", "hidden": true}
            ],
            "nextPageToken": "p2"
        })),
        Some(_) => ok(json!({"items": [
            {"id": "busy", "summary": "Busy", "summaryOverride": "Boss", "accessRole": "freeBusyReader"},
            {"id": "deleted", "deleted": true}
        ]})),
    })
    .await;
    let calendars = server.google().collections(&"at".into(), Service::Calendar).await.unwrap();
    let names: Vec<_> = calendars.iter().map(|calendar| calendar.name.as_str()).collect();
    assert_eq!(names, ["ada@example.com", "Boss"]);
    assert!(calendars[0].primary && !calendars[1].primary);
    assert_eq!(calendars[0].time_zone.as_deref(), Some("Europe/Paris"));
    assert_eq!(server.asked()[0].path, "/calendar/v3/users/me/calendarList");
}

#[tokio::test]
async fn a_list_of_calendars_without_an_end_is_given_up() {
    let server = Server::start(async |_| ok(json!({"nextPageToken": "again"}))).await;
    let result = server.google().collections(&"at".into(), Service::Calendar).await;
    assert_eq!(class(result), Some(Class::Permanent));
}

#[tokio::test]
async fn a_window_gives_items_byte_for_byte_and_the_first_sync_token() {
    let server = Server::start(async |_| ITEMS.into_response()).await;
    let page = list(&server.google(), None).await.unwrap();
    let entries: Vec<_> = page.entries.iter().map(brief).collect();
    assert_eq!(
        entries,
        [
            "payload single of single @1793606400500",
            "payload master of master @1793606400000",
            "payload master_1 of master @1793606401000",
            "payload master_2 of master @1793613602123",
        ]
    );
    let Entry::Payload(single) = &page.entries[0] else { panic!("{:?}", page.entries[0]) };
    assert_eq!(single.json, ITEMS.lines().nth(1).unwrap().trim().trim_end_matches(',').as_bytes());
    assert_eq!(page.next, Next::End(Some(Cursor("next==".to_owned()))));
}

#[tokio::test]
async fn changes_tell_deletions_from_cancelled_occurrences() {
    let server = Server::start(async |_| ITEMS.into_response()).await;
    let page = changes(&server.google(), None).await.unwrap();
    assert_eq!(brief(&page.entries[3]), "payload master_2 of master @1793613602123");
    assert_eq!(brief(&page.entries[4]), "gone deleted @1793606402000");
}

#[tokio::test]
async fn an_item_without_time_or_tag_is_the_newest() {
    let server = Server::start(async |_| ok(json!({"items": [{"id": "x", "status": "cancelled"}]}))).await;
    let before = Clock::default().now().timestamp_millis();
    let page = changes(&server.google(), None).await.unwrap();
    let Entry::Gone { version, .. } = page.entries[0] else { panic!("{:?}", page.entries) };
    assert!(version >= before);
}

#[tokio::test]
async fn a_sync_token_goes_with_the_same_parameters_but_no_window() {
    let server = Server::start(async |asked: Asked| match asked.query.get("pageToken") {
        // A page may be empty and still not be the last.
        None => ok(json!({"items": [], "nextPageToken": "p2"})),
        Some(_) => ok(json!({"nextSyncToken": "next=="})),
    })
    .await;
    let google = server.google();
    assert_eq!(list(&google, None).await.unwrap().next, Next::Page("p2".to_owned()));
    assert_eq!(changes(&google, None).await.unwrap().next, Next::Page("p2".to_owned()));
    let end = changes(&google, Some("p2")).await.unwrap();
    assert_eq!(end.next, Next::End(Some(Cursor("next==".to_owned()))));

    let [mut listing, mut first, mut second] = <[Asked; 3]>::try_from(server.asked()).unwrap().map(|asked| asked.query);
    assert_eq!(second.remove("pageToken").as_deref(), Some("p2"));
    assert_eq!(first, second);
    assert_eq!(first.remove("syncToken").as_deref(), Some("sync=="));
    assert_eq!(listing.remove("timeMin").as_deref(), Some("2026-11-01T00:00:00.000Z"));
    assert_eq!(listing.remove("timeMax").as_deref(), Some("2026-12-01T00:00:00.000Z"));
    assert_eq!(listing, first);
    assert_eq!(server.asked()[0].path, "/calendar/v3/calendars/team%231@group.calendar.google.com/events");
}

#[tokio::test]
async fn an_old_sync_token_is_a_dead_cursor() {
    let server = Server::start(async |_| refuse(410, "fullSyncRequired")).await;
    assert_eq!(class(changes(&server.google(), None).await), Some(Class::CursorDead));
}
