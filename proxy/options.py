"""What the user writes on the command line, read: relays, endpoints, keys, secrets.

Every reader raises UserError with the right form in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proxy.relay.api import Address
from proxy.relay.dns import PORT as DNS_PORT
from proxy.relay.sockets import numeric
from recordings.errors import UserError
from recordings.handed import read_text, read_toml
from recordings.model import Direction, Key

RELAY_FORM = "PROTOCOL:[HOST:]PORT=UPHOST:UPPORT, for instance kaillera:27888=203.0.113.9:27888"
KEY_FORM = "CIPHER[@up|@down]=HEX, for instance rc4+md5-v2@up=00112233445566778899aabbccddeeff"


@dataclass(frozen=True, slots=True)
class Relay:
    """One `--relay`: where to listen for which protocol, and where that goes."""

    protocol: str
    host: str | None
    """Address to listen on; None: that of `--listen-host`."""
    port: int
    upstream: Address | None
    """None: only the listening port of a game's protocol is replaced."""


def read_port(text: str) -> int | None:
    """A port number, or None."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else -1
    return number if 0 <= number <= 65535 else None


def read_endpoint(text: str) -> tuple[str, int | None] | None:
    """`host`, `host:port`, `[v6]`, `[v6]:port`; None for anything else."""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            return None
        port_text = rest[1:] if rest else None
    else:
        host, colon, after = text.partition(":")
        port_text = after if colon else None
    if not host or " " in host:
        return None
    if port_text is None:
        return host, None
    port = read_port(port_text)
    return None if port is None else (host, port)


def check_port(said: str, text: str, cure: str = "") -> None:
    """UserError where the number at the end of a text is one that no port has."""
    number = text.rpartition(":")[2]
    if number.isascii() and number.isdigit() and read_port(number) is None:
        raise UserError(f"{said}: there is no port {number}, the last is 65535{cure}")


def read_relay(text: str) -> Relay:
    """Read `PROTOCOL:[HOST:]PORT=UPHOST:UPPORT`, or `PROTOCOL:PORT`; raises UserError."""
    left, equals, right = text.partition("=")
    for endpoint in (left, right):
        check_port(f"--relay {text!r}", endpoint, f": write {RELAY_FORM}")
    protocol, colon, listen = left.partition(":")
    if not protocol or not colon or not listen:
        raise UserError(f"--relay {text!r} is not of the form {RELAY_FORM}")
    host: str | None = None
    port = read_port(listen)
    if port is None:
        at = read_endpoint(listen)
        if at is None or at[1] is None:
            raise UserError(f"--relay {text!r} names no port to listen on: write {RELAY_FORM}")
        host, port = at[0], at[1]
    if not equals:
        return Relay(protocol, host, port, None)
    upstream = read_endpoint(right)
    if upstream is None or not upstream[1]:
        raise UserError(
            f"--relay {text!r} names no server and port behind the `=`: write {RELAY_FORM}"
        )
    return Relay(protocol, host, port, (upstream[0], upstream[1]))


def read_upstream(text: str) -> tuple[str, int | None]:
    """Read `--upstream HOST` or `HOST:PORT`; raises UserError."""
    check_port(f"--upstream {text!r}", text)
    found = read_endpoint(text)
    if found is None or found[1] == 0:
        raise UserError(
            f"--upstream {text!r} is no server: write HOST or HOST:PORT (IPv6 like [::1])"
        )
    return found


def read_key(text: str) -> Key:
    """Read `CIPHER[@DIRECTION]=HEX`; raises UserError."""
    left, equals, digits = text.partition("=")
    cipher, at, way = left.partition("@")
    try:
        key = bytes.fromhex(digits.removeprefix("0x"))
        direction = Direction.parse(way) if at else None
    except ValueError:
        key, direction = b"", None
    if not equals or not cipher or not key:
        raise UserError(f"--key {text!r} is not of the form {KEY_FORM}")
    return Key(cipher, key, cipher, direction, "given")


def read_game_key(text: str) -> tuple[str, str]:
    """Read `NAME=SECRET`; raises UserError."""
    name, _, secret = text.partition("=")
    if not name or not secret:
        raise UserError(f"--game-key {text!r} is not of the form NAME=SECRET: gmtest=HA6zkS")
    return name, secret


def read_dns(text: str) -> tuple[str, str | None]:
    """Read `NAME` or `NAME=ADDRESS`; raises UserError."""
    name, equals, address = text.partition("=")
    name = name.strip().rstrip(".").lower()
    if not name or (equals and not address) or any(c.isspace() or c == ":" for c in name):
        raise UserError(f"--dns {text!r} is not of the form NAME or NAME=ADDRESS")
    return name, address or None


MODE_PORTS = {"transparent": 8080, "socks5": 1080, "wireguard": 51820}
"""Modes of mitmproxy that listen, and their usual ports."""


def read_mode(text: str, listen_host: str) -> str:
    """Read `MODE[:DATA][@[HOST:]PORT]` and bind it where everything else is; raises UserError."""
    mode, _, at = text.partition("@")
    kind = mode.partition(":")[0]
    if kind == "local":
        return text
    if kind not in MODE_PORTS:
        known = ", ".join((*MODE_PORTS, "local:NAME"))
        raise UserError(f"--mode {text!r} is none of {known}")
    host, _, port = at.rpartition(":")
    return f"{mode}@{host or listen_host}:{port or MODE_PORTS[kind]}"


def read_name_server(text: str) -> Address:
    """Read `ADDRESS` or `ADDRESS:PORT`; raises UserError."""
    found = read_endpoint(text)
    if found is None or found[1] == 0 or numeric(found[0]) is None:
        raise UserError(f"--dns-upstream {text!r} is no address: give one like 9.9.9.9")
    return found[0], found[1] or DNS_PORT


def read_keys_file(path: Path) -> tuple[list[Key], dict[str, str]]:
    """Keys and game secrets of a TOML file; raises UserError.

    `keys = ["CIPHER[@DIRECTION]=HEX"]` and a table `[game-keys]` of NAME = "SECRET".
    """
    table = read_toml(path)
    keys, secrets = table.get("keys", []), table.get("game-keys", {})
    if not isinstance(keys, list) or not isinstance(secrets, dict):
        raise UserError(f'{path}: write keys = ["CIPHER=HEX"] and a table [game-keys]')
    return [read_key(str(one)) for one in keys], {k: str(v) for k, v in secrets.items()}


def read_hosts_file(path: Path) -> dict[str, str]:
    """Name -> address, of lines `ADDRESS NAME NAME...  # comment`; raises UserError."""
    found: dict[str, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        address = numeric(words[0])
        if address is None or len(words) < 2:
            raise UserError(f"{path}, line {number}: write ADDRESS NAME, like 203.0.113.9 ea.com")
        for name in words[1:]:
            found.setdefault(name.rstrip(".").lower(), address)
    return found
