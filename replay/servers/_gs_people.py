"""The people of GameSpy's presence and search: accounts, profiles, buddies (gamespy 2, 3).

An account is an e-mail address with a password and profiles; a profile has a nick, a unique nick
within its namespace, and lists of buddies and of blocked players. All of it is one shelf,
`gamespy`, that both services share and that outlives the run with `--keep-state`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from hashlib import md5
from typing import Any

from proxy.layouts.keyvalue_stream import passwords
from proxy.message import Message
from replay.standin.world import Client, World

FIRST_ID = 100_000
BESIDE = 1_000_000_000
"""The same beside a recording, which has ids of its own."""
TOKENS = -1
"""The namespace of partners' tokens."""
LONGEST = 255
"""Characters of a value that is kept."""
MOST_BUDDIES = 1000
MOST_SEEN = 64
"""Passwords of a recording that are tried for one login."""
MOST_DELETED = 20
MOST_WAITING = 100
"""Messages and requests that wait for a player who is away."""
_EDITABLE = (
    "firstname lastname icquin homepage zipcode countrycode birthday sex pmask aim pic occ ind inc "
    "mar chc i1 o1 conn lon lat loc"
)
EDITABLE = frozenset(_EDITABLE.split())
"""What `updatepro` may set besides nick and unique nick (gamespy 2.3, 2.4)."""


def value(message: Message, name: str, limit: int = LONGEST) -> str:
    """A field as text, cut to a limit; empty where the message does not have it."""
    found = message.fields().get(name)
    return str(found)[:limit] if isinstance(found, (str, int)) else ""


def number(text: object) -> int:
    """A whole number as the makers read it; 0 for what is none."""
    digits = str(text)[:12]
    plain = digits.removeprefix("-")
    return int(digits) if plain.isascii() and plain.isdigit() else 0


def same(name: str) -> str:
    """What names are compared by."""
    return name.lower()


@dataclass(slots=True)
class Profile:
    """One profile, as it stands on the shelf."""

    pid: int
    email: str
    nick: str
    uniquenick: str = ""
    namespace: int = 0
    about: dict[str, str] = field(default_factory=dict)
    buddies: list[int] = field(default_factory=list)
    blocked: list[int] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    """Profile id of who asks to be a buddy -> why."""
    waiting: list[list[Any]] = field(default_factory=list)
    """Type, sender, time and text of messages that came while it was away."""
    cdkey: str = ""


@dataclass(slots=True)
class Account:
    """One e-mail address."""

    email: str
    password: str | None
    """None: not known yet."""
    userid: int
    profiles: list[int] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    """Nicks of profiles that there were."""


class People:
    """Everybody who has an account."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shelf = world.shelf("gamespy")
        self.here: dict[int, Client] = {}
        """Profile id -> who is logged in with it."""
        self.came: set[int] = set()
        """Profiles of players who have come in this run: not only known from a recording."""
        self.accounts: dict[str, Account] = {}
        self.profiles: dict[int, Profile] = {}
        self._unique: dict[tuple[int, str], int] = {}
        self._fans: dict[int, set[int]] = {}
        self._next = BESIDE if world.recorded else FIRST_ID
        self._secret = f"{world.random.getrandbits(64):x}"
        for key in self.shelf:
            self._load(key, self.shelf[key])

    def _load(self, key: str, kept: Any) -> None:
        if key.startswith("account:"):
            account = Account(**kept)
            self.accounts[same(account.email)] = account
            self._next = max(self._next, account.userid + 1)
        elif key.startswith("profile:"):
            profile = Profile(**kept)
            self._index(profile)
            self._next = max(self._next, profile.pid + 1)
        elif key == "secret":
            self._secret = str(kept)

    def _index(self, profile: Profile) -> None:
        self.profiles[profile.pid] = profile
        if profile.uniquenick:
            self._unique[profile.namespace, same(profile.uniquenick)] = profile.pid
        for pid in profile.buddies:
            self._fans.setdefault(pid, set()).add(profile.pid)

    def new_id(self) -> int:
        """A number that nobody has."""
        self._next += 1
        return self._next - 1

    # keeping

    def keep(self, *changed: Account | Profile) -> None:
        """Write what was changed."""
        for one in changed:
            name = f"account:{same(one.email)}"
            if isinstance(one, Profile):
                name = f"profile:{one.pid}"
            self.shelf[name] = asdict(one)

    def make_account(self, email: str, password: str | None) -> Account:
        """A new account; the address must be free."""
        account = Account(email, password, self.new_id())
        self.accounts[same(email)] = account
        self.keep(account)
        return account

    def make_profile(
        self, account: Account, nick: str, uniquenick: str = "", namespace: int = 0
    ) -> Profile:
        """A new profile of an account; the unique nick must be free."""
        profile = Profile(self.new_id(), account.email, nick, uniquenick, namespace)
        account.profiles.append(profile.pid)
        self._index(profile)
        self.keep(profile, account)
        return profile

    def adopt(self, pid: int, email: str, nick: str, **more: Any) -> Profile:
        """A profile as a recording has it; its account is made where that is not known."""
        userid = more.pop("userid", 0) or self.new_id()
        password = more.pop("password", None)
        account = self.account(email)
        if account is None:
            account = self.accounts[same(email)] = Account(email, password, userid)
        profile = Profile(pid, account.email, nick, **more)
        account.profiles.append(pid)
        self._index(profile)
        self.keep(account, profile)
        return profile

    def drop_profile(self, profile: Profile) -> None:
        """Delete a profile; nobody has it as a buddy any more."""
        account = self.account_of(profile)
        account.profiles.remove(profile.pid)
        account.deleted = [*account.deleted[-MOST_DELETED:], same(profile.nick)]
        self._unique.pop((profile.namespace, same(profile.uniquenick)), None)
        for fan in self.fans(profile.pid):
            self.unfriend(fan, profile.pid)
        for pid in profile.buddies:
            self._fans.get(pid, set()).discard(profile.pid)
        del self.profiles[profile.pid]
        self.shelf.pop(f"profile:{profile.pid}", None)
        self.keep(account)

    def rename(self, profile: Profile, uniquenick: str, namespace: int) -> None:
        """Another unique nick, which must be free."""
        self._unique.pop((profile.namespace, same(profile.uniquenick)), None)
        profile.uniquenick, profile.namespace = uniquenick, namespace
        self._index(profile)
        self.keep(profile)

    def move(self, account: Account, email: str) -> None:
        """Another e-mail address, which must be free."""
        del self.accounts[same(account.email)]
        self.shelf.pop(f"account:{same(account.email)}", None)
        account.email = email
        self.accounts[same(email)] = account
        for pid in account.profiles:
            self.profiles[pid].email = email
            self.keep(self.profiles[pid])
        self.keep(account)

    # finding

    def account_of(self, profile: Profile) -> Account:
        """Whose profile it is."""
        return self.accounts[same(profile.email)]

    def account(self, email: str) -> Account | None:
        """By e-mail address."""
        return self.accounts.get(same(email))

    def unique(self, namespace: int, uniquenick: str) -> Profile | None:
        """By unique nick."""
        pid = self._unique.get((namespace, same(uniquenick)))
        return None if pid is None else self.profiles[pid]

    def nick(self, account: Account, nick: str) -> Profile | None:
        """By nick, among the profiles of an account."""
        for pid in account.profiles:
            if same(self.profiles[pid].nick) == same(nick):
                return self.profiles[pid]
        return None

    def fans(self, pid: int) -> list[Profile]:
        """Who has a profile as a buddy."""
        return [self.profiles[one] for one in sorted(self._fans.get(pid, ()))]

    def all(self) -> Iterator[Profile]:
        """Every profile."""
        return iter(self.profiles.values())

    # buddies

    def befriend(self, profile: Profile, pid: int) -> None:
        """Put somebody on a profile's list."""
        if pid not in profile.buddies and len(profile.buddies) < MOST_BUDDIES:
            profile.buddies.append(pid)
            self._fans.setdefault(pid, set()).add(profile.pid)
            self.keep(profile)

    def unfriend(self, profile: Profile, pid: int) -> bool:
        """Take somebody off a profile's list; whether it was there."""
        if pid not in profile.buddies:
            return False
        profile.buddies.remove(pid)
        self._fans.get(pid, set()).discard(profile.pid)
        self.keep(profile)
        return True

    def signature(self, first: int, second: int) -> str:
        """32 characters by which an authorisation is known again (gamespy 2.4)."""
        if "secret" not in self.shelf:
            self.shelf["secret"] = self._secret
        text = f"{self._secret}:{first}:{second}".encode()
        return md5(text, usedforsecurity=False).hexdigest()

    # passwords

    def given(self, *names: str) -> str | None:
        """The password that the user's accounts give one of these names."""
        known = self.world.accounts or {}
        for name in filter(None, names):
            found = known.get(name, known.get(_wide(name)))
            if found is not None:
                return found.encode().decode("latin-1")
        return None

    def passwords(self, client: Client, names: Iterable[str], account: Account | None) -> list[str]:
        """Every password that may be the one of a login, the likeliest first."""
        given = self.given(*names)
        if given is not None:
            return [given]
        if account is not None and account.password is not None:
            return [account.password]
        if self.world.accounts is not None:
            return []
        seen = [*passwords(client.keys, "gp.password")]
        seen += self.world.recorded_keys.get("gp.password", ())[:MOST_SEEN]
        return [one.decode("latin-1") for one in seen]


def _wide(name: str) -> str:
    """A name as people write it, where the wire has UTF-8."""
    return name.encode("latin-1", "replace").decode("utf-8", "replace")
