"""Pages made from the protocols' own tables, so that they cannot drift from the code."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

import _format_page  # noqa: E402

from proxy import registry  # noqa: E402
from proxy.protocol import Announce, Kind, Protocol  # noqa: E402
from recordings.model import Transport  # noqa: E402

FOLDER = HOME / "docs" / "protocols"
NOTE = "<!-- Made by scripts/docs from the tables of {file}; edit those. -->"
SILENT = (
    "Two members of the GameSpy family have no page: voice travels inside a game's own packets, "
    "and Brigades has nothing on the wire that is known."
)


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ") or "-"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table of Markdown, nothing when it has no rows."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    if lines:
        names = list(head)
        yield f"| {' | '.join(names)} |"
        yield f"|{'---|' * len(names)}"
        yield from lines
        yield ""


def code(text: object) -> str:
    """Text as code, nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def sentence(text: str) -> str:
    """A text that begins and ends like a sentence, nothing for nothing."""
    ended = text[-1:] in ("", ".", "?", "!", ":")
    return text[:1].upper() + text[1:] + ("" if ended else ".")


def kind_lines(kind: Kind) -> Iterator[str]:
    """One kind: who says it, what it means, its fields."""
    ways = ", ".join(kind.directions)
    yield f"### `{kind.name}` {ways}"
    yield ""
    number = f"Number {kind.tag}." if kind.tag else ""
    source = f"Source: {kind.source}." if kind.source else ""
    about = " ".join(filter(None, (sentence(kind.meaning), number, source)))
    if about:
        yield about
        yield ""
    yield from table(
        ("field", "type", "meaning"),
        ((code(f.name), f.type, f.meaning) for f in kind.fields),
    )


def _unnamed_port(announce: Announce, protocol: Protocol) -> str:
    """Where an endpoint is spoken to when the message names no port."""
    if announce.ports:
        return f"always at {' or '.join(map(str, announce.ports))}"
    if announce.transport in protocol.transports:
        return "the same port"
    return "at a port that is not known, so that it passes unchanged"


def announced(announce: Announce, protocol: Protocol) -> tuple[str, ...]:
    """One row of the table of announcements."""
    host = code(announce.host) if announce.host else "the announcing host"
    port = code(announce.port) if announce.port else _unnamed_port(announce, protocol)
    both = announce.host is not None and announce.host == announce.port
    place = f"{host} as `HOST:PORT`" if both else f"{host}, {port}"
    where = f"each of {code(announce.each)}: " if announce.each else ""
    what = f"{announce.protocol} {announce.transport} {announce.role}".strip()
    return (
        f"{code(announce.kind)} {announce.direction}",
        f"{where}{place}",
        what + (" (another player)" if announce.peer else ""),
    )


def on_the_wire(file: str) -> Iterator[str]:
    """What the head of the protocol's file says of frames; blocks set in are its tables."""
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    yield "## On the wire"
    yield ""
    yield inspect.cleandoc(module.__doc__ or "")
    yield ""


def page(protocol: Protocol, file: str) -> str:
    """The page of one protocol."""
    ports = ", ".join(map(str, protocol.ports)) or "any"
    facts = [
        ("transport", ", ".join(t.upper() for t in protocol.transports)),
        ("usual ports", ports),
        ("the facts are from", protocol.source),
    ]
    if Transport.UDP in protocol.transports:
        facts.insert(2, ("a UDP flow ends after", f"{protocol.idle:g} s of silence"))
    lines = [
        NOTE.format(file=file),
        "",
        f"# {protocol.name}",
        "",
        f"{protocol.title[:1].upper()}{protocol.title[1:]}.",
        "",
        *table(("", ""), facts),
        *on_the_wire(file),
    ]
    if protocol.announces:
        lines += ["## Endpoints that it announces", ""]
        lines += table(
            ("message", "where", "what speaks there"),
            (announced(one, protocol) for one in protocol.announces),
        )
    if protocol.volatile:
        lines += ["## What differs at every run", ""]
        rows = ((code(p), v.how, code(v.of)) for p, v in protocol.volatile.items())
        lines += table(("field", "renewed as", "of"), rows)
    if protocol.answers:
        lines += ["## What ends a turn", ""]
        rows = ((code(k), ", ".join(map(code, a))) for k, a in protocol.answers.items())
        lines += table(("request", "answers"), rows)
    if protocol.rhythm:
        lines += ["## Keepalives", ""]
        beats = ((code(r.kind), r.direction, f"{r.every:g} s") for r in protocol.rhythm)
        lines += table(("message", "direction", "every"), beats)
    if protocol.kinds:
        lines += ["## Kinds of messages", ""]
        for kind in protocol.kinds:
            lines += kind_lines(kind)
    return "\n".join(lines).rstrip() + "\n"


def index(protocols: Iterable[Protocol]) -> str:
    """The list of all pages."""
    rows = (
        (f"[{p.name}]({p.name}.md)", p.title, str(len(p.kinds)))
        for p in sorted(protocols, key=lambda one: one.name)
    )
    return "\n".join(
        [
            NOTE.format(file="proxy/protocols/"),
            "",
            "# Protocols",
            "",
            *table(("protocol", "what it is", "kinds"), rows),
            "A source such as `kaillera 2` names a section of the research notes that the protocol "
            "was written from: captures, decompiled clients, running originals.",
            "",
            SILENT,
            "",
        ]
    )


def pages() -> dict[Path, str]:
    """Every page by its path."""
    protocols = registry.protocols()
    made = {FOLDER / "README.md": index(protocols.values())}
    made[HOME / "docs" / "recording-format.md"] = _format_page.page()
    for name, protocol in protocols.items():
        stem = "raw" if name.startswith("raw-") else name.replace("-", "_")
        made[FOLDER / f"{name}.md"] = page(protocol, f"proxy/protocols/{stem}.py")
    return made


def main() -> int:
    made = pages()
    stale = [path for path, text in made.items() if not same(path, text)]
    stale += [path for path in FOLDER.glob("*.md") if path not in made]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(HOME)} is not current: run scripts/docs")
        return bool(stale)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in stale:
        if path in made:
            path.write_text(made[path], "utf-8", newline="\n")
        else:
            path.unlink()
        print(f"{path.relative_to(HOME)} is written")
    return 0


def same(path: Path, text: str) -> bool:
    """Whether the page holds just that."""
    return path.exists() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
