"""What the user writes, read; and what is said when it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy import options
from proxy.options import Relay
from recordings.errors import UserError
from recordings.model import Direction, Key


@pytest.mark.parametrize(
    ("text", "relay"),
    [
        ("kaillera:1=a:2", Relay("kaillera", None, 1, ("a", 2))),
        ("raw-tcp:0=203.0.113.9:65535", Relay("raw-tcp", None, 0, ("203.0.113.9", 65535))),
        ("raw-tcp:127.0.0.1:1=a:2", Relay("raw-tcp", "127.0.0.1", 1, ("a", 2))),
        ("raw-tcp:[::1]:1=[2001:db8::1]:2", Relay("raw-tcp", "::1", 1, ("2001:db8::1", 2))),
        ("ea-lobby:10600", Relay("ea-lobby", None, 10600, None)),
        ("ea-lobby:127.0.0.2:0", Relay("ea-lobby", "127.0.0.2", 0, None)),
    ],
)
def test_a_relay(text: str, relay: Relay) -> None:
    assert options.read_relay(text) == relay


@pytest.mark.parametrize(
    "text",
    [
        *("", "kaillera", "kaillera:", ":1=a:2", "=a:2", "kaillera=a:2", "kaillera:x=a:2"),
        *("kaillera:1=", "kaillera:1=a", "kaillera:1=a:", "kaillera:1=a:0", "kaillera:1=a:70000"),
        *("kaillera:1=::1:2", "kaillera:::1:1=a:2", "kaillera:[::1]1=a:2", "kaillera:[::1=a:2"),
        *("kaillera:70000=a:2", "kaillera:-1=a:2", "kaillera:1=:2", "kaillera:1=a b:2"),
        "kaillera:\u0661=a:2",
    ],
)
def test_a_wrong_relay_shows_the_right_form(text: str) -> None:
    with pytest.raises(UserError, match=r"kaillera:27888=203\.0\.113\.9:27888"):
        options.read_relay(text)


def test_an_upstream_is_a_host_with_or_without_a_port() -> None:
    assert options.read_upstream("203.0.113.9") == ("203.0.113.9", None)
    assert options.read_upstream("a.example.org:5") == ("a.example.org", 5)
    assert options.read_upstream("[::1]") == ("::1", None)
    for wrong in ("", "a:0", "a:b", "[::1", ":5"):
        with pytest.raises(UserError, match="HOST or HOST:PORT"):
            options.read_upstream(wrong)


def test_a_key() -> None:
    assert options.read_key("rc4=00ff") == Key("rc4", b"\0\xff", "rc4", None, "given")
    assert options.read_key("rc4+md5-v2@up=0x00") == Key(
        "rc4+md5-v2", b"\0", "rc4+md5-v2", Direction.TO_SERVER, "given"
    )
    for wrong in ("rc4", "rc4=", "=00", "rc4=0", "rc4=xy", "rc4@sideways=00", "rc4@=00"):
        with pytest.raises(UserError, match="CIPHER"):
            options.read_key(wrong)


def test_a_game_key_and_a_name() -> None:
    assert options.read_game_key("gmtest=HA6zkS=") == ("gmtest", "HA6zkS=")
    assert options.read_dns("Lobby.Example.org.") == ("lobby.example.org", None)
    assert options.read_dns("a.example.org=192.0.2.1") == ("a.example.org", "192.0.2.1")
    for wrong in ("gmtest", "gmtest=", "=x"):
        with pytest.raises(UserError, match="NAME=SECRET"):
            options.read_game_key(wrong)
    for wrong in ("", "a=", "a b", "a:53"):
        with pytest.raises(UserError, match="NAME or NAME=ADDRESS"):
            options.read_dns(wrong)


def test_a_mode_is_bound_where_everything_else_is() -> None:
    assert options.read_mode("socks5", "127.0.0.1") == "socks5@127.0.0.1:1080"
    assert options.read_mode("transparent@9000", "0.0.0.0") == "transparent@0.0.0.0:9000"
    assert options.read_mode("wireguard:k.conf@192.0.2.1:5", "127.0.0.1") == (
        "wireguard:k.conf@192.0.2.1:5"
    )
    assert options.read_mode("local:pcsx2", "127.0.0.1") == "local:pcsx2"
    with pytest.raises(UserError, match="none of transparent, socks5, wireguard, local:NAME"):
        options.read_mode("reverse:http://a", "127.0.0.1")


def test_a_file_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('keys = ["rc4@down=01"]\n[game-keys]\ngmtest = "HA6zkS"\n', "utf-8")
    keys, secrets = options.read_keys_file(path)
    assert keys == [Key("rc4", b"\1", "rc4", Direction.TO_CLIENT, "given")]
    assert secrets == {"gmtest": "HA6zkS"}


@pytest.mark.parametrize("text", ["keys = 1", "game-keys = []", "[", 'keys = ["rc4"]', "\xff"])
def test_a_file_of_keys_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError):
        options.read_keys_file(path)


def test_a_hosts_file(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(
        "# servers\n203.0.113.9 EA.com www.ea.com.  # both\n\n::1 six\n1.2.3.4 ea.com\n"
    )
    assert options.read_hosts_file(path) == {
        "ea.com": "203.0.113.9",
        "www.ea.com": "203.0.113.9",
        "six": "::1",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [("ea.com 203.0.113.9\n", "line 1: write ADDRESS NAME"), ("\n203.0.113.9\n", "line 2")],
)
def test_a_hosts_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "hosts"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        options.read_hosts_file(path)
    with pytest.raises(UserError, match="cannot be read"):
        options.read_hosts_file(tmp_path / "missing")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="no text file"):
        options.read_hosts_file(path)
