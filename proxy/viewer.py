"""The viewer that the front door hands to the room of recordings."""

from __future__ import annotations

from collections.abc import Mapping

from proxy import catalog, registry
from recordings.errors import UserError
from recordings.model import Frame
from recordings.viewing import Shown


class ProtocolViewer:
    """Reads stored frames by the protocols of the registry."""

    def view(self, protocol: str, frame: Frame) -> Shown:
        """Read a frame; an unknown protocol gives an opaque one."""
        try:
            known = registry.protocol(frame.protocol or protocol)
        except UserError:
            name = frame.protocol or protocol
            return Shown("Opaque", {}, f"{name} is not known here: --protocol-file FILE brings it")
        message = known.view(frame)
        meanings = {
            field.name: field.meaning
            for kind in known.kinds
            if kind.name == message.kind and frame.direction in kind.directions
            for field in kind.fields
        }
        error_text = getattr(message, "error", None)
        return Shown(message.kind, message.fields(), error_text, message.spans(), meanings)

    def kinds(self, protocol: str) -> list[str]:
        """The kinds of a protocol; empty for an unknown one."""
        try:
            return [kind.name for kind in registry.protocol(protocol).kinds]
        except UserError:
            return []

    def answers(self, protocol: str) -> Mapping[str, tuple[str, ...]]:
        """Kind of a request -> kinds that end its turn; empty for an unknown protocol."""
        try:
            return registry.protocol(protocol).answers
        except UserError:
            return {}

    def fields(self, protocol: str) -> Mapping[str, tuple[str, ...]]:
        """Kind -> names of its fields, as far as they are known beforehand."""
        try:
            kinds = registry.protocol(protocol).kinds
        except UserError:
            return {}
        return {kind.name: tuple(field.name for field in kind.fields) for kind in kinds}

    def game_kinds(self, game: str) -> list[tuple[str, str, str, str]]:
        """Protocol, kind, direction and meaning of all that a game's protocols have; UserError."""
        known = catalog.game(game)
        spoken = [one.protocol for one in known.services] + [one.protocol for one in known.legs]
        return [
            (protocol, kind.name, str(direction), kind.meaning)
            for protocol in dict.fromkeys(spoken)
            for kind in registry.protocol(protocol).kinds
            for direction in kind.directions
        ]


VIEWER = ProtocolViewer()
