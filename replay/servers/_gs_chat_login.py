"""Coming into GameSpy's chat: the ciphers, the address, nick and user, logins (gamespy 9).

The keys of both ciphers go out in reply 705; the flow's dissector enciphers from then on. A player
is in once nick and user are known; one who has logged in may be called by the unique nick (`*`).
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from typing import ClassVar

from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.ciphers.peerchat import KEY_LENGTH
from proxy.message import Message
from proxy.protocols.gamespy_chat import ChatLine
from replay.servers._gs_chat import (
    BAD_NICK,
    FEW_PARAMS,
    NAME_LENGTH,
    NICK_TAKEN,
    REGISTERED,
    SERVER,
    User,
    clean,
    fold,
    good_nick,
    line,
    tidy,
)
from replay.servers._gs_chat_accounts import NO_UNIQUE_NICK, AccountRules
from replay.standin.rules import Act, Acts, Close, Later, Say, Unanswered, hears
from replay.standin.world import Client

LETTERS = string.ascii_letters + string.digits
REGISTER_IN, SILENT_FOR, GONE_AFTER = 60, 120, 240
"""Seconds: until somebody must be in; of silence before a PING; of silence before the end."""
LOOK_EVERY = 30.0


class LoginRules(AccountRules):
    """Who may come in."""

    options: ClassVar[Mapping[str, str]] = {
        "motd": "lines of the chat's message of the day, with | between",
        "cdkeys": "no: CD keys are refused in the chat",
    }

    def opened(self, client: Client) -> Acts:
        self.user(client)  # from now on it is silent
        yield Later(LOOK_EVERY, lambda: self._look(client))

    def _look(self, client: Client) -> Iterator[Act]:
        """End what never comes in and what has gone without a word."""
        if not client.open:
            return
        user = self.user(client)
        silent = self.world.seconds - user.heard
        if silent >= (GONE_AFTER if user.registered else REGISTER_IN):
            yield from self.ends(user, "Ping timeout")
            return
        if silent >= SILENT_FOR and not user.pinged:
            user.pinged = True
            yield Say(client, line(None, "PING", SERVER))
        yield Later(LOOK_EVERY, lambda: self._look(client))

    def ends(self, user: User, why: str) -> Iterator[Act]:
        """Tell everybody who shared a room, say goodbye and end a connection."""
        yield from self.gone(user, why)
        yield Say(user.client, line(None, "ERROR", f"Closing Link: {why}"))
        yield Close(user.client, why)

    # the ciphers

    @hears("CRYPT")
    def encipher(self, client: Client, message: ChatLine) -> Acts:
        user, game = self.user(client), "".join(message.params[2:3])
        if user.crypted or user.registered:
            yield self.error(user, REGISTERED, "CRYPT")
            return
        if secret_for(self.world.secrets, game) is None:
            why = missing(game) if game else "CRYPT names no game"
            yield from self.ends(user, "No such game")
            yield Unanswered(client, why)
            return
        user.crypted = True
        chance = self.world.random
        keys = ["".join(chance.choices(LETTERS, k=KEY_LENGTH)) for _ in range(2)]
        yield Say(client, ChatLine(SERVER, "705", ("*", *keys)))

    @hears("USRIP")
    def own_address(self, client: Client, message: ChatLine) -> Acts:
        yield Say(client, line(SERVER, "302", "", f"=+@{client.address[0]}"))

    # names

    @hears("USER")
    def take_user(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        if user.registered:
            yield self.error(user, REGISTERED, "USER")
        elif len(message.params) < 4:
            yield self.error(user, FEW_PARAMS, "USER")
        else:
            name = clean(message.params[0], NAME_LENGTH).replace("!", "").replace("@", "")
            user.user = name or "X"  # some games have none
            user.realname = tidy(message.params[-1], NAME_LENGTH)
            yield from self._come_in(user)

    @hears("NICK")
    def take_nick(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        wanted = message.params[0] if message.params else ""
        if wanted == "*":
            wanted = user.profile.uniquenick if user.profile else ""
            if not wanted:
                yield self.says(user, NO_UNIQUE_NICK, "There is no unique nick")
                return
        taken = self.crowd.named(wanted)
        if not wanted or not good_nick(wanted):
            yield self.error(user, BAD_NICK, wanted)
        elif taken not in (None, user):
            yield self.error(user, NICK_TAKEN, wanted)
        elif user.nick != wanted:
            yield from self._renamed(user, wanted)

    def _renamed(self, user: User, nick: str) -> Iterator[Act]:
        made = line(user.prefix, "NICK", nick)
        self.crowd.nicks.pop(fold(user.nick), None)
        user.nick = user.client.name = nick
        self.crowd.nicks[fold(nick)] = user
        if user.registered:
            for one in (user, *self.crowd.neighbours(user)):
                yield Say(one.client, made)
        yield from self._come_in(user)

    def _come_in(self, user: User) -> Iterator[Act]:
        """Welcome who has told both names."""
        if user.registered or not user.nick or not user.user:
            return
        user.registered = True
        yield self.says(user, "001", f"Welcome to the Matrix {user.nick}")
        yield self.says(user, "002", f"Your host is {SERVER}, running version 1.0")
        yield self.says(user, "003", "This server was created for this evening")
        letters = ChatLine(SERVER, "004", (user.nick, SERVER, "1.0", "iqw", "beiklmnopstuv"))
        yield Say(user.client, letters)
        yield from self.day(user)

    def day(self, user: User) -> Iterator[Act]:
        """The message of the day."""
        yield self.says(user, "375", f"- {SERVER} Message of the day -")
        for text in self.option("motd", "Welcome").split("|")[:50]:
            yield self.says(user, "372", f"- {wire(text)[:400]}")
        yield self.says(user, "376", "End of MOTD command")

    # is the other there

    @hears("PING")
    def ping(self, client: Client, message: ChatLine) -> Acts:
        token = tidy(message.params[-1]) if message.params else SERVER
        yield Say(client, line(SERVER, "PONG", SERVER, token))

    @hears("PONG")
    def pong(self, client: Client, message: Message) -> Acts:
        return ()

    @hears("QUIT")
    def quit(self, client: Client, message: ChatLine) -> Acts:
        user = self.user(client)
        why = tidy(message.params[-1]) if message.params else "Client Quit"
        yield from self.ends(user, why)

    def closed(self, client: Client) -> Acts:
        yield from self.gone(self.user(client), "Connection reset by peer")
        self.crowd.users.pop(client, None)

    def gone(self, user: User, why: str) -> Iterator[Act]:
        """Tell everybody who shared a room."""
        made = line(user.prefix, "QUIT", why)
        for one in self.crowd.neighbours(user):
            if "q" not in one.modes:
                yield Say(one.client, made)
        for room in list(user.rooms.values()):
            self.crowd.leaves(user, room)
        for room in self.crowd.rooms.values():
            room.invited.discard(user)
        if self.crowd.named(user.nick) is user:
            del self.crowd.nicks[fold(user.nick)]
        user.registered = False
        user.nick = ""


def wire(text: str) -> str:
    """What the user has typed, as the wire has it: UTF-8 in Latin-1."""
    return tidy(text.encode().decode("latin-1"))
