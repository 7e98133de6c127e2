"""Recordings as servers through the real command: of EA evenings, and of every other protocol."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from replay.commands._serve import default_path
from tests.replay.standin.console import Console, challenge
from tests.replay.standin.test_serve_ea import FILE, Lobby, unanswered
from tests.running import Command, rows

RACE = "race.understudy.db"


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of two consoles that race."""
    folder = tmp_path_factory.mktemp("race")
    lobby = Lobby(folder, "nascar-thunder-2004")
    try:
        alice, bob = lobby.console("alice"), lobby.console("bobby")
        alice.move("East")
        bob.move("East")
        alice.sees("bobby")
        bob.sees("alice")
        challenge(alice, bob)
        lobby.end()
    finally:
        lobby.close()
    return (folder / FILE).rename(folder / RACE)


@contextmanager
def served(file: Path, folder: Path, *more: str) -> Iterator[Lobby]:
    lobby = Lobby(folder, str(file), *more)
    try:
        yield lobby
    finally:
        lobby.close()


def test_one_console_races_against_the_recorded_one(race: Path, tmp_path: Path) -> None:
    """The other party is the one of the recording; the live one is called differently."""
    with served(race, tmp_path) as lobby:
        carol = lobby.console("caroline")
        carol.move("East")
        carol.sees("bobby")
        carol.lobby.ask("user", "PERS=bobby")
        carol.lobby.ask("auxi", "TEXT=w893m_a017l_g")
        carol.says_to("bobby", "w893m_a017l_g")
        assert carol.hears("bobby") == "ACPT"
        assert carol.lobby.ask("chal", "PERS=bobby", "HOST=1")["MODE"] in ("chal", "play")
        found = carol.lobby.next("+ses")
        assert (found["SELF"], found["OPPO"], found["HOST"]) == ("caroline", "bobby", "caroline")
        assert int(found["SEED"])
        lobby.end()
    assert unanswered(tmp_path) == []


def test_two_consoles_race_under_other_names(race: Path, tmp_path: Path) -> None:
    with served(race, tmp_path) as lobby:
        carol, dave = lobby.console("caroline"), lobby.console("davidson")
        carol.move("East")
        dave.move("East")
        carol.sees("davidson")
        dave.sees("caroline")
        one, two = challenge(carol, dave, "w893m_a016o_g")
        for name in ("SEED", "WHEN", "AUTH", "HOST", "NAME"):
            assert one[name] == two[name]
        assert (one["SELF"], one["OPPO"]) == ("caroline", "davidson")
        assert (two["SELF"], two["OPPO"]) == ("davidson", "caroline")
        lobby.end()
    assert unanswered(tmp_path) == []
    flows = rows(tmp_path / FILE, "SELECT session_id, count(*) AS n FROM flows GROUP BY 1")
    assert [row["n"] for row in flows] == [3, 3]


def test_the_users_accounts_count_beside_a_recording(race: Path, tmp_path: Path) -> None:
    """Who is not in --accounts stays out, though the recorded server let everybody in."""
    (tmp_path / "accounts.toml").write_text('caroline = "abcd"\n', "utf-8")
    with served(race, tmp_path, "--accounts", "accounts.toml") as lobby:
        lobby.console("caroline").move("East")
        for name, password, ident in (("davidson", "abcd", b"imst"), ("caroline", "x", b"pass")):
            other = Console(name, lobby.port, password=password)
            lobby.consoles.append(other)
            assert other.log_in().ident == ident
            assert other.lobby.ask("pers", f"PERS={name}").ident == b"imst"
        lobby.end()
        refused = [line for line in lobby.command.lines if " refused: " in line]
    assert [line.rpartition(" refused: ")[2] for line in refused] == [
        "davidson: not in --accounts",
        "caroline: the password is not that of --accounts",
    ]


@pytest.mark.parametrize(
    "words", [("serve", "kaillera"), ("record", "--relay", "kaillera:0=127.0.0.1:9")]
)
def test_when_nobody_came_the_next_step_is_said(words: tuple[str, ...], tmp_path: Path) -> None:
    ports = ("--relay", "kaillera:0", "--relay", "kaillera-list:0") if words[0] == "serve" else ()
    with Command(tmp_path, *words, *ports, "-w", "none.db") as command:
        command.ready()
        assert command.stop() == 0, command.said()
        assert "0 frames" in command.lines[-1]
        assert "everything answered" not in command.lines[-1]
        assert "understudy: no game has come: `understudy doctor`" in command.said()


def test_what_is_kept_is_found_again_on_the_next_day() -> None:
    assert default_path("kaillera", dated=False) == Path("kaillera-stand-in.understudy.db")
    assert re.fullmatch(
        r"kaillera-stand-in-\d{4}-\d\d-\d\d\.understudy\.db", str(default_path("kaillera"))
    )


def test_the_recorded_keys_and_addresses_are_renewed(race: Path, tmp_path: Path) -> None:
    with served(race, tmp_path) as lobby:
        lobby.console("caroline")
        lobby.end()
    sql = "SELECT key FROM keys WHERE name = 'skey'"
    assert {r["key"] for r in rows(race, sql)}.isdisjoint(
        r["key"] for r in rows(tmp_path / FILE, sql)
    )
    sql = "SELECT fields FROM frames WHERE kind = '@dir' AND direction = 's>c'"
    ports = [
        re.findall(r'"PORT":"(\d+)"', r["fields"])
        for f in (race, tmp_path / FILE)
        for r in rows(f, sql)
    ]
    assert ports[0] != ports[-1]
    passwords = rows(
        tmp_path / FILE, "SELECT fields FROM frames WHERE kind='auth' AND direction='c>s'"
    )
    assert '"PASS":"abcd"' in passwords[0]["fields"]


def test_another_order_and_again(race: Path, tmp_path: Path) -> None:
    """Repeated visits, another order, a restart in the middle."""
    with served(race, tmp_path) as lobby:
        carol = lobby.console("caroline")
        for _ in range(2):
            carol.move("East")
            carol.lobby.ask("move", "NAME=", "PASS=")
            carol.lobby.ask("auxi", "TEXT=w893m_a017l_g")  # recorded in the room
            carol.lobby.ask("news", "NAME=0")
        carol.close()
        lobby.consoles.remove(carol)
        again = lobby.console("caroline")
        again.lobby.ask("snap", "INDEX=0", "CHAN=4", "FIND=caroline", "RANGE=1")
        again.move("East")
        lobby.end()
    assert unanswered(tmp_path) == []


def test_the_file_is_only_read(race: Path, tmp_path: Path) -> None:
    before = race.read_bytes()
    with Command(tmp_path, "serve", str(race), "-w", str(race)) as command:
        assert command.wait() == 1
        assert "is only read" in command.said()
    with served(race, tmp_path) as lobby:
        lobby.console("caroline")
        lobby.end()
    assert race.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere.db",), "there is no recording nowhere.db"),
        (("nascar-thunder-2005",), "did you mean nascar-thunder-2004"),
        (("nascar-thunder-2004", "--session", "1"), "--session chooses one of a recording"),
        (("nascar-thunder-2004", "--record-mode", "all"), "asks a live server"),
        (("nascar-thunder-2004", "--rule", "ea-lobby.color=red"), "rooms: the rooms"),
        (("nascar-thunder-2004", "--rule", "x"), "PROTOCOL.NAME=VALUE"),
        (("nascar-thunder-2004", "--accounts", "none.toml"), "cannot be read"),
        (("nascar-thunder-2004", "--rule", "day.toml"), "given by --rules FILE"),
        (("nascar-thunder-2004", "--rules", "ea-lobby.news=x"), "is --rule ea-lobby.news=x"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    with Command(tmp_path, "serve", *arguments) as command:
        assert command.wait() == 1
        assert sentence in command.said()


__all__ = ["Console"]
