from __future__ import annotations

from pathlib import Path

import pytest

from proxy.relay.api import Address
from recordings.reader import Reader
from replay.adaptive.memory import Memory
from replay.playback.loading import load
from replay.playback.places import Endpoints, address_of
from replay.playback.script import read_script
from replay.playback.steps import Script
from replay.playback.wishes import read_places
from tests.replay import clients


@pytest.fixture
def script(tmp_path: Path) -> Script:
    clients.presence(tmp_path / "taped.db")
    with Reader.open(tmp_path / "taped.db") as reader:
        (session,) = reader.sessions()
        return read_script(load(reader, session.id), session)


@pytest.mark.parametrize(
    ("to", "maps", "presence", "search"),
    [
        ("127.0.0.1", (), ("127.0.0.1", 29900), ("127.0.0.1", 29901)),
        ("127.0.0.1:5000", (), ("127.0.0.1", 5000), ("127.0.0.1", 29901)),
        ("h", (":29901=127.0.0.2:7",), ("h", 29900), ("127.0.0.2", 7)),
        ("h", ("gamespy-search=127.0.0.2",), ("h", 29900), ("127.0.0.2", 29901)),
        (None, ("198.51.100.7=[::1]",), ("::1", 29900), ("::1", 29901)),
        (None, ("198.51.100.7:29900=x:9",), ("x", 9), None),
    ],
)
def test_where_each_flow_goes(
    to: str | None,
    maps: tuple[str, ...],
    presence: Address,
    search: Address | None,
    script: Script,
) -> None:
    endpoints = Endpoints(script, read_places(to, maps), Memory())
    assert [endpoints.find(role) for role in script.roles] == [presence, search]


def test_a_server_that_was_met_before_is_found_again(script: Script) -> None:
    memory = Memory()
    endpoints = Endpoints(script, read_places("127.0.0.1:5000", ()), memory)
    first, second = script.roles
    endpoints.opened(first, ("127.0.0.1", 5000), ("127.0.0.1", 40000))
    assert memory.endpoints["198.51.100.7", 29900] == ("127.0.0.1", 5000)
    memory.endpoints["198.51.100.7", 29901] = ("127.0.0.3", 1)  # as something announced it
    assert endpoints.find(second) == ("127.0.0.3", 1)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1:80", ("192.0.2.1", 80)),
        ("[::1]:80", ("::1", 80)),
        ("nothing", None),
        (None, None),
        (":80", None),
    ],
)
def test_addresses_of_a_recording(text: str | None, address: Address | None) -> None:
    assert address_of(text) == address
