"""`understudy replay` against servers of our own that are other ones in every run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import understudy
from recordings.reader import Reader
from tests.replay import clients, clients_gamespy
from tests.replay.clients import Taped
from tests.replay.servers import (
    browser,
    browser1,
    cdkey,
    chat,
    ea,
    gamespy,
    jazz2,
    kaillera,
    natneg,
    query,
    web,
)
from tests.replay.servers.stage import Stage

ACCOUNTS = {"driver48": ("daytona500", ["Turn4", "BackStretch"])}


@dataclass
class Run:
    """One protocol's servers, standing."""

    to: list[str]
    problems: list[str]


def ea_lobby(stage: Stage, seed: int, *, chatty: bool = False, keyless: bool = False) -> Run:
    world = ea.World(seed, ACCOUNTS)
    world.chatty, world.keyless = chatty, keyless
    world.lobby = stage.tcp(lambda: ea.Lobby(world))
    world.buddy = stage.tcp(lambda: ea.Buddy(world))
    return Run(_to(stage.tcp(lambda: ea.Directory(world))), world.problems)


def _to(port: int) -> list[str]:
    return ["--to", f"127.0.0.1:{port}"]


def presence(stage: Stage, seed: int) -> Run:
    world = gamespy.World(seed)
    ports = {
        29900: stage.tcp(lambda: gamespy.Presence(world)),
        29901: stage.tcp(lambda: gamespy.Search(world)),
    }
    maps = [word for was, port in ports.items() for word in ("--map", f":{was}=127.0.0.1:{port}")]
    return Run(maps, world.problems)


def stats(stage: Stage, seed: int) -> Run:
    world = gamespy.World(seed)
    return Run(_to(stage.tcp(lambda: gamespy.Stats(world))), world.problems)


def server_browser(stage: Stage, seed: int) -> Run:
    world = browser.World(seed)
    return Run(_to(stage.tcp(lambda: browser.Browser(world))), world.problems)


def chat_room(stage: Stage, seed: int) -> Run:
    world = chat.World(seed)
    return Run(_to(stage.tcp(lambda: chat.Chat(world))), world.problems)


def game_server(stage: Stage, seed: int) -> Run:
    world = query.World(seed)
    return Run(_to(stage.udp(query.Master(world))), world.problems)


def kaillera_game(stage: Stage, seed: int) -> Run:
    world = kaillera.World(seed)
    main = kaillera.Main(world, stage.udp_now)
    return Run(_to(stage.udp(main)), world.problems)


def jazz2_game(stage: Stage, seed: int) -> Run:
    world = jazz2.World(seed)
    port = stage.tcp(lambda: jazz2.Game(world))
    stage.udp(jazz2.Datagrams(world), port)
    return Run(_to(port), world.problems)


def older_browser(stage: Stage, seed: int) -> Run:
    world = browser1.World(seed)
    return Run(_to(stage.tcp(lambda: browser1.Browser(world))), world.problems)


def key_server(stage: Stage, seed: int) -> Run:
    world = cdkey.World(seed)
    return Run(_to(stage.udp(cdkey.KeyServer(world))), world.problems)


def negotiation(stage: Stage, seed: int) -> Run:
    world = natneg.World(seed)
    return Run(_to(stage.udp(natneg.Server(world))), world.problems)


def web_site(stage: Stage, seed: int) -> Run:
    people = gamespy.World(seed)
    people.accounts["racer"], people.friend = ("daytona500", 2001), 4001
    pages = web.World(seed, people.tickets)
    pages.problems = people.problems
    ports = {
        29900: stage.tcp(lambda: gamespy.Presence(people)),
        80: stage.tcp(lambda: web.Web(pages)),
    }
    maps = [word for was, port in ports.items() for word in ("--map", f":{was}=127.0.0.1:{port}")]
    return Run(maps, people.problems)


PROTOCOLS: dict[str, tuple[Callable[[Path], Taped], Callable[[Stage, int], Run], str]] = {
    "ea-lobby": (clients.ea_evening, ea_lobby, "a wrong password"),
    "gamespy-presence": (clients.presence, presence, "the password of racer is wrong"),
    "gamespy-stats": (clients.stats, stats, "the game's response is wrong"),
    "gamespy-browser2": (clients.server_browser, server_browser, "no server is at"),
    "gamespy-chat": (clients.chat_room, chat_room, "not understood"),
    "gamespy-query": (clients.game_server, game_server, "a wrong proof"),
    "kaillera": (clients.kaillera_game, kaillera_game, "nobody is"),
    "jazz2": (clients.jazz2_game, jazz2_game, "somebody else"),
    "gamespy-browser1": (
        clients_gamespy.list_of_the_older_engine,
        older_browser,
        "a wrong proof of the secret",
    ),
    "gamespy-cdkey": (clients_gamespy.cd_key, key_server, "a wrong proof of the CD key"),
    "gamespy-natneg": (clients_gamespy.nat_negotiation, negotiation, "it is not where it says"),
    "gamespy-web": (clients_gamespy.web_services, web_site, "is wrong"),
}
"""Protocol -> who records it, who serves it, and what the server says of verbatim bytes."""
QUIET = ("gamespy-cdkey", "gamespy-natneg")
"""Their servers notice it and say nothing, so that nobody can tell."""


def replay(folder: Path, taped: Taped, to: Iterable[str], *more: str) -> Result:
    words = ["replay", str(taped.path), *to, *taped.options, "-w", str(folder / "again.db"), *more]
    return CliRunner().invoke(understudy.cli, words)


def verdict(result: Result) -> dict[str, object]:
    found: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_session_is_played_to_its_end(name: str, tmp_path: Path) -> None:
    record, serve, _ = PROTOCOLS[name]
    taped = record(tmp_path / "taped.db")
    for seed in (11, 12):
        with Stage() as stage:
            run = serve(stage, seed)
            result = replay(tmp_path, taped, run.to, "--json", "--grace", "0.1")
        told = verdict(result)
        assert (result.exit_code, told["passed"], run.problems) == (0, True, []), result.output
        assert told["said"] == told["says"]
        assert told["problems"] == []


@pytest.mark.parametrize("name", PROTOCOLS)
def test_recorded_bytes_alone_are_refused(name: str, tmp_path: Path) -> None:
    record, serve, complaint = PROTOCOLS[name]
    taped = record(tmp_path / "taped.db")
    with Stage() as stage:
        run = serve(stage, 11)
        quick = ("--deadline", "0.5", "--grace", "0.1")
        result = replay(tmp_path, taped, run.to, "--verbatim", "--json", *quick)
    assert result.exit_code == int(name not in QUIET), result.output
    assert verdict(result)["passed"] is (name in QUIET)
    assert any(complaint in one for one in run.problems), run.problems


def test_it_is_recorded_again(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    with Stage() as stage:
        run = ea_lobby(stage, 5)
        replay(tmp_path, taped, run.to, "--grace", "0.1")
    with Reader.open(tmp_path / "again.db") as reader:
        (session,) = reader.sessions()
        assert (session.origin, session.game) == ("playback", "nascar-thunder-2004")
        directory, lobby, buddy = reader.flows(session.id)
        frames = {frame.id: frame for frame in reader.frames(session_id=session.id)}
        keys = {key.name for key in reader.keys(session.id)}
    announced = [frames[flow.parent_frame_id or 0].kind for flow in (lobby, buddy)]
    assert announced == ["@dir", "news"]
    assert directory.parent_frame_id is None
    assert {"skey", "mask", "sess"} <= keys
    auth = next(f for f in frames.values() if f.kind == "auth" and f.direction == "c>s")
    assert b"PASS=daytona500" in auth.clear
    assert b"PASS=~" in (auth.raw or b"")
    assert (auth.derived or {})["checks"] == {"PASS": "ok"}
    assert all(frame.error is None for frame in frames.values())


@pytest.mark.parametrize("chatty", [True, False])
def test_what_was_played_is_compared_at_once(chatty: bool, tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    junit = tmp_path / "report.xml"
    with Stage() as stage:
        run = ea_lobby(stage, 5, chatty=chatty)
        asked = ("--diff", "--junit", str(junit), "--grace", "0.1")
        result = replay(tmp_path, taped, run.to, *asked)
    assert result.exit_code == (0 if chatty else 1), result.output
    assert ("+msg from the server never came" in result.output) is not chatty
    assert ("<failure" in junit.read_text("utf-8")) is not chatty


def test_only_one_session_is_compared(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    result = replay(tmp_path, taped, ["--to", "127.0.0.1"], "--diff", "--clients", "2")
    assert result.exit_code == 2, "1 would be a difference"
    assert "--diff compares one session: leave out --clients and --loop" in result.output


def test_a_server_that_gives_no_session_key_and_one_that_does(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "taped.db")
    for keyless in (True, True, False):  # each time the recording of the last one is played
        with Stage() as stage:
            run = ea_lobby(stage, 5 + keyless, keyless=keyless)
            again = tmp_path / f"{taped.path.stem}-again.db"
            words = ["replay", str(taped.path), *run.to, "-w", str(again), "--grace", "0.1"]
            result = CliRunner().invoke(understudy.cli, words)
        assert (result.exit_code, run.problems) == (0, []), result.output
        taped = Taped(again)


def test_services_side_by_side(tmp_path: Path) -> None:
    taped = clients.gamespy_evening(tmp_path / "taped.db")
    with Stage() as stage:
        run, chats, games = presence(stage, 3), chat.World(4), query.World(5)
        talk = stage.tcp(lambda: chat.Chat(chats))
        master = stage.udp(query.Master(games))
        maps = ("--map", f":6667=127.0.0.1:{talk}", "--map", f":27900=127.0.0.1:{master}")
        result = replay(tmp_path, taped, [*run.to, *maps], "--json")
    assert result.exit_code == 0, result.output
    assert run.problems + chats.problems + games.problems == []
    assert (len(games.listed), chats.said) == (1, ["evening all"])
    with Reader.open(tmp_path / "again.db") as reader:
        flows = reader.flows()
    assert [flow.protocol for flow in flows] == [
        "gamespy-presence",
        "gamespy-search",
        "gamespy-query",
        "gamespy-chat",
    ]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_honest_server_shows_no_difference(name: str, tmp_path: Path) -> None:
    record, serve, _ = PROTOCOLS[name]
    taped = record(tmp_path / "taped.db")
    with Stage() as stage:
        run = ea_lobby(stage, 3, chatty=True) if name == "ea-lobby" else serve(stage, 3)
        result = replay(tmp_path, taped, run.to, "--diff", "--grace", "0.2")
    assert result.exit_code == 0, result.output
    assert "no difference" in result.output


class _Tardy(natneg.Server):
    """Says where the partner is only a while behind its receipt, as a loaded machine does."""

    def _init(self, cookie: int, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        for data in super()._init(cookie, body, peer):
            if data[natneg.TYPE_AT] == natneg.CONNECT:
                asyncio.get_running_loop().call_later(0.05, self.world.send, data, peer)
            else:
                yield data


def test_what_a_server_asks_late_is_answered_in_its_place(tmp_path: Path) -> None:
    taped = clients_gamespy.nat_negotiation(tmp_path / "taped.db")
    with Stage() as stage:
        to = _to(stage.udp(_Tardy(natneg.World(3))))
        result = replay(tmp_path, taped, to, "--diff", "--grace", "5")
    assert result.exit_code == 0, result.output
    assert "no difference" in result.output
