"""HTML as the words a reader sees, from the tree that HTML's own specification builds."""

import re

import html5lib

UNSEEN = set("head script style title template iframe noembed noframes textarea audio canvas datalist math object select svg "
             "video".split())
# What is not inside a line, by the specification's chapter on rendering.
BLOCKS = set("address article aside blockquote body br caption center col colgroup dd details dialog dir div dl dt fieldset "
             "figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li listing main menu "
             "nav ol optgroup option p plaintext pre search section summary table tbody td tfoot th thead tr ul xmp".split())
ZERO = re.compile(r"0*(\.0*)?\s*[a-z%]*")


def text(html):
    """The words, items of lists behind a star or their number; of nothing but images, what stands for them."""
    tree = html5lib.parse(html, treebuilder="etree", namespaceHTMLElements=False)
    out = []
    read(tree, out)
    found = "".join(out)
    return found if found.strip() else "\n".join(image.get("alt", "") for image in tree.iter("img"))


def read(root, out):
    # Without recursion: mail nests deeper than Python's stack.
    todo = [(root, None)]
    while todo:
        node, label = todo.pop()
        if isinstance(node, str):
            out.append(node)
            continue
        name = node.tag if isinstance(node.tag, str) else None
        if name is None or name in UNSEEN or is_hidden(name, node):
            continue
        space = "\n" if name in BLOCKS else ""
        out.append(space)
        if name == "li":
            out.append((label or "*") + " ")
        todo.append((space, None))
        number = int(node.get("start", "")) if re.fullmatch(r"\s*\d+\s*", node.get("start", "")) else 1
        children = []
        for child in node:
            children.append((child, f"{number}." if name == "ol" else None))
            children.append((child.tail or "", None))
            number += child.tag == "li"
        todo.extend(reversed(children))
        out.append(node.text or "")


def is_hidden(name, node):
    if name in ("html", "body"):
        return False
    style = dict(declaration.lower().split(":", 1) for declaration in node.get("style", "").split(";") if ":" in declaration)
    style = {key.strip(): value.split("!")[0].strip() for key, value in style.items()}
    is_zero = lambda key: key in style and ZERO.fullmatch(style[key]) and style[key][:1] in "0."
    return ("hidden" in node.attrib or style.get("display") == "none" or style.get("visibility") == "hidden"
            or is_zero("opacity") or is_zero("max-height") and style.get("overflow") == "hidden")
