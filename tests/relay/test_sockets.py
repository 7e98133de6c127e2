"""Making sockets: what is said when it fails, and what is ours."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from proxy.relay.sockets import (
    SEND_BUFFER,
    Offline,
    Outward,
    bind,
    bind_datagrams,
    is_ours,
    local_addresses,
    numeric,
    route_to,
)
from recordings.errors import UserError
from recordings.model import Transport
from tests.relay.harness import LOOPBACK, needs_ipv6


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, r"tcp 127\.0\.0\.1:53 needs administrator rights: start it with sudo"),
        (errno.EADDRINUSE, r"tcp 127\.0\.0\.1:53 is in use"),
        (10013, r"tcp 127\.0\.0\.1:53 is in use"),
        (10049, r"is no address of this machine"),
        (errno.EAFNOSUPPORT, r"has no IPv6"),
        (errno.EMFILE, r"ulimit -n"),
        (errno.EIO, r"cannot be opened .*choose another"),
    ],
)
def test_every_failure_names_the_place_and_the_cure(
    number: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(socket.socket):
        def bind(self, address: object) -> None:
            raise OSError(number, "made up")

    monkeypatch.setattr("socket.socket", Failing)
    with pytest.raises(UserError, match=words):
        bind(Transport.TCP, LOOPBACK, 53)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("example.com", None),
        ("", None),
        ("1.2.3", None),
    ],
)
def test_numeric(host: str, address: str | None) -> None:
    assert numeric(host) == address


def test_what_is_ours() -> None:
    assert is_ours(LOOPBACK)
    assert not is_ours("192.0.2.1")
    assert LOOPBACK in local_addresses(ipv6=False)
    assert all(is_ours(address) for address in local_addresses(ipv6=False))
    assert route_to(LOOPBACK) == LOOPBACK


@needs_ipv6
def test_what_is_ours_in_ipv6() -> None:
    assert "::1" in local_addresses(ipv6=True)
    assert route_to("::1") == "::1"
    with bind(Transport.UDP, "[::1]", 0) as sock:
        assert sock.getsockname()[0] == "::1"


def test_a_wildcard_is_one_socket_for_each_address_on_one_port() -> None:
    found = bind_datagrams("0.0.0.0", 0)
    try:
        assert found[0].getsockname()[0] == "0.0.0.0"
        assert {sock.getsockname()[1] for sock in found} == {found[0].getsockname()[1]}
        assert LOOPBACK in {sock.getsockname()[0] for sock in found[1:]}
        with pytest.raises(UserError, match="is in use"):
            bind_datagrams("0.0.0.0", found[0].getsockname()[1])
    finally:
        for sock in found:
            sock.close()


def test_a_burst_of_the_largest_datagrams_has_room_on_the_way_in_and_out() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        usual = plain.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    with bind(Transport.UDP, LOOPBACK, 0) as near, Outward().datagrams((LOOPBACK, 9)) as far:
        for sock in (near, far):
            room = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            assert room > min(usual, SEND_BUFFER - 1)
            assert room >= 65_535


def test_offline_nothing_leaves_by_any_way() -> None:
    outward = Outward(offline=True)
    server = ("192.0.2.1", 9)
    with pytest.raises(Offline, match=r"192\.0\.2\.1:9 is not contacted"):
        outward.datagrams(server)
    with pytest.raises(Offline):
        asyncio.run(outward.streams(server))
    with pytest.raises(Offline):
        asyncio.run(outward.connect(asyncio.Protocol, server, 1.0))
