"""How the commands that show messages get to see them, though this room knows no protocol.

The front door hands them a viewer; here is only its shape, and a stand-by that loads it late.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from recordings.model import Frame, Json, Span


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame as its protocol reads it now."""

    kind: str
    fields: dict[str, Json]
    error: str | None = None
    spans: list[Span] = field(default_factory=list)
    meanings: dict[str, str] = field(default_factory=dict)
    """Field -> what it means, from the protocol's own table."""


class Viewer(Protocol):
    """What the front door hands to a command that shows messages."""

    def view(self, protocol: str, frame: Frame) -> Shown:
        """Read a frame; an unknown protocol gives an opaque one."""
        ...

    def kinds(self, protocol: str) -> list[str]:
        """The kinds of a protocol; empty for an unknown one."""
        ...

    def answers(self, protocol: str) -> Mapping[str, tuple[str, ...]]:
        """Kind of a request -> kinds that end its turn; empty for an unknown protocol."""
        ...

    def fields(self, protocol: str) -> Mapping[str, tuple[str, ...]]:
        """Kind -> names of its fields, as far as they are known beforehand."""
        ...


class LazyViewer:
    """A viewer that is imported when it is first asked."""

    def __init__(self, module: str, name: str) -> None:
        self._place = (module, name)

    def _viewer(self) -> Viewer:
        module, name = self._place
        viewer: Viewer = getattr(importlib.import_module(module), name)
        return viewer

    def view(self, protocol: str, frame: Frame) -> Shown:
        """See `Viewer.view`."""
        return self._viewer().view(protocol, frame)

    def kinds(self, protocol: str) -> list[str]:
        """See `Viewer.kinds`."""
        return self._viewer().kinds(protocol)

    def answers(self, protocol: str) -> Mapping[str, tuple[str, ...]]:
        """See `Viewer.answers`."""
        return self._viewer().answers(protocol)

    def fields(self, protocol: str) -> Mapping[str, tuple[str, ...]]:
        """See `Viewer.fields`."""
        return self._viewer().fields(protocol)

    def game_kinds(self, game: str) -> list[tuple[str, str, str, str]]:
        """Protocol, kind, direction, meaning of what a game can say (`KnowsGames`); UserError."""
        viewer: Any = self._viewer()
        kinds: list[tuple[str, str, str, str]] = viewer.game_kinds(game)
        return kinds
