"""Clients of the GameSpy services from the reference alone (gamespy 1 to 3): presence and search.

Nothing here comes from the product: proofs, the obfuscation of passwords and the ends of messages
are made and checked as a game's own code does it.
"""

from __future__ import annotations

import base64
import contextlib
import queue
import random
import socket
import string
import threading
from hashlib import md5
from typing import Any

from tests.running import PATIENCE, connect, read_all

FINAL = b"\\final\\"


def hexed(data: bytes) -> bytes:
    return md5(data, usedforsecurity=False).hexdigest().encode()


def proof_of(secret: str, user: str, first: str, second: str) -> str:
    """Hash, 48 spaces, user, the two challenges, hash (gamespy 2.2)."""
    hashed = hexed(secret.encode())
    middle = b" " * 48 + user.encode() + first.encode() + second.encode()
    return hexed(hashed + middle + hashed).decode()


def _mixed(data: bytes) -> bytes:
    """Both ways of `passwordenc` (gamespy 2.5)."""
    x, out = 0x79707367 & 0x7FFFFFFF, bytearray()
    for byte in data:
        x = 16807 * x % 0x7FFFFFFF
        out.append(byte ^ x % 255)
    return bytes(out)


def hidden(clear: str) -> str:
    """A password as it travels."""
    made = base64.b64encode(_mixed(clear.encode())).decode()
    return made.translate(str.maketrans("+/=", "[]_"))


def seen(sent: str) -> str:
    """The password of what travels."""
    return _mixed(base64.b64decode(sent.translate(str.maketrans("[]_", "+/=")))).decode()


def text(*tokens: object) -> bytes:
    return b"".join(b"\\" + str(one).encode("latin-1") for one in tokens) + FINAL


def find(message: bytes, key: str) -> str | None:
    """The makers' reader: behind the first `\\key\\`, up to the next backslash."""
    _, mark, rest = message.partition(f"\\{key}\\".encode())
    return rest.split(b"\\")[0].decode("latin-1") if mark else None


class Presence:
    """A game that is connected to the presence server."""

    def __init__(self, port: int) -> None:
        self.socket = connect(port)
        self.heard: queue.Queue[bytes | None] = queue.Queue()
        self.kept: list[bytes] = []
        threading.Thread(target=self._read, daemon=True).start()
        greeting = self.next("lc")
        assert len(greeting) == 38
        assert find(greeting, "lc") == "1"
        self.server_challenge = str(find(greeting, "challenge"))
        self.pid = self.sesskey = ""

    def _read(self) -> None:
        data = b""
        with contextlib.suppress(OSError):
            while chunk := self.socket.recv(65536):
                data += chunk
                while FINAL in data:
                    one, _, data = data.partition(FINAL)
                    self.heard.put(one + FINAL)
        self.heard.put(None)

    def next(self, command: str) -> bytes:
        """The next message of a command; others are kept for later."""
        for number, one in enumerate(self.kept):
            if one.startswith(f"\\{command}\\".encode()):
                return self.kept.pop(number)
        while True:
            found = self.heard.get(timeout=PATIENCE)
            assert found is not None, f"closed before {command}; there was {self.kept}"
            if found.startswith(f"\\{command}\\".encode()):
                return found
            self.kept.append(found)

    def says(self, *tokens: object) -> None:
        self.socket.sendall(text(*tokens))

    def asks(self, *tokens: object, reply: str) -> bytes:
        self.says(*tokens)
        return self.next(reply)

    def mine(self, command: str, value: object, *rest: object) -> None:
        """A command with the session key."""
        self.says(command, value, "sesskey", self.sesskey, *rest)

    def login(
        self,
        way: str,
        user: str,
        password: str,
        *,
        partner: int = 0,
        revision: int = 11,
        reply: str = "lc",
        space: int = 1,
    ) -> bytes:
        """Log in and check the server's proof, as a client does."""
        mine = "".join(random.choices(string.ascii_letters + string.digits, k=32))
        whom = f"{partner}@{user}" if partner and way in ("user", "uniquenick") else user
        response = proof_of(password, whom, mine, self.server_challenge)
        tokens: list[Any] = ["login", "", "challenge", mine, way, user]
        tokens += ["partnerid", partner, "response", response, "port", -15737]
        tokens += ["productid", 10469, "gamename", "gmtest", "namespaceid", space]
        answer = self.asks(*tokens, "sdkrevision", revision, "quiet", 0, "id", 1, reply=reply)
        if reply == "lc":
            assert find(answer, "lc") == "2"
            proof = proof_of(password, whom, self.server_challenge, mine)
            assert find(answer, "proof") == proof, "the client would drop the session (0x108)"
            assert find(answer, "id") == "1"
            assert len(str(find(answer, "lt"))) == 24
            self.pid, self.sesskey = str(find(answer, "profileid")), str(find(answer, "sesskey"))
        return answer

    def newuser(self, who: str, password: str, reply: str = "nur", **more: object) -> bytes:
        facts = {"email": f"{who}@example.com", "nick": who, "passwordenc": hidden(password)}
        facts |= {"productid": "10469", "gamename": "gmtest", "namespaceid": "1"}
        facts |= {"uniquenick": who, "partnerid": "0", "id": "1"}
        facts |= {key: str(one) for key, one in more.items()}
        tokens = [token for pair in facts.items() for token in pair]
        return self.asks("newuser", "", *tokens, reply=reply)

    def ended(self) -> None:
        """Everything up to the server's end of the connection."""
        while self.heard.get(timeout=PATIENCE) is not None:
            pass

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def search(port: int, *tokens: object) -> bytes:
    """One request to the search server, which ends the connection."""
    with connect(port) as connection:
        connection.sendall(text(*tokens, "gamename", "gmtest"))
        return read_all(connection)


def records(reply: bytes, ends: str, *more: str) -> list[dict[str, str]]:
    """Read a reply strictly in sequence, as the makers do: records, terminator, `more`, end."""
    assert reply.endswith(FINAL)
    tokens = reply[1 : -len(FINAL)].decode("latin-1").split("\\")
    assert len(tokens) % 2 == 0, reply
    pairs = list(zip(tokens[::2], tokens[1::2], strict=True))
    names = [name for name, _ in pairs]
    assert names[-1 - len(more) :] == [ends, *more], reply
    found: list[dict[str, str]] = []
    first = pairs[0][0]
    for name, one in pairs[: -1 - len(more)]:
        if name == first:
            found.append({})
        found[-1][name] = one
    return found
