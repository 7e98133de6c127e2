"""The keys of one session, shared by its flows: a later leg uses what an earlier one gave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from recordings.model import Direction, Key

GAME_SECRET = "game-secret"  # noqa: S105 - a name, no secret
"""Cipher of the key that is a game's secret at its service; its name is the game's."""


def secret_key(game: str, secret: str) -> Key:
    """A game's secret as a key, the form in which a recording keeps it."""
    return Key(game, secret.encode("latin-1"), GAME_SECRET, None, "given")


class SessionKeys:
    """Keys by name; the newest wins.

    `secrets` are the game secrets of the user (`--game-key NAME=SECRET`), by game name.
    """

    def __init__(self, given: Iterable[Key] = (), secrets: Mapping[str, str] | None = None) -> None:
        self._keys: list[Key] = list(given)
        kept = {k.name: k.key.decode("latin-1") for k in self._keys if k.cipher == GAME_SECRET}
        self.secrets: Mapping[str, str] = {**kept, **(secrets or {})}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def learn(self, key: Key) -> None:
        """Add a key; an identical one is kept once, as the newest."""
        if key in self._keys:
            self._keys.remove(key)
        self._keys.append(key)

    def find(self, name: str, direction: Direction | None = None) -> Key | None:
        """The newest key of that name that serves the direction (any, when None)."""
        for key in reversed(self._keys):
            if key.name == name and (not direction or key.direction in (None, direction)):
                return key
        return None

    def given(self, cipher: str, direction: Direction | None = None) -> Key | None:
        """The newest key that the user gave for a cipher."""
        for key in reversed(self._keys):
            if key.cipher != cipher or key.source != "given":
                continue
            if not direction or key.direction in (None, direction):
                return key
        return None


def _stay(key: Key) -> None:
    """What a key changes about a flow that is over."""


class FlowKeys(SessionKeys):
    """The keys of a session as one flow holds them: it can change sessions when a key tells."""

    def __init__(self, shared: SessionKeys, learned: Callable[[Key], None]) -> None:
        super().__init__(secrets=shared.secrets)
        self._learned = learned
        self.follow(shared)

    def follow(self, shared: SessionKeys) -> None:
        """Be the keys of that session from now on."""
        self._keys = shared._keys

    def learn(self, key: Key) -> None:
        """Add a key, after looking whether it names another session."""
        self._learned(key)
        super().learn(key)

    def over(self) -> None:
        """The flow is over: it stays in its session."""
        self._learned = _stay
