"""GameSpy's chat (Peerchat) by rules: rooms, words, messages of the game (gamespy 9).

`_gs_chat` has who is there. Each part stands on the one before: `_gs_chat_seen`, `_gs_chat_rooms`,
`_gs_chat_modes`, `_gs_chat_keys`, `_gs_chat_accounts`, `_gs_chat_login`; here is what is said, and
the gate that every line passes. Beside a recording the rules listen along, so that players who are
here meet in its rooms.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from proxy.message import Message
from proxy.protocols.gamespy_chat import ChatLine
from replay.servers._gs_chat import (
    CANNOT_SEND,
    FEW_PARAMS,
    LINE_LENGTH,
    NO_NICK,
    NOT_REGISTERED,
    SERVER,
    TOO_LONG,
    UNKNOWN,
    WAIT,
    Room,
    User,
    line,
    tidy,
)
from replay.servers._gs_chat_login import LoginRules
from replay.standin.rules import OPAQUE, Act, Acts, Handler, Say, hears
from replay.standin.world import Client

OPEN = frozenset((OPAQUE, "CRYPT", "USRIP", "USER", "NICK", "PING", "PONG", "QUIT")) | {
    "CDKEY",
    "LOGIN",
    "LOGINPREAUTH",
    "REGISTERNICK",
}
"""What may be said before one is in."""
MOST_TARGETS = 5
MOST_ASKED = 50


class GamespyChat(LoginRules):
    """The whole chat."""

    protocol = "gamespy-chat"
    beside = True

    def handler(self, kind: str) -> Handler | None:
        found = super().handler(kind)
        return found and partial(self._gate, found)

    def _gate(self, found: Handler, client: Client, message: Message) -> Iterator[Act]:
        """Every line: its length, and whether it may be said yet."""
        user = self.user(client)
        user.heard, user.pinged = self.world.seconds, False
        if message.kind != OPAQUE and len(message.encode()) > LINE_LENGTH:
            yield self.error(user, TOO_LONG, message.kind)
        elif message.kind not in OPEN and not user.registered:
            yield self.error(user, NOT_REGISTERED)
        else:
            yield from found(client, message)

    def claims(self, client: Client, message: Message) -> bool:
        """Words for somebody who is here are his, and questions about a room where others are
        have them in the answer; a client's own address is another one today."""
        if message.kind == "USRIP":
            return True
        if not isinstance(message, ChatLine):
            return False
        place = _PERSONAL.get(message.kind, len(message.params))
        target = "".join(message.params[place : place + 1])
        room = self.crowd.room("".join(message.params[:1])) if message.kind in _ABOUT else None
        if room is not None and len(room.members) > 1:
            return True
        return self.crowd.named(target) not in (None, self.crowd.users.get(client))

    # words

    @hears("PRIVMSG", "NOTICE", "UTM", "ATM")
    def speak(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        if len(message.params) < 2 or not message.params[0]:
            yield self.error(user, FEW_PARAMS, message.kind)
            return
        text = tidy(message.params[-1], LINE_LENGTH)
        for target in message.params[0].split(",")[:MOST_TARGETS]:
            yield from self._speak(user, message.kind, target, text)

    def _speak(self, user: User, kind: str, target: str, text: str) -> Iterator[Act]:
        room, other = self.crowd.room(target), self.crowd.named(target)
        if room is not None:
            if not self._may_speak(user, room):
                yield self.error(user, CANNOT_SEND, room.name)
            elif not self.crowd.affords(user, len(room.members)):
                yield self.error(user, WAIT, room.name)
            else:
                made = line(user.prefix, kind, room.name, text)
                yield from self.everybody(room, made, user)
        elif other is None or not other.registered:
            yield self.error(user, NO_NICK, target)
        else:
            yield from self._tell(user, other, line(user.prefix, kind, other.nick, text))

    def _tell(self, user: User, other: User, made: ChatLine) -> Iterator[Act]:
        yield Say(other.client, made)
        if other.away and made.kind == "PRIVMSG":
            yield self.says(user, "301", other.nick, other.away)

    def _may_speak(self, user: User, room: Room) -> bool:
        standing = room.members.get(user)
        if standing is None:
            return not room.flags & set("nm")
        return "m" not in room.flags or standing.op or standing.voice

    @hears("AWAY")
    def away(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        user.away = tidy(message.params[-1]) if message.params else ""
        if user.away:
            yield self.says(user, "306", "You have been marked as being away")
        else:
            yield self.says(user, "305", "You are no longer marked as being away")

    # small questions

    @hears("ISON")
    def is_on(self, client: Client, message: ChatLine) -> Acts:
        asked = " ".join(message.params).split()[:MOST_ASKED]
        here = (self.crowd.named(one) for one in asked)
        found = " ".join(one.nick for one in here if one and one.registered)
        yield self.says(self.user(client), "303", found)

    @hears("USERHOST")
    def user_host(self, client: Client, message: ChatLine) -> Acts:
        here = (self.crowd.named(one) for one in message.params[:MOST_TARGETS])
        found = (f"{one.nick}={'-' if one.away else '+'}{one.user}@*" for one in here if one)
        yield self.says(self.user(client), "302", " ".join(found))

    @hears("MOTD")
    def message_of_the_day(self, client: Client, message: Message) -> Acts:
        return self.day(self.user(client))

    @hears("GETUDPRELAY")
    def relay(self, client: Client, message: ChatLine) -> Acts:
        """There is none: no address, no port, no key."""
        target = "".join(message.params[:1]) or "*"
        made = ChatLine(SERVER, "712", (self.user(client).nick, target, "0", "0", "0"))
        yield Say(client, made)

    @hears("*")
    def unknown(self, client: Client, message: ChatLine) -> Acts:
        yield self.error(self.user(client), UNKNOWN, message.kind)

    @hears(OPAQUE)
    def unreadable(self, client: Client, message: Message) -> Acts:
        """An empty line means nothing; a line that is none is refused; a lost stream ends."""
        user, frame = self.user(client), client.frame
        why = (frame.error or "") if frame else ""
        if not message.encode().strip(b"\r\n\0 "):
            return
        if why.startswith(("enciphered", "lost", "a frame")):
            yield from self.ends(user, "That cannot be read")
        else:
            yield self.error(user, UNKNOWN, "*")


_PERSONAL = {"PRIVMSG": 0, "NOTICE": 0, "UTM": 0, "ATM": 0, "WHOIS": 0, "GETKEY": 0, "GETCKEY": 1}
"""Command -> place of the parameter that names a player."""
_ABOUT = frozenset(("GETCKEY", "GETKEY", "NAMES", "WHO"))
"""Commands that ask about everybody in a room."""
RULES = GamespyChat
