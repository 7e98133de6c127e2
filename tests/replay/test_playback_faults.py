"""Playback against servers that do not answer as recorded, and of recordings that lack much."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from recordings.model import Direction, Frame, Origin, Transport
from recordings.reader import Reader
from recordings.writer import Recording
from tests.replay import clients
from tests.replay.servers import ea, kaillera
from tests.replay.servers.stage import Service, Stage
from tests.replay.test_playback import ACCOUNTS, ea_lobby, kaillera_game, replay, verdict

QUICK = ("--json", "--deadline", "0.5", "--grace", "0.1")


class Mute:
    """Takes everything and says nothing."""

    closing = False

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        return iter(())


class Closing(Mute):
    """Hangs up at the first word."""

    def received(self, data: bytes) -> Iterator[bytes]:
        self.closing = True
        return iter(())


class Foreign(Mute):
    """Speaks another protocol."""

    def received(self, data: bytes) -> Iterator[bytes]:
        yield b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class Flooding(Mute):
    """Says what nobody asked, and no end of it."""

    def received(self, data: bytes) -> Iterator[bytes]:
        for _ in range(30):
            yield ea.tabbed("+msg", "N=spam", "T=buy", "F=") * 1000


def against(
    folder: Path, make: Callable[[], Service], deadline: str = "0.5"
) -> tuple[Result, float]:
    taped = clients.ea_evening(folder / "taped.db")
    with Stage() as stage:
        port = stage.tcp(make)
        began = time.monotonic()
        asked = ("--json", "--grace", "0.1", "--deadline", deadline)
        result = replay(folder, taped, ["--to", f"127.0.0.1:{port}"], *asked)
    return result, time.monotonic() - began


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Mute, "no answer @dir (recorded in frame 2): it did not come within 0.5 s"),
        (Closing, "no answer @dir (recorded in frame 2): the server closed the connection"),
        (Foreign, "the server does not speak ea-lobby: length, byte 8"),
        (Flooding, "the server floods: 20,000 messages that the recording has not"),
    ],
)
def test_a_server_that_goes_wrong_is_named(
    make: Callable[[], Service], says: str, tmp_path: Path
) -> None:
    result, seconds = against(tmp_path, make, "20" if make is Flooding else "0.5")
    told = verdict(result)
    assert result.exit_code == 1
    assert says in str(told["broke_off"])
    assert seconds < 10
    with Reader.open(tmp_path / "again.db") as reader:  # whatever came is recorded
        (session,) = reader.sessions()
    assert session.ended_at is not None


def test_the_way_to_the_difference_is_named(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    with Stage() as stage:
        to = ["--to", f"127.0.0.1:{stage.tcp(Closing)}"]
        result = replay(tmp_path, taped, to, "--deadline", "0.5")
        compared = replay(tmp_path, taped, to, "--deadline", "0.5", "--diff")
    recorded, way, said = result.output.splitlines()[-3:]
    assert recorded == f"recorded {tmp_path / 'again.db'}: session 1"
    assert way == f"compare: understudy diff {taped.path}:1 {tmp_path / 'again.db'}:1"
    assert said.startswith("failed after 1 of 25 frames: no answer @dir")
    assert (result.exit_code, compared.exit_code) == (1, 1)
    assert "compare: " not in compared.output
    assert "addr to the server was never said" in compared.output


class Rude(Mute):
    """Says what would drive a terminal."""

    def opened(self) -> Iterator[bytes]:
        yield b"\\\x1b[2J\\1\\final\\"


def test_what_a_server_says_does_not_drive_the_terminal(tmp_path: Path) -> None:
    taped = clients.presence(tmp_path / "taped.db")
    with Stage() as stage:
        to = ["--map", f":29900=127.0.0.1:{stage.tcp(Rude)}"]
        result = replay(tmp_path, taped, to, "--deadline", "0.5")
    assert "\\x1b[2J" in result.output
    assert "\x1b" not in result.output


def test_nobody_listens(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    told = verdict(replay(tmp_path, taped, ["--to", f"127.0.0.1:{port}"], *QUICK))
    assert "cannot be reached" in str(told["broke_off"])
    compared = replay(tmp_path, taped, ["--to", f"127.0.0.1:{port}"], "--diff")
    assert compared.exit_code == 2, "1 would be a difference"
    assert "first difference" not in compared.output


def test_nobody_listens_for_datagrams(tmp_path: Path) -> None:
    taped = clients.game_server(tmp_path / "taped.db")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        port = gone.getsockname()[1]
    told = verdict(replay(tmp_path, taped, ["--to", f"127.0.0.1:{port}"], *QUICK))
    assert "no answer Challenge" in str(told["broke_off"])


def test_a_wrong_password_is_explained(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    with Stage() as stage:
        run = ea_lobby(stage, 4)
        asked = ("--set", "auth.PASS=guess", *QUICK)
        told = verdict(replay(tmp_path, taped, run.to, *asked))
    assert run.problems[0] == "a wrong password"
    otherwise = told["otherwise"]
    assert isinstance(otherwise, list)
    assert "auth differs from frame" in otherwise[0]
    assert "PERSONAS is missing (recorded: 'Turn4,BackStretch')" in otherwise[0]


def test_a_recording_without_its_keys_says_so(tmp_path: Path) -> None:
    taped = clients.chat_room(tmp_path / "taped.db", game="oval")
    connection = sqlite3.connect(taped.path)
    connection.execute("UPDATE frames SET plain = NULL, cipher = NULL, kind = NULL, fields = NULL")
    connection.execute("DELETE FROM keys")
    connection.commit()
    connection.close()
    taped.options = []
    with Stage() as stage:
        port = stage.tcp(Mute)
        result = replay(tmp_path, taped, ["--to", f"127.0.0.1:{port}"], *QUICK)
    assert result.exit_code == 1
    assert "cannot be read and will be said as recorded: enciphered" in result.stderr
    assert "--game-key oval=SECRET" in result.stderr


def test_a_session_that_was_cut_off_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    connection = sqlite3.connect(taped.path)
    connection.execute("DELETE FROM frames WHERE id > 20")
    connection.execute("UPDATE flows SET closed_at = NULL, close_reason = NULL")
    connection.execute("UPDATE sessions SET ended_at = NULL")
    connection.commit()
    connection.close()
    with Stage() as stage:
        run = ea_lobby(stage, 4)
        result = replay(tmp_path, taped, run.to, *QUICK)
    told = verdict(result)
    assert (result.exit_code, told["broke_off"], run.problems) == (0, None, [])
    assert told["said"] == told["says"] == 8


def test_a_session_in_which_the_client_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "taped.db"
    with Recording.open(path) as recording:
        session = recording.add_session(game=None, client="192.0.2.1", origin=Origin.RECORD)
        flow = recording.add_flow(
            session_id=session,
            protocol="raw-tcp",
            transport=Transport.TCP,
            client="192.0.2.1:5000",
            server="192.0.2.2:6000",
            opened_at=1,
        )
        recording.append(flow, Frame(Direction.TO_CLIENT, 2, b"hello"))
    result = replay(tmp_path, clients.Taped(path), ["--to", "127.0.0.1:1"])
    assert result.exit_code == 1
    assert "the client says nothing in session 1: choose another session" in result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "say where to by --to HOST[:PORT]"),
        (("--to", "a b"), "--to 'a b' is no server: write HOST or HOST:PORT"),
        (("--map", "x"), "--map 'x' is not of the form RECORDED=LIVE"),
        (("--to", "127.0.0.1", "--set", "auth"), "is not of the form KIND.FIELD=VALUE"),
        (("--to", "127.0.0.1", "--set", "auht.NAME=x"), "did you mean auth?"),
        (("--to", "127.0.0.1", "--session", "9"), "has no session 9"),
    ],
)
def test_what_the_user_can_mend(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    result = replay(tmp_path, taped, words)
    assert result.exit_code == 1
    assert says in result.output
    assert not (tmp_path / "again.db").exists()


def test_many_clients_each_with_a_persona(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    accounts = {f"player{n}": ("daytona500", [f"pers{n}"]) for n in range(1, 7)}
    with Stage() as stage:
        world = ea.World(3, accounts)
        world.lobby = stage.tcp(lambda: ea.Lobby(world))
        world.buddy = stage.tcp(lambda: ea.Buddy(world))
        port = stage.tcp(lambda: ea.Directory(world))
        sets = ("--set", "auth.NAME=player{n}", "--set", "pers.PERS=pers{n}")
        many = ("--clients", "3", "--loop", "2", *sets)
        result = replay(tmp_path, taped, ["--to", f"127.0.0.1:{port}"], *many, *QUICK)
    assert (result.exit_code, world.problems) == (0, []), result.output
    assert set(world.lkeys) == {f"pers{n}" for n in range(1, 7)}
    with Reader.open(tmp_path / "again.db") as reader:
        assert len(reader.sessions()) == 6
        users = [f.fields for f in reader.frames("kind = 'AUTH' AND direction = 'c>s'")]
    assert sorted(text[text.index("pers") :][:5] for text in users if text) == sorted(world.lkeys)


@pytest.mark.parametrize("rounds", [2, 7])
def test_a_login_of_fewer_or_more_rounds(rounds: int, tmp_path: Path) -> None:
    taped = clients.kaillera_game(tmp_path / "taped.db")
    with Stage() as stage:
        world = kaillera.World(8, rounds)
        port = stage.udp(kaillera.Main(world, stage.udp_now))
        result = replay(tmp_path, taped, ["--to", f"127.0.0.1:{port}"], *QUICK)
    assert (result.exit_code, world.problems, world.frames) == (0, [], 40), result.output


def test_lost_datagrams_are_said_again(tmp_path: Path) -> None:
    taped = clients.kaillera_game(tmp_path / "taped.db", inputs=6)
    with Stage() as stage:
        world = kaillera.World(8)
        world.lose = 9
        port = stage.udp(kaillera.Main(world, stage.udp_now))
        result = replay(tmp_path, taped, ["--to", f"127.0.0.1:{port}", "--json"])
    assert (result.exit_code, world.problems, world.frames) == (0, [], 6), result.output


def test_more_pings_than_recorded_are_answered(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    with Stage() as stage:
        world = ea.World(3, ACCOUNTS)
        world.rounds = 5
        world.lobby = stage.tcp(lambda: ea.Lobby(world))
        world.buddy = stage.tcp(lambda: ea.Buddy(world))
        port = stage.tcp(lambda: ea.Directory(world))
        result = replay(tmp_path, taped, ["--to", f"127.0.0.1:{port}"], *QUICK)
    assert (result.exit_code, world.problems) == (0, []), result.output
    assert world.seen.count("~png") == 5


def test_original_timing_takes_its_time(tmp_path: Path) -> None:
    taped = clients.kaillera_game(tmp_path / "taped.db", inputs=200)
    with Reader.open(taped.path) as reader:
        frames = list(reader.frames())
    recorded = (frames[-1].at - frames[0].at) / 1e6
    with Stage() as stage:
        run = kaillera_game(stage, 2)
        told = verdict(replay(tmp_path, taped, run.to, "--timing", "original", *QUICK))
        doubled = kaillera_game(stage, 3)
        quicker = verdict(replay(tmp_path, taped, doubled.to, "--speed", "2", *QUICK))
    assert told["passed"] is quicker["passed"] is True
    assert recorded * 0.95 < float(str(told["seconds"])) < recorded * 3
    assert recorded * 0.45 < float(str(quicker["seconds"])) < recorded * 1.5
