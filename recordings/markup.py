"""HTML and SVG that cannot be anything else: whatever is not markup already is escaped.

What comes from a recording was sent by anybody. So a page is never put together from text; it is
made of `tag`, which escapes its attributes and its children, and shows control and formatting
characters (of which SVG allows none, and some of which turn the direction of text) as escapes.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TypeAlias

from recordings.text import safe


class Markup(str):
    """Text that is markup and safe as it stands."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"
Attribute: TypeAlias = str | int | float | bool | None

_EMPTY = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})
"""Elements of HTML that have no end."""
_NAMES: dict[str, str] = {}


def escape(text: str) -> Markup:
    """Text as markup, quotes and what cannot be seen escaped as well."""
    return Markup(html.escape(safe(text)))


def _child(child: Child) -> str:
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return escape(child)
    if child is None:
        return ""
    if isinstance(child, int | float):
        return str(child)
    return "".join(map(_child, child))


def _name(name: str) -> str:
    """`class_` is class, `stroke_width` is stroke-width."""
    found = _NAMES.get(name)
    if found is None:
        found = _NAMES[name] = name.rstrip("_").replace("_", "-")
    return found


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return f' {_name(name)}=""'
    return f' {_name(name)}="{escape(value) if isinstance(value, str) else value}"'


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """An element. None and False leave an attribute out, True gives it no value."""
    given = "".join([_attribute(key, value) for key, value in attributes.items()])
    if name in _EMPTY:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{''.join(map(_child, children))}</{name}>")


def join(parts: Iterable[Child], between: str = "") -> Markup:
    """Parts one after the other."""
    return Markup(escape(between).join(map(_child, parts)))


def trusted(text: str) -> Markup:
    """Our own style sheets and scripts, which are markup already; never anything recorded."""
    return Markup(text)
