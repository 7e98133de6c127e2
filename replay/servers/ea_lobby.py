"""The EA lobby of 2003 by rules: directory, lobby and buddy leg, for any number of consoles.

What the client reads is what it gets, in the order in which it takes it (ea-lobby 3, 6 to 8):
`snap` is answered before its `+snp` rows, `news` carries the ident `new0` + NAME, each `+usr` is a
frame of its own and tells the room's population, `+pop` never has an id 0, and a race is arranged
by one `+ses` to each side with the same SEED and WHEN once both have named each other by `chal`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from proxy.layouts.tagvalues import number
from proxy.message import Message
from recordings.errors import UserError
from replay.servers._ea import (
    Player,
    make,
    persona_of,
    same,
    text_frame,
    value,
)
from replay.servers._ea_accounts import NO_MATCH, AccountRules
from replay.standin.rules import Act, Acts, Close, Later, Note, Say, hears
from replay.standin.world import Client

NEWS = 0x6E657730
"""`new0`: the ident of a news reply is that plus NAME (ea-lobby 1)."""
PING, SILENCE = 22.0, 66.0
"""Seconds between pings, and of silence after which a console is gone (ea-lobby 6)."""
ANSWERS = ("ACPT", "DECL", "BLOC")
"""What is said to a challenge; everything else is one (ea-lobby 6)."""
MOVES = ("move", "room", "pers")
"""What leads to a room, or out of it."""
MOST_TICKETS = 10_000
MOST_ROWS = 100
"""Rows of a ranking that are told at a time."""


class EaLobby(AccountRules):
    """All three legs; which one a connection is follows from what it says."""

    protocol = "ea-lobby"
    beside = True
    cues = frozenset(("+msg",))
    options = {
        "rooms": "the rooms that there always are, NAME or NAME:LIMIT, with commas between",
        "news": "the text of the news",
        "down": "why the directory lets nobody in",
    }

    # the directory

    @hears("@dir")
    def directory(self, client: Client, message: Message) -> Acts:
        down = self.option("down")
        try:
            host, port = self.world.reach(client, self.protocol, "lobby")
        except UserError as error:
            down = str(error)
        if down:
            yield Say(client, make("@dir", {"DOWN": down[:255]}))
            return
        session = self.world.random.randrange(1 << 28, 1 << 31)
        facts = {"ADDR": host, "PORT": port, "SESS": session, "MASK": self.lounge.mask}
        yield Say(client, make("@dir", facts))

    @hears("@tic", "?tic", "rept")
    def heard_only(self, client: Client, message: Message) -> Acts:
        """No answer to `@tic` keeps the client in clear (ea-lobby 4.4); `rept` wants none."""
        if message.kind == "rept":
            yield Note("report", f"{client.name} reports {value(message, 'PERS')}", client)

    # logging in

    @hears("addr")
    def address(self, client: Client, message: Message) -> Acts:
        yield from self._start_pings(client, at_once=True)

    @hears("skey")
    def session_key(self, client: Client, message: Message) -> Acts:
        first = self.world.random.randrange(1, 256)
        key = bytes([first]) + self.world.random.randbytes(15)
        yield Say(client, make("skey", {"SKEY": f"${key.hex()}"}))
        yield from self._start_pings(client, at_once=False)

    @hears("pers")
    def enter(self, client: Client, message: Message) -> Acts:
        name = value(message, "PERS", 63)
        player = self.lounge.player(client)
        if not name or not self._may_play(client, name):
            yield Say(client, make("pers", ident=NO_MATCH))
            return
        other = self.lounge.here(name)
        if other is not None and other is not player:  # a console that came back, most likely
            yield Close(other.client, "the persona came again")
            yield from self.gone(other)
        if player.persona:
            yield from self.gone(player)
            player = self.lounge.player(client)
        known = self.lounge.persona(name)
        last = int((known or {}).get("last", 0)) or self.world.seconds
        player.account = player.account or name
        player.persona = client.name = name
        self.lounge.personas[same(name)] = player
        self.lounge.write_persona(name, account=player.account, last=self.world.seconds)
        ticket = f"${self.world.random.randbytes(16).hex()}"
        self.lounge.tickets[ticket] = name
        if len(self.lounge.tickets) > MOST_TICKETS:
            del self.lounge.tickets[next(iter(self.lounge.tickets))]
        facts = {"PERS": name, "LKEY": ticket, "LAST": date(last)}
        yield Say(client, make("pers", facts))
        yield self.who(player)

    @hears("sele")
    def select(self, client: Client, message: Message) -> Acts:
        player = self.lounge.player(client)
        fields = {key.upper(): str(one) for key, one in message.fields().items()}
        before = player.wants("ROOMS", default=False)
        for key, one in fields.items():
            if key != "IDENT":
                player.lists[key] = number(one) != 0
        yield Say(client, make("sele", {k: v for k, v in fields.items() if k != "IDENT"}))
        if player.wants("ROOMS", default=False) and not before:
            yield from self.tell_rooms(player)
        if "USERS" in fields and player.wants("USERS") and player.room:
            yield from self.tell_users(player, player.room)

    @hears("news")
    def news(self, client: Client, message: Message) -> Acts:
        name = value(message, "NAME")
        digits = name.isascii() and name.isdigit()
        ident = (NEWS + number(name)) & 0xFFFFFFFF if digits else 0
        if digits and number(name) != 0:
            text = self.option("news", "Welcome back.") if number(name) == 1 else ""
            yield Say(client, text_frame("news", text, ident))
            return
        host, port = self.world.reach(client, self.protocol, "buddy")
        facts = {"BUDDY_URL": host, "BUDDY_PORT": port, "BUDDY_SERVER": host}
        yield Say(client, make("news", facts, ident))

    # looking up

    @hears("user")
    def profile(self, client: Client, message: Message) -> Acts:
        name = value(message, "PERS")
        known = self.lounge.persona(name)
        if known is None:
            yield Say(client, make("user", ident=NO_MATCH))
            return
        yield Say(client, make("user", {"PERS": known["name"], "TITLE": 1}))

    @hears("onln")
    def online(self, client: Client, message: Message) -> Acts:
        player = self.lounge.here(value(message, "PERS"))
        if player is None:
            yield Say(client, make("onln", ident=NO_MATCH))
        else:
            facts = self.record(player, client)
            yield Say(client, make("onln", {**facts, "M": player.account, "G": 0}))

    @hears("snap")
    def snapshot(self, client: Client, message: Message) -> Acts:
        """The reply first, it arms the channel; then the rows (ea-lobby 3)."""
        names = ("CHAN", "INDEX", "START", "FIND", "RANGE")
        asked = {name: value(message, name) for name in names}
        yield Say(client, make("snap", {key: one for key, one in asked.items() if one}))
        rows = self.lounge.ranking()
        start = max(number(asked["START"]), 0)
        if asked["FIND"]:
            found = [
                place for place, one in enumerate(rows) if same(one["name"]) == same(asked["FIND"])
            ]
            start = found[0] if found else len(rows)
        count = min(max(number(asked["RANGE"] or "1"), 1), MOST_ROWS)
        for place, row in enumerate(rows[start : start + count], start + 1):
            points = min(int(row["points"]), 8191)
            facts = {"R": place, "P": points, "N": row["name"], "S": row["races"]}
            yield Say(client, make("+snp", facts))

    @hears("rank")
    def result(self, client: Client, message: Message) -> Acts:
        player = self.lounge.player(client)
        known = self.lounge.persona(player.persona) if player.persona else None
        if known is not None:
            self.lounge.write_persona(player.persona, races=int(known["races"]) + 1)
        yield Say(client, make("rank"))

    # later titles, as far as their frames are known (ea-lobby 1)

    @hears("hchk", "rvup", "gsea")
    def acknowledged(self, client: Client, message: Message) -> Acts:
        yield Say(client, make(message.kind))

    @hears("gjoi", "gcre", "gsta")
    def no_games(self, client: Client, message: Message) -> Acts:
        why = {"gjoi": "ugam", "gcre": "invp", "gsta": "nepl"}
        yield Say(client, make(message.kind, ident=why[message.kind]))

    # keepalive

    @hears("~png")
    def pong(self, client: Client, message: Message) -> Acts:
        self.lounge.player(client).round_trip = number(value(message, "TIME"))
        return ()

    def _start_pings(self, client: Client, *, at_once: bool) -> Iterator[Act]:
        if client in self.pinged:
            return
        self.pinged.add(client)
        if at_once:
            yield Say(client, self._ping(client))
        yield Later(PING, lambda: self._again(client))

    def _again(self, client: Client) -> Iterator[Act]:
        if not client.open:
            return
        heard = client.frame.at if client.frame else self.world.now()
        if self.world.now() - heard > SILENCE * 1e6:
            yield Close(client, "silent for a minute", reset=True)
            return
        yield Say(client, self._ping(client))
        yield Later(PING, lambda: self._again(client))

    def _ping(self, client: Client) -> Message:
        player = self.lounge.players.get(client)
        facts = {"REF": date(self.world.seconds), "TIME": player.round_trip if player else 0}
        return make("~png", facts)

    # between the players that are here

    def claims(self, client: Client, message: Message) -> bool:
        if self.stays_out(client, message):
            return True
        field = {"mesg": "PRIV", "chal": "PERS", "SEND": "USER"}.get(message.kind)
        return bool(field) and self._other(client, value(message, field or ""))

    def tells(self, client: Client, message: Message) -> bool:
        if message.kind == "+who":
            return self._elsewhere(client, value(message, "R"))
        field = {"+msg": "N", "+usr": "N", "+ses": "OPPO", "RECV": "USER", "PGET": "USER"}
        return message.kind in field and self._other(client, value(message, field[message.kind]))

    def _elsewhere(self, client: Client, room: str) -> bool:
        """Whether a recording would put a client into a room that it is not in."""
        if client.said in MOVES:
            return False  # it is on its way there
        player = self.lounge.players.get(client)
        here = player.room.name if player and player.room else ""
        return bool(player and player.persona) and room != "" and same(room) != same(here)

    def _other(self, client: Client, name: str) -> bool:
        """Whether that is a persona of another console that is here."""
        wanted = same(persona_of(name))
        known = self.lounge.personas.get(wanted) or self.lounge.friends.get(wanted)
        return known is not None and same(client.name) != wanted

    # recorded players

    def settles(self, message: Message) -> bool:
        return message.kind in ("move", "room") and bool(value(message, "NAME"))

    def alike(self, recorded: Message, heard: Message) -> bool:
        """A challenge is one, whatever the race; an answer is that answer; all of it private."""
        private = ["P" in value(one, "F") for one in (recorded, heard)]
        said = [value(one, "T") for one in (recorded, heard)]
        answers = [one in ANSWERS for one in said]
        return all(private) and (said[0] == said[1] if any(answers) else True)

    # leaving

    def closed(self, client: Client) -> Acts:
        self.pinged.discard(client)
        player = self.lounge.players.get(client)
        if player is not None:
            yield from self.gone(player)
        yield from self.unfriended(client)

    def gone(self, player: Player) -> Iterator[Act]:
        """A user has left the lobby."""
        yield from self.leave_room(player)
        if self.lounge.personas.get(same(player.persona)) is player:
            del self.lounge.personas[same(player.persona)]
        self.lounge.players.pop(player.client, None)


def date(seconds: int) -> str:
    """`2003.11.2 20:01:45`, which the client's reader takes (ea-lobby 2)."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at.year}.{at.month}.{at.day} {at:%H:%M:%S}"


RULES = EaLobby
