"""Walks the sandbox with Google's own Python client, and stops at the first thing that is not as Google's documents say.

Takes one argument, JSON: root, email, clientId, clientSecret, refreshToken, and what the mailbox truly holds.
"""

import base64
import json
import sys
import urllib.request

from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient import discovery, discovery_cache
from googleapiclient.errors import HttpError

GIVEN = json.loads(sys.argv[1])
ROOT = GIVEN["root"]


def control(path, body=None, method="POST"):
    """What befalls the sandbox, by its own control plane."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{ROOT}_sandbox/{path}", data=data, method=method)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def befall(what):
    control(f"accounts/{GIVEN['email']}/do/{what}")


def service(name, version, credentials):
    """The client, its discovery document turned to loopback: batches go where the document's root is."""
    document = json.loads(discovery_cache.get_static_doc(name, version))
    document.pop("mtlsRootUrl", None)
    document["rootUrl"] = ROOT
    document["baseUrl"] = ROOT + document["servicePath"]
    return discovery.build_from_document(document, credentials=credentials)


def pages(collection, field, **asked):
    """All entries of all pages, and the last page."""
    entries, request = [], collection.list(**asked)
    while True:
        page = request.execute()
        entries += page.get(field, [])
        following = collection.list_next(request, page)
        if following is None:
            return entries, page
        request = following


def refused(request, status, reason):
    try:
        request.execute()
    except HttpError as error:
        inner = json.loads(error.content)["error"]["errors"][0]
        assert (error.resp.status, inner["reason"]) == (status, reason), (error.resp.status, inner)
        return
    raise AssertionError(f"{request.uri} was not refused with {status} {reason}")


def decoded(data):
    return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))


def mail(gmail):
    user = gmail.users()
    profile = user.getProfile(userId="me").execute()
    assert profile["emailAddress"] == GIVEN["email"], profile
    befall("expireAccessTokens")
    assert user.getProfile(userId="me").execute() == profile, "a token that ended is refreshed"
    labels = {label["id"] for label in user.labels().list(userId="me").execute()["labels"]}
    assert {"INBOX", "UNREAD", "CATEGORY_PERSONAL"} <= labels, labels
    listed, _ = pages(user.messages(), "messages", userId="me", maxResults=40, q="-in:chats")
    assert [entry["id"] for entry in listed] == GIVEN["messages"], "nothing lost, nothing doubled, newest first"

    one = user.messages().get(userId="me", id=GIVEN["withFile"]).execute()
    again = user.messages().get(userId="me", id=GIVEN["withFile"]).execute()
    files = [message["payload"]["parts"][0]["body"]["attachmentId"] for message in (one, again)]
    assert files[0] != files[1], "an attachment's id is another one on each get"
    for file in files:
        body = user.messages().attachments().get(userId="me", messageId=one["id"], id=file).execute()
        assert decoded(body["data"]) == b"Hello" and body["size"] == 5, body
    raw = user.messages().get(userId="me", id=one["id"], format="raw").execute()
    assert b"\r\n\r\n" in decoded(raw["raw"])
    assert int(raw["historyId"]) > 0 and int(raw["internalDate"]) > 0
    thread = user.threads().get(userId="me", id=one["threadId"], format="minimal").execute()
    assert one["id"] in [message["id"] for message in thread["messages"]]
    slim = user.messages().list(userId="me", fields="messages/id").execute()
    assert set(slim) == {"messages"} and set(slim["messages"][0]) == {"id"}, slim

    request = user.getProfile(userId="me")
    request._sleep = lambda seconds: None
    for status in (503, 429):
        refuse = {"status": status, "reason": "rateLimitExceeded", "retryAfter": "1"}
        control("faults", {"which": {"pathPrefix": "/gmail/"}, "effect": {"refuse": refuse}})
        request.execute(num_retries=1)
    control("quota", {"gmailPerUser": 0}, "PUT")
    refused(user.getProfile(userId="me"), 403, "userRateLimitExceeded")
    control("quota", None, "PUT")


def history(gmail):
    user = gmail.users()
    start = user.getProfile(userId="me").execute()["historyId"]
    text = b"From: bob@x.example\r\nSubject: late\r\nMessage-ID: <late@x>\r\n\r\nHello\r\n"
    made = control(f"accounts/{GIVEN['email']}/messages", text)["id"]
    control(f"accounts/{GIVEN['email']}/messages/{made}/labels", {"add": ["STARRED"], "remove": ["UNREAD"]})
    records, last = pages(user.history(), "history", userId="me", startHistoryId=start, maxResults=1)
    kinds = [key for record in records for key in record if key not in ("id", "messages")]
    assert kinds == ["messagesAdded", "labelsAdded", "labelsRemoved"], kinds
    assert int(last["historyId"]) > int(start)
    befall("expireHistory")
    refused(user.history().list(userId="me", startHistoryId=start), 404, "notFound")


def batches(gmail, calendar):
    answers = {}

    def keep(request_id, response, error):
        answers[request_id] = error.resp.status if error else response["id"]

    control("behaviour", {"shuffleBatches": 7}, "PUT")
    wanted = GIVEN["messages"][:30] + ["ffffffffffffffff"]
    batch = gmail.new_batch_http_request(callback=keep)
    for message in wanted:
        batch.add(gmail.users().messages().get(userId="me", id=message, format="metadata"), request_id=message)
    batch.execute()
    assert answers == {**{message: message for message in wanted[:-1]}, wanted[-1]: 404}, answers

    answers.clear()
    control("quota", {"concurrentPerUser": 10}, "PUT")
    batch = gmail.new_batch_http_request(callback=keep)
    for message in wanted[:25]:
        batch.add(gmail.users().messages().get(userId="me", id=message, format="minimal"), request_id=message)
    batch.execute()
    control("quota", None, "PUT")
    assert sorted(answers.values(), key=str).count(429) == 15, answers

    answers.clear()
    batch = calendar.new_batch_http_request(callback=keep)
    batch.add(calendar.calendars().get(calendarId="primary"), request_id="a")
    batch.add(calendar.calendarList().get(calendarId="none"), request_id="b")
    batch.execute()
    assert answers == {"a": GIVEN["email"], "b": 404}, answers
    control("behaviour", {}, "PUT")


def meetings(calendar):
    entries, _ = pages(calendar.calendarList(), "items", maxResults=2)
    assert {entry["id"] for entry in entries} == set(GIVEN["calendars"]), entries
    control("behaviour", {"emptyPages": True}, "PUT")
    events, last = pages(calendar.events(), "items", calendarId="primary", maxResults=20)
    control("behaviour", {}, "PUT")
    assert {event["id"] for event in events} == set(GIVEN["events"]), "every event, through empty pages"
    token = last["nextSyncToken"]
    new = {"summary": "Tea", "start": {"dateTime": "2026-12-01T16:00:00Z"}}
    made = control(f"accounts/{GIVEN['email']}/events", new)["id"]
    changed, last = pages(calendar.events(), "items", calendarId="primary", syncToken=token)
    assert [event["id"] for event in changed] == [made], changed
    again, _ = pages(calendar.events(), "items", calendarId="primary", syncToken=last["nextSyncToken"])
    assert again == []
    single = calendar.events().get(calendarId="primary", eventId=made).execute()
    assert single["summary"] == "Tea", single
    early = "2026-01-01T00:00:00Z"
    refused(calendar.events().list(calendarId="primary", syncToken=token, timeMin=early), 400, "invalid")
    refused(calendar.events().list(calendarId="primary", orderBy="startTime"), 400, "invalid")
    befall("invalidateSyncTokens")
    refused(calendar.events().list(calendarId="primary", syncToken=token), 410, "fullSyncRequired")


def main():
    credentials = Credentials(
        token=None,
        refresh_token=GIVEN["refreshToken"],
        token_uri=f"{ROOT}token",
        client_id=GIVEN["clientId"],
        client_secret=GIVEN["clientSecret"],
    )
    gmail, calendar = service("gmail", "v1", credentials), service("calendar", "v3", credentials)
    mail(gmail)
    batches(gmail, calendar)
    history(gmail)
    meetings(calendar)
    befall("revokeGrants")
    try:
        gmail.users().getProfile(userId="me").execute()
    except RefreshError as error:
        assert error.args[1]["error"] == "invalid_grant", error.args
    else:
        raise AssertionError("a revoked grant still works")
    print("walked")


main()
