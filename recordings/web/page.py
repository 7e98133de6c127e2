"""The frame of every page of ours: head, way back, notice, content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recordings.markup import Child, Markup, tag

HTML = "text/html; charset=utf-8"
SCRIPTS = ("diagram.js", "frame.js")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page function gives back."""

    body: bytes
    content_type: str = HTML
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


def page(
    title: str,
    *content: Child,
    crumbs: Sequence[tuple[str, str]] = (),
    notice: str | None = None,
    status: int = 200,
) -> Answer:
    """A page; `crumbs` are names and addresses of the pages above it."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} - Understudy"),
        [
            tag("link", rel="stylesheet", href=f"/static/{name}")
            for name in ("diagram.css", "style.css")
        ],
        [tag("script", src=f"/static/{name}", defer=True) for name in SCRIPTS],
        tag("link", rel="icon", href="data:,"),
    )
    ways = [tag("li", tag("a", name, href=href)) for name, href in (("Sessions", "/"), *crumbs)]
    nav = tag(
        "nav",
        tag("ol", ways),
        tag("a", "Tables and SQL", href="/recording", class_="aside"),
        aria_label="Where you are",
    )
    body = tag(
        "body",
        tag("a", "To the content", href="#content", class_="skip"),
        nav,
        tag(
            "main",
            tag("h1", title),
            tag("p", notice, class_="notice", role="status") if notice else None,
            content,
            id="content",
        ),
    )
    document = f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"
    return Answer(document.encode("utf-8", "backslashreplace"), status=status)


def listing(
    columns: Sequence[str], rows: Iterable[Sequence[Child]], caption: str, right: Sequence[str] = ()
) -> Markup:
    """A table whose first column heads its rows; the columns named in `right` are numbers."""
    numbers = {columns.index(name) for name in right}

    def cells(row: Sequence[Child]) -> list[Markup]:
        return [
            tag(
                "td" if at else "th",
                cell,
                scope=None if at else "row",
                class_="number" if at in numbers else None,
            )
            for at, cell in enumerate(row)
        ]

    head = tag("tr", [tag("th", name, scope="col") for name in columns])
    body = [tag("tr", cells(row)) for row in rows]
    table = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", body))
    return tag("div", table, class_="wide", role="region", aria_label=caption, tabindex=0)


def failure(status: int, sentence: str) -> Answer:
    """A page that says what went wrong."""
    return page("This cannot be shown", tag("p", sentence, class_="problem"), status=status)
