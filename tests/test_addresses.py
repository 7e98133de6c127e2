"""Announced hosts: which are numbers, private, or can be connected to at all."""

from __future__ import annotations

import pytest

from proxy.addresses import number, private, usable


@pytest.mark.parametrize(
    ("host", "is_private"),
    [
        *(("10.1.2.3", True), ("172.31.0.1", True), ("172.32.0.1", False), ("192.168.0.1", True)),
        *(("127.0.0.1", True), ("100.64.0.1", True), ("8.8.4.4", False), ("::1", True)),
        *(("fe80::1", True), ("fd00::1", True), ("2001:db8::1", False)),
    ],
)
def test_private_addresses(host: str, is_private: bool) -> None:
    found = number(host)
    assert found is not None
    assert private(found) is is_private


def test_a_name_is_no_number() -> None:
    assert number("lobby.example.org") is None
    assert number("3232236155") is None


@pytest.mark.parametrize(
    ("host", "can"),
    [
        *(("lobby.example.org", True), ("a_b", True), ("203.0.114.5", True), ("::1", True)),
        *(("", False), ("0.0.0.0", False), ("::", False), ("224.0.0.1", False), ("-a", False)),
        *(("a b", False), ("http://a", False), ("a\n", False)),
    ],
)
def test_hosts_that_can_be_connected_to(host: str, can: bool) -> None:
    assert usable(host) is can
