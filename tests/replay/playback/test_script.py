"""What is a step and what a cue, and what a turn waits for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from proxy import registry
from recordings.reader import Reader
from replay.playback.loading import load
from replay.playback.script import asked_by_server, read_script
from replay.playback.steps import Close, Hear, Open, Say, Script, Wait
from tests.replay import clients, clients_gamespy
from tests.replay.clients import Taped


def script_of(record: Callable[[Path], Taped], folder: Path, *, cues: bool = True) -> Script:
    taped = record(folder / "taped.db")
    with Reader.open(taped.path) as reader:
        (session,) = reader.sessions()
        return read_script(load(reader, session.id), session, cues=cues)


def test_an_evening_in_its_order(tmp_path: Path) -> None:
    script = script_of(clients.ea_evening, tmp_path)
    opened = [step.flow.row.id for step in script.steps if isinstance(step, Open)]
    assert opened == [1, 2, 3]
    assert [type(step) for step in script.steps[:4]] == [Open, Say, Hear, Close]
    news = next(s for s in script.steps if isinstance(s, Hear) and s.line.opens == [3])
    after = script.steps[news.index :]
    assert [s.flow.row.id for s in after if isinstance(s, Open)] == [3]
    assert all(one.index == at for at, one in enumerate(script.steps))


def test_what_a_turn_waits_for(tmp_path: Path) -> None:
    script = script_of(clients.ea_evening, tmp_path)
    waits: dict[str, set[Wait]] = {}
    for step in script.steps:
        if isinstance(step, Hear):
            waits.setdefault(step.line.kind, set()).add(step.wait)
    assert waits["auth"] == waits["news"] == {Wait.ANSWER}
    assert waits["+usr"] == waits["+msg"] == {Wait.PUSH}
    assert waits["~png"] == {Wait.ASKS}
    assert waits["+ses"] == {Wait.ANSWER}  # the result of the race repeats what is in it


def test_a_turn_waits_a_moment_for_what_is_asked_only_once(tmp_path: Path) -> None:
    script = script_of(clients_gamespy.nat_negotiation, tmp_path)
    waits = {step.line.kind: step.wait for step in script.steps if isinstance(step, Hear)}
    assert waits["CONNECT"] is Wait.PUSH  # its answer comes before the report, as recorded
    assert waits["REPORT_ACK"] is Wait.ANSWER


def test_answers_to_the_server_are_cues(tmp_path: Path) -> None:
    script = script_of(clients.ea_evening, tmp_path)
    said = [line.kind for s in script.steps if isinstance(s, Say) for line in s.lines]
    assert "~png" not in said
    lobby = script.roles[1]
    assert [(asked.kind, answer.kind) for asked, answer in lobby.cues["~png"]] == [
        ("~png", "~png"),
        ("~png", "~png"),
    ]


def test_bytes_as_they_are_know_no_cues(tmp_path: Path) -> None:
    script = script_of(clients.ea_evening, tmp_path, cues=False)
    said = [line.kind for s in script.steps if isinstance(s, Say) for line in s.lines]
    assert said.count("~png") == 2
    assert not any(role.cues for role in script.roles)


@pytest.mark.parametrize(
    ("protocol", "asks"),
    [
        ("ea-lobby", {"~png": ("~png",), "PING": ("PING",)}),
        ("kaillera", {"ServerAck": ("ClientAck",)}),
        ("gamespy-presence", {}),
    ],
)
def test_what_a_server_asks_by_itself(protocol: str, asks: dict[str, tuple[str, ...]]) -> None:
    assert asked_by_server(registry.protocol(protocol)) == asks


def test_a_challenge_is_asked_and_a_request_is_not() -> None:
    asks = asked_by_server(registry.protocol("gamespy-query"))
    assert asks["Challenge"] == ("ChallengeResponse",)
    assert asks["ClientMessage"] == ("ClientMessageAck",)
    assert "Heartbeat" not in asks
    assert asked_by_server(registry.protocol("gamespy-chat"))["PING"] == ("PONG",)


def test_a_port_that_the_client_announces_is_opened_before_it_says_so(tmp_path: Path) -> None:
    script = script_of(clients.jazz2_game, tmp_path)
    side = next(s for s in script.steps if isinstance(s, Open) and s.flow.row.transport == "udp")
    join = next(s for s in script.steps if isinstance(s, Say))
    assert join.lines[0].kind == "JoinRequest"
    assert side.index < join.index
