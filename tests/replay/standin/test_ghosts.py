"""A recorded player is present: a lone console sees it, challenges it, and is answered."""

from __future__ import annotations

from pathlib import Path

from tests.replay.standin.test_serve_ea import Lobby, unanswered
from tests.replay.standin.test_serve_recording import race, served

__all__ = ["race"]


def test_a_lone_console_races_a_ghost(race: Path, tmp_path: Path) -> None:
    lobby = Lobby(tmp_path, "nascar-thunder-2004", "--ghosts", str(race))
    try:
        carol = lobby.console("caroline")
        carol.move("East")
        carol.sees("bobby")
        for _ in range(2):  # a ghost does not tire
            carol.says_to("bobby", "w893m_a016o_g")
            assert carol.hears("bobby") == "ACPT"
            carol.lobby.ask("chal", "PERS=bobby", "HOST=1")
            found = carol.lobby.next("+ses")
            assert (found["SELF"], found["OPPO"]) == ("caroline", "bobby")
        lobby.end()
        assert any("ghost: bobby is in room East" in line for line in lobby.command.lines)
    finally:
        lobby.close()
    assert unanswered(tmp_path) == []


def test_a_ghost_makes_room_for_who_it_was(race: Path, tmp_path: Path) -> None:
    lobby = Lobby(tmp_path, "nascar-thunder-2004", "--ghosts", str(race))
    try:
        bob = lobby.console("bobby")
        bob.move("East")
        bob.sees("alice")
        carol = lobby.console("caroline")
        carol.move("East")
        carol.sees("bobby")
        carol.says_to("bobby", "hello")
        assert bob.hears("caroline") == "hello"
        lobby.end()
    finally:
        lobby.close()


def test_ghosts_beside_a_recording(race: Path, tmp_path: Path) -> None:
    with served(race, tmp_path, "--ghosts", str(race)) as lobby:
        carol = lobby.console("caroline")
        carol.move("East")
        carol.sees("bobby")
        carol.says_to("bobby", "w893m_a016o_g")
        assert carol.hears("bobby") == "ACPT"
        carol.lobby.ask("chal", "PERS=bobby", "HOST=1")
        assert carol.lobby.next("+ses")["OPPO"] == "bobby"
        lobby.end()
    assert unanswered(tmp_path) == []
