"""Records of a server list, and the two messages that hold them."""

from __future__ import annotations

import pytest

from proxy.layouts.serverlist import Cursor, Layout, Server, Short, read_layout, read_server
from proxy.layouts.serverlist_view import ListReader, PushServer, ServerList
from proxy.message import FieldError, WireError

LAYOUT = Layout(((0, b"name"), (1, b"n"), (2, b"name"), (0, b"a.b")), (b"popular",))
RECORD = bytes.fromhex("52cb0071071964c0a80005") + b"\0\7\1\2\xffinline\0"
SERVER = Server(0x52, b"\xcb\0\x71\7", (b"\x19\x64", b"\xc0\xa8\0\5"), (0, 7, 258, b"inline"))


def test_names_that_come_twice_or_cannot_be_a_step_are_numbered() -> None:
    assert LAYOUT.names == ("name", "n", "key2", "key3")
    assert read_layout(Cursor(LAYOUT.encode())) == LAYOUT
    assert Layout.from_json(LAYOUT.to_json()) == LAYOUT
    assert Layout.from_json(None) == Layout()


def test_a_record_both_ways() -> None:
    assert read_server(Cursor(RECORD), LAYOUT) == SERVER
    assert SERVER.encode(LAYOUT) == RECORD
    for cut in range(len(RECORD)):
        with pytest.raises(Short):
            read_server(Cursor(RECORD[:cut]), LAYOUT)


def test_a_popular_value_that_there_is_not() -> None:
    with pytest.raises(WireError, match=r"servers\.keys\.name, byte 11: no popular value 1"):
        read_server(Cursor(RECORD.replace(b"\0\7\1", b"\1\7\1")), LAYOUT)


def test_a_type_that_there_is_not() -> None:
    with pytest.raises(WireError, match=r"keys\[0\]\.type, byte 1: 9 is no type"):
        read_layout(Cursor(b"\1\x09x\0\0"))


@pytest.mark.parametrize(
    ("path", "value"),
    [("port", 70000), ("flags", 256), ("keys.n", 256), ("keys.key2", -1), ("ip", "1.2.3.400")],
)
def test_values_that_do_not_fit(path: str, value: object) -> None:
    message = PushServer(SERVER, LAYOUT)
    with pytest.raises(ValueError, match=r"fit|is no IPv4"):
        message.set(path, value)
    with pytest.raises(ValueError, match=r"fit|is no IPv4"):
        ServerList(bytes(4), 0, LAYOUT, (SERVER,)).set(f"servers[0].{path}", value)


@pytest.mark.parametrize(
    "path",
    ["servers", "servers.x", "servers[0]", "servers[0].icmp_ip", "servers[0].rules.x", "ip.x",
     "popular.x", "keys[9].name", "servers[0].keys.n.x"],
)  # fmt: skip
def test_fields_of_a_list_that_there_are_not(path: str) -> None:
    message = ServerList(bytes(4), 0, LAYOUT, (SERVER,))
    with pytest.raises(FieldError):
        message.set(path, "1")


def test_the_head_of_a_list() -> None:
    message = ServerList(bytes(4), 0, LAYOUT, (SERVER,)).set("ip", "1.2.3.4").set("port", "0x10")
    assert message.encode()[:6] == b"\1\2\3\4\0\x10"
    assert message == ServerList(b"\1\2\3\4", 16, LAYOUT, (SERVER,))
    assert hash(message) == hash(message.set("port", 16))
    assert "1.2.3.4" in repr(message)
    with pytest.raises(ValueError, match="does not fit"):
        message.set("port", 65536)
    with pytest.raises(FieldError):
        message.delete("servers[1]")
    with pytest.raises(FieldError):
        message.delete("servers")


def test_a_single_record() -> None:
    message = PushServer(SERVER, LAYOUT)
    assert message.encode() == b"\0\x1a\2" + RECORD[:]
    assert message.get("keys.key3") == "inline"
    for path in ("rules.x", "keys.x", "x"):
        with pytest.raises(FieldError):
            message.get(path)
        with pytest.raises(FieldError):
            message.set(path, "1")


def test_a_list_is_read_on_from_where_it_stopped() -> None:
    whole = ServerList(bytes(4), 0, LAYOUT, (SERVER,) * 3).encode()
    reader = ListReader()
    lengths = [reader.advance(whole[:end], 0) for end in range(6, len(whole) + 1)]
    assert lengths == [0] * (len(whole) - 6) + [len(whole)]
    assert reader.servers == [SERVER] * 3
