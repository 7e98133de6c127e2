"""`understudy serve --fuzz` against clients with planted defects, and a sound one."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import understudy
from recordings.model import Direction, Frame
from recordings.reader import Reader
from tests.replay.fuzzing import planted, toy_client
from tests.replay.fuzzing.toy_client import HEAD
from tests.running import PATIENCE, ROOT, Command

CLIENT = f'"{sys.executable}" -I -S "{toy_client.__file__}" {{ea-lobby}}'


def serve(folder: Path, client: str, *more: str) -> subprocess.CompletedProcess[str]:
    """The real command; everything is in `found.db`."""
    taped = folder / "taped.db"
    if not taped.exists():
        planted.evening(taped)
    words = ["serve", str(taped), "--relay", "ea-lobby:0", "--fuzz", "--client", client]
    return subprocess.run(
        [sys.executable, str(ROOT / "understudy.py"), *words, "-w", "found.db", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=5 * PATIENCE,
        check=False,
    )


def findings(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert result.returncode == 1, result.stdout + result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def changed(file: Path, session: int) -> list[Frame]:
    """What the stand-in said otherwise in a session."""
    with Reader.open(file) as reader:
        frames = list(reader.frames(session_id=session))
    return [one for one in frames if one.direction is Direction.TO_CLIENT and one.action]


def test_planted_defects_are_found_made_small_and_repeated(tmp_path: Path) -> None:
    found = findings(serve(tmp_path, CLIENT, "--runs", "7", "--seed", "36", "--json"))
    killed = [one for one in found if "a value is too long" in one["detail"]]
    left = [one for one in found if "exit code 7" in one["detail"]]
    assert killed
    assert left
    assert len(killed) + len(left) == len(found)
    assert {one["sign"] for one in found} == {"process gone"}
    first = next(one for one in killed if one["like"] is None)
    (enough,) = first["fewest"]
    assert enough.startswith("S = ")
    assert "x " in enough or "characters" in enough
    assert all(one["kind"] == "rank" and "-" in one["fewest"][0] for one in left)
    (before,) = changed(tmp_path / "found.db", first["session"])
    with Reader.open(tmp_path / "found.db") as reader:
        rehearsal, *others = reader.sessions()
        noted = {one.frame_id: one.detail for one in reader.events() if one.kind == "finding"}
        frames = {one.id: one for one in reader.frames(session_id=rehearsal.id)}
    assert [one.id for one in others] == [one["session"] for one in found]
    assert {one.origin for one in (rehearsal, *others)} == {"stand-in"}
    assert noted[before.id].startswith(f"fuzz run {first['run']} of seed 36: process gone")
    assert frames[first["frame"]].kind == first["kind"]
    (tmp_path / "found.db").rename(tmp_path / "before.db")

    again = serve(tmp_path, CLIENT, "--run", str(first["run"]), "--seed", "36", "--json")
    (repeated,) = findings(again)
    assert repeated["changes"] == first["changes"]
    (after,) = changed(tmp_path / "found.db", repeated["session"])
    assert (after.raw, after.sent, after.action) == (before.raw, before.sent, before.action)


def test_a_sound_client_has_no_findings(tmp_path: Path) -> None:
    result = serve(tmp_path, f"{CLIENT} sound", "--runs", "6", "--seed", "3")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "6 of 6 runs of seed 3: 0 findings"
    with Reader.open(tmp_path / "found.db") as reader:
        (rehearsal,) = reader.sessions()
        assert rehearsal.frames == 2 * len(toy_client.TALK)


class Returning(threading.Thread):
    """A client that comes again and again, and drops its connection on a negative number."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.over = False
        self.visits = 0

    def run(self) -> None:
        while not self.over:
            threading.Event().wait(0.02)  # as a player who tries again
            self.visits += 1
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as link:
                    self.play(link)
            except OSError:
                continue  # between two runs: it comes again

    def play(self, link: socket.socket) -> None:
        kept = bytearray()
        for kind, body in toy_client.TALK:
            link.sendall(HEAD.pack(kind, bytes(4), HEAD.size + len(body) + 1) + body + b"\0")
            heard = toy_client.answer(link, kept)
            if heard is None or "=-" in heard[1]:
                return
        link.recv(1)  # it stays until it is sent away


def test_a_client_that_comes_by_itself_is_watched(tmp_path: Path) -> None:
    planted.evening(tmp_path / "taped.db")
    words = ("serve", "taped.db", "--relay", "ea-lobby:0", "--fuzz", "--run", "27", "--seed", "3")
    with Command(tmp_path, *words, "-w", "found.db", "--sitting", "1") as command:
        line = command.until(lambda line: line.startswith("listening"))
        client = Returning(int(line.rpartition(":")[2]))
        client.start()
        code = command.wait()
        client.over = True
    client.join(PATIENCE)
    assert code == 1, command.errors
    assert command.lines[-1] == "1 of 1 runs of seed 3: 1 finding"
    assert any("mesg     connection dropped  S = '-" in line for line in command.lines)
    assert client.visits >= 4


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--client", "none/such {port}"), "--client none/such cannot be run"),
        (("--client", ""), "--client '' is no command"),
        (("--client", f'"{sys.executable}" -c ""'), "the client said nothing"),
        (("--watch-pid", "x"), "neither a process number nor a file"),
        (("--rules", "x.toml"), "--fuzz goes its own way: leave out --rules"),
        (("--fault", "loss:5%"), "leave out --fault and --faults"),
        (("--upstream", "127.0.0.1"), "leave out --upstream"),
    ],
)
def test_what_the_user_can_mend(more: tuple[str, ...], says: str, tmp_path: Path) -> None:
    planted.evening(tmp_path / "taped.db")
    (tmp_path / "x.toml").write_text('[[rule]]\nfilter = "~k rank"\ndrop = true\n', "utf-8")
    words = [str(tmp_path / one) if one == "x.toml" else one for one in more]
    asked = ["serve", str(tmp_path / "taped.db"), "--relay", "ea-lobby:0", "--fuzz", *words]
    result = CliRunner().invoke(understudy.cli, [*asked, "-w", str(tmp_path / "found.db")])
    assert result.exit_code == 1
    assert says in result.output
    if not more[0].startswith("--client") or not more[1]:
        assert not (tmp_path / "found.db").exists()


def test_what_goes_with_fuzz_alone_is_refused_without_it(tmp_path: Path) -> None:
    taped = str(planted.evening(tmp_path / "taped.db").path)
    for words, says in (
        (["serve", taped, "--client", "x", "--may-exit", "1"], "--client, --may-exit go with"),
        (["replay", taped, "--to", "127.0.0.1", "--run", "4"], "--run goes with --fuzz: add it"),
    ):
        result = CliRunner().invoke(understudy.cli, words)
        assert result.exit_code == 1
        assert says in result.output
