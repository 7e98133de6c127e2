"""`understudy replay --rules`: what the client says is changed on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from recordings.model import Frame
from recordings.reader import Reader
from tests.replay import clients
from tests.replay.clients import Taped
from tests.replay.servers import ea
from tests.replay.servers.stage import Stage
from tests.replay.taping import Taping
from tests.replay.test_playback import ACCOUNTS, replay

RULES = """
seed = 4

[[rule]]
name = "shout"
filter = "~k mesg"
set = { "mesg.TEXT" = "HELLO" }
count = 1

[[rule]]
filter = "~k auxi"
duplicate = 1

[[rule]]
filter = "~k news"
delay = 0.2

[[rule]]
filter = "~k rank"
fuzz = true

[[rule]]
filter = "~k SEND"
insert = { hex = "50414444000000000000000c", at = "before" }

[[rule]]
filter = "~k ~png"
drop = true
"""


def play(folder: Path, rules: str, *more: str) -> tuple[ea.World, list[Frame], list[str], str]:
    folder.mkdir()
    taped = clients.ea_evening(folder / "taped.db")
    (folder / "rules.toml").write_text(rules, "utf-8")
    with Stage() as stage:
        world = ea.World(5, ACCOUNTS)
        world.chatty = True
        world.lobby = stage.tcp(lambda: ea.Lobby(world))
        world.buddy = stage.tcp(lambda: ea.Buddy(world))
        port = stage.tcp(lambda: ea.Directory(world))
        asked = ("--rules", str(folder / "rules.toml"), "--deadline", "1", "--grace", "0.1")
        to = ["--to", f"127.0.0.1:{port}"]
        result = replay(folder, taped, to, *asked, *more)
    with Reader.open(folder / "again.db") as reader:
        frames = [frame for frame in reader.frames() if frame.direction == "c>s"]
        notes = [event.detail for event in reader.events() if event.kind == "mutation"]
    return world, frames, notes, result.output


def test_every_change_is_made_noted_and_recorded(tmp_path: Path) -> None:
    world, frames, notes, output = play(tmp_path / "one", RULES)
    by_action: dict[str, list[str]] = {}
    for frame in frames:
        by_action.setdefault(str(frame.action), []).append(str(frame.kind))
    assert by_action["duplicated"] == ["auxi"]
    assert by_action["dropped"] == ["~png"]
    assert by_action["delayed"] == ["news", "news"]
    assert by_action["changed"][0] == "mesg"
    shout = next(frame for frame in frames if frame.kind == "mesg")
    assert b"evening all" in (shout.raw or b"")
    assert b"HELLO" in (shout.sent or b"")
    assert by_action["inserted"] == ["Opaque"]  # bytes, not a message
    assert (world.seen.count("auxi"), world.seen.count("PADD")) == (2, 1)
    assert "~png" not in world.seen
    assert any(note.startswith("rule 1 (shout)") for note in notes)
    assert "rule 1 (shout): changed 1 of 1" in output


def test_the_same_seed_says_the_same_bytes(tmp_path: Path) -> None:
    def changed(name: str, seed: str) -> list[bytes | None]:
        rules = '[[rule]]\nfilter = "~k mesg | ~k snap"\nfuzz = true\n'
        _, frames, _, _ = play(tmp_path / name, rules, "--seed", seed, "--go-on")
        return [frame.sent for frame in frames if frame.action is not None]

    first = changed("first", "7")
    assert first
    assert changed("second", "7") == first
    assert changed("third", "8") != first


def test_bytes_as_they_are_cannot_be_changed(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES, "utf-8")
    taped = clients.ea_evening(tmp_path / "taped.db")
    words = ("--rules", str(tmp_path / "rules.toml"), "--verbatim")
    result = replay(tmp_path, taped, ["--to", "127.0.0.1"], *words)
    assert result.exit_code == 1
    assert "--rules change messages and --verbatim sends bytes" in result.output


def test_a_field_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nset = { "mesg.TXET" = "x" }\n', "utf-8")
    taped = clients.ea_evening(tmp_path / "taped.db")
    result = replay(tmp_path, taped, ["--to", "127.0.0.1:9"], "--rules", str(rules))
    assert result.exit_code == 1
    assert "did you mean" in result.output


class Echo:
    """A server whose protocol nobody knows."""

    closing = False

    def __init__(self) -> None:
        self.heard = b""

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        self.heard += data
        yield data[::-1]


def test_bytes_that_nobody_can_read_obey_rules_too(tmp_path: Path) -> None:
    with Taping(tmp_path / "taped.db") as tape:
        flow = tape.tcp("raw-tcp", 7000, Echo())
        for said in (b"hello", b"how are you", b"bye"):
            flow.say(said)
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\nfilter = "~b hello"\nreplace = { hex = "6c6c", with = "7878" }\n'
        '[[rule]]\nfilter = "~b bye"\nduplicate = 1\n',
        "utf-8",
    )
    server = Echo()
    with Stage() as stage:
        to = ["--to", f"127.0.0.1:{stage.tcp(lambda: server)}"]
        asked = ("--rules", str(rules), "--deadline", "1", "--grace", "0.1", "--go-on")
        replay(tmp_path, Taped(tmp_path / "taped.db"), to, *asked)
    assert server.heard == b"hexxohow are youbyebye"
