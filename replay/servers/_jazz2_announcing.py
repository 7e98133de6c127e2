"""How a Jazz Jackrabbit 2 server tells a list about itself: a record, then updates (jazz2 4).

The record must arrive alone, so that the first update is said a while later; the number of players
is said again and again, which also says that we are still here.
"""

from __future__ import annotations

from proxy.protocols.jazz2_list import Listing, PlayersUpdate
from replay.servers._jazz2 import LIST_MODES, Game

NAME = 32
REFUSAL = b"/!\\"


class Jazz2Announcer:
    """Tells one list about one server."""

    port = 10054
    every = 10.0
    lasting = True

    def __init__(self, game: Game, port: int) -> None:
        self._game = game
        self._mine = port

    def begin(self, host: str) -> bytes:
        """See `Announcer.begin`."""
        game = self._game
        flags = LIST_MODES.get(game.mode, 1) << 1 | bool(game.password)
        players = min(game.count, 255)
        name = game.name[:NAME].encode("latin-1", "replace").decode("latin-1")
        return Listing(self._mine, name, players, game.limit, flags, game.version).encode()

    def go_on(self) -> bytes:
        """See `Announcer.go_on`."""
        return PlayersUpdate(min(self._game.count, 255)).encode()

    def heard(self, data: bytes) -> str | None:
        """See `Announcer.heard`: zeros are pings, a line between signs is a refusal."""
        if REFUSAL not in data:
            return None
        text = data.strip(b"\0").decode("latin-1").replace(REFUSAL.decode(), " ")
        return f"it says {' '.join(text.split())[:200]!r}"
