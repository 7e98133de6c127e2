"""Our messages in mitmproxy and mitmweb: a content view for raw TCP and UDP flows.

mitmproxy is not imported here: the script that `understudy export --mitmproxy-addon` writes is run
by mitmproxy and hands its module over, so that this works with 11 and 12 alike.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from proxy import registry
from proxy.dissector import Dissector
from proxy.importing.guess import RAW, Guesser
from proxy.keys import SessionKeys
from proxy.message import Opaque
from proxy.protocol import Protocol
from proxy.relay.api import Address
from recordings.model import Direction, Frame, Transport
from recordings.text import flatten, one_value, safe

SCRIPT = '''\
"""Shows the messages of games in mitmproxy: mitmproxy -s understudy_messages.py"""

from mitmproxy import contentviews

from proxy.exporting.addon import addons_for

addons = addons_for(contentviews)
'''
NAME = "Understudy"
MOST = 512
"""Flows, and clients with keys, that are remembered."""
VALUE = 200
"""Characters of one value."""


@dataclass(slots=True)
class _Followed:
    """What has been read of one flow."""

    protocol: Protocol
    server: int
    dissector: Dissector
    texts: list[str] = field(default_factory=list)
    """Of each message of the flow, what it says."""


class Messages:
    """Reads flows of mitmproxy as far as they have come."""

    def __init__(self) -> None:
        self._flows: OrderedDict[str, _Followed | None] = OrderedDict()
        self._keys: OrderedDict[str, SessionKeys] = OrderedDict()

    def text(self, flow: Any, message: Any) -> str | None:
        """What a message of a flow says; None where the protocol is not known."""
        followed = self._follow(flow)
        if followed is None:
            return None
        for one in flow.messages[len(followed.texts) :]:
            followed.texts.append(_say(followed, one))
        for place in range(len(followed.texts) - 1, -1, -1):
            if flow.messages[place] is message:
                return followed.texts[place]
        return None

    def _follow(self, flow: Any) -> _Followed | None:
        if flow.id in self._flows:
            self._flows.move_to_end(flow.id)
            return self._flows[flow.id]
        if not flow.messages:
            return None
        self._flows[flow.id] = followed = self._begin(flow)
        if len(self._flows) > MOST:
            self._flows.popitem(last=False)
        return followed

    def _begin(self, flow: Any) -> _Followed | None:
        transport = Transport(flow.type)
        first = flow.messages[0]
        client, server = _end(flow.client_conn.peername), _end(flow.server_conn.address)
        sender = 0 if first.from_client else 1
        guess = Guesser().guess(transport, (client, server), sender, first.content, 0)
        if guess.protocol in RAW.values():
            return None
        protocol = registry.protocol(guess.protocol)
        keys = self._keys.setdefault(client[0], SessionKeys())
        if len(self._keys) > MOST:
            self._keys.popitem(last=False)
        return _Followed(protocol, guess.server, protocol.dissector(keys, transport))


def _end(address: Any) -> Address:
    return (str(address[0]), int(address[1])) if address else ("", 0)


def _say(followed: _Followed, message: Any) -> str:
    to_server = bool(message.from_client) is (followed.server == 1)
    direction = Direction.TO_SERVER if to_server else Direction.TO_CLIENT
    at = int(message.timestamp * 1_000_000)
    try:
        frames = followed.dissector.feed(direction, message.content, at)
    except Exception as error:  # a fault of a protocol file
        return f"{followed.protocol.name} failed: {type(error).__name__}: {error}"
    lines = [line for frame in frames for line in _lines(followed.protocol, frame)]
    return "\n".join(lines) or "(the frame goes on in the next message)"


def _lines(protocol: Protocol, frame: Frame) -> Iterator[str]:
    own = registry.protocol(frame.protocol) if frame.protocol else protocol
    message = own.view(frame)
    cipher = f"  deciphered: {frame.cipher}" if frame.cipher else ""
    yield f"{own.name} {safe(message.kind)}{cipher}"
    error = message.error if isinstance(message, Opaque) else frame.error
    if error:
        yield f"  ({safe(error)})"
    for path, value in flatten(message.fields()):
        yield f"  {safe(path)}: {one_value(value, VALUE)}"


def addons_for(contentviews: ModuleType) -> list[Any]:
    """Make our view known to mitmproxy, whichever line it is; the addons of the script."""
    messages = Messages()
    if hasattr(contentviews, "Contentview"):
        contentviews.add(_make_12(contentviews, messages))
        return []
    for other in [one for one in contentviews.views if one.name == NAME]:
        contentviews.remove(other)  # the script was loaded again
    contentviews.add(_make_11(contentviews, messages))
    return []


def _make_12(contentviews: Any, messages: Messages) -> Any:
    """A view for mitmproxy 12: text in one piece."""

    class UnderstudyContentview(contentviews.Contentview):  # type: ignore[misc]
        """See `Messages`."""

        name = NAME

        def prettify(self, data: bytes, metadata: Any) -> str:
            """What the message says."""
            text = messages.text(metadata.flow, metadata.tcp_message or metadata.udp_message)
            if text is None:
                raise ValueError("none of the protocols that Understudy knows")
            return text

        def render_priority(self, data: bytes, metadata: Any) -> float:
            """Before all others where the protocol is known."""
            message = metadata.tcp_message or metadata.udp_message
            return 2.0 if message and messages.text(metadata.flow, message) is not None else -1.0

    return UnderstudyContentview()


def _make_11(contentviews: Any, messages: Messages) -> Any:
    """A view for mitmproxy 11: a title and lines."""

    class ViewUnderstudy(contentviews.View):  # type: ignore[misc]
        """See `Messages`."""

        name = NAME

        def __call__(self, data: bytes, **given: Any) -> Any:
            message = given.get("tcp_message") or given.get("udp_message")
            text = messages.text(given.get("flow"), message) if message else None
            if text is None:
                return None
            return NAME, ([("text", line)] for line in text.split("\n"))

        def render_priority(self, data: bytes, **given: Any) -> float:
            """Before all others where the protocol is known."""
            message = given.get("tcp_message") or given.get("udp_message")
            return 2.0 if message and messages.text(given.get("flow"), message) is not None else 0.0

    return ViewUnderstudy()
