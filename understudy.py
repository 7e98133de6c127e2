"""The front door: the command line, and what authors of protocols import.

The commands live in the three rooms, one file each: the file `frames.py` in recordings/commands
holds `command`, and that is all it takes to be `understudy frames`. Rooms are opened only when a
command needs them, so that a listing starts at once.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from proxy.dissector import DatagramDissector as DatagramDissector
    from proxy.dissector import Dissector as Dissector
    from proxy.dissector import StreamDissector as StreamDissector
    from proxy.keys import SessionKeys as SessionKeys
    from proxy.layouts import codec as codec
    from proxy.message import FieldError as FieldError
    from proxy.message import Message as Message
    from proxy.message import Opaque as Opaque
    from proxy.message import WireError as WireError
    from proxy.opened import open_recording as open_recording
    from proxy.protocol import Announce as Announce
    from proxy.protocol import Field as Field
    from proxy.protocol import Kind as Kind
    from proxy.protocol import Protocol as Protocol
    from proxy.protocol import Rhythm as Rhythm
    from proxy.protocol import Volatile as Volatile
    from recordings.errors import UserError as UserError
    from recordings.model import Direction as Direction
    from recordings.model import Frame as Frame
    from recordings.model import Key as Key
    from recordings.model import Span as Span
    from recordings.model import Transport as Transport
    from recordings.writer import Recording as Recording

SHOP = {
    "proxy.dissector": ("DatagramDissector", "Dissector", "StreamDissector"),
    "proxy.keys": ("SessionKeys",),
    "proxy.message": ("FieldError", "Message", "Opaque", "WireError"),
    "proxy.opened": ("open_recording",),
    "proxy.protocol": ("Announce", "Field", "Kind", "Protocol", "Rhythm", "Volatile"),
    "recordings.errors": ("UserError",),
    "recordings.model": ("Direction", "Frame", "Key", "Span", "Transport"),
    "recordings.writer": ("Recording",),
}
"""Module -> what authors import from here: `from understudy import Protocol`."""
_PLACES = {name: module for module, names in SHOP.items() for name in names}

ROOMS = {
    "proxy": "Record, convert, prepare",
    "replay": "Play a part",
    "recordings": "Read a recording",
}
"""Room -> what its commands are about."""
WORDS = "understudy.words"
"""Where a context keeps the command line as it came."""

READERS = {
    *("browse", "export", "follow", "frames", "mutate"),
    *("protocols", "redact", "search", "show", "stats"),
}
"""Commands that say what frames mean and have no `--protocol-file` of their own: they get one."""


def __getattr__(name: str) -> Any:
    """What authors import, fetched when it is asked for; `codec` and everything in it too."""
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    if name.startswith("__"):
        raise AttributeError(name)
    codec = importlib.import_module("proxy.layouts.codec")
    if name == "codec":
        return codec
    if name in codec.__all__:
        return getattr(codec, name)
    raise AttributeError(f"module 'understudy' has no attribute {name!r}")


def _check_house() -> None:
    """Another package may have taken the name of a room (the registry has a `proxy`)."""
    home = Path(__file__).resolve().parent
    for room in ROOMS:
        found = importlib.util.find_spec(room)
        place = found and found.origin and Path(found.origin).resolve().parent.parent
        if place != home:
            sys.exit(
                f"understudy: the Python package named {room!r} is another program's "
                f"({place}); install Understudy into an environment of its own, "
                "for instance with: pipx install understudy"
            )


class House(click.Group):
    """A group whose commands are the files of the rooms' `commands` folders."""

    def _places(self) -> dict[str, str]:
        places = {}
        for room in ROOMS:
            folder = Path(__file__).resolve().parent / room / "commands"
            for info in pkgutil.iter_modules([str(folder)]):
                if info.name.startswith("_"):
                    continue  # a helper of the room's commands
                places[info.name.rstrip("_").replace("_", "-")] = f"{room}.commands.{info.name}"
        return places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, by name."""
        return sorted(self._places())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        place = self._places().get(cmd_name)
        if place is None:
            return None
        command: click.Command = importlib.import_module(place).command
        if cmd_name in READERS and not any(p.name == "protocol_file" for p in command.params):
            command.params.append(_protocol_file())
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by room, each with its whole first sentence."""
        places = self._places()
        for room, about in ROOMS.items():
            rows = []
            for name in sorted(places):
                command = self.get_command(ctx, name) if places[name].startswith(room) else None
                if command is not None:
                    rows.append((name, command.get_short_help_str(300)))
            with formatter.section(about):
                formatter.write_dl(rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the options that stand before the command."""
        ctx.meta[WORDS] = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _explained(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what the user can mend is one sentence, and exit code 1 or 2."""
        from recordings.errors import UserError
        from recordings.text import safe_lines

        try:
            return super().invoke(ctx)
        except UserError as error:
            raise _misplaced(ctx) or click.ClickException(safe_lines(str(error))) from error
        except click.UsageError as error:
            raise _misplaced(ctx) or _explained(error) from error


def _misplaced(ctx: click.Context) -> click.ClickException | None:
    from recordings.usage import Misused, misplaced

    said = misplaced(cli, ctx.meta[WORDS])
    return Misused(said) if said else None


def _protocol_file() -> click.Option:
    def add(ctx: click.Context, param: click.Parameter, paths: tuple[Path, ...]) -> None:
        if paths and not ctx.resilient_parsing:
            registry = importlib.import_module("proxy.registry")
            for path in paths:
                registry.add_file(path)

    return click.Option(
        ["--protocol-file"],
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar="UNDERSTUDY_PROTOCOL_FILE",
        expose_value=False,
        callback=add,
        metavar="FILE",
        help="A Python file with further protocols. Repeatable.",
    )


def _explained(error: click.UsageError) -> click.ClickException:
    from recordings.usage import explained

    return explained(error)


def _show_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version  # a quarter of a listing's time

    try:
        number = version("understudy")
    except PackageNotFoundError:
        number = "unknown (not installed)"
    click.echo(f"understudy, version {number}")
    ctx.exit()


@click.group(cls=House, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Record, replay and stand in for the servers of online games.

    Example: understudy record nascar-thunder-2004 --upstream 203.0.113.9
    """
    from recordings.viewing import LazyViewer

    ctx.obj = LazyViewer("proxy.viewer", "VIEWER")
    ctx.meta["understudy.takeover"] = ("replay.standin.takeover", "RECORDER")


def _show_defect(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """A defect of ours, which may tell of a peer's or a recording's text."""
    import traceback

    from recordings.text import safe_lines

    sys.stderr.write(safe_lines("".join(traceback.format_exception(kind, error, trace))))


def _prepare_output() -> None:
    """A pipe or file gets UTF-8: in a code page of Windows JSON would be none.

    What a console cannot show is escaped.
    """
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        kept = out.isatty() or "PYTHONIOENCODING" in os.environ
        out.reconfigure(encoding=None if kept else "utf-8", errors="backslashreplace")


def main() -> None:
    """Entry point of the `understudy` command."""
    _check_house()
    _prepare_output()
    sys.excepthook = _show_defect
    cli(_words(), prog_name="understudy")


def _words() -> list[str]:
    """The command line; a shell of Windows leaves `*.db` to programs."""
    if os.name != "nt":
        return sys.argv[1:]
    from recordings.usage import named_files

    return named_files(sys.argv[1:])


if __name__ == "__main__":
    main()
