"""The job of `understudy record`, in process: what it looks up before anything is opened."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy import catalog
from proxy.commands._job import Job, JobOptions
from proxy.options import read_relay
from proxy.plan import Plan, plan
from proxy.recorder import Settings
from proxy.relay import compat
from recordings.errors import UserError
from tests.running import Command


class Nowhere:
    """Name servers that know nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def lookup_ip(self, host: str) -> list[str]:
        self.asked.append(host)
        raise OSError("no such name")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nowhere]:
    servers = Nowhere()
    monkeypatch.setattr(compat, "make_lookup", lambda names: servers)
    interval = sys.getswitchinterval()
    yield servers
    sys.setswitchinterval(interval)


def run(folder: Path, planned: Plan) -> list[str]:
    """Run a job to its end; what it said."""
    said: list[str] = []
    options = JobOptions(folder / "r.db", planned, Settings())
    Job(options, say=said.append, warn=said.append).run()
    return said


def planned(game: str | None, *relays: str) -> Plan:
    return plan(
        catalog.game(game) if game else None,
        [read_relay(text) for text in relays],
        upstream=None,
        listen_host="127.0.0.1",
    )


def test_a_name_that_does_not_resolve_is_said_and_leaves_no_file(
    tmp_path: Path, nowhere: Nowhere
) -> None:
    with pytest.raises(
        UserError, match=r"nowhere\.example does not resolve \(no such name\): see to"
    ):
        run(tmp_path, planned(None, "raw-tcp:0=nowhere.example:1", "raw-udp:0=nowhere.example:1"))
    assert nowhere.asked == ["nowhere.example"]
    assert list(tmp_path.iterdir()) == []


def test_a_game_whose_server_is_gone_asks_for_another(tmp_path: Path, nowhere: Nowhere) -> None:
    with pytest.raises(UserError, match=r"ps2nascar04\.ea\.com does not resolve, it may be gone"):
        run(tmp_path, planned("nascar-thunder-2004", "ea-lobby:0"))
    assert list(tmp_path.iterdir()) == []


def _refusal(tmp_path: Path, *arguments: str) -> str:
    with Command(tmp_path, "record", "-w", "f.db", *arguments) as command:
        assert command.wait() == 1
        assert not (tmp_path / "f.db").exists()
        return command.said()


def test_a_server_that_is_ourselves_is_said_at_the_start(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        said = _refusal(tmp_path, "--relay", f"raw-udp:{port}={host}:{port}")
        assert f"127.0.0.1:{port} is this proxy itself: give the real server's" in said
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 game.example\n")
    relay = f"raw-udp:{port}=game.example:{port}"
    assert "this proxy itself" in _refusal(tmp_path, "--relay", relay, "--hosts-file", str(hosts))


def test_a_loop_of_two_listeners_is_said_too(tmp_path: Path) -> None:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        a, b = one.getsockname()[1], two.getsockname()[1]
    relays = (f"raw-tcp:{a}=127.0.0.1:{b}", f"raw-tcp:{b}=127.0.0.1:{a}")
    assert "this proxy itself" in _refusal(tmp_path, "--relay", relays[0], "--relay", relays[1])
