"""One stored frame as a Python object, with its message; see `proxy.opened`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from proxy import registry
from proxy.message import Message, Opaque
from recordings import model
from recordings.errors import UserError
from recordings.model import Json
from recordings.text import load

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at: int) -> datetime:
    """Unix microseconds as a UTC datetime."""
    return _EPOCH + timedelta(microseconds=at)


class Frame:
    """One frame with what it says. Every value of `recordings.model.Frame` is an attribute."""

    def __init__(self, stored: model.Frame, protocol: str) -> None:
        self._stored = stored
        self.protocol = protocol
        """The frame's own protocol, else its flow's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stored, name)

    def __repr__(self) -> str:
        return f"<frame {self.id}: {self.protocol} {self.kind} {self.direction}>"

    @property
    def time(self) -> datetime:
        """When the frame was complete, UTC."""
        return moment(self._stored.at)

    @property
    def kind(self) -> str:
        """The kind as it was recorded; that of the message where none was."""
        return self._stored.kind or self.message.kind

    @cached_property
    def message(self) -> Message:
        """What the frame says, as its protocol reads it now."""
        try:
            known = registry.protocol(self.protocol)
        except UserError as error:
            return Opaque(self._stored.clear, str(error))
        return known.view(self._stored)

    @property
    def fields(self) -> Json:
        """The fields as they were recorded; those of the message where none were."""
        found = load(self._stored.fields)
        return self.message.fields() if found is None else found
