"""How a Kaillera server tells a list about itself: one page asked for, once a minute (kaillera 8).

Two forms, by the name of the page: `touch_server.php`, as the original server says it, and
`touch_list.php`, that of its successor.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from replay.servers._kaillera import WAITING, Hall, Room

PAGE, SUCCESSOR = "/touch_server.php", "touch_list.php"
VERSION = "0.86"
MOST_GAMES, TEXT = 50, 127


class KailleraAnnouncer:
    """Tells one list about one server."""

    port = 80
    every = 60.0
    lasting = False

    def __init__(self, hall: Hall, port: int, limit: int, path: str) -> None:
        self._hall = hall
        self._mine = port
        self._limit = limit
        self._path = path or PAGE

    def begin(self, host: str) -> bytes:
        """See `Announcer.begin`."""
        successor = self._path.partition("?")[0].endswith(SUCCESSOR)
        values = self._successor() if successor else self._original()
        mark = "&" if "?" in self._path else "?"
        query = urlencode(values, encoding="latin-1", errors="replace")
        lines = [f"GET {self._path}{mark}{query} HTTP/1.0", f"Host: {host}"]
        lines += self._waiting() if successor else self._games()
        return "\r\n".join((*lines, "Connection: close", "", "")).encode("latin-1", "replace")

    def go_on(self) -> bytes:
        """See `Announcer.go_on`."""
        return b""

    def heard(self, data: bytes) -> str | None:
        """See `Announcer.heard`."""
        head = data.split(b"\r\n", 1)[0].decode("latin-1")[:80]
        words = head.split()
        if len(words) > 1 and words[0].startswith("HTTP/") and words[1].startswith("2"):
            return None
        return f"it answers {head!r}" if head else "it answers nothing"

    def _original(self) -> dict[str, str | int]:
        return {
            "servername": self._name("name", "Understudy"),
            "port": self._mine,
            "nbusers": len(self._hall.users),
            "maxconn": self._limit,
            "version": VERSION,
            "nbgames": len(self._hall.rooms),
            "location": self._name("location", "here"),
            "ip": "",
            "url": "",
        }

    def _successor(self) -> dict[str, str | int]:
        return {
            "serverName": self._name("name", "Understudy"),
            "ipAddress": "",
            "location": self._name("location", "here"),
            "website": "",
            "port": self._mine,
            "numUsers": len(self._hall.users),
            "maxUsers": self._limit,
            "numGames": len(self._hall.rooms),
            "maxGames": self._limit,
            "version": VERSION,
        }

    def _name(self, option: str, usual: str) -> str:
        """What our own list calls us."""
        return self._hall.world.options.get(f"kaillera-list.{option}", usual)[:TEXT]

    def _rooms(self, *, waiting: bool) -> Iterator[tuple[Room, str]]:
        for room in list(self._hall.rooms.values())[:MOST_GAMES]:
            if (room.status == WAITING) is waiting or not waiting:
                yield room, f"{len(room.users)}/{room.limit}"

    def _games(self) -> Iterator[str]:
        roms = "".join(f"{clean(room.rom)}|" for room, _ in self._rooms(waiting=False))
        games = "".join(
            f"{room.id}|{clean(room.rom)}|{clean(room.owner.name)}|{clean(room.emulator)}|{size}|"
            for room, size in self._rooms(waiting=True)
        )
        yield f"Kaillera-games: {roms}"
        yield f"Kaillera-wgames: {games}"

    def _waiting(self) -> Iterator[str]:
        games = "".join(
            f"{clean(room.rom)}|{clean(room.owner.name)}|{clean(room.emulator)}|{size}|"
            for room, size in self._rooms(waiting=True)
        )
        yield f"Waiting-games: {games}"


def clean(text: str) -> str:
    """A value that cannot end a header or a field of it."""
    return "".join(char for char in text[:TEXT] if " " <= char <= "\xff" and char != "|")
