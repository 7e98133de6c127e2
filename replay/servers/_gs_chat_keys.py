r"""The keys of GameSpy's chat: values of players, of players in rooms, of rooms (gamespy 9).

`\name\value\name\value` sets, `\name\name` asks, and the values come in that order; an empty value
forgets. Names that begin with `b_` are told to all in the room as soon as they are set, with the
cookie `BCAST`; `b_*` asks for all of them, which come as pairs behind the others. `username` is
what the player called itself by USER: it hides the address and has the profile id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from proxy.protocols.gamespy_chat import ChatLine
from replay.servers._gs_chat import (
    FEW_PARAMS,
    MOST_KEYS,
    NAME_LENGTH,
    NO_NICK,
    NO_ROOM,
    NOT_INSIDE,
    NOT_OP,
    WAIT,
    Room,
    clean,
    tidy,
)
from replay.servers._gs_chat_modes import ModeRules
from replay.standin.rules import Act, Acts, hears
from replay.standin.world import Client

BROADCAST, ALL_BROADCAST, COOKIE = "b_", "b_*", "BCAST"
USERNAME = "username"
VALUE_LENGTH = 255
MOST_ASKED = 32
COOKIE_LENGTH = 16


class KeyRules(ModeRules):
    """All that is set and asked."""

    # of players

    @hears("SETKEY")
    def set_key(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        if not message.params:
            return [self.error(user, FEW_PARAMS, "SETKEY")]
        change(user.keys, message.params[-1])
        return []

    @hears("GETKEY")
    def get_key(self, client: Client, message: ChatLine) -> Acts:
        user, params = self.user(client), message.params
        if len(params) < 3:
            yield self.error(user, FEW_PARAMS, "GETKEY")
            return
        target, cookie, names = params[0], clean(params[1], COOKIE_LENGTH), asked(params[-1])
        room, one = self.crowd.room(target), self.crowd.named(target)
        found = list(room.members) if room and not room.hidden(user) else [one] if one else []
        if not found:
            yield self.error(user, NO_NICK, target)
        elif not self.crowd.affords(user, len(found)):
            yield self.error(user, WAIT, "GETKEY")
            return
        for other in found:
            values = answered(names, {**other.keys, USERNAME: other.user})
            yield self.says(user, "700", other.nick, cookie, values)
        shown = room.name if room else one.nick if one else clean(target, NAME_LENGTH) or "*"
        yield self.says(user, "701", shown, cookie, "End of GETKEY")

    # of players in rooms

    @hears("SETCKEY")
    def set_room_key(self, client: Client, message: ChatLine) -> Acts:
        user, params = self.user(client), message.params
        if len(params) < 3:
            yield self.error(user, FEW_PARAMS, "SETCKEY")
            return
        room, wrong = self.inside(user, params[0])
        if room is None:
            yield from filter(None, [wrong])
            return
        other = self.crowd.named(params[1])
        if other is None or other not in room.members:
            yield self.error(user, NOT_INSIDE, params[1])
        elif other is not user and not room.members[user].op:
            yield self.error(user, NOT_OP, room.name)
        elif not self.crowd.affords(user, len(room.members)):
            yield self.error(user, WAIT, "SETCKEY")
        else:
            told = change(room.members[other].keys, params[-1])
            yield from self._broadcast(room, "702", (other.nick,), told)

    @hears("GETCKEY")
    def get_room_key(self, client: Client, message: ChatLine) -> Acts:
        user, params = self.user(client), message.params
        if len(params) < 4:
            yield self.error(user, FEW_PARAMS, "GETCKEY")
            return
        room, cookie = self.crowd.room(params[0]), clean(params[2], COOKIE_LENGTH)
        if room is None or room.hidden(user):
            yield self.error(user, NO_ROOM, params[0])
            return
        one = self.crowd.named(params[1])
        found = list(room.members) if params[1] == "*" else [one] if one in room.members else []
        if not found:
            yield self.error(user, NOT_INSIDE, params[1])
        elif not self.crowd.affords(user, len(found)):
            yield self.error(user, WAIT, "GETCKEY")
            return
        names = asked(params[-1])
        for other in filter(None, found):
            has = {**other.keys, **room.members[other].keys, USERNAME: other.user}
            yield self.says(user, "702", room.name, other.nick, cookie, answered(names, has))
        yield self.says(user, "703", room.name, cookie, "End of GETCKEY")

    # of rooms

    @hears("SETCHANKEY")
    def set_channel_key(self, client: Client, message: ChatLine) -> Acts:
        user, params = self.user(client), message.params
        if len(params) < 2:
            yield self.error(user, FEW_PARAMS, "SETCHANKEY")
            return
        room, wrong = self.inside(user, params[0])
        if room is None:
            yield from filter(None, [wrong])
        elif not room.members[user].op:
            yield self.error(user, NOT_OP, room.name)
        elif not self.crowd.affords(user, len(room.members)):
            yield self.error(user, WAIT, "SETCHANKEY")
        else:
            told = change(room.keys, params[-1])
            yield from self._broadcast(room, "704", (), told)

    @hears("GETCHANKEY")
    def get_channel_key(self, client: Client, message: ChatLine) -> Acts:
        user, params = self.user(client), message.params
        if len(params) < 3:
            yield self.error(user, FEW_PARAMS, "GETCHANKEY")
            return
        room = self.crowd.room(params[0])
        if room is None or room.hidden(user):
            yield self.error(user, NO_ROOM, params[0])
            return
        wanted, cookie = params[-1], clean(params[1], COOKIE_LENGTH)
        if wanted.strip("\\") == "*":
            values = "".join(f"\\{name}\\{value}" for name, value in room.keys.items())
        else:
            values = answered(asked(wanted), room.keys)
        yield self.says(user, "704", room.name, cookie, values)

    def _broadcast(
        self, room: Room, numeric: str, about: tuple[str, ...], told: Mapping[str, str]
    ) -> Iterator[Act]:
        values = "".join(
            f"\\{name}\\{value}" for name, value in told.items() if name.startswith(BROADCAST)
        )
        if values:
            for one in list(room.members):
                yield self.says(one, numeric, room.name, *about, COOKIE, values)


def change(keys: dict[str, str], text: str) -> dict[str, str]:
    """Set what a text of pairs says; what was set, and what was forgotten with an empty value."""
    parts = text.split("\\")[1:]
    done: dict[str, str] = {}
    for name, value in zip(parts[::2], [*parts[1::2], ""], strict=False):
        name, value = clean(name, NAME_LENGTH), tidy(value, VALUE_LENGTH)
        if not name or name == USERNAME or len(done) >= MOST_KEYS:
            continue
        if not value:
            keys.pop(name, None)
        elif name in keys or len(keys) < MOST_KEYS:
            keys[name] = value
        else:
            continue
        done[name] = value
    return done


def asked(text: str) -> list[str]:
    """The names that are asked for."""
    return [clean(name, NAME_LENGTH) for name in text.split("\\")[1:]][:MOST_ASKED]


def answered(names: list[str], keys: Mapping[str, str]) -> str:
    """Values in the order of their names, then those of `b_*` in pairs."""
    text = "".join("\\" + keys.get(name, "") for name in names if name != ALL_BROADCAST)
    if ALL_BROADCAST in names:
        pairs = ((name, value) for name, value in keys.items() if name.startswith(BROADCAST))
        text += "".join(f"\\{name}\\{value}" for name, value in pairs)
    return text
