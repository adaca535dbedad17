"""What the headers of a message say, by RFC 5322, 2047 and 6532, as Python's `email` reads them."""

import email.header
import email.utils
import re
from datetime import timezone

import charsets


def subject(message):
    return unstructured(message, "subject")


def unstructured(message, name):
    """The first value of that header, decoded; empty where there is none."""
    raw = first(message, name)
    return words(raw, message) if raw is not None else ""


def first(message, name):
    """The first header of that name that says anything, as it was written, unfolded."""
    return next((value for value in every(message, name) if value.strip()), None)


def every(message, name):
    """Every header of that name, as written, unfolded. `raw_items` keeps bytes that are not ASCII as surrogates."""
    values = [value for key, value in message.raw_items() if key.lower() == name]
    return [re.sub(r"\r?\n(?=[ \t])|[\r\n]+$", "", str(value)) for value in values]


def words(raw, message):
    """Encoded words (RFC 2047) as text. Adjacent words of one charset are joined before they are decoded: a character may
    be cut between two of them."""
    out, pending = [], []

    def flush():
        if pending:
            out.append(charsets.decode(b"".join(data for _, data in pending), pending[0][0]))
            pending.clear()

    position, pattern = 0, re.compile(r"=\?([^?\s]*)\?([bBqQ])\?([^?]*(?:\?(?!=)[^?]*)*)\?=")
    for match in pattern.finditer(raw):
        between = raw[position : match.start()]
        if between.strip() or not position:
            flush()
            out.append(plain(between, message))
        charset = match[1].split("*")[0].lower()
        decoded = decode_word(match[2], match[3])
        if decoded is None:
            flush()
            out.append(match[0])
        else:
            if pending and pending[0][0] != charset:
                flush()
            pending.append((charset, decoded))
        position = match.end()
    flush()
    out.append(plain(raw[position:], message))
    return "".join(out)


def decode_word(encoding, text):
    import email.base64mime
    import email.quoprimime

    data = text.encode("ascii", "surrogateescape")
    if encoding.lower() == "q":
        text = data.decode("latin-1")
        return email.quoprimime.header_decode(text).encode("latin-1", "replace")
    import base64
    import binascii

    digits = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    try:
        return base64.b64decode(digits + b"=" * (-len(digits) % 4))
    except binascii.Error:
        return None


def plain(text, message):
    """What stands outside encoded words: ASCII, UTF-8 (RFC 6532), or, against every rule, what the body's charset is."""
    data = text.encode("utf-8", "surrogateescape")
    return charsets.decode(data, message.get_content_charset() or "")


def addresses(message, *names):
    """Every mailbox in the headers of these names as [address, name], groups opened, addresses in lower case."""
    return [person for name in names for raw in every(message, name) for person in mailboxes(raw, message)]


def pairs_of(raw):
    # Since its fix of 2023, Python by default gives nothing at all for a header that it reads in more than one way.
    try:
        return email.utils.getaddresses([raw], strict=False)
    except TypeError:
        return email.utils.getaddresses([raw])


def mailboxes(raw, message):
    # Pipermail's archives write addresses so: `user at host (Name)`.
    raw = re.sub(r"^(\S+) at (\S+)(?= \()", r"\1@\2", raw)
    found = []
    try:
        pairs = pairs_of(raw)
    except RecursionError:
        # It calls itself for every empty member of a list.
        pairs = []
    for name, address in pairs:
        name, address = words(name, message), words(address, message).strip().lower()
        if "@" not in address and not name:
            # An address has an `@` (RFC 5322, 3.4.1): this is a name.
            name, address = address_as_written(address, raw), ""
        if address.strip("<>") or name.strip():
            found.append([address, " ".join(name.split())])
    return found


def address_as_written(address, raw):
    at = raw.lower().find(address)
    return raw[at : at + len(address)] if at >= 0 else address


def date(message):
    """The Date header in seconds since 1970; None where there is none that can be read."""
    raw = first(message, "date")
    try:
        when = email.utils.parsedate_to_datetime(raw)
        when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
        return int(when.timestamp())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def ids(message, name):
    """The message ids in the first header of that name."""
    raw = first(message, name) or ""
    return re.findall(r"<\s*([^<>\s]+)\s*>", raw) or [part for part in raw.split() if "@" in part]
