"""GameSpy's presence server (GPCM) by rules: logins, profiles, buddies (gamespy 1, 2).

The server speaks first; every login is proved both ways, so that the password must be known: from
the user's accounts, from the account as it was made here, or from a message of the same client that
gave it away. See `_gs_login` and `_gs_buddies`; here are the profiles.
"""

from __future__ import annotations

from proxy.message import Message
from proxy.protocols.gamespy_presence import Presence
from replay.servers._gs_login import Seats, error
from replay.servers._gs_people import EDITABLE, People, Profile, number, value
from replay.servers._gs_taped import TapedRules
from replay.standin.rules import OPAQUE, Acts, Close, Say, hears
from replay.standin.world import Client

SERVER_CLOSED = 7
UPDATEUI_EMAIL = 0x301
NEWPROFILE_NICK, NEWPROFILE_OLD = 0x401, 0x402
UPDATEPRO_NICK = 0x501
GETPROFILE = 0xA01
DELPROFILE_LAST = 0xC01
REGISTERNICK_TAKEN = 0x1001
CDKEY_BAD, CDKEY_SET, CDKEY_TAKEN = 0x1101, 0x1102, 0x1103


class GamespyPresence(TapedRules):
    """All that a logged-in client may ask."""

    protocol = "gamespy-presence"

    def kept(self) -> Acts:
        for client in list(self.world.shared(Seats)):
            yield Say(client, error(SERVER_CLOSED, "The server goes.", fatal=True))

    def closed(self, client: Client) -> Acts:
        yield from self.left(client)
        self.world.shared(Seats).pop(client, None)

    @hears("ka")
    def keep_alive(self, client: Client, message: Message) -> Acts:
        yield Say(client, Presence.make(("ka", "")))

    @hears("logout")
    def log_out(self, client: Client, message: Message) -> Acts:
        yield from self.left(client)
        yield Close(client, "logged out")

    @hears(OPAQUE)
    def unreadable(self, client: Client, message: Message) -> Acts:
        """Padding between messages means nothing; anything else ends the connection."""
        if message.encode().strip(b"\0\t\r\n "):
            yield Say(client, error(1, "That cannot be read.", fatal=True))
            yield Close(client, "a message cannot be read")

    @hears("quiet")
    def be_quiet(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        seat = self.seat(client)
        before, seat.quiet = seat.quiet, number(value(message, "quiet"))
        yield from self.catch_up(client, seat, profile, before & ~seat.quiet)
        yield from self.spread(profile)  # how quiet it is, is part of a status

    @hears("getprofile")
    def get_profile(self, client: Client, message: Message) -> Acts:
        mine, acts = self.session(client, message)
        yield from acts
        if mine is None:
            return
        profile = self.people.profiles.get(number(value(message, "profileid")))
        if profile is None:
            yield Say(client, error(GETPROFILE, "There is no such profile.", message))
            return
        yield Say(client, described(self.people, profile, mine, value(message, "id", 12)))

    @hears("updatepro")
    def update_profile(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        nick = value(message, "nick", 30)
        unique = value(message, "uniquenick", 30)
        known = self.people.nick(self.people.account_of(profile), nick) if nick else None
        taken = self.people.unique(profile.namespace, unique) if unique else None
        if known not in (None, profile) or taken not in (None, profile):
            yield Say(client, error(UPDATEPRO_NICK, "The nick is taken.", message))
            return
        profile.nick = nick or profile.nick
        if unique:
            self.people.rename(profile, unique, profile.namespace)
        for name in EDITABLE & message.fields().keys():
            profile.about[name] = value(message, name)
        self.people.keep(profile)

    @hears("updateui")
    def update_account(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        account = self.people.account_of(profile)
        email, password = value(message, "email", 50), value(message, "passwordenc")
        other = self.people.account(email) if email else None
        if other not in (None, account):
            yield Say(client, error(UPDATEUI_EMAIL, "The address is taken.", message))
            return
        if password:
            account.password = password
        if email:
            self.people.move(account, email)
        self.people.keep(account)

    @hears("newprofile")
    def new_profile(self, client: Client, message: Message) -> Acts:
        mine, acts = self.session(client, message)
        yield from acts
        if mine is None:
            return
        account, nick = self.people.account_of(mine), value(message, "nick", 30)
        if not nick or self.people.nick(account, nick):
            yield Say(client, error(NEWPROFILE_NICK, "The nick is taken.", message))
            return
        if number(value(message, "replace")):
            profile = self.people.nick(account, value(message, "oldnick"))
            if profile is None:
                yield Say(client, error(NEWPROFILE_OLD, "There is no such nick.", message))
                return
            profile.nick = nick
            self.people.keep(profile)
        else:
            profile = self.people.make_profile(account, nick)
        pairs = (("npr", ""), ("profileid", profile.pid), ("id", value(message, "id", 12)))
        yield Say(client, Presence.make(*pairs))

    @hears("delprofile")
    def drop_profile(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        if len(self.people.account_of(profile).profiles) < 2:
            yield Say(client, error(DELPROFILE_LAST, "It is the last profile.", message))
            return
        yield Say(client, Presence.make(("dpr", ""), ("id", value(message, "id", 12))))
        yield from self.left(client)
        self.people.drop_profile(profile)

    @hears("registernick")
    def register_nick(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        unique = value(message, "uniquenick", 30)
        taken = self.people.unique(profile.namespace, unique)
        if not unique or taken not in (None, profile):
            yield Say(client, error(REGISTERNICK_TAKEN, "The unique nick is taken.", message))
            return
        self.people.rename(profile, unique, profile.namespace)
        yield Say(client, Presence.make(("rn", ""), ("id", value(message, "id", 12))))

    @hears("registercdkey")
    def register_cdkey(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        key = value(message, "cdkeyenc")
        wrong = CDKEY_BAD if not key else CDKEY_SET if profile.cdkey else 0
        if not wrong and any(one.cdkey == key for one in self.people.all()):
            wrong = CDKEY_TAKEN
        if wrong:
            yield Say(client, error(wrong, "The CD key cannot be registered.", message))
            return
        profile.cdkey = key
        self.people.keep(profile)
        yield Say(client, Presence.make(("rc", ""), ("id", value(message, "id", 12))))


def described(people: People, profile: Profile, asker: Profile, operation: str) -> Presence:
    """`pi`: profile id and a signature of 32 characters are never absent (gamespy 2.4)."""
    account = people.account_of(profile)
    pairs: list[tuple[str, object]] = [
        ("pi", ""),
        ("profileid", profile.pid),
        ("nick", profile.nick),
        ("userid", account.userid),
        ("email", account.email if asker.email == profile.email else ""),
        ("sig", people.signature(profile.pid, profile.pid)),
        ("uniquenick", profile.uniquenick),
        ("pid", 0),
    ]
    pairs += [(name, text) for name, text in sorted(profile.about.items())]
    return Presence.make(*pairs, *([("id", operation)] if operation else []))


RULES = GamespyPresence
