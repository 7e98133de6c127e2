"""The viewer that the front door hands to the room of recordings."""

from __future__ import annotations

from proxy import registry
from recordings.errors import UserError
from recordings.model import Frame
from recordings.viewing import Shown


class ProtocolViewer:
    """Reads stored frames by the protocols of the registry."""

    def view(self, protocol: str, frame: Frame) -> Shown:
        """Read a frame; an unknown protocol gives an opaque one."""
        try:
            known = registry.protocol(frame.protocol or protocol)
        except UserError as error:
            return Shown("Opaque", {}, str(error))
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


VIEWER = ProtocolViewer()
