"""The house rules, held by a test: import directions, sizes, vectors, help, words."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

import understudy

HOME = Path(__file__).resolve().parent.parent
ROOMS = ("understudy", "replay", "proxy", "recordings")
"""From the top down: a room imports only rooms to its right."""

SOURCES = sorted(
    path
    for room in ROOMS[1:]
    for path in (HOME / room).rglob("*.py")
    if "__pycache__" not in path.parts
)
PROTOCOL_FILES = sorted(
    path for path in (HOME / "proxy/protocols").glob("*.py") if path.name != "__init__.py"
)

ONLY_IN = {
    "mitmproxy": ("proxy/relay/",),
    "mitmproxy_rs": ("proxy/relay/",),
    "sqlite3": ("recordings/",),
    "sqlite_utils": ("recordings/",),
    "Crypto": ("proxy/ciphers/rc4.py",),
    "socket": ("proxy/relay/", "replay/transport", "proxy/commands/"),
    "asyncio": (
        *("proxy/relay/", "proxy/commands/"),
        *("replay/transport", "replay/demo.py", "replay/commands/"),
    ),
    "random": ("replay/adaptive/chance.py", "replay/standin/world.py"),
    "time": (
        *("recordings/", "proxy/relay/", "proxy/commands/", "proxy/importing/progress.py"),
        "replay/transport",
    ),
}
"""Where a module may be imported, and nowhere else."""

MITMPROXY_FILES = 3


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@functools.cache
def statements(path: Path) -> tuple[ast.stmt, ...]:
    """Every statement of a file, however deep; expressions are left alone, which saves the time."""
    found: list[ast.stmt] = []
    todo: list[ast.AST] = [parsed(path)]
    while todo:
        node = todo.pop()
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, block, ())
        if isinstance(node, ast.stmt):
            found.append(node)
    return tuple(found)


@functools.cache
def imports(path: Path) -> tuple[str, ...]:
    """Full names of the modules that a file imports."""
    names = []
    for node in statements(path):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return tuple(names)


def name_of(path: Path) -> str:
    return path.relative_to(HOME).as_posix()


def test_imports_run_one_way() -> None:
    rooms = {path: name_of(path).split("/")[0] for path in SOURCES}
    wrong = [
        f"{name_of(path)} imports {name} from a room above it"
        for path, room in rooms.items()
        for name in imports(path)
        if name.split(".")[0] in ROOMS[: ROOMS.index(room)]
    ]
    assert not wrong, wrong


def test_a_library_is_imported_only_where_it_belongs() -> None:
    wrong = [
        f"{name_of(path)} may not import {module}"
        for path in SOURCES
        for module in imports(path)
        for places in [ONLY_IN.get(module.split(".")[0])]
        if places and not name_of(path).startswith(places)
    ]
    assert not wrong, wrong


def test_every_exception_of_the_house_is_used() -> None:
    used = {
        (module, place)
        for module, places in ONLY_IN.items()
        for place in places
        for path in SOURCES
        if name_of(path).startswith(place)
        if any(name.split(".")[0] == module for name in imports(path))
    }
    listed = {(module, place) for module, places in ONLY_IN.items() for place in places}
    assert listed == used, f"nothing needs {sorted(listed - used)}"


def test_a_command_is_imported_by_commands_only() -> None:
    wrong = [
        f"{name_of(path)} imports {name}: what others need lies outside the commands"
        for path in SOURCES
        if path.parent.name != "commands"
        for name in imports(path)
        if re.match(r"(recordings|proxy|replay)\.commands\b", name)
    ]
    assert not wrong, wrong


def test_text_is_read_and_written_in_a_named_encoding() -> None:
    """Else Windows takes the code page of the user, and a file of another machine is garbled."""
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in [*SOURCES, HOME / "understudy.py"]
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and _takes_the_code_page(node)
    ]
    assert not wrong, wrong


def _takes_the_code_page(call: ast.Call) -> bool:
    named = {keyword.arg for keyword in call.keywords}
    match call.func:
        case _ if named & {"encoding", "errors", None}:
            return False
        case ast.Attribute(attr="read_text"):
            return not call.args
        case ast.Attribute(attr="write_text"):
            return len(call.args) < 2
        case ast.Attribute(attr="run" | "Popen" | "check_output"):
            return "text" in named
        case ast.Name(id="open"):
            mode = call.args[1] if len(call.args) > 1 else ast.Constant("r")
            return not (isinstance(mode, ast.Constant) and "b" in str(mode.value))
    return False


def test_mitmproxy_is_imported_in_three_files_at_most() -> None:
    users = [
        name_of(path)
        for path in SOURCES
        if any(name.split(".")[0] == "mitmproxy" for name in imports(path))
    ]
    assert 0 < len(users) <= MITMPROXY_FILES, users


def test_no_protocol_imports_another() -> None:
    wrong = [
        f"{name_of(path)} imports {name}"
        for path in PROTOCOL_FILES
        for name in imports(path)
        if name.startswith("proxy.protocols")
    ]
    assert not wrong, wrong


def test_every_protocol_file_has_vectors() -> None:
    named = {path.name for path in (HOME / "tests/vectors").iterdir()}
    assert {path.name for path in PROTOCOL_FILES} - named == {"raw.py"}


def test_no_circle_between_files() -> None:
    graph = {
        ".".join(path.relative_to(HOME).with_suffix("").parts): set(_top_imports(path))
        for path in SOURCES
    }
    graph = {name: {i for i in found if i in graph} for name, found in graph.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"a circle of imports: {' > '.join((*trail, name))}"
        if name not in done:
            for other in graph[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def _top_imports(path: Path) -> Iterator[str]:
    """Modules that a file imports when it is loaded, not inside a function or for types only."""
    for node in parsed(path).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_files_and_functions_stay_small() -> None:
    long = []
    for path in SOURCES:
        lines = len(path.read_text("utf-8").splitlines())
        if lines > (600 if path in PROTOCOL_FILES else 300):
            long.append(f"{name_of(path)}: {lines} lines")
        long += [
            f"{name_of(path)}, {node.name}: {node.end_lineno - node.lineno + 1} lines"
            for node in statements(path)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.end_lineno is not None
            and node.end_lineno - node.lineno >= 60
        ]
    assert not long, long


def commands() -> dict[str, click.Command]:
    context = click.Context(understudy.cli)
    assert isinstance(understudy.cli, click.Group)
    names = understudy.cli.list_commands(context)
    found = {name: understudy.cli.get_command(context, name) for name in names}
    return {name: command for name, command in found.items() if command is not None}


def test_every_command_has_a_manual() -> None:
    found = commands()
    assert len(found) > 20
    for name, command in found.items():
        result = CliRunner().invoke(understudy.cli, [name, "--help"])
        assert result.exit_code == 0, result.output
        text = command.help or ""
        first = text.strip().split("\n\n")[0]
        assert re.match(r"[A-Z].*\.$", first.replace("\n", " ")), f"{name}: no first sentence"
        assert f"understudy {name}" in text, f"the manual of {name} shows no example"
        options = [option for option in command.params if isinstance(option, click.Option)]
        assert not [f"{name} {option.name}" for option in options if not option.help]


def test_the_front_door_needs_no_room_to_list_the_commands() -> None:
    code = (
        "import sys, understudy, click;"
        "understudy.cli.list_commands(click.Context(understudy.cli));"
        "print(sorted(m for m in sys.modules if m in ('mitmproxy', 'sqlite_utils', 'rich')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HOME
    )
    assert done.stdout.strip() == "[]"
