"""Does what `understudy export` was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from proxy.importing.progress import Progress
from recordings.choosing import check_session, one_session, open_recording
from recordings.errors import UserError
from recordings.exporting.choice import Choice, Content
from recordings.filters import compile_filter
from recordings.reader import Reader
from recordings.viewing import Viewer

SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wrote, as click hands it over."""

    file: Path | None
    filter_: tuple[str, ...]
    pcapng: bool
    jsonl: bool
    sql: bool
    parquet: str | None
    """The folder; empty: that of `write`."""
    python_vectors: bool
    svg: bool
    html: bool
    wireshark_lua: str | None
    mitmproxy_addon: bool
    session: int | None
    deciphered: bool
    forwarded: bool
    synthetic: bool
    no_comments: bool
    each: int
    write: Path | None


Export = Callable[[Asked, Viewer | None], None]
FORMATS = (
    "pcapng",
    "jsonl",
    "sql",
    "parquet",
    "python_vectors",
    "svg",
    "html",
    "wireshark_lua",
    "mitmproxy_addon",
)
OF_PROTOCOLS = ("wireshark_lua", "mitmproxy_addon")
"""Formats that need no recording."""
WHOLE = ("jsonl", "sql")
"""Formats that take no filter."""
OF_PCAPNG = ("deciphered", "forwarded", "synthetic", "no_comments")


def run(asked: Asked, viewer: Viewer | None) -> None:
    """Write the one format that was asked for; raises UserError, UsageError for none or several."""
    chosen = [name for name in FORMATS if getattr(asked, name) not in (None, False)]
    if len(chosen) != 1:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in FORMATS)
        raise click.UsageError(f"Choose one format: {options}.")
    name = chosen[0]
    if (asked.file is None) != (name in OF_PROTOCOLS):
        need = "takes no FILE" if asked.file else "needs FILE, the recording to export"
        raise click.UsageError(f"--{name.replace('_', '-')} {need}.")
    if name in WHOLE and any(asked.filter_):
        raise click.UsageError(f"--{name} writes whole sessions: leave the FILTER out.")
    for option in OF_PCAPNG:
        if getattr(asked, option) and name != "pcapng":
            raise click.UsageError(f"--{option.replace('_', '-')} goes with --pcapng.")
    if asked.deciphered and asked.forwarded:
        raise click.UsageError("Choose one of --deciphered and --forwarded.")
    _EXPORTS[name](asked, viewer)


def _choice(asked: Asked, reader: Reader) -> Choice:
    check_session(reader, asked.session)
    where = compile_filter(" ".join(asked.filter_)) if any(asked.filter_) else None
    content = Content.PLAIN if asked.deciphered else Content.RAW
    return Choice(
        asked.session,
        where.sql if where else "",
        where.parameters if where else (),
        Content.SENT if asked.forwarded else content,
    )


@contextmanager
def _reading(asked: Asked) -> Iterator[tuple[Reader, Choice]]:
    assert asked.file is not None
    with open_recording(asked.file) as reader:
        yield reader, _choice(asked, reader)


@contextmanager
def _writing(asked: Asked, ending: str, stem: str = "") -> Iterator[BinaryIO]:
    """The file to write; it takes its place only when it is whole."""
    if asked.write and str(asked.write) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = asked.write or Path(f"{stem or _stem(asked)}{ending}")
    _spare(path)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, path)
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"{path} cannot be written ({why}): give another with -w") from error
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"wrote {path}: {path.stat().st_size:,} bytes", err=True)


def _stem(asked: Asked) -> str:
    """`evening.understudy.db` -> `evening`."""
    return asked.file.name.removesuffix(".db").removesuffix(".understudy") if asked.file else ""


def _spare(path: Path) -> None:
    """An export never takes the place of a recording."""
    try:
        with path.open("rb") as file:
            if file.read(len(SQLITE)) == SQLITE:
                raise UserError(f"{path} is a database: give another file with -w")
    except OSError:
        return


def _lines(asked: Asked, ending: str, lines: Iterable[str], end: str = "\n") -> None:
    with _writing(asked, ending) as file:
        for line in lines:
            file.write((line + end).encode("utf-8", "surrogateescape"))


def _pcapng(asked: Asked, viewer: Viewer | None) -> None:
    from recordings.exporting.capture import CaptureWriter

    with _reading(asked) as (reader, choice), _writing(asked, ".pcapng") as file:
        total = sum(flow.frames for flow in choice.flows(reader))
        with Progress("export", total) as progress:
            writer = CaptureWriter(
                reader,
                choice,
                synthetic=asked.synthetic,
                comments=not asked.no_comments,
                viewer=viewer,
            )
            shown = 0
            for block in writer.blocks():
                file.write(block)
                if writer.frames - shown > 1000:
                    progress.advance(writer.frames - shown)
                    shown = writer.frames
    if writer.cut:
        click.echo(f"{writer.cut} datagrams are longer than a packet: they are cut", err=True)


def _jsonl(asked: Asked, viewer: Viewer | None) -> None:
    from recordings.exporting.dumping import json_lines

    with _reading(asked) as (reader, choice):
        total = sum(flow.frames for flow in choice.flows(reader))
        with Progress("export", total) as progress:
            lines = _counted(json_lines(reader, asked.session), progress)
            _lines(asked, ".jsonl", lines)


def _counted(lines: Iterable[str], progress: Progress) -> Iterator[str]:
    """The lines; every thousand are told."""
    for number, line in enumerate(lines, 1):
        yield line
        if number % 1000 == 0:
            progress.advance(1000)


def _sql(asked: Asked, viewer: Viewer | None) -> None:
    from recordings.exporting.dumping import sql

    assert asked.file is not None
    if asked.session is not None:
        raise click.UsageError("--sql writes the whole recording: leave --session out.")
    _lines(asked, ".sql", sql(asked.file))


def _parquet(asked: Asked, viewer: Viewer | None) -> None:
    from recordings.exporting.parquet import export_parquet

    folder = (
        Path(asked.parquet) if asked.parquet else asked.write or Path(f"{_stem(asked)}-parquet")
    )
    if folder.is_file():
        raise UserError(f"{folder} is a file: give --parquet a folder")
    with _reading(asked) as (reader, choice):
        total = sum(flow.frames for flow in choice.flows(reader))
        with Progress("export", total) as progress:
            count = export_parquet(reader, choice, folder, progress.advance)
    click.echo(f"wrote {count:,} frames below {folder}", err=True)


def _python_vectors(asked: Asked, viewer: Viewer | None) -> None:
    from recordings.exporting.vectors import python_vectors

    assert viewer is not None
    with _reading(asked) as (reader, choice):
        texts = python_vectors(reader, choice, viewer, each=asked.each)
        _lines(asked, "_vectors.py", texts, "")


def _diagram(asked: Asked, viewer: Viewer | None, kind: str) -> None:
    from recordings.diagram import export

    assert asked.file is not None
    where = compile_filter(" ".join(asked.filter_)) if any(asked.filter_) else None
    with open_recording(asked.file) as reader:
        session = one_session(reader, asked.session)
        scene = export.read(reader, session, viewer, where=where)
    with _writing(asked, f".{kind}") as file:
        file.write(export.DRAW[kind](scene).encode("utf-8", "backslashreplace"))
    if scene.more:
        click.echo(
            f"these are the first {len(scene.arrows):,} messages, up to frame {scene.last}: "
            "choose others with a FILTER",
            err=True,
        )


def _svg(asked: Asked, viewer: Viewer | None) -> None:
    _diagram(asked, viewer, "svg")


def _html(asked: Asked, viewer: Viewer | None) -> None:
    _diagram(asked, viewer, "html")


def _wireshark_lua(asked: Asked, viewer: Viewer | None) -> None:
    from proxy.exporting.lua import dissector

    assert asked.wireshark_lua is not None
    text = dissector(asked.wireshark_lua)
    with _writing(asked, ".lua", asked.wireshark_lua) as file:
        file.write(text.encode())


def _mitmproxy_addon(asked: Asked, viewer: Viewer | None) -> None:
    from proxy.exporting.addon import SCRIPT

    with _writing(asked, ".py", "understudy_messages") as file:
        file.write(SCRIPT.encode())


_EXPORTS: dict[str, Export] = {
    "pcapng": _pcapng,
    "jsonl": _jsonl,
    "sql": _sql,
    "parquet": _parquet,
    "python_vectors": _python_vectors,
    "svg": _svg,
    "html": _html,
    "wireshark_lua": _wireshark_lua,
    "mitmproxy_addon": _mitmproxy_addon,
}
