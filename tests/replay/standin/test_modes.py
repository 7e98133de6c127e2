"""Record modes: who answers what is recorded, and what is not, beside a live server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replay.standin.test_serve_ea import FILE, Lobby, unanswered
from tests.running import rows


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evening on which nobody asked who is online."""
    folder = tmp_path_factory.mktemp("tape")
    lobby = Lobby(folder, "nascar-thunder-2004", "--rule", "ea-lobby.news=of the recording")
    try:
        alice = lobby.console("alice")
        alice.lobby.ask("news", "NAME=1")
        alice.move("East")
        lobby.end()
    finally:
        lobby.close()
    return (folder / FILE).rename(folder / "tape.understudy.db")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Lobby]:
    """A server that is alive."""
    folder = tmp_path / "live"
    folder.mkdir()
    lobby = Lobby(folder, "nascar-thunder-2004", "--seed", "live", "--rule", "ea-lobby.news=live")
    yield lobby
    lobby.close()


@pytest.mark.parametrize(
    ("mode", "news", "asked"),
    [
        (None, b"of the recording", True),
        ("new_episodes", b"of the recording", True),
        ("all", b"live", True),
        ("once", b"of the recording", False),
        ("none", b"of the recording", False),
    ],
)
def test_who_answers(
    tape: Path, live: Lobby, tmp_path: Path, mode: str | None, news: bytes, asked: bool
) -> None:
    words = ("--record-mode", mode) if mode else ()
    lobby = Lobby(tmp_path, str(tape), "--upstream", f"127.0.0.1:{live.port}", *words)
    try:
        carol = lobby.console("caroline")
        assert news in carol.lobby.ask("news", "NAME=1").body
        assert carol.lobby.ask("onln", "PERS=caroline")["N"] == "caroline", "not in the recording"
        carol.move("East")
        carol.lobby.ask("mesg", "TEXT=hello")
        assert carol.lobby.next("+msg")["T"] == "hello"
        lobby.end()
    finally:
        lobby.close()
    live.command.stop()
    assert unanswered(tmp_path) == []
    seen = rows(live.folder / FILE, "SELECT kind, fields FROM frames WHERE direction = 'c>s'")
    said = {row["kind"]: json.loads(row["fields"]) for row in seen if row["fields"]}
    assert bool(said) is asked, "without need nobody is asked"
    if asked:  # the upstream saw everything, under its own keys
        assert said["auth"]["PASS"] == "abcd"
        assert said["pers"]["PERS"] == "caroline"
        assert {"news", "onln", "move", "mesg", "AUTH"} <= set(said)


def test_a_live_server_that_is_gone_leaves_recording_and_rules(tape: Path, tmp_path: Path) -> None:
    from tests.replay.standin.test_takeover import closed_port

    lobby = Lobby(tmp_path, str(tape), "--upstream", f"127.0.0.1:{closed_port()}")
    try:
        carol = lobby.console("caroline")
        assert b"of the recording" in carol.lobby.ask("news", "NAME=1").body
        assert carol.lobby.ask("onln", "PERS=caroline")["N"] == "caroline"
        lobby.end()
    finally:
        lobby.close()
    assert unanswered(tmp_path) == []


def test_once_is_live_the_first_time(live: Lobby, tmp_path: Path) -> None:
    """A GAME with the mode `once`: recorded the first time, served from that the second."""
    words = ("--record-mode", "once", "--upstream", f"127.0.0.1:{live.port}")
    for turn in range(2):
        lobby = Lobby(tmp_path, "nascar-thunder-2004", *words)
        try:
            carol = lobby.console("caroline")
            assert b"live" in carol.lobby.ask("news", "NAME=1").body
            lobby.end()
        finally:
            lobby.close()
        if turn == 0:
            for one in live.consoles:
                one.close()
            assert live.command.stop() == 0
    assert unanswered(tmp_path) == []
