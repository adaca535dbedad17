"""The instances of a calendar's events in windows of time, by the rules of iCalendar."""

import re
import warnings
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
import x_wr_timezone

import google

# What the product shows by default, and a year around the calendar's own beginning.
TODAY = datetime(2026, 11, 22, 12, 0, 1, tzinfo=timezone.utc)
DEFAULT = (TODAY - timedelta(days=60), TODAY + timedelta(days=60))
BEFORE, AFTER = timedelta(days=1, seconds=1), timedelta(days=400)
# What the library's reader of zones refuses, and would not look at.
UNKNOWN = re.compile(rb"^(TZID-ALIAS-OF|TZUNTIL|TZURL)[:;][^\r\n]*\r?\n", re.M)

warnings.simplefilter("ignore")


def calendars(name, data):
    """Each calendar of a file as one record. What the library cannot read says why."""
    try:
        found = icalendar.Calendar.from_ical(UNKNOWN.sub(b"", data), multiple=True)
    except ValueError as error:
        return [{"path": name, "unread": [str(error)]}]
    found = [calendar for calendar in found if calendar.name == "VCALENDAR"]
    names = [name] if len(found) == 1 else [f"{name}#{number}" for number in range(len(found))]
    return [expected(*each) for each in zip(names, found)]


def expected(path, calendar):
    record = {"path": path, "events": [], "windows": [], "unread": []}
    try:
        calendar = x_wr_timezone.to_standard(calendar)
    except Exception as error:
        return record | {"unread": [str(error)]}
    for event in list(calendar.events):
        try:
            settle(event)
        except Exception as error:
            record["unread"].append(f"{type(error).__name__}: {error}")
            calendar.subcomponents.remove(event)
    if not calendar.events:
        return record
    record["events"] = google.groups(calendar)
    first = min(google.midnight(event.start) for event in calendar.events)
    query = recurring_ical_events.of(calendar, skip_bad_series=True)
    for start, end in [(first - BEFORE, first + AFTER), DEFAULT]:
        found = [instance(event) for event in query.between(start, end) if event.get("STATUS") != "CANCELLED"]
        record["windows"].append({"from": google.moment(start), "to": google.moment(end), "instances": sorted(found)})
    return record


def settle(event):
    """Puts an event's times into zones that Google knows, and fails on an event that has no place in a calendar."""
    start, end = map(google.midnight, google.span(event))
    if end < start:
        raise ValueError("an event that ends before it starts")
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"):
        for value in google.listed(event.get(name)):
            for one in getattr(value, "dts", [value]):
                one.dt = tuple(map(zoned, one.dt)) if isinstance(one.dt, tuple) else zoned(one.dt)


def zoned(dt):
    is_settled = not isinstance(dt, datetime) or dt.tzinfo is None
    return dt if is_settled else dt.replace(tzinfo=ZoneInfo(google.zone_of(dt)))


def instance(event):
    """UID, original start, start, end (exclusive), title."""
    original = google.moment(event["RECURRENCE-ID"].dt) if "RECURRENCE-ID" in event else ""
    times = list(map(google.moment, google.span(event)))
    return [str(event.get("UID", "")), original, *times, str(event.get("SUMMARY", ""))]
