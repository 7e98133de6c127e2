"""GameSpy's statistics server by rules: games, players, their stored data (gamespy 8).

The greeting has 38 bytes and another key behind the challenge, as the makers' client needs it. Data
of players are kept on the shelf `gamespy`, by profile, type and index; game reports are kept in the
recording as they came.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from proxy.ciphers import gstats
from proxy.ciphers.gamespy_secrets import secret_for
from proxy.ciphers.repeating import GSTATS_CIPHER
from proxy.message import Message
from proxy.protocols.gamespy_stats import CountedStats, Stats
from replay.servers._gs_people import People, Profile, number, same, value
from replay.standin.rules import OPAQUE, Act, Acts, Close, Note, Rules, Say, hears
from replay.standin.world import Client, World

PRIVATE_RO, PRIVATE_RW, PUBLIC_RO, PUBLIC_RW = range(4)
"""Types of stored data."""
LONGEST = 1 << 18
"""Bytes of one data set."""
MOST_INDEX = 1 << 16


@dataclass(slots=True, eq=False)
class Game:
    """One connection."""

    challenge: str
    name: str = ""
    sesskey: int = 0
    players: set[int] = field(default_factory=set)
    """Profile ids that have been proved on it."""


class Games(dict[Client, Game]):
    """All connections."""

    def __init__(self, world: World) -> None:
        super().__init__()


class GamespyStats(Rules):
    """Game statistics and persistent storage."""

    protocol = "gamespy-stats"
    beside = True

    @property
    def people(self) -> People:
        """Everybody who has an account."""
        return self.world.shared(People)

    def game(self, client: Client) -> Game:
        """What is known of a connection."""
        games = self.world.shared(Games)
        return games.get(client) or Game("")

    def opened(self, client: Client) -> Acts:
        challenge = "".join(self.world.random.choices(string.ascii_uppercase, k=10))
        self.world.shared(Games)[client] = Game(challenge)
        yield say(client, ("lc", 1), ("challenge", challenge), ("id", 1))

    def closed(self, client: Client) -> Acts:
        self.world.shared(Games).pop(client, None)
        return ()

    # beside a recording

    def claims(self, client: Client, message: Message) -> bool:
        """Proofs that can be told to be wrong, players who have come, data that were stored."""
        if message.kind == "auth":
            return not self._proves(client, message)
        if message.kind == "authp":
            found = self._known(message)
            return found is not None and found.pid in self.people.came
        place = f"{self._place(message)[2]}:{same(self.game(client).name)}"
        return message.kind in ("getpd", "setpd") and place in self.people.shelf

    def told(self, client: Client, message: Message) -> Acts:
        game = self.game(client)
        if message.kind == "lc" and value(message, "lc") == "1":
            game.challenge = value(message, "challenge", 64)
        elif message.kind == "lc":
            game.sesskey = number(value(message, "sesskey"))
        elif message.kind == "pauthr" and number(value(message, "pauthr")) > 0:
            game.players.add(number(value(message, "pauthr")))
        return ()

    def _proves(self, client: Client, message: Message) -> bool:
        """Whether a game proves its secret; where that is not known nobody can tell."""
        secret = secret_for(self.world.secrets, value(message, "gamename"))
        if secret is None:
            return True
        needs = gstats.auth_response(self.game(client).challenge.encode(), secret)
        return value(message, "response").encode("latin-1") == needs

    @hears("auth")
    def authenticate(self, client: Client, message: Message) -> Acts:
        game = self.game(client)
        name = value(message, "gamename")
        if client.answered:
            game.name, client.name = name, name
            return
        if not self._proves(client, message):
            yield Note("refused", f"the proof for {name} is wrong", client)
            yield say(client, ("error", ""), ("err", 0), ("fatal", ""), ("errmsg", "Wrong proof."))
            yield Close(client, "the game's proof is wrong")
            return
        game.name, client.name = name, name
        game.sesskey = self.world.random.randrange(1, 1 << 31)
        operation = value(message, "id", 12) or 1
        yield say(client, ("lc", 2), ("sesskey", game.sesskey), ("proof", 0), ("id", operation))

    @hears("newgame", "ka")
    def heard_only(self, client: Client, message: Message) -> Acts:
        return ()

    @hears("updgame")
    def game_report(self, client: Client, message: Message) -> Acts:
        """Kept in the recording as it came."""
        done = "its last report" if value(message, "done") == "1" else "a report"
        yield Note("report", f"{self.game(client).name}: {done} of a game", client)

    # players

    @hears("authp")
    def player(self, client: Client, message: Message) -> Acts:
        if client.answered:
            return
        game, lid = self.game(client), value(message, "lid", 12)
        profile = self._asked(message)
        if not game.name or profile is None:
            why = "Unknown player" if game.name else "Not authenticated"
            yield say(client, ("pauthr", -1), ("lid", lid), ("errmsg", why))
            return
        tries = self._passwords(profile, client, message)
        has = value(message, "resp").encode("latin-1")
        right = [gstats.player_response(one.encode("latin-1"), game.sesskey) for one in tries]
        if right and has not in right:  # without a password nobody can tell (gamespy 15)
            yield say(client, ("pauthr", -1), ("lid", lid), ("errmsg", "Wrong password"))
            return
        game.players.add(profile.pid)
        yield say(client, ("pauthr", profile.pid), ("lid", lid))

    def _passwords(self, profile: Profile, client: Client, message: Message) -> list[str]:
        token = value(message, "authtoken")
        account = self.people.account_of(profile)
        given = self.people.given(token or profile.uniquenick, account.email)
        if given is not None:
            return [given]
        return [account.password] if account.password is not None and not token else []

    def _known(self, message: Message) -> Profile | None:
        """Whom a player's proof names."""
        token, pid = value(message, "authtoken"), number(value(message, "pid"))
        if token:
            return self.people.unique(-1, token)
        if "pid" in message.fields():
            return self.people.profiles.get(pid)
        account = self.people.account(_address(value(message, "keyhash", 32)))
        return self.people.nick(account, value(message, "nick", 30)) if account else None

    def _asked(self, message: Message) -> Profile | None:
        """The same; a nick with a key is made when it is new."""
        if value(message, "authtoken") or "pid" in message.fields():
            return self._known(message)
        return self._by_key(value(message, "nick", 30), value(message, "keyhash", 32))

    def _by_key(self, nick: str, keyhash: str) -> Profile | None:
        if not nick or self.world.accounts is not None:
            return None
        email = _address(keyhash)
        account = self.people.account(email) or self.people.make_account(email, None)
        return self.people.nick(account, nick) or self.people.make_profile(account, nick)

    @hears("getpid")
    def profile_id(self, client: Client, message: Message) -> Acts:
        profile = self._by_key(value(message, "nick", 30), value(message, "keyhash", 32))
        pid = profile.pid if profile else -1
        yield say(client, ("getpidr", pid), ("lid", value(message, "lid", 12)))

    # data

    def _place(self, message: Message) -> tuple[int, int, str]:
        """Profile, type, and the key on the shelf of a data set."""
        pid, kind = number(value(message, "pid")), number(value(message, "ptype"))
        return pid, kind, f"data:{pid}:{kind}:{number(value(message, 'dindex'))}"

    @hears("setpd")
    def store(self, client: Client, message: Message) -> Acts:
        pid, kind, place = self._place(message)
        game, data = self.game(client), _data(message)
        index = number(value(message, "dindex"))
        allowed = pid in game.players and kind in (PRIVATE_RW, PUBLIC_RW)
        fits = len(data) <= LONGEST and 0 <= index < MOST_INDEX
        now = self.world.seconds
        if allowed and fits:
            place = f"{place}:{same(game.name)}"
            if value(message, "kv") == "1":
                data = merged(self._kept(place)[1], data)
            self.people.shelf[place] = [now, data]
        lid = value(message, "lid", 12)
        yield say(
            client, ("setpdr", int(allowed and fits)), ("lid", lid), ("pid", pid), ("mod", now)
        )

    def _kept(self, place: str) -> tuple[int, str]:
        kept = self.people.shelf.get(place)
        return (int(kept[0]), str(kept[1])) if isinstance(kept, list) else (0, "")

    @hears("getpd")
    def fetch(self, client: Client, message: Message) -> Acts:
        pid, kind, place = self._place(message)
        game, lid = self.game(client), value(message, "lid", 12)
        public = kind in (PUBLIC_RO, PUBLIC_RW)
        modified, data = self._kept(f"{place}:{same(game.name)}")
        allowed = bool(game.name) and (public or pid in game.players)
        since = number(value(message, "mod"))
        if not allowed or (since and modified <= since):
            data = ""
        keys = [key for key in value(message, "keys", 4096).split("\x01") if key]
        if keys and allowed:
            data = chosen(data, keys)
        yield say(
            client,
            ("getpdr", int(allowed)),
            ("lid", lid),
            ("pid", pid),
            ("mod", modified),
            ("data", data),
        )

    @hears(OPAQUE)
    def unreadable(self, client: Client, message: Message) -> Acts:
        yield Close(client, "a message cannot be read")


def say(client: Client, *pairs: tuple[str, object]) -> Act:
    """One message under the cipher; what has data carries their length."""
    if pairs[-1][0] != "data":
        return Say(client, Stats.make(*pairs), cipher=GSTATS_CIPHER)
    head = Stats.make(*pairs[:-1])
    made = CountedStats((*head.tokens, "data", str(pairs[-1][1])), head.tail)
    return Say(client, made, cipher=GSTATS_CIPHER)


def _address(keyhash: str) -> str:
    """The account of everybody who plays with one CD key."""
    return f"{keyhash or 'none'}@cdkey.invalid"


def _data(message: Message) -> str:
    """The stored data byte for byte, as Latin-1 text."""
    found = message.get("data") if "data" in message.fields() else ""
    return found if isinstance(found, str) else ""


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    tokens = text.rstrip("\0").split("\\")[1:]
    return zip(tokens[::2], tokens[1::2], strict=False)


def merged(old: str, new: str) -> str:
    """Keys and values with some changed; a NUL ends them (gamespy 8)."""
    both = {**dict(_pairs(old)), **dict(_pairs(new))}
    return "".join(f"\\{key}\\{one}" for key, one in both.items())[:LONGEST] + "\0"


def chosen(text: str, keys: list[str]) -> str:
    """Some of the keys and values."""
    known = dict(_pairs(text))
    return "".join(f"\\{key}\\{known[key]}" for key in keys if key in known) + "\0"


RULES = GamespyStats
