"""The rooms of GameSpy's chat: come and go, see who is there, topics, kicks (gamespy 9)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.protocols.gamespy_chat import ChatLine
from replay.servers._gs_chat import (
    ALREADY_INSIDE,
    BAD_KEY,
    BAD_NAME,
    BANNED,
    FEW_PARAMS,
    FULL,
    INVITED_ONLY,
    MOST_JOINED,
    MOST_MEMBERS,
    MOST_ROOMS,
    NO_NICK,
    NO_ROOM,
    NOT_INSIDE,
    NOT_OP,
    ROOM_LENGTH,
    SERVER,
    TOO_MANY,
    WAIT,
    Room,
    Standing,
    User,
    fold,
    line,
    tidy,
)
from replay.servers._gs_chat_seen import SeenRules
from replay.standin.rules import Act, Acts, Say, hears
from replay.standin.world import Client

MOST_AT_ONCE = 10
"""Rooms of one JOIN or PART."""


class RoomRules(SeenRules):
    """What happens in rooms; modes and keys are elsewhere."""

    # in and out

    @hears("JOIN")
    def join(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        names = [one for one in "".join(message.params[:1]).split(",") if one][:MOST_AT_ONCE]
        keys = "".join(message.params[1:2]).split(",")
        if not names:
            yield self.error(user, FEW_PARAMS, "JOIN")
        for at, name in enumerate(names):
            yield from self._join(user, name, keys[at] if at < len(keys) else "")

    def _join(self, user: User, name: str, key: str) -> Iterator[Act]:
        if not good_room(name):
            yield self.error(user, BAD_NAME, name)
            return
        room = self.crowd.room(name)
        if room is not None and user in room.members:
            yield from self.names(user, room)
            return
        wrong = self._barred(user, room, key)
        if not wrong and not self.crowd.affords(user, len(room.members) if room else 1):
            wrong = WAIT
        if wrong:
            yield self.error(user, wrong, name)
            return
        if room is None:
            room = self.crowd.rooms[fold(name)] = Room(name)
        room.invited.discard(user)
        room.members[user] = Standing(op=not room.members and not room.public)
        user.rooms[fold(name)] = room
        user.client.place = ", ".join(one.name for one in user.rooms.values())
        made = line(user.prefix, "JOIN", room.name)
        yield Say(user.client, made)
        yield from self.everybody(room, made, user, loud=True)
        if room.topic:
            yield self.says(user, "332", room.name, room.topic)
        yield from self.names(user, room)
        if self.world.recorded:  # the recorded list does not have those who are here now
            for one in room.members:
                if one is not user:
                    seen = line(one.prefix, "JOIN", room.name)
                    yield Say(user.client, seen, after=0.3, live=True)

    def _barred(self, user: User, room: Room | None, key: str) -> str:
        """The numeric that says why a player may not come in."""
        if len(user.rooms) >= MOST_JOINED or (room is None and len(self.crowd.rooms) >= MOST_ROOMS):
            return TOO_MANY
        if room is None:
            return ""
        most = min(room.limit or MOST_MEMBERS, MOST_MEMBERS)
        invited = user in room.invited
        reasons = {
            BANNED: room.banned(user) and not invited,
            INVITED_ONLY: "i" in room.flags and not invited,
            BAD_KEY: bool(room.key) and key != room.key,
            FULL: len(room.members) >= most,
        }
        return next((numeric for numeric, so in reasons.items() if so), "")

    @hears("PART")
    def part(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        names = [one for one in "".join(message.params[:1]).split(",") if one][:MOST_AT_ONCE]
        why = tidy(message.params[-1]) if len(message.params) > 1 else ""
        if not names:
            yield self.error(user, FEW_PARAMS, "PART")
        for name in names:
            room, wrong = self.inside(user, name)
            if room is None:
                yield from filter(None, [wrong])
                continue
            made = line(user.prefix, "PART", room.name, why)
            yield Say(client, made)
            yield from self.everybody(room, made, user, loud=True)
            self._left(user, room)

    def _left(self, user: User, room: Room) -> None:
        self.crowd.leaves(user, room)
        user.client.place = ", ".join(one.name for one in user.rooms.values())

    @hears("KICK")
    def kick(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        if len(message.params) < 2:
            yield self.error(user, FEW_PARAMS, "KICK")
            return
        room, wrong = self.inside(user, message.params[0])
        if room is None:
            yield from filter(None, [wrong])
            return
        other = self.crowd.named(message.params[1])
        if not room.members[user].op:
            yield self.error(user, NOT_OP, room.name)
        elif other is None:
            yield self.error(user, NO_NICK, message.params[1])
        elif other not in room.members:
            yield self.error(user, NOT_INSIDE, other.nick)
        else:
            why = tidy(message.params[2]) if len(message.params) > 2 else user.nick
            made = line(user.prefix, "KICK", room.name, other.nick, why)
            yield from self.everybody(room, made)
            self._left(other, room)

    @hears("INVITE")
    def invite(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        if len(message.params) < 2:
            yield self.error(user, FEW_PARAMS, "INVITE")
            return
        other = self.crowd.named(message.params[0])
        room, wrong = self.inside(user, message.params[1])
        if other is None or not other.registered:
            yield self.error(user, NO_NICK, message.params[0])
        elif room is None:
            yield from filter(None, [wrong])
        elif other in room.members:
            yield self.error(user, ALREADY_INSIDE, other.nick)
        elif "i" in room.flags and not room.members[user].op:
            yield self.error(user, NOT_OP, room.name)
        else:
            if len(room.invited) < MOST_MEMBERS:
                room.invited.add(other)
            yield Say(client, ChatLine(SERVER, "341", (user.nick, other.nick, room.name)))
            yield Say(other.client, line(user.prefix, "INVITE", other.nick, room.name))

    @hears("TOPIC")
    def topic(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        if not message.params:
            yield self.error(user, FEW_PARAMS, "TOPIC")
            return
        room = self.crowd.room(message.params[0])
        if len(message.params) < 2:
            if room is None or room.hidden(user):
                yield self.error(user, NO_ROOM, message.params[0])
            elif room.topic:
                yield self.says(user, "332", room.name, room.topic)
            else:
                yield self.says(user, "331", room.name, "No topic is set")
            return
        room, wrong = self.inside(user, message.params[0])
        if room is None:
            yield from filter(None, [wrong])
        elif "t" in room.flags and not room.members[user].op:
            yield self.error(user, NOT_OP, room.name)
        else:
            room.topic = tidy(message.params[1])
            yield from self.everybody(room, line(user.prefix, "TOPIC", room.name, room.topic))

    @hears("SETGROUP")
    def set_group(self, client: Client, message: ChatLine) -> Acts:
        """In which group room a staging room was opened; nobody answers it."""
        room = self.crowd.room("".join(message.params[:1]))
        if room is not None and self.user(client) in room.members and len(message.params) > 1:
            room.group = message.params[1][:ROOM_LENGTH]
        return ()


def good_room(name: str) -> bool:
    """Whether it can be the name of a room."""
    return (
        1 < len(name) <= ROOM_LENGTH
        and name[0] == "#"
        and all(char > " " and char not in ",:*?" for char in name)
    )
