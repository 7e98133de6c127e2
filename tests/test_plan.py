"""Plans: which listeners a game and the options make."""

from __future__ import annotations

import pytest

from proxy import catalog
from proxy.options import read_relay
from proxy.plan import Plan, plan
from recordings.errors import UserError
from recordings.model import Transport

TWO = catalog.read(
    "two",
    """
    title = "two services and one that need not be"
    source = "none"
    [[services]]
    role = "a"
    protocol = "raw-tcp"
    port = 100
    hosts = ["a.example.org"]
    [[services]]
    role = "b"
    protocol = "raw-tcp"
    port = 200
    hosts = ["b.example.org", "c.example.org"]
    [[services]]
    role = "web"
    protocol = "raw-udp"
    transport = "udp"
    port = 80
    optional = true
    hosts = ["{game}.example.org"]
    """,
)


def made(
    *relays: str,
    game: catalog.Game | None = TWO,
    upstream: tuple[str, int | None] | None = None,
    game_name: str | None = None,
) -> Plan:
    return plan(
        game,
        [read_relay(text) for text in relays],
        upstream=upstream,
        listen_host="127.0.0.1",
        game_name=game_name,
    )


def shown(plan: Plan) -> list[tuple[str, int, tuple[str, int] | None]]:
    return [(one.listen.role, one.listen.port, one.listen.upstream) for one in plan.listeners]


def test_services_go_to_their_own_hosts() -> None:
    assert shown(made(game_name="g")) == [
        ("a", 100, ("a.example.org", 100)),
        ("b", 200, ("b.example.org", 200)),
        ("web", 80, ("g.example.org", 80)),
    ]
    assert [one.listen.hostname for one in made(game_name="g").listeners] == [
        "a.example.org",
        None,
        "g.example.org",
    ]
    assert [one.optional for one in made(game_name="g").listeners] == [False, False, True]


def test_names_are_those_of_the_services() -> None:
    names = ("a.example.org", "b.example.org", "c.example.org")
    assert made().names == (*names, "*.example.org")
    assert made(game_name="g").names == (*names, "g.example.org")


def test_a_service_that_needs_the_games_name_is_left_out_without_it() -> None:
    assert [role for role, _, _ in shown(made())] == ["a", "b"]


def test_an_upstream_serves_all_services() -> None:
    assert [server for _, _, server in shown(made(upstream=("u", None)))] == [
        ("u", 100),
        ("u", 200),
        ("u", 80),
    ]


def test_a_relay_replaces_the_port_of_its_protocol() -> None:
    assert shown(made("raw-tcp:5", upstream=("u", None)))[:2] == [
        ("a", 5, ("u", 100)),
        ("b", 200, ("u", 200)),
    ]


def test_port_0_replaces_all_ports_of_its_protocol() -> None:
    assert [port for _, port, _ in shown(made("raw-tcp:0"))] == [0, 0]


def test_a_relay_with_a_server_replaces_both() -> None:
    assert shown(made("raw-tcp:5=s:6"))[0] == ("a", 5, ("s", 6))


def test_a_relay_of_another_protocol_is_one_more() -> None:
    planned = made("kaillera:5=s:6").listeners[-1]
    assert (planned.listen.protocol, planned.listen.upstream) == ("kaillera", ("s", 6))
    assert planned.listen.transport == "udp"


def test_a_port_of_a_game_with_one_service_may_stand_with_the_upstream() -> None:
    game = catalog.game("nascar-thunder-2004")
    assert shown(made(game=game, upstream=("u", 5))) == [("directory", 10600, ("u", 5))]
    with pytest.raises(UserError, match="3 services on ports of their own"):
        made(upstream=("u", 5))


def test_a_destination_is_told_by_its_port() -> None:
    planned = made("raw-tcp:0", "kaillera:0=s:27888")
    found = planned.route(Transport.TCP, ("203.0.113.9", 200))
    assert found is not None
    assert (found.role, found.upstream, found.port) == ("b", ("203.0.113.9", 200), 200)
    other = planned.route(Transport.UDP, ("203.0.113.9", 27888))
    assert other is not None
    assert other.protocol == "kaillera"
    assert planned.route(Transport.UDP, ("203.0.113.9", 200)) is None


def test_what_cannot_be_planned_is_said() -> None:
    with pytest.raises(UserError, match="nothing to listen on"):
        made(game=None)
    with pytest.raises(UserError, match="goes with a GAME"):
        made("raw-tcp:1=a:2", game=None, upstream=("u", None))
    with pytest.raises(UserError, match="two does not speak kaillera: it speaks raw-tcp, raw-udp"):
        made("kaillera:5")
    with pytest.raises(UserError, match="add =HOST:PORT behind it"):
        made("kaillera:5", game=None)
    with pytest.raises(UserError, match="kaillera has no server of its own"):
        made(game=catalog.game("kaillera"))
    with pytest.raises(UserError, match="no protocol is named 'nonsense'"):
        made("nonsense:1=a:2", game=None)
