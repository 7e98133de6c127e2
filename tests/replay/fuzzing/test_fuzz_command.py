"""`understudy replay --fuzz` against servers with planted defects."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

import understudy
from recordings.reader import Reader
from tests.replay import clients
from tests.replay.fuzzing import planted
from tests.replay.fuzzing.planted import World, running
from tests.replay.servers import query
from tests.replay.servers.stage import Stage
from tests.replay.taping import Taping
from tests.replay.test_playback import replay

QUICK = ("--deadline", "1", "--grace", "0.04", "--wait-back", "5")


def fuzz(folder: Path, port: int, *more: str) -> Result:
    taped = folder / "taped.db"
    if not taped.exists():
        planted.evening(taped)
    words = ["replay", str(taped), "--to", f"127.0.0.1:{port}", "--fuzz", *QUICK]
    return CliRunner().invoke(understudy.cli, [*words, "-w", str(folder / "found.db"), *more])


def findings(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


Defect = tuple[Callable[[World], planted.Sound], int, set[str], Callable[[str], bool]]
DEFECTS: dict[str, Defect] = {
    "dies on a long value": (
        planted.DiesOnLong,
        40,
        {"refuses connections", "does not answer any more"},
        lambda what: re.search(r" x [\d,]{3,}$|characters\)$", what) is not None,
    ),
    "hangs on a broken length": (
        planted.HangsOnLength,
        18,
        {"does not answer any more"},
        lambda what: "lengths as they were" in what or "byte" in what or "deleted" in what,
    ),
    "drops the connection on a negative number": (
        planted.DropsNegative,
        40,
        {"connection dropped"},
        lambda what: what.startswith("COUNT = ") and "-" in what,
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found_made_small_and_repeated(name: str, tmp_path: Path) -> None:
    make, runs, signs, fits = DEFECTS[name]
    quick = ("--deadline", "0.3") if "hangs" in name else ()
    with running(make, away=0.7 if quick else 0.2) as world:
        words = ("--runs", str(runs), "--seed", "3", "--json", *quick)
        result = fuzz(tmp_path, world.port, *words)
        found = findings(result)
        assert result.exit_code == 1, result.output
        assert {one["sign"] for one in found} <= signs
        first = found[0]
        assert len(first["fewest"]) == 1
        assert fits(first["fewest"][0]), first
        before = planted.changed_frames(tmp_path / "found.db", first["session"])
        assert before
        (tmp_path / "found.db").rename(tmp_path / "before.db")
        again = fuzz(
            tmp_path, world.port, "--seed", "3", "--run", str(first["run"]), "--json", *quick
        )
        assert again.exit_code == 1
        (repeated,) = findings(again)
    assert repeated["changes"] == first["changes"]
    after = planted.changed_frames(tmp_path / "found.db", repeated["session"])
    assert [(one.raw, one.sent, one.action) for one in after] == [
        (one.raw, one.sent, one.action) for one in before
    ]


def test_a_sound_server_has_no_findings(tmp_path: Path) -> None:
    with running(planted.Sound) as world:
        result = fuzz(tmp_path, world.port, "--runs", "80", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "80 of 80 runs of seed 3: 0 findings"
    assert len(world.seen) > 200
    with Reader.open(tmp_path / "found.db") as reader:
        assert list(reader.sessions()) == []


SERVER = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    link, _ = listener.accept()
    with link:
        while data := link.recv(1 << 20):
            if len(data) > 200:
                os._exit(3)
            link.sendall(data[:4] + bytes(4) + (12 + 5).to_bytes(4, "big") + b"S=1\\n\\0")
"""


def test_a_real_process_that_ends_is_found_gone(tmp_path: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    reaper = threading.Thread(target=server.wait, daemon=True)
    reaper.start()
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        words = ("--watch-pid", str(server.pid), "--wait-back", "0.1", "--json")
        result = fuzz(tmp_path, port, "--runs", "80", "--seed", "3", *words)
    finally:
        server.kill()
        reaper.join(10)
        assert server.stdout is not None
        server.stdout.close()
    (found,) = findings(result)
    assert found["sign"] == "process gone"
    assert found["detail"] == f"process {server.pid} has ended"
    assert result.exit_code == 1


def test_a_process_that_is_gone_is_found(tmp_path: Path) -> None:
    """The process is one beside the server: it ends when the server would have died."""
    beside = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pid_file = tmp_path / "server.pid"
    pid_file.write_text(f"{beside.pid}\n", "ascii")

    class Kills(planted.DiesOnLong):
        def look(self, kind: str, body: str) -> None:
            if kind == "rank" and re.search(r"=[^\n]{201,}", body):
                beside.kill()
                beside.wait(10)

    try:
        with running(Kills) as world:
            watch = ("--watch-pid", str(pid_file), "--wait-back", "0")
            result = fuzz(tmp_path, world.port, "--runs", "150", "--seed", "3", *watch)
            refused = fuzz(tmp_path, world.port, "--watch-pid", str(beside.pid))
    finally:
        beside.kill()
        beside.communicate(timeout=10)
    assert result.exit_code == 1
    assert "process gone" in result.stdout
    assert "1 finding" in result.stdout.splitlines()[-1]
    assert "did not come back within 0 s" in result.stderr
    assert refused.exit_code == 1
    assert "the server is not well before anything is changed (process gone" in refused.output


def test_a_health_command_that_says_no_is_a_finding(tmp_path: Path) -> None:
    sick = tmp_path / "sick"

    class Sickens(planted.Sound):
        def look(self, kind: str, body: str) -> None:
            text = re.search(r"TEXT=([^\n]*)", body)
            if kind == "mesg" and (text is None or text[1] != '"evening all"'):
                sick.touch()

    program = tmp_path / "health.py"
    program.write_text(
        "import pathlib, sys\nsick = pathlib.Path(sys.argv[1])\n"
        "if sick.exists():\n    sick.unlink()\n    sys.exit('full of %s; rm -rf')\n",
        "utf-8",
    )
    command = f'"{sys.executable}" "{program}" "{sick}"'
    with running(Sickens) as world:
        result = fuzz(tmp_path, world.port, "--runs", "20", "--seed", "3", "--health", command)
        wrong = fuzz(tmp_path, world.port, "--runs", "6", "--health", str(tmp_path / "none"))
    assert result.exit_code == 1, result.output
    assert "health command failed" in result.stdout
    with Reader.open(tmp_path / "found.db") as reader:
        assert any("exit code 1, full of %s; rm -rf" in one.detail for one in reader.events())
    assert wrong.exit_code == 1
    assert "cannot be run" in wrong.output


def test_what_was_found_is_in_the_recording(tmp_path: Path) -> None:
    with running(planted.DropsNegative) as world:
        result = fuzz(tmp_path, world.port, "--runs", "40", "--seed", "3", "--json")
    first = findings(result)[0]
    with Reader.open(tmp_path / "found.db") as reader:
        sessions = list(reader.sessions())
        noted = [one for one in reader.events() if one.kind == "finding"]
    assert [one.id for one in sessions] == [one["session"] for one in findings(result)]
    assert {str(one.origin) for one in sessions} == {"playback"}
    assert noted[0].detail.startswith(f"fuzz run {first['run']} of seed 3: connection dropped")
    assert first["changes"][0] in noted[0].detail
    (changed,) = planted.changed_frames(tmp_path / "found.db", first["session"])
    assert noted[0].frame_id == changed.id
    assert b"COUNT=10\n" in (changed.raw or b"")
    assert b"COUNT=-" in (changed.sent or b"")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--verbatim"], "leave out --verbatim"),
        (["--clients", "2"], "leave out --clients"),
        (["--diff"], "leave out --diff"),
        (["--timing", "fast"], "leave out --timing"),
        (["--watch-pid", "nowhere"], "neither a process number nor a file"),
        (["--health", ""], "is no command"),
    ],
)
def test_what_cannot_be_is_refused(words: list[str], said: str, tmp_path: Path) -> None:
    result = fuzz(tmp_path, 9, *words)
    assert result.exit_code == (2 if "--diff" in words else 1)  # 1 would be a difference
    assert said in result.output


def test_a_server_that_is_not_there_is_said_before_anything_is_changed(tmp_path: Path) -> None:
    with running(planted.Sound) as world:
        port = world.port
    result = fuzz(tmp_path, port)
    assert result.exit_code == 1
    assert "the server is not well before anything is changed (refuses connections" in result.output


def test_no_run_begins_after_the_time_limit(tmp_path: Path) -> None:
    with running(planted.Sound) as world:
        words = ("--runs", "100000", "--time-limit", "0.5")
        result = fuzz(tmp_path, world.port, *words)
    assert result.exit_code == 0
    assert "--time-limit 0.5 s was over after" in result.stderr


def test_hanging_up_may_be_allowed(tmp_path: Path) -> None:
    with running(planted.DropsNegative) as world:
        words = ("--runs", "40", "--seed", "3", "--may-drop")
        result = fuzz(tmp_path, world.port, *words)
    assert result.exit_code == 0, result.output
    assert any(re.search("COUNT=-", body) for _, body in world.seen)


def test_a_server_that_dies_late_is_not_laid_on_the_next_change(tmp_path: Path) -> None:
    class Late(planted.Sound):
        """Defect: a value over 200 characters kills it when somebody else speaks."""

        poisoned = False

        def look(self, kind: str, body: str) -> None:
            if Late.poisoned and kind == "rank":
                Late.poisoned = False
                self.world.die()
                self.closing = True
            Late.poisoned = Late.poisoned or re.search(r"=[^\n]{201,}", body) is not None

    with running(Late) as world:
        result = fuzz(tmp_path, world.port, "--runs", "45", "--seed", "3", "--json")
    late = [one for one in findings(result) if not one["reached"]]
    assert late
    assert all(one["fewest"] == [] and one["like"] is None for one in late)


def test_a_server_that_hangs_up_anyway_has_no_finding(tmp_path: Path) -> None:
    class Parts(planted.Sound):
        """Hangs up behind the last message, as it did when nothing was changed."""

        def look(self, kind: str, body: str) -> None:
            self.closing = kind == "snap"

    with running(Parts) as world:
        result = fuzz(tmp_path, world.port, "--runs", "60", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert [kind for kind, _ in world.seen].count("snap") > 5


class Echo:
    """A server whose protocol nobody knows. Defect: dies of another second byte."""

    closing = False

    def __init__(self, world: World) -> None:
        self.world = world

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        if len(data) > 1 and data[1] != 2:
            self.world.die()
            self.closing = True
            return
        yield data[::-1]


def test_bytes_that_cannot_be_read_are_changed_too(tmp_path: Path) -> None:
    with Taping(tmp_path / "taped.db") as tape:
        flow = tape.tcp("raw-tcp", 7000, Echo(World(planted.Sound)))
        flow.say(b"\x01\x02\x03\x04hello")
    with running(lambda world: cast(planted.Sound, Echo(world))) as world:
        result = fuzz(tmp_path, world.port, "--runs", "60", "--seed", "3", "--json")
    first = findings(result)[0]
    assert re.fullmatch(r"1 bytes at 1 = \w\w", first["fewest"][0])
    (frame,) = planted.changed_frames(tmp_path / "found.db", first["session"])
    assert (frame.raw or b"").startswith(b"\x01\x02\x03")
    assert re.match(rb"\x01[^\x02]\x03\x04hello", frame.sent or b"", re.DOTALL)


def test_a_server_that_knows_its_clients_again_is_greeted_by_a_new_one_each_time(
    tmp_path: Path,
) -> None:
    """A master asks for the proof only once for each instance key (gamespy 5)."""
    taped = clients.game_server(tmp_path / "taped.db")
    with Stage() as stage:
        world = query.World(7)
        to = ["--to", f"127.0.0.1:{stage.udp(query.Master(world))}"]
        asked = ("--fuzz", "--runs", "6", "--seed", "3", *QUICK)
        result = replay(tmp_path, taped, to, *asked)
    assert result.exit_code == 0, result.output
    assert "did not come to their message" not in result.output
    assert len(set(world.keys)) >= 14  # two visits before the first run, two for each
