"""iCalendar's events as Google Calendar would have them: the JSON of `events.list`, masters and exceptions apart."""

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from icalendar import vDDDLists, vRecur


def groups(calendar):
    """The events of a calendar by UID: each a list of masters and exceptions."""
    newest = {}
    for number, event in enumerate(calendar.events):
        uid = str(event.get("UID", f"without-{number}"))
        original = event.get("RECURRENCE-ID")
        key = (uid, moment(original.dt) if original else None)
        # Of several versions of one, the newest counts (RFC 5545, 3.8.7.4).
        if key not in newest or sequence(event) >= sequence(newest[key]):
            newest[key] = event
    by_uid = {}
    for (uid, original), event in newest.items():
        by_uid.setdefault(uid, []).append(google(event, uid, original))
    return list(by_uid.values())


def sequence(event):
    try:
        return int(event.get("SEQUENCE", 0))
    except (TypeError, ValueError):
        return 0


def google(event, uid, original):
    start, end = span(event)
    found = {
        "id": uid if original is None else f"{uid}_{original}",
        "iCalUID": uid,
        "status": str(event.get("STATUS", "CONFIRMED")).lower(),
        "summary": str(event.get("SUMMARY", "")),
        "start": when(start),
        "end": when(end),
    }
    if original is not None:
        found |= {"recurringEventId": uid, "originalStartTime": when(event["RECURRENCE-ID"].dt)}
    elif rules := list(recurrence(event, start)):
        found["recurrence"] = rules
    return found


def span(event):
    """Start and end. An event without an end is a day, or lasts no time (RFC 5545, 3.6.1)."""
    if "DTEND" in event or "DURATION" in event:
        return event.start, event.end
    start = event.start
    return start, start if isinstance(start, datetime) else start + timedelta(days=1)


def recurrence(event, start):
    for name in ("RRULE", "EXRULE"):
        for rule in listed(event.get(name)):
            if isinstance(rule, vRecur):
                yield f"{name}:{rule.to_ical().decode()}"
    for name in ("RDATE", "EXDATE"):
        for dates in listed(event.get(name)):
            if isinstance(dates, vDDDLists):
                yield from (f"{name}{written(one.dt)}" for one in dates.dts)


def listed(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def written(dt):
    """The parameters and the value of one date of a recurrence."""
    if isinstance(dt, tuple):
        dt = dt[0]
    if not isinstance(dt, datetime):
        return f";VALUE=DATE:{dt:%Y%m%d}"
    zone = zone_of(dt)
    return f":{dt:%Y%m%dT%H%M%S}Z" if zone == "UTC" else f";TZID={zone}:{dt:%Y%m%dT%H%M%S}"


def when(dt):
    if not isinstance(dt, datetime):
        return {"date": dt.isoformat()}
    dt = aware(dt)
    return {"dateTime": dt.isoformat(timespec="seconds"), "timeZone": zone_of(dt)}


def aware(dt):
    """Google puts a floating time into the calendar's zone, which is UTC here."""
    return dt if dt.tzinfo else dt.replace(tzinfo=timezone.utc)


def midnight(dt):
    """A day as the moment it begins at."""
    return aware(dt if isinstance(dt, datetime) else datetime(dt.year, dt.month, dt.day))


def moment(dt):
    """A day, or a moment in UTC, as text."""
    if not isinstance(dt, datetime):
        return dt.isoformat()
    return aware(dt).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def zone_of(dt):
    zone = aware(dt).tzinfo
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if name in ZONES:
        return name
    return like(zone, dt.year)


ZONES = available_timezones() - {"localtime", "Factory"}


@lru_cache(maxsize=None)
def like(zone, year):
    """The zone of IANA that goes as a zone goes which only its own file describes: Google knows no other."""
    days = [datetime(year, 1, 1, 12) + timedelta(days=5 * step) for step in range(73)]
    goes = [day.replace(tzinfo=zone).utcoffset() for day in days]
    common = ["UTC", "America/New_York", "America/Los_Angeles", "Europe/Berlin", "Europe/London"]
    for name in common + sorted(ZONES):
        if [day.replace(tzinfo=ZoneInfo(name)).utcoffset() for day in days] == goes:
            return name
    return "UTC"
