"""Logging in at GameSpy's presence server, and making accounts (gamespy 2.1 to 2.3, 2.5)."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from proxy.ciphers import gp_proof
from proxy.message import Message
from proxy.protocols.gamespy_presence import Presence, login_user
from replay.servers._gs_accounts import NEWUSER, NEWUSER_NICK, Named, Proved, make_user
from replay.servers._gs_people import TOKENS, People, Profile, number, value
from replay.standin.rules import Act, Acts, Close, Later, Note, Rules, Say, hears
from replay.standin.world import Client, World

NOT_LOGGED_IN, BAD_SESSKEY, KICKED = 2, 3, 6
LOGIN_TIMEOUT, LOGIN_DELETED = 0x101, 0x106
LOGIN_TIME = 120.0
"""Seconds for a login."""
LOGIN_NICK, LOGIN_EMAIL, LOGIN_PASSWORD, LOGIN_PROFILE = 0x102, 0x103, 0x104, 0x105
LOGIN_UNIQUENICK, LOGIN_PREAUTH, LOGIN_TICKET = 0x109, 0x10A, 0x10B
OLD_BUDDIES, NEW_STATUS, LISTS = 1, 4, 8
"""Bits of `sdkrevision` (gamespy 2.2)."""
TICKET = string.ascii_letters + string.digits
LATEST_TICKETS = 4096


@dataclass(slots=True, eq=False)
class Seat:
    """One connection to the presence server."""

    challenge: str
    profile: Profile | None = None
    sesskey: int = 0
    revision: int = 0
    quiet: int = 0
    port: int = 0
    product: int = 0
    status: tuple[str, str, str] = ("0", "", "")
    """Code, status text, place."""
    info: dict[str, str] = field(default_factory=dict)
    """What `statusinfo` said last."""
    listed: dict[str, list[int]] = field(default_factory=dict)
    """`bdy` and `blk`: lists that a recording told before the login was over."""


def error(code: int, text: str, message: Message | None = None, *, fatal: bool = False) -> Presence:
    """An error; it repeats the operation's id (gamespy 1)."""
    made = Presence.make(("error", ""), ("err", code))
    if fatal:
        made = made.add("fatal", "")
    made = made.add("errmsg", text)
    operation = value(message, "id", 12) if message else ""
    return made.add("id", operation) if operation else made


class Seats(dict[Client, Seat]):
    """All connections to the presence server, for whoever shares the world."""

    def __init__(self, world: World) -> None:
        super().__init__()


class Tickets(dict[str, int]):
    """Login ticket -> profile id."""

    def __init__(self, world: World) -> None:
        super().__init__()


class LoginRules(Rules):
    """Who may come in."""

    protocol = "gamespy-presence"

    @property
    def people(self) -> People:
        """Everybody who has an account."""
        return self.world.shared(People)

    def seat(self, client: Client) -> Seat:
        """What is known of a connection."""
        table = self.world.shared(Seats)
        if client not in table:
            letters = self.world.random.choices(string.ascii_uppercase, k=10)
            seat = Seat("".join(letters))
            if not client.open:
                return seat
            table[client] = seat
        return table[client]

    def opened(self, client: Client) -> Acts:
        challenge = self.seat(client).challenge
        yield Later(LOGIN_TIME, lambda: self._too_late(client))
        yield Say(client, Presence.make(("lc", 1), ("challenge", challenge), ("id", 1)))

    def _too_late(self, client: Client) -> Iterator[Act]:
        """Who is not logged in after some time keeps a place for nobody."""
        if client.open and self.seat(client).profile is None:
            yield Say(client, error(LOGIN_TIMEOUT, "No login has come.", fatal=True))
            yield Close(client, "no login has come")

    def refuse(self, client: Client, code: int, text: str, message: Message) -> Iterator[Act]:
        """A login that fails; the connection ends."""
        yield Say(client, error(code, text, message, fatal=True))
        yield Close(client, text)

    @hears("login")
    def log_in(self, client: Client, message: Message) -> Acts:
        if client.answered:
            return
        seat = self.seat(client)
        if seat.profile is not None:
            yield from self.left(client)
        proved = self.proved(client, message)
        right, profile = proved.right, proved.who.profile
        if right is None:
            if not proved.known:
                whom = next(iter(proved.who.names), "nobody")
                yield Note("password", _UNKNOWN.format(whom), client)
            yield from self.refuse(client, *proved.wrong, message)
            return
        if profile is None:
            profile = self._adopt(proved.who.names[0], right.decode("latin-1"), message)
        owner = self.people.account_of(profile)
        if owner.password is None and not (value(message, "authtoken") or value(message, "lt")):
            owner.password = right.decode("latin-1")
            self.people.keep(owner)
        yield from self._enter(client, seat, profile, message, proved.proof)

    def proved(self, client: Client, message: Message) -> Proved:
        """Whether a login proves a password that is known here."""
        who = self.named(message)
        ticket = value(message, "lt")
        if (ticket or who.account) and who.profile is None:  # nobody to log in as
            return Proved(who, None, "", True, who.unknown)
        tries = self.people.passwords(client, who.names, who.account)
        if ticket:
            tries = [*tries, ""]
        whom = login_user(message.encode())
        theirs = value(message, "challenge").encode("latin-1")
        ours = self.seat(client).challenge.encode("latin-1")
        has = value(message, "response").encode("latin-1")
        secrets = (one.encode("latin-1") for one in tries)
        right = next((s for s in secrets if gp_proof.response(s, whom, theirs, ours) == has), None)
        proof = gp_proof.proof(right, whom, theirs, ours).decode() if right is not None else ""
        wrong = (LOGIN_PASSWORD, "The password is wrong.") if tries else who.unknown
        return Proved(who, right, proof, bool(tries), wrong)

    def named(self, message: Message) -> Named:
        """Whom a login names."""
        token, ticket = value(message, "authtoken"), value(message, "lt")
        unique, user = value(message, "uniquenick"), value(message, "user")
        if token:
            profile = self.people.unique(TOKENS, token)
            return Named([token], profile, None, (LOGIN_PREAUTH, "The token is not known."))
        if ticket:
            pid = self.world.shared(Tickets).get(ticket)
            profile = self.people.profiles.get(pid or 0)
            found = self.people.account_of(profile) if profile else None
            names = [profile.uniquenick, profile.email] if profile else []
            return Named(names, profile, found, (LOGIN_TICKET, "The ticket is not known."))
        if unique:
            profile = self.people.unique(self.space(message), unique)
            found = self.people.account_of(profile) if profile else None
            names = [unique, *([found.email] if found else [])]
            text = "The unique nick is not known."
            return Named(names, profile, found, (LOGIN_UNIQUENICK, text))
        nick, _, email = user.partition("@")
        found = self.people.account(email)
        profile = self.people.nick(found, nick) if found else None
        if found is not None and profile is None:
            wrong = LOGIN_NICK, "The profile is not known."
            if nick.lower() in found.deleted:
                wrong = LOGIN_DELETED, "The profile has been deleted."
            return Named([user, email], None, found, wrong)
        text = "The address is not known."
        return Named([user, email, nick], profile, found, (LOGIN_EMAIL, text))

    @staticmethod
    def space(message: Message) -> int:
        """The namespace that a message is about."""
        return TOKENS if value(message, "authtoken") else number(value(message, "namespaceid"))

    def _adopt(self, name: str, password: str, message: Message) -> Profile:
        """The profile of somebody whose password is known though it never made one here."""
        people = self.people
        unique = value(message, "uniquenick") or value(message, "authtoken")
        nick, _, email = value(message, "user").partition("@")
        email = email or f"{name}@gamespy.invalid"
        account = people.account(email) or people.make_account(email, password)
        return people.make_profile(account, nick or name, unique, self.space(message))

    def _enter(
        self, client: Client, seat: Seat, profile: Profile, message: Message, proof: str
    ) -> Iterator[Act]:
        people = self.people
        other = people.here.get(profile.pid)
        if other is not None and other is not client:
            yield from self.kick(other)
        self.sit(client, seat, profile, message)
        if seat.revision & LISTS:  # before the second `lc` (gamespy 2.1)
            for kind, pids in (("blk", profile.blocked), ("bdy", profile.buddies)):
                listed = ",".join(map(str, pids))
                yield Say(client, Presence.make((kind, len(pids)), ("list", listed)))
        yield Say(
            client,
            Presence.make(
                ("lc", 2),
                ("sesskey", seat.sesskey),
                ("proof", proof),
                ("userid", people.account_of(profile).userid),
                ("profileid", profile.pid),
                ("uniquenick", profile.uniquenick),
                ("lt", self._ticket(profile)),
                ("id", value(message, "id", 12) or 1),
            ),
        )
        yield from self.arrived(client, seat, profile)

    def kick(self, other: Client) -> Iterator[Act]:
        """Its profile logs in from elsewhere."""
        yield Say(other, error(KICKED, "Somebody else logged in as you.", fatal=True))
        yield from self.left(other)
        yield Close(other, "the profile logged in again")

    def sit(self, client: Client, seat: Seat, profile: Profile, message: Message) -> None:
        """Somebody is logged in from now on, as the `login` message says."""
        people = self.people
        seat.profile = profile
        seat.sesskey = self.world.random.randrange(1 << 20, 1 << 31)
        seat.revision = number(value(message, "sdkrevision"))
        seat.quiet = number(value(message, "quiet"))
        seat.port = number(value(message, "port")) & 0xFFFF
        seat.product = number(value(message, "productid"))
        seat.status, seat.info = ("0", "", ""), {}
        people.here[profile.pid] = client
        people.came.add(profile.pid)
        client.name = profile.uniquenick or profile.nick

    def _ticket(self, profile: Profile) -> str:
        tickets = self.world.shared(Tickets)
        ticket = "".join(self.world.random.choices(TICKET, k=22)) + "__"
        tickets[ticket] = profile.pid
        while len(tickets) > LATEST_TICKETS:
            del tickets[next(iter(tickets))]
        return ticket

    @hears("newuser")
    def new_user(self, client: Client, message: Message) -> Acts:
        if client.answered:
            return
        code, profile = make_user(self.people, message, value(message, "passwordenc"))
        if code:
            made = error(code, NEWUSER[code], message, fatal=True)
            if code == NEWUSER_NICK and profile is not None:
                made = made.add("pid", profile.pid)
            yield Say(client, made)
            return
        assert profile is not None
        userid = self.people.account_of(profile).userid
        pairs = (("nur", ""), ("userid", userid), ("profileid", profile.pid))
        yield Say(client, Presence.make(*pairs, ("id", value(message, "id", 12) or 1)))

    # what the rest of the rules does

    def arrived(self, client: Client, seat: Seat, profile: Profile) -> Iterator[Act]:
        """Somebody has logged in."""
        yield from ()

    def left(self, client: Client) -> Iterator[Act]:
        """Somebody is not logged in any more."""
        yield from ()


_UNKNOWN = (
    "the password of {} is not known, so that no proof can be made: give it by --accounts, or "
    "let the game make the account anew"
)
