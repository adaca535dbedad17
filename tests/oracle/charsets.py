"""Bytes of a named charset as text, by the labels of the WHATWG's Encoding Standard, which is what mail clients do."""

import codecs

import webencodings


def c1(error):
    """The standard's code pages have no holes: such a byte is the control character of its number."""
    holes = error.object[error.start : error.end]
    is_page = error.encoding.startswith(("cp125", "charmap", "iso8859"))
    return ("".join(map(chr, holes)) if is_page else "\ufffd"), error.end


codecs.register_error("c1", c1)


def decode(data, label):
    """The text. A label that is missing, unknown, or only ASCII says nothing: such bytes are UTF-8, or Windows' Latin."""
    label = (label or "").strip().strip("'\"").lower()
    codec = find(label)
    if codec is None or label in ("us-ascii", "ascii", "ansi_x3.4-1968"):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            codec = webencodings.lookup("windows-1252").codec_info
    return codec.decode(data, "c1")[0]


def find(label):
    known = webencodings.lookup(label)
    if known:
        return known.codec_info
    try:
        codec = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    return codec if codec._is_text_encoding else None
