"""The text of a message: which parts are its text (RFC 2046), and what they say."""

import re

import charsets
import headers
import markup

# Texts that are not for people, or that are files.
NO_TEXT = {"plain", "html", "calendar", "css", "csv", "directory", "rfc822-headers", "vcard", "x-amp-html", "x-vcard"}
STATUS = {"message/delivery-status", "message/disposition-notification"}


def texts(message):
    """The texts that a reader sees, in their order: where there are none, texts that have a name; then texts of other
    types, and what servers say of a delivery; then mails inside the mail, each behind its author and its subject."""
    leaves = list(leaves_of(message))
    for part in leaves:
        part.is_alone = len(leaves) == 1
    return said(shown(message)) or said(named(leaves)) or said(other(leaves)) or said(nested(leaves))


def files(message):
    """The names of what came with the text, in order; empty names included. Alternatives of the text are none."""
    leaves = list(leaves_of(message))
    is_text = lambda part: kind_of(part) in ("text/plain", "text/html") and not is_file(part) and (len(leaves) == 1 or not part.get_filename())
    return [headers.words(part.get_filename() or "", message) for part in leaves if not is_text(part) and kind_of(part) != "text/x-amp-html"]


def said(found):
    return [text for text in found if text.strip()]


def leaves_of(part):
    if is_multipart(part):
        for inner in part.get_payload():
            yield from leaves_of(inner)
    else:
        yield part


def is_multipart(part):
    return part.is_multipart() and part.get_content_maintype() == "multipart"


def kind_of(part):
    """A multipart without parts is read as plain text, as is what names no type (RFC 2045, 5.2)."""
    kind = part.get_content_type()
    return "text/plain" if kind.startswith("multipart/") else kind


def is_file(part):
    return part.get_content_disposition() == "attachment"


def shown(part):
    if is_multipart(part):
        parts = part.get_payload()
        if part.get_content_type() == "multipart/alternative":
            return alternative(parts)
        return [text for inner in parts for text in shown(inner)]
    if is_file(part) or (part.get_filename() and not part.is_alone):
        return []
    return read(part)


def read(part):
    kind = kind_of(part)
    if kind == "text/plain":
        return [plain(part)]
    if kind == "text/html":
        return [markup.text(decoded(part))]
    return []


def alternative(parts):
    """Plain text, if there is any that says something; else the last alternative that does, which is the richest."""
    found = [(part, said(shown(part))) for part in parts]
    found = [(part, texts) for part, texts in found if texts]
    simple = [texts for part, texts in found if not any(kind_of(leaf) == "text/html" for leaf in leaves_of(part))]
    return (simple or [texts for _, texts in reversed(found)] or [[]])[0]


def named(leaves):
    return [text for part in leaves if not is_file(part) for text in read(part)]


def other(leaves):
    """An unknown kind of text is read as plain text (RFC 2046, 4.1.4)."""
    found = []
    for part in leaves:
        main, sub = kind_of(part).split("/")
        if not is_file(part) and not part.get_filename() and (kind_of(part) in STATUS or main == "text" and sub not in NO_TEXT):
            found.append(decoded(part))
    return found


def nested(leaves):
    found = []
    for part in leaves:
        if part.get_content_maintype() == "message" and part.is_multipart() and kind_of(part) not in STATUS:
            for inner in part.get_payload():
                heads = [("From", headers.unstructured(inner, "from")), ("Subject", headers.subject(inner))]
                heads = "\n".join(f"{label}: {text}" for label, text in heads if text)
                inside = said(shown_with_alone(inner)) or said(nested(list(leaves_of(inner))))
                found.append("\n\n".join(([heads] if heads else []) + inside))
    return found


def shown_with_alone(message):
    leaves = list(leaves_of(message))
    for part in leaves:
        part.is_alone = len(leaves) == 1
    return shown(message)


def decoded(part):
    if part.is_multipart():
        # Python reads the blocks of a delivery status as messages.
        return "\n".join(inner.as_string() for inner in part.get_payload())
    data = part.get_payload(decode=True) or b""
    return charsets.decode(data, part.get_content_charset())


def plain(part):
    text = decoded(part)
    if str(part.get_param("format", "")).lower() == "flowed":
        return flowed(text, str(part.get_param("delsp", "")).lower() == "yes")
    return text


def flowed(text, delete_space):
    """RFC 3676, 4: lines that end in a blank go on in the next line of the same quote depth."""
    out, open_depth = [], None
    for line in re.split(r"\r?\n", text):
        quotes = len(line) - len(line.lstrip(">"))
        line = line[quotes:]
        line = line[1:] if line.startswith(" ") else line
        is_flowed = line.endswith(" ") and line != "-- "
        joins = open_depth == quotes and line != "-- "
        line = line[:-1] if is_flowed and delete_space else line
        if joins:
            out[-1] += line
        else:
            out.append((">" * quotes + " " if quotes else "") + line)
        open_depth = quotes if is_flowed else None
    return "\n".join(out)
