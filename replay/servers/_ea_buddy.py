"""The buddy leg of an EA lobby: lists, presence, messages (ea-lobby 8)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.message import Message
from replay.servers._ea import Friend, make, nested, persona_of, same, value
from replay.servers._ea_talk import TalkRules
from replay.standin.rules import Act, Acts, Close, Later, Say, hears
from replay.standin.world import Client

LISTS = {"B": 1, "I": 2}
"""List -> ID of its ROST entries."""
BODY_LIMIT = 63
MOST_ENTRIES = 200
PING, SILENCE = 22.0, 66.0
"""Seconds between pings, and of silence after which a console is gone."""


class BuddyRules(TalkRules):
    """What a buddy connection says."""

    def _friend(self, client: Client) -> Friend | None:
        return next((one for one in self.lounge.friends.values() if one.client is client), None)

    def _name(self, client: Client) -> str:
        friend = self._friend(client)
        return friend.persona if friend else client.name

    @hears("AUTH")
    def log_in_buddy(self, client: Client, message: Message) -> Acts:
        name = persona_of(value(message, "USER"))
        ticket = value(message, "LKEY")
        known = self.lounge.tickets.get(ticket)
        if not name or (self.world.accounts is not None and same(known or "") != same(name)):
            yield Say(client, make("AUTH", ident="auth"))
            return
        other = self.lounge.friends.get(same(name))
        if other is not None and other.client is not client:
            yield Close(other.client, "the persona came again")
        client.name, client.role = name, client.role or "buddy"
        self.lounge.friends[same(name)] = Friend(client, name)
        yield Say(client, make("AUTH", {"NAME": name}))
        if client not in self.pinged:
            self.pinged.add(client)
            yield Later(PING, lambda: self._ping_buddy(client))

    def _ping_buddy(self, client: Client) -> Iterator[Act]:
        if not client.open:
            return
        heard = client.frame.at if client.frame else self.world.now()
        if self.world.now() - heard > SILENCE * 1e6:
            yield Close(client, "silent for a minute", reset=True)
            return
        yield Say(client, make("PING"))
        yield Later(PING, lambda: self._ping_buddy(client))

    @hears("PING")
    def ping_comes_back(self, client: Client, message: Message) -> Acts:
        """The echo of ours: answering it would never end."""
        return ()

    @hears("PSET")
    def presence(self, client: Client, message: Message) -> Acts:
        yield Say(client, make("PSET"))
        friend = self._friend(client)
        if friend is None:
            return
        friend.show = value(message, "SHOW") or "CHAT"
        friend.status, friend.product = nested(message, "STAT"), value(message, "PROD")
        yield from self._tell(friend)
        for mail in self.lounge.take_mail(friend.persona):
            yield Say(client, make("RECV", mail), live=True)

    def _tell(self, friend: Friend) -> Iterator[Act]:
        """Everybody who has it on a list learns its presence."""
        for other in self.lounge.watchers(friend.persona):
            if not self.lounge.ignores(friend.persona, other.persona):
                yield self._pget(friend, other.client)

    def _pget(self, friend: Friend, to: Client) -> Say:
        facts = {
            "USER": friend.persona,
            "SHOW": friend.show,
            "STAT": friend.status,
            "PROD": friend.product,
        }
        return Say(to, make("PGET", facts), live=True)

    def unfriended(self, client: Client) -> Iterator[Act]:
        """A buddy connection is over."""
        friend = self._friend(client)
        if friend is not None:
            del self.lounge.friends[same(friend.persona)]
            friend.show = "DISC"
            yield from self._tell(friend)

    @hears("DISC")
    def leave_buddy(self, client: Client, message: Message) -> Acts:
        yield from self.unfriended(client)

    # lists

    @hears("RGET")
    def roster(self, client: Client, message: Message) -> Acts:
        which = value(message, "LIST").upper()[:1] or "B"
        entries = self.lounge.lists(self._name(client)).get(which, {})
        yield Say(client, make("RGET", {"ID": value(message, "ID"), "SIZE": len(entries)}))
        for user, group in entries.items():
            facts = {"ID": LISTS.get(which, 1), "USER": user, "GROUP": group}
            yield Say(client, make("ROST", facts))
            friend = self.lounge.friends.get(same(user))
            if which == "B" and friend is not None:
                yield self._pget(friend, client)

    @hears("RADD")
    def add(self, client: Client, message: Message) -> Acts:
        user = persona_of(value(message, "USER", 31))
        lists = self.lounge.lists(self._name(client))
        entries = lists.setdefault(value(message, "LIST").upper()[:1] or "B", {})
        if not user or len(entries) >= MOST_ENTRIES:
            yield Say(client, make("RADD", {"ID": value(message, "ID")}, ident="user"))
            return
        known = self.lounge.persona(user)
        name = str(known["name"]) if known else user
        entries[name] = value(message, "GROUP", 31)
        self.lounge.write_lists(self._name(client), lists)
        yield Say(client, make("RADD", {"ID": value(message, "ID"), "FUSR": name}))
        friend = self.lounge.friends.get(same(name))
        if friend is not None and value(message, "LIST").upper()[:1] != "I":
            yield self._pget(friend, client)

    @hears("RDEL")
    def remove(self, client: Client, message: Message) -> Acts:
        user = persona_of(value(message, "USER"))
        lists = self.lounge.lists(self._name(client))
        for name, entries in lists.items():
            if value(message, "LIST").upper()[:1] in ("", name):
                for one in [one for one in entries if same(one) == same(user)]:
                    del entries[one]
        self.lounge.write_lists(self._name(client), lists)
        yield Say(client, make("RDEL", {"ID": value(message, "ID")}))

    @hears("PADD", "PDEL")
    def watch(self, client: Client, message: Message) -> Acts:
        user, friend = persona_of(value(message, "USER")), self._friend(client)
        yield Say(client, make(message.kind))
        if friend is None:
            return
        if message.kind == "PDEL":
            friend.watches.discard(same(user))
            return
        if len(friend.watches) < MOST_ENTRIES:
            friend.watches.add(same(user))
        other = self.lounge.friends.get(same(user))
        if other is not None:
            yield self._pget(other, client)

    @hears("SEND")
    def send(self, client: Client, message: Message) -> Acts:
        user, sender = persona_of(value(message, "USER")), self._name(client)
        yield Say(client, make("SEND"))
        if not user or self.lounge.ignores(user, sender):
            return
        mail = {
            "USER": sender,
            "BODY": value(message, "BODY", BODY_LIMIT),
            "TYPE": "C",
            "TIME": self.world.seconds,
        }
        friend = self.lounge.friends.get(same(user))
        if friend is not None:
            yield Say(friend.client, make("RECV", mail), live=True)
        else:
            self.lounge.keep_mail(user, mail)
