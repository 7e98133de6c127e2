"""GameSpy's search server (GPSP) by rules: one request per connection (gamespy 3).

No greeting, the keys in the order in which the makers' reader takes them, and each reply with its
own terminator. The people are those of the presence server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proxy.message import Message
from proxy.protocols.gamespy_search import Search
from replay.servers._gs_accounts import make_user
from replay.servers._gs_login import Seats
from replay.servers._gs_people import Account, People, Profile, number, same, value
from replay.standin.rules import OPAQUE, Act, Acts, Close, Rules, Say, hears
from replay.standin.world import Client

MOST = 50
"""Records of one reply."""
CHECK_EMAIL, CHECK_NICK, CHECK_PASSWORD = 0xE01, 0xE02, 0xE03
MOST_IDS = 1000

Pairs = list[tuple[str, object]]


class GamespySearch(Rules):
    """Every request that the makers' kit knows."""

    protocol = "gamespy-search"
    beside = True

    @property
    def people(self) -> People:
        """Everybody who has an account."""
        return self.world.shared(People)

    def claims(self, client: Client, message: Message) -> bool:
        """What is about players who have come in this run no recording can answer."""
        people, email = self.people, value(message, "email")
        account = people.account(email) if email else None
        pids = set(account.profiles) if account else set()
        pids |= {number(value(message, name)) for name in _PIDS}
        nicks = {same(value(message, name)) for name in ("nick", "uniquenick")} - {""}
        here = (people.profiles[pid] for pid in people.came if pid in people.profiles)
        return not pids.isdisjoint(people.came) or any(
            same(one.nick) in nicks or same(one.uniquenick) in nicks for one in here if nicks
        )

    def told(self, client: Client, message: Message) -> Acts:
        """An account that a recording has let somebody make is one here too."""
        asked = Search.parse(client.frame.clear) if client.frame else None
        if message.kind == "nur" and value(message, "nur") == "0" and asked is not None:
            make_user(self.people, asked, value(asked, "passenc") or value(asked, "pass"))
        return ()

    @hears("search")
    def search(self, client: Client, message: Message) -> Acts:
        asked = {name: same(value(message, name)) for name in _SEARCHED if value(message, name)}
        space = number(value(message, "namespaceid"))
        found = [one for one in self.people.all() if asked and self._fits(one, asked, space)]
        return self._found(client, found, number(value(message, "skip")))

    @hears("searchunique")
    def search_unique(self, client: Client, message: Message) -> Acts:
        spaces = value(message, "namespaces").split(",")[:16]
        unique = value(message, "uniquenick")
        found = [self.people.unique(number(space), unique) for space in spaces]
        return self._found(client, [one for one in found if one], 0)

    def _fits(self, one: Profile, asked: dict[str, str], space: int) -> bool:
        if "uniquenick" in asked and space and one.namespace != space:
            return False
        has = {"nick": one.nick, "uniquenick": one.uniquenick, "email": one.email, **one.about}
        return all(same(has.get(name, "")) == text for name, text in asked.items())

    def _found(self, client: Client, found: list[Profile], skip: int) -> Iterator[Act]:
        skip = max(0, skip)
        shown, rest = found[skip : skip + MOST], found[skip + MOST :]
        pairs: Pairs = []
        for one in shown:
            pairs += [("bsr", one.pid), ("nick", one.nick), ("uniquenick", one.uniquenick)]
            pairs += [("namespaceid", max(0, one.namespace))]
            pairs += [("firstname", one.about.get("firstname", ""))]
            pairs += [("lastname", one.about.get("lastname", "")), ("email", one.email)]
        yield from _reply(client, [*pairs, ("bsrdone", ""), ("more", len(rest))])

    @hears("valid")
    def valid(self, client: Client, message: Message) -> Acts:
        known = self.people.account(value(message, "email")) is not None
        return _reply(client, [("vr", int(known))])

    @hears("nicks")
    def nicks(self, client: Client, message: Message) -> Acts:
        account = self.people.account(value(message, "email"))
        pairs: Pairs = []
        if account is not None and self._right(account, message):
            for pid in account.profiles[:MOST]:
                one = self.people.profiles[pid]
                pairs += [("nr", ""), ("nick", one.nick), ("uniquenick", one.uniquenick)]
        return _reply(client, [*pairs, ("ndone", "")])

    @hears("check")
    def check(self, client: Client, message: Message) -> Acts:
        account = self.people.account(value(message, "email"))
        profile = self.people.nick(account, value(message, "nick")) if account else None
        if account is None:
            return _reply(client, [("cur", CHECK_EMAIL)])
        if not self._right(account, message):
            return _reply(client, [("cur", CHECK_PASSWORD)])
        if profile is None:
            return _reply(client, [("cur", CHECK_NICK)])
        return _reply(client, [("cur", 0), ("pid", profile.pid)])

    def _right(self, account: Account, message: Message) -> bool:
        password = value(message, "passenc") or value(message, "pass")
        known = self.people.given(account.email) or account.password
        return known is None or known == password

    @hears("newuser")
    def new_user(self, client: Client, message: Message) -> Acts:
        if client.answered:
            return ()
        password = value(message, "passenc") or value(message, "pass")
        code, profile = make_user(self.people, message, password)
        return _reply(client, [("nur", code), ("pid", profile.pid if profile else 0)])

    @hears("pmatch")
    def matching(self, client: Client, message: Message) -> Acts:
        """Who is here with the same game."""
        product = number(value(message, "productid"))
        seats = self.world.shared(Seats)
        pairs: Pairs = []
        for pid, other in list(self.people.here.items())[:MOST]:
            seat = seats[other]
            if seat.product == product and str(pid) != value(message, "profileid"):
                pairs += [("psr", pid), ("status", seat.status[1])]
                pairs += [("nick", self.people.profiles[pid].nick), ("statuscode", seat.status[0])]
        return _reply(client, [*pairs, ("psrdone", "")])

    @hears("others")
    def others(self, client: Client, message: Message) -> Acts:
        """Who has the asker as a buddy."""
        pairs: Pairs = [("others", "")]
        for one in self.people.fans(number(value(message, "profileid")))[:MOST_IDS]:
            pairs += [("o", one.pid), ("nick", one.nick), ("uniquenick", one.uniquenick)]
            pairs += [("first", one.about.get("firstname", ""))]
            pairs += [("last", one.about.get("lastname", "")), ("email", one.email)]
        return _reply(client, [*pairs, ("odone", "")])

    @hears("otherslist")
    def others_list(self, client: Client, message: Message) -> Acts:
        asked = value(message, "opids", 12 * MOST_IDS).split("|")[:MOST_IDS]
        pairs: Pairs = [("otherslist", "")]
        for one in self._profiles(map(number, asked)):
            pairs += [("o", one.pid), ("uniquenick", one.uniquenick)]
        return _reply(client, [*pairs, ("oldone", "")])

    def _profiles(self, pids: Iterable[int]) -> Iterator[Profile]:
        for pid in pids:
            if pid in self.people.profiles:
                yield self.people.profiles[pid]

    @hears("uniquesearch")
    def unique_search(self, client: Client, message: Message) -> Acts:
        """Unique nicks that are free, the preferred one first."""
        wanted = value(message, "preferrednick", 20)
        space = number(value(message, "namespaceid"))
        names = [wanted, *(f"{wanted}{n}" for n in range(1, 10))] if wanted else []
        free = [name for name in names if self.people.unique(space, name) is None][:4]
        pairs: Pairs = [("us", len(free)), *(("nick", name) for name in free)]
        return _reply(client, [*pairs, ("usdone", "")])

    @hears("profilelist")
    def profile_list(self, client: Client, message: Message) -> Acts:
        """The buddies of a profile."""
        one = self.people.profiles.get(number(value(message, "searchprofileid")))
        most = min(max(number(value(message, "maxresults")), 0) or MOST, MOST_IDS)
        pids = one.buddies[:most] if one else []
        pairs: Pairs = [("profilelist", ""), ("count", len(pids)), *(("o", pid) for pid in pids)]
        return _reply(client, [*pairs, ("pldone", "")])

    @hears(OPAQUE)
    def unreadable(self, client: Client, message: Message) -> Acts:
        yield Close(client, "a request cannot be read")


def _reply(client: Client, pairs: Pairs) -> Iterator[Act]:
    yield Say(client, Search.make(*pairs))
    yield Close(client, "answered")


_PIDS = ("profileid", "searchprofileid")
_SEARCHED = ("nick", "uniquenick", "email", "firstname", "lastname", "icquin")
RULES = GamespySearch
