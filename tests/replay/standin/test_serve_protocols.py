"""Every protocol from a recording: the stand-in is the server, playback is the client.

Recordings of scripted clients are served by the real command, and played against it by the real
command, which awaits every answer and follows what is announced.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.replay import clients
from tests.replay.standin.test_serve_ea import FILE, unanswered
from tests.running import Command

MAKERS: dict[str, Callable[[Path], clients.Taped]] = {
    "ea-lobby": clients.ea_evening,
    "gamespy-presence": clients.presence,
    "gamespy-stats": clients.stats,
    "gamespy-browser2": clients.server_browser,
    "gamespy-chat": clients.chat_room,
    "gamespy-query": clients.game_server,
    "kaillera": clients.kaillera_game,
    "jazz2": clients.jazz2_game,
}
ALSO = {"gamespy-presence": ["gamespy-search"]}


def to(ports: dict[tuple[str, str], int]) -> list[str]:
    """Where playback finds the stand-in."""
    found = {protocol: port for (protocol, _), port in ports.items() if protocol != "dns"}
    if len(found) == 1:
        return ["--to", f"127.0.0.1:{next(iter(found.values()))}"]
    return [word for name, port in found.items() for word in ("--map", f"{name}=127.0.0.1:{port}")]


@pytest.mark.parametrize("name", MAKERS)
def test_a_recorded_session_is_served_to_a_client(name: str, tmp_path: Path) -> None:
    taped = MAKERS[name](tmp_path / "tape.understudy.db")
    relays = [part for one in (name, *ALSO.get(name, ())) for part in ("--relay", f"{one}:0")]
    secrets = clients.GAME_KEY if "--game-key" in taped.options else ()
    dns = ("--dns-port", "0") if name == "ea-lobby" else ()
    with Command(
        tmp_path, "serve", str(taped.path), "-w", FILE, *relays, *dns, *secrets
    ) as stand_in:
        ports = stand_in.ready()
        with Command(
            tmp_path,
            *("replay", str(taped.path), *to(ports), *taped.options),
            *("-w", "again.db", "--grace", "0.3"),
        ) as client:
            assert client.wait() == 0, (client.lines, client.said(), stand_in.lines)
        assert stand_in.stop() == 0, stand_in.said()
    assert unanswered(tmp_path) == []
    assert "defect" not in stand_in.said()
