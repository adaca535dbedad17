"""Writes what is in a corpus, as Python's standard library and the calendar libraries of its community read it.

    python oracle.py CORPUS > expected.jsonl

One JSON object in a line: of a message its bytes and what they say, of a calendar its events as Google would have them and
the instances that iCalendar's rules give. It shares nothing with what it checks, and knows nothing of it.
"""

import base64
import email
import email.policy
import json
import sys
from pathlib import Path

import body
import corpus
import headers
import meetings


def mail(name, raw):
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    return {
        "path": name,
        "raw": base64.urlsafe_b64encode(raw).decode(),
        "subject": headers.subject(message),
        "sender": (headers.addresses(message, "from") or headers.addresses(message, "sender") or [None])[0],
        "recipients": headers.addresses(message, "to") + headers.addresses(message, "cc") + headers.addresses(message, "bcc"),
        "date": headers.date(message),
        "messageId": (headers.ids(message, "message-id") or [None])[0],
        "inReplyTo": headers.ids(message, "in-reply-to"),
        "references": headers.ids(message, "references"),
        "texts": body.texts(message),
        "files": body.files(message),
    }


def main():
    root = Path(sys.argv[1])
    for name, raw in corpus.messages(root):
        write(mail(name, raw))
    for name, data in corpus.calendars(root):
        for record in meetings.calendars(name, data):
            write(record)


def write(record):
    # Half a character, as some decoders give, is no text.
    line = json.dumps(record, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    sys.stdout.buffer.write(line.encode() + b"\n")


main()
