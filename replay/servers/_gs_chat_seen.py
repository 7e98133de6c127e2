"""What is to be seen in GameSpy's chat: names, rooms, users (gamespy 9)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from proxy.protocols.gamespy_chat import ChatLine
from replay.servers._gs_chat import (
    NAMES_LENGTH,
    NO_NICK,
    ROOM_LENGTH,
    SERVER,
    WAIT,
    ChatBase,
    Room,
    User,
    clean,
    matches,
)
from replay.servers._gs_people import number
from replay.standin.rules import Act, Acts, Say, hears
from replay.standin.world import Client

MOST_LISTED, MOST_MASKS = 1000, 5


class SeenRules(ChatBase):
    """Questions about who and what is here."""

    def names(self, user: User, room: Room) -> Iterator[Act]:
        """Who is in a room; who wants quiet gets the end alone."""
        text = ""
        members = [] if "q" in user.modes else list(room.members.items())
        kind = "@" if "s" in room.flags else "*"
        for one, standing in members:
            if len(text) > NAMES_LENGTH:
                yield self.says(user, "353", kind, room.name, text)
                text = ""
            text += f"{' ' if text else ''}{standing.sign}{one.nick}"
        if text:
            yield self.says(user, "353", kind, room.name, text)
        yield self.says(user, "366", room.name, "End of NAMES list")

    @hears("NAMES")
    def list_names(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        wanted = "".join(message.params[:1])
        if not wanted:
            for mine in list(user.rooms.values()):
                yield from list(self.names(user, mine))[:-1]
            yield self.says(user, "366", "*", "End of NAMES list")
            return
        room = self.crowd.room(wanted)
        if room is None or room.hidden(user):
            yield self.says(user, "366", clean(wanted, ROOM_LENGTH) or "*", "End of NAMES list")
        elif not self.crowd.affords(user, len(room.members) // 20):
            yield self.error(user, WAIT, "NAMES")
        else:
            yield from self.names(user, room)

    @hears("LIST", "LISTLIMIT")
    def list_rooms(self, client: Client, message: ChatLine) -> Acts:
        """All rooms that fit a filter: a name, or one with `*`; LISTLIMIT has a number first."""
        user, params = self.user(client), list(message.params)
        most = MOST_LISTED
        if message.kind == "LISTLIMIT" and params:
            most = max(0, min(number(params.pop(0)), most))
        masks = ("".join(params[:1]) or "*").split(",")[:MOST_MASKS]
        rooms = self.crowd.rooms.values()
        if not self.crowd.affords(user, len(rooms) // 5 + min(len(rooms), most)):
            yield self.error(user, WAIT, message.kind)
            return
        fitting = (room for room in rooms if any(matches(one, room.name) for one in masks))
        found = list(islice((room for room in fitting if not room.hidden(user)), most))
        yield self.says(user, "321", "Channel", "Users  Name")
        for room in found:
            yield self.says(user, "322", room.name, len(room.members), room.topic)
        yield self.says(user, "323", "End of LIST")

    @hears("WHO")
    def who(self, client: Client, message: ChatLine) -> Acts:
        user, wanted = self.user(client), "".join(message.params[:1])
        room, other = self.crowd.room(wanted), self.crowd.named(wanted)
        if room is not None and not room.hidden(user):
            if not self.crowd.affords(user, len(room.members)):
                yield self.error(user, WAIT, "WHO")
                return
            for one in room.members:
                yield self._seen(user, one, room)
        elif other is not None:
            rooms = [one for one in other.rooms.values() if not one.hidden(user)]
            for place in rooms or (None,):
                yield self._seen(user, other, place)
        yield self.says(user, "315", clean(wanted, ROOM_LENGTH) or "*", "End of WHO list")

    def _seen(self, user: User, one: User, room: Room | None) -> Say:
        flags = ("G" if one.away else "H") + (room.members[one].sign if room else "")
        where = room.name if room else "*"
        last = f"0 {one.realname}"
        return self.says(
            user, "352", where, one.user, one.client.address[0], SERVER, one.nick, flags, last
        )

    @hears("WHOIS")
    def who_is(self, client: Client, message: ChatLine) -> Acts:
        user, wanted = self.user(client), message.params[-1] if message.params else ""
        other = self.crowd.named(wanted)
        if other is None or not other.registered:
            yield self.error(user, NO_NICK, wanted)
        else:
            name = other.nick
            yield self.says(
                user, "311", name, other.user, other.client.address[0], "*", other.realname
            )
            rooms = [one for one in other.rooms.values() if not one.hidden(user)]
            if rooms:
                text = " ".join(one.members[other].sign + one.name for one in rooms)
                yield self.says(user, "319", name, text)
            yield self.says(user, "312", name, SERVER, "GameSpy chat")
            if other.away:
                yield self.says(user, "301", name, other.away)
        yield self.says(user, "318", clean(wanted, ROOM_LENGTH) or "*", "End of WHOIS list")
