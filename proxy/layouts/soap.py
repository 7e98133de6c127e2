"""The elements of an XML body, as places in its bytes: enough for SOAP, and nothing that bites.

No document type, no entity but the five that XML predefines and numbers, no external reference, and
bounds on depth and count. The reader stops behind the root element: what follows is left to the
caller (a SOAP call of GameSpy's competitions carries a binary report there, gamespy 12).
"""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass, field

from proxy.message import WireError

DEPTH_LIMIT = 32
ELEMENT_LIMIT = 20_000

_TOKEN = re.compile(  # possessive, so that a tag that never ends costs one pass
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(?P<close>/)?(?P<name>[^\s<>/!?&]++)"
    rb"(?P<rest>(?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+)>",
    re.DOTALL,
)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ENTITY = re.compile(r"&(#\d{1,7}|#x[0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);")


@dataclass(slots=True)
class Element:
    """One element: its name without prefix, and where what it holds lies."""

    name: str
    start: int
    """Of the content, behind the opening tag."""
    end: int = 0
    """Of the content, before the closing tag; for `<a/>` the same as `start`."""
    closed: bool = True
    """False for `<a/>`, which has no room for content."""
    children: list[Element] = field(default_factory=list)

    def find(self, name: str) -> Element | None:
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)


def looks_like_xml(body: bytes) -> bool:
    """Whether it is worth calling `parse`."""
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def parse(body: bytes) -> tuple[Element, int]:
    """The root element and the offset behind it; raises WireError."""
    open_: list[Element] = []
    place = count = 0
    while True:
        place = body.find(b"<", place)
        if place < 0:
            raise WireError(f"XML, byte {len(body)}: the root element never ends")
        token = _TOKEN.match(body, place)
        if token is None:
            raise WireError(f"XML, byte {place}: no tag that is allowed here")
        place = token.end()
        if token["name"] is None:
            continue  # a comment, CDATA or a processing instruction
        name = token["name"].decode("latin-1").rpartition(":")[2]
        if token["close"]:
            done = _close(open_, name, token.start())
        else:
            count += 1
            if count > ELEMENT_LIMIT or len(open_) >= DEPTH_LIMIT:
                raise WireError(f"XML, byte {token.start()}: more elements than the limit")
            empty = token["rest"].endswith(b"/")
            element = Element(name, place, place, not empty)
            if open_:
                open_[-1].children.append(element)
            if not empty:
                open_.append(element)
                continue
            done = element
        if not open_:
            return done, place


def _close(open_: list[Element], name: str, at: int) -> Element:
    if not open_ or open_[-1].name != name:
        raise WireError(f"XML, byte {at}: </{name}> closes nothing")
    element = open_.pop()
    element.end = at
    return element


def operation(root: Element) -> Element | None:
    """The element of the call in a SOAP envelope, None when this is no envelope."""
    body = root.find("Body") if root.name == "Envelope" else None
    return body.children[0] if body and body.children else None


def leaves(element: Element, path: str) -> list[tuple[str, Element]]:
    """Path and element of all that hold no other; repeated ones get an index, `a[1].b`."""
    found: list[tuple[str, Element]] = []
    names = [_safe(child.name) for child in element.children]
    often, seen = Counter(names), Counter[str]()
    for name, child in zip(names, element.children, strict=True):
        repeated = f"[{seen[name]}]" if often[name] > 1 else ""
        seen[name] += 1
        where = f"{path}.{name}{repeated}"
        found += leaves(child, where) if child.children else [(where, child)]
    return found


def _safe(name: str) -> str:
    return re.sub(r"[.\[\]]", "_", name) or "_"


def unescape(content: bytes) -> str:
    """The text of an element's content; raises WireError for an unknown entity."""
    text = content.decode("utf-8")
    parts = []
    place = 0
    for cdata in _CDATA.finditer(text):
        parts += [_plain(text[place : cdata.start()]), cdata[1] or ""]
        place = cdata.end()
    return "".join([*parts, _plain(text[place:])])


def _plain(text: str) -> str:
    if text.count("&") != len(_ENTITY.findall(text)):
        raise WireError("XML: an entity that is not predefined")
    return _ENTITY.sub(lambda one: html.unescape(one[0]), text)


def escape(text: str) -> bytes:
    """Text as the content of an element."""
    return html.escape(text, quote=False).encode("utf-8")
