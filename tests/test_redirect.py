"""Redirects: announced endpoints get a relay of their own, or pass unchanged and say why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy import registry
from proxy.flow import Flow
from proxy.legs import PASSING, STALE, Redirects
from proxy.message import FieldError, Message
from proxy.protocol import Announce, Protocol
from proxy.redirect import Redirect
from proxy.relay.api import Address, Listen
from recordings.model import Direction, Frame, Transport
from tests.toy import DOWN, PLAIN, TOY, UP, Line, MemoryOpener, keys, listen

US = ("192.0.2.1", 7)
PUBLIC = ("8.8.4.4", 7)


class Bench:
    """One client's flow, and what was said about it."""

    def __init__(
        self,
        server: Address = PUBLIC,
        *,
        protocol: Protocol = TOY,
        client: str = "198.51.100.5",
        local: Address = US,
        all_: Redirects | None = None,
        **settings: object,
    ) -> None:
        self.opener = MemoryOpener()
        self.all = all_ or Redirects(self.opener, **settings)  # type: ignore[arg-type]
        if all_:
            assert isinstance(all_.opener, MemoryOpener)
            self.opener = all_.opener
        self.said: list[tuple[str, str]] = []
        flow = Flow(1, 5, protocol, listen(), (client, 999), server, local)
        self.rule = Redirect(flow, self.all, lambda kind, text: self.said.append((kind, text)))

    def judge(self, kind: str, at: int = 1, way: Direction = DOWN, **pairs: str) -> Message:
        frame = Frame(way, at, b"", id=77)
        verdict = self.rule.judge(frame, Line(kind, pairs))
        self.rule.recorded(frame)
        assert isinstance(verdict, Message)
        return verdict

    def fields(self, kind: str, **pairs: str) -> dict[str, str]:
        return self.judge(kind, 1, DOWN, **pairs).fields()


def test_an_announced_endpoint_is_relayed_and_rewritten() -> None:
    bench = Bench()
    message = bench.judge("DIR", ADDR="203.0.114.5", PORT="10901", SESS="1", DIRECT="1")
    assert message.fields() == {"ADDR": "192.0.2.1", "PORT": "40001", "SESS": "1"}
    assert bench.opener.opened == [
        Listen(
            protocol="toy",
            transport=Transport.TCP,
            host="192.0.2.1",
            port=0,
            upstream=("203.0.114.5", 10901),
            client="198.51.100.5",
            role="lobby",
        )
    ]
    assert bench.said == [("redirect", "lobby 203.0.114.5:10901 is relayed at 192.0.2.1:40001")]


def test_a_client_that_names_our_relay_is_understood_to_mean_the_server() -> None:
    """The server browser passes on messages to the very address that it listed."""
    asks = Announce("ASK", UP, "toy", Transport.TCP, "ADDR", "PORT")
    bench = Bench(protocol=replace(TOY, refers=(asks,)))
    assert bench.rule.holds(UP)
    assert "ASK" in bench.rule.kinds
    bench.judge("DIR", ADDR="203.0.114.5", PORT="10901")
    meant = bench.judge("ASK", way=UP, ADDR="192.0.2.1", PORT="40001")
    assert meant.fields() == {"ADDR": "203.0.114.5", "PORT": "10901"}
    for host, port in (("192.0.2.1", "40002"), ("203.0.114.9", "40001")):
        other = bench.judge("ASK", way=UP, ADDR=host, PORT=port)
        assert other.fields() == {"ADDR": host, "PORT": port}


def test_the_leg_remembers_the_session_and_the_frame_that_announced_it() -> None:
    bench = Bench()
    bench.judge("DIR", ADDR="203.0.114.5", PORT="10901")
    (leg,) = bench.all.legs.values()
    assert (leg.session, leg.parent, leg.address) == (5, 77, ("192.0.2.1", 40001))


def test_a_listener_is_reused_for_the_same_client_and_endpoint() -> None:
    bench = Bench()
    for _ in range(2):
        assert bench.fields("DIR", ADDR="203.0.114.5", PORT="10901")["PORT"] == "40001"
    other = Bench(client="198.51.100.6", all_=bench.all)
    assert other.fields("DIR", ADDR="203.0.114.5", PORT="10901")["PORT"] == "40002"
    assert len(bench.opener.opened) == 2
    assert len(bench.said) == 1


def test_a_name_is_relayed_by_name() -> None:
    bench = Bench()
    bench.judge("DIR", ADDR="lobby.example.org", PORT="1")
    (opened,) = bench.opener.opened
    assert (opened.upstream, opened.hostname) == (("lobby.example.org", 1), "lobby.example.org")


def test_a_port_alone_is_on_the_server_that_announces_it() -> None:
    bench = Bench(("203.0.114.9", 7))
    assert bench.fields("HELLO", PORT="27889") == {"PORT": "40001"}
    (opened,) = bench.opener.opened
    assert (opened.upstream, opened.transport) == (("203.0.114.9", 27889), Transport.UDP)


def test_every_entry_of_a_list_is_relayed() -> None:
    bench = Bench()
    assert bench.fields("LIST", ITEMS="203.0.114.5:1,[2001:db8::1]:2,junk,203.0.114.6:0") == {
        "ITEMS": "192.0.2.1:40001,192.0.2.1:40002,junk,203.0.114.6:0"
    }
    assert [one.upstream for one in bench.opener.opened] == [
        ("203.0.114.5", 1),
        ("2001:db8::1", 2),
    ]
    assert [kind for kind, _ in bench.said].count("redirect-unchanged") == 2


def test_the_servers_own_endpoint_is_the_listener_that_is_there() -> None:
    bench = Bench(PUBLIC)
    assert bench.fields("DIR", ADDR="8.8.4.4", PORT="7") == {"ADDR": "192.0.2.1", "PORT": "7"}
    assert bench.opener.opened == []


@pytest.mark.parametrize(
    ("addr", "port", "why"),
    [
        ("0.0.0.0", "10901", "no endpoint"),
        ("::", "10901", "no endpoint"),
        ("224.0.0.1", "10901", "no endpoint"),
        ("", "10901", "no endpoint"),
        ("not*a*host", "10901", "no endpoint"),
        ("203.0.114.5", "0", "no endpoint"),
        ("203.0.114.5", "65536", "no endpoint"),
        ("203.0.114.5", "-1", "no endpoint"),
        ("203.0.114.5", "http", "no endpoint"),
        ("192.0.2.1", "12345", "our own address"),
    ],
)
def test_what_cannot_be_relayed_passes_unchanged_and_is_said_once(
    addr: str, port: str, why: str
) -> None:
    bench = Bench()
    bench.all.own[Transport.TCP, 12345] = listen()
    for _ in range(2):
        message = Line("DIR", {"ADDR": addr, "PORT": port, "DIRECT": "1"})
        assert bench.rule.judge(Frame(DOWN, 1, b""), message) is message
    ((kind, text),) = bench.said
    assert kind == "redirect-unchanged"
    assert why in text
    assert bench.opener.opened == []


def test_our_own_address_on_a_port_that_is_not_ours_is_a_server_on_this_machine() -> None:
    bench = Bench()
    assert bench.fields("DIR", ADDR="192.0.2.1", PORT="10901")["PORT"] == "40001"


@pytest.mark.parametrize("private", ["192.168.2.123", "10.0.0.1", "127.0.0.1", "169.254.1.1"])
def test_a_private_address_of_a_public_server_is_reached_at_the_server(private: str) -> None:
    bench = Bench(PUBLIC)
    bench.judge("DIR", ADDR=private, PORT="10901")
    assert bench.opener.opened[0].upstream == ("8.8.4.4", 10901)
    assert f"reached at 8.8.4.4 since {private} is a private address" in bench.said[0][1]


def test_a_private_address_of_a_private_server_is_taken_at_its_word() -> None:
    bench = Bench(("192.168.2.9", 7))
    bench.judge("DIR", ADDR="192.168.2.123", PORT="10901")
    assert bench.opener.opened[0].upstream == ("192.168.2.123", 10901)


def test_beyond_the_limit_endpoints_pass_unchanged_and_it_is_said_once() -> None:
    bench = Bench(limit=2)
    items = ",".join(f"203.0.114.{n}:1" for n in range(1, 5))
    assert bench.fields("LIST", ITEMS=items) == {
        "ITEMS": "192.0.2.1:40001,192.0.2.1:40002,203.0.114.3:1,203.0.114.4:1"
    }
    limits = [text for kind, text in bench.said if kind == "redirect-unchanged"]
    assert limits == ["203.0.114.3:1 passes unchanged: this client has 2 relays already"]


def test_a_leg_that_nobody_used_for_an_hour_makes_room() -> None:
    bench = Bench(limit=2)
    bench.judge("DIR", ADDR="203.0.114.1", PORT="1", at=0)
    bench.judge("DIR", ADDR="203.0.114.2", PORT="1", at=5)
    used, stale = bench.all.legs.values()
    used.flows = 1
    assert bench.judge("DIR", ADDR="203.0.114.3", PORT="1", at=STALE + 6).get("PORT") == "40003"
    assert bench.opener.shut_ == [stale.listen]
    assert stale.listen not in bench.all.legs


def test_a_relay_that_cannot_be_opened_leaves_the_announcement() -> None:
    bench = Bench()
    bench.opener.refuses = "too many files are open"
    message = bench.judge("DIR", ADDR="203.0.114.5", PORT="10901", DIRECT="1")
    assert message.fields() == {"ADDR": "203.0.114.5", "PORT": "10901", "DIRECT": "1"}
    assert "too many files are open" in bench.said[0][1]


def test_a_message_that_cannot_hold_our_address_passes_unchanged() -> None:
    bench = Bench(local=("2001:db8::7", 7))
    message = bench.judge("DIR", ADDR="203.0.114.5", PORT="10901")
    assert message.fields() == {"ADDR": "203.0.114.5", "PORT": "10901"}
    assert bench.said[-1] == ("redirect-unchanged", "DIR cannot hold our address: no room for IPv6")


def test_a_message_without_the_fields_announces_nothing() -> None:
    bench = Bench()
    assert bench.fields("DIR", DOWN="closed") == {"DOWN": "closed"}
    assert bench.said == []


def test_other_players_are_touched_only_when_asked() -> None:
    assert Bench().fields("PEER", ADDR="203.0.114.8", PORT="3658")["PORT"] == "3658"
    peers = Bench(relay_peers=True)
    assert peers.fields("PEER", ADDR="203.0.114.8", PORT="3658")["PORT"] == "40001"


def test_an_endpoint_of_the_client_becomes_what_the_server_sees_of_us() -> None:
    bench = Bench()
    udp = listen(transport=Transport.UDP, upstream=PUBLIC)
    bench.all.own[Transport.UDP, 7] = udp
    bench.rule._flow.listen = listen(upstream=PUBLIC)
    assert bench.judge("JOIN", way=UP, PORT="1234", X="1").fields() == {"PORT": "50000", "X": "1"}
    assert bench.opener.invited == [(udp, ("198.51.100.5", 1234), "192.0.2.1")]
    assert bench.said == [("redirect", "198.51.100.5:1234 is 192.0.2.200:50000")]


@pytest.mark.parametrize("port", ["0", "x", "1234"])
def test_an_endpoint_of_the_client_that_nothing_relays_passes_unchanged(port: str) -> None:
    bench = Bench()
    assert bench.judge("JOIN", way=UP, PORT=port).fields() == {"PORT": port}
    assert bench.said[0][0] == "redirect-unchanged"


def test_in_a_transparent_mode_nothing_is_rewritten_and_the_endpoint_is_expected() -> None:
    bench = Bench(local=PUBLIC)
    message = Line("DIR", {"ADDR": "203.0.114.5", "PORT": "10901", "DIRECT": "1"})
    frame = Frame(DOWN, 1, b"", id=77)
    assert bench.rule.judge(frame, message) is message
    bench.rule.recorded(frame)
    leg = bench.all.passing[Transport.TCP, ("203.0.114.5", 10901)]
    assert (leg.listen.protocol, leg.listen.role, leg.listen.client) == ("toy", "lobby", None)
    assert (leg.session, leg.parent) == (5, 77)
    assert bench.all.legs[leg.listen] is leg
    assert (bench.opener.opened, bench.said) == ([], [])


def test_expected_endpoints_are_limited() -> None:
    bench = Bench(local=PUBLIC)
    for at in range(PASSING + 1):
        bench.judge("DIR", at, ADDR=f"203.0.{at >> 8}.{at & 255}", PORT="1")
    assert len(bench.all.passing) == len(bench.all.legs) == PASSING


def test_only_announcing_directions_are_held() -> None:
    bench = Bench()
    assert bench.rule.holds(DOWN)
    assert bench.rule.holds(UP)
    flow = Flow(1, 1, PLAIN, listen(), ("c", 1), PUBLIC, US)
    assert not any(Redirect(flow, bench.all, print).holds(way) for way in Direction)


def test_a_protocol_of_two_transports_is_relayed_on_one_number() -> None:
    bench = Bench()
    lists = registry.protocol("jazz2-list")
    bench.rule = Redirect(
        Flow(1, 5, lists, listen("jazz2-list"), ("198.51.100.5", 999), PUBLIC, US),
        bench.all,
        lambda kind, text: bench.said.append((kind, text)),
    )
    begins, server = b"\x07LIST\1\1", bytes.fromhex("09 057200cb 4427 6162")
    *_, frame = lists.dissector(keys()).feed(DOWN, begins + server, 1)
    verdict = bench.rule.judge(frame, lists.view(frame))
    assert isinstance(verdict, Message)
    assert verdict.fields() == {"host": "192.0.2.1", "port": 40001, "name": "ab"}
    upstream = ("203.0.114.5", 10052)
    assert [(one.transport, one.port, one.upstream) for one in bench.opener.opened] == [
        (Transport.TCP, 0, upstream),
        (Transport.UDP, 40001, upstream),
    ]
    assert [listen.transport for listen in bench.all.own.values()] == ["tcp", "udp"]


@pytest.mark.parametrize(
    ("announced", "local"),
    [("2001:db8::5", "192.0.2.1"), ("203.0.114.5", "2001:db8::1")],
)
def test_server_and_client_may_be_of_different_families(announced: str, local: str) -> None:
    bench = Bench(PUBLIC, local=(local, 7))
    message = Line("DIR", {"ADDR": announced, "PORT": "10901"})
    verdict = bench.rule.judge(Frame(DOWN, 1, b""), message)
    assert bench.opener.opened[0].upstream == (announced, 10901)
    assert bench.opener.opened[0].host == local
    if ":" in local:  # the toy's field has no room for IPv6: it passes and that is said
        assert verdict is message
        assert "cannot hold our address" in bench.said[-1][1]
    else:
        assert isinstance(verdict, Line)
        assert verdict.fields()["ADDR"] == local


def test_fixed_ports_are_relayed_where_a_message_names_none() -> None:
    announce = Announce(
        "RACE", DOWN, "raw-udp", Transport.UDP, "ADDR", role="race", peer=True, ports=(3658, 1073)
    )
    bench = Bench(PUBLIC, protocol=replace(TOY, announces=(announce,)), relay_peers=True)
    assert bench.fields("RACE", ADDR="203.0.114.5") == {"ADDR": "192.0.2.1"}
    assert [(one.port, one.upstream) for one in bench.opener.opened] == [
        (3658, ("203.0.114.5", 3658)),
        (1073, ("203.0.114.5", 1073)),
    ]
    for host in ("192.0.2.1", "0.0.0.0", "224.0.0.9"):
        assert bench.fields("RACE", ADDR=host) == {"ADDR": host}
    assert len(bench.opener.opened) == 2


def test_a_missing_field_costs_nothing_until_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Announcements lack fields all the time, and a peer may have sent very many."""
    searched: list[str] = []

    def near(path: str, known: list[str], *_: object) -> list[str]:
        searched.append(path)
        return known[:1]

    monkeypatch.setattr("difflib.get_close_matches", near)
    error = FieldError("@dir", "PORTT", (name for name in ("PORT",)))
    assert searched == []
    assert str(error) == str(error) == "@dir has no field PORTT; did you mean PORT?"
