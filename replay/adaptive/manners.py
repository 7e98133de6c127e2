"""What a client does otherwise when this server chose another way than the recorded one did.

A protocol has an entry here where its client decides by what the server said, and the message is
not just renewed but made in another form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proxy.keys import SessionKeys
from proxy.message import FieldError, Message

Manner = Callable[[Message, str | None, SessionKeys], tuple[Message, str | None]]
"""Takes a message to be said, what had enciphered the recorded one, and the live keys."""


def lobby_password(
    message: Message, cipher: str | None, keys: SessionKeys
) -> tuple[Message, str | None]:
    """EA: SSC2 under a session key, else the mask stream, which `auth` names by MASK (4.1)."""
    forms = (cipher or "").split(",")
    old = next((form for form in forms if form in ("ssc2", "mask")), None)
    if old is None:
        return message, cipher
    key = keys.find("skey")
    new = "ssc2" if key and key.cipher == "ssc2" and key.key[:1] != b"\0" else "mask"
    if new == old:
        return message, cipher
    message = _name_mask(message, keys) if new == "mask" else _without(message, "MASK")
    return message, ",".join(new if form == old else form for form in forms)


def _name_mask(message: Message, keys: SessionKeys) -> Message:
    session = keys.find("sess")
    if message.kind != "auth" or session is None:
        return message
    return message.set("MASK", session.key.decode("latin-1"))


def _without(message: Message, path: str) -> Message:
    try:
        return message.delete(path)
    except FieldError:
        return message


MANNERS: Mapping[str, Manner] = {"ea-lobby": lobby_password}
"""Protocol -> how its client makes a message in the form of this session."""
