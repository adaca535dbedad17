"""Finds the messages and calendars of a corpus, each under a name of its own."""

import gzip
import re
import tarfile
from pathlib import Path


def messages(root):
    """Every message as (name, bytes), in the order of the names of their files."""
    for path in files(root / "mail"):
        yield from split(str(path.relative_to(root)), path.read_bytes())
    for path in files(root / "mailboxes"):
        name = str(path.relative_to(root))
        if name.endswith(".tar.gz"):
            with tarfile.open(path) as archive:
                for member in archive:
                    if member.isfile():
                        yield f"{name}#{member.name}", archive.extractfile(member).read()
        else:
            yield from split(name, gzip.decompress(path.read_bytes()))


def calendars(root):
    """Every calendar file as (name, bytes)."""
    for path in files(root / "ics"):
        yield str(path.relative_to(root)), path.read_bytes()


def files(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def split(name, data):
    """The messages of a file: an mbox begins with a line `From `, which is no header `From :`."""
    first = data.split(b"\n", 1)[0]
    if not first.startswith(b"From ") or re.match(rb"From\s*:", first):
        return [(name, data)] if data else []
    # Prose begins lines with "From ", too. Separators have a time in them, if the first one has.
    separator = re.compile(rb"From .*\d\d:\d\d" if re.search(rb"\d\d:\d\d", first) else rb"From ")
    found, after_blank = [], True
    for line in data.splitlines(keepends=True):
        if after_blank and separator.match(line):
            found.append([])
            after_blank = False
            continue
        after_blank = line in (b"\n", b"\r\n")
        found[-1].append(re.sub(rb"^>(>*From )", rb"\1", line))
    found = [b"".join(lines) for lines in found]
    return [(f"{name}#{number}" if len(found) > 1 else name, mail) for number, mail in enumerate(found) if mail]
