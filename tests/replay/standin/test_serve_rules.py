"""`understudy serve --rules`: what the stand-in says is changed on purpose."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import understudy
from proxy.mutation.engine import Mutations
from proxy.mutation.rulefile import rules_of
from proxy.recorder import Settings
from recordings.model import Action, Direction, Transport
from recordings.reader import Reader
from replay.standin.cast import Cast, Show
from tests.replay.fuzzing import planted, toy_client
from tests.replay.servers import gamespy, jazz2
from tests.replay.standin.console import frame
from tests.replay.standin.test_cast import Run, pool
from tests.running import Command

DOWN = Direction.TO_CLIENT


def answer(link: socket.socket, kept: bytearray) -> tuple[bytes, str]:
    found = toy_client.answer(link, kept)
    assert found is not None
    return found


class Ruled(Run):
    """A cast that obeys rules."""

    def __init__(self, show: Show, *rules: dict[str, Any]) -> None:
        super().__init__(show)
        mutations = Mutations(rules_of(rules))
        self.cast = Cast(show, self.store, now=self.clock, settings=Settings(mutations=mutations))
        self.cast.use(self.opener)


def test_rules_change_what_a_recording_says(tmp_path: Path) -> None:
    planted.evening(tmp_path / "taped.db")
    (tmp_path / "rules.toml").write_text(
        '[[rule]]\nname = "louder"\nfilter = "~k rank"\nset = { "rank.S" = "22" }\nadd = true\n'
        '[[rule]]\nfilter = "~k mesg"\nduplicate = 1\n'
        '[[rule]]\nfilter = "~k snap"\ndelay = 0.1\n',
        "utf-8",
    )
    words = ("serve", "taped.db", "--relay", "ea-lobby:0", "--rules", "rules.toml", "-w", "o.db")
    with Command(tmp_path, *words) as command:
        port = command.ready()["ea-lobby", "tcp"]
        kept, heard = bytearray(), []
        with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
            for kind, body in toy_client.TALK:
                length = toy_client.HEAD.size + len(body) + 1
                link.sendall(toy_client.HEAD.pack(kind, bytes(4), length) + body + b"\0")
                heard.append(answer(link, kept))
                if kind == b"mesg":
                    heard.append(answer(link, kept))
        assert command.stop() == 0
    assert [body.rstrip("\0\n") for _, body in heard] == ["S=1", "S=22", "S=1", "S=1", "S=1"]
    assert "* rule 1 (louder): changed 1 of 1" in command.errors
    with Reader.open(tmp_path / "o.db") as reader:
        said = [one for one in reader.frames() if one.direction is DOWN]
        notes = [one.detail for one in reader.events() if one.kind == "mutation"]
    actions = [None, Action.CHANGED, None, Action.DUPLICATED, Action.DELAYED]
    assert [one.action for one in said] == actions
    assert b"S=1\n" in (said[1].raw or b"")
    assert b"S=22\n" in (said[1].sent or b"")
    assert notes[0].startswith("rule 1 (louder): ")


def test_rules_of_the_user_change_what_the_protocols_rules_say() -> None:
    run = Ruled(
        Show(),
        {"filter": "~k @dir", "set": {"@dir.SESS": "1234567890"}},
        {"filter": "~k addr & ~d down", "drop": True},
    )
    tap, pipe = run.flow("ea-lobby", role="directory")
    tap.seen(Direction.TO_SERVER, frame("@dir", "PROD=nascar-ps2-2004", "VERS=PS2/1.2"))
    (said,) = pipe.sent
    assert b"SESS=1234567890\n" in said
    recorded = [one for one in run.store.frames if one.direction is DOWN]
    assert (recorded[0].action, recorded[0].sent) == (Action.CHANGED, said)
    assert b"SESS=1234567890" not in (recorded[0].raw or b"")


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ('set = { "rank.STRAT" = "1" }', "did you mean"),
        ('set = { "auth.NAMME" = "1" }', "NAME"),
        ("delay = -1", "delay"),
        ("loud = true", "loud"),
        ('filter = "~d up"\ndrop = true', "is about what the client says"),
    ],
)
def test_rules_that_cannot_be(rule: str, says: str, tmp_path: Path) -> None:
    planted.evening(tmp_path / "taped.db")
    file = tmp_path / "rules.toml"
    file.write_text(f"[[rule]]\n{rule}\n", "utf-8")
    words = ["serve", str(tmp_path / "taped.db"), "--relay", "ea-lobby:0", "--rules", str(file)]
    result = CliRunner().invoke(understudy.cli, [*words, "-w", str(tmp_path / "o.db")])
    assert result.exit_code == 1
    assert says in result.output
    assert not (tmp_path / "o.db").exists()


def test_what_a_rule_makes_of_a_recording_without_sockets(tmp_path: Path) -> None:
    planted.evening(tmp_path / "taped.db")
    rules = {"filter": "~k auxi & ~d down", "replace": {"regex": "^.*$", "with": "7"}}
    run = Ruled(Show(pool=pool(tmp_path / "taped.db")), rules)
    tap, pipe = run.flow("ea-lobby")
    tap.seen(Direction.TO_SERVER, frame("auxi", "TEXT=helmet", "COLOUR=7"))
    assert b"S=7\n" in pipe.sent[0]


def test_ciphers_checksums_and_numbers_are_made_right() -> None:
    """XOR of the statistics server (gamespy 8), sums of JJ2 (jazz2 3), bundles of Kaillera (2)."""
    challenge = {"filter": "~k lc", "set": {"lc.challenge": "ABCDEFGHIJ"}}
    _, pipe = Ruled(Show(), challenge).flow("gamespy-stats")
    assert b"\\challenge\\ABCDEFGHIJ\\" in gamespy.xored(pipe.sent[0])

    run = Ruled(Show(), {"filter": "~k Pong", "corrupt": 1}, {"filter": "~k Pong", "duplicate": 1})
    tap, pipe = run.flow("jazz2", transport=Transport.UDP)
    tap.seen(Direction.TO_SERVER, jazz2.datagram(b"\x03\x07\x01\x00\x00\x0024  "))
    assert len(pipe.sent) == 2
    assert pipe.sent[0] == pipe.sent[1] == jazz2.datagram(pipe.sent[0][2:])

    welcome = {"filter": "~k Info", "set": {"Info.text": "changed"}}
    run = Ruled(Show(), welcome, {"filter": "~k UserJoined & ~d down", "delay": 0.5})
    tap, pipe = run.flow("kaillera", transport=Transport.UDP)
    login = b"\x01\x00\x00\x0a\x00\x03bob\x00emu\x00\x01"
    tap.seen(Direction.TO_SERVER, login)
    for number in range(1, 6):
        ack = struct.pack("<BHHB", 1, number, 18, 6) + b"\0" + struct.pack("<4I", 0, 1, 2, 3)
        tap.seen(Direction.TO_SERVER, ack)
    pipe.passes(5)
    assert any(b"changed\0" in one for one in pipe.sent)
