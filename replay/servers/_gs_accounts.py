"""Making accounts and profiles at GameSpy, by either of two services (gamespy 2.3, 3)."""

from __future__ import annotations

from typing import NamedTuple

from proxy.message import Message
from replay.servers._gs_people import Account, People, Profile, number, value

NEWUSER_NICK, NEWUSER_PASSWORD, NEWUSER_UNIQUENICK, NEWUSER_TAKEN = 0x201, 0x202, 0x203, 0x204
NEWUSER = {
    NEWUSER_NICK: "The nick is taken.",
    NEWUSER_PASSWORD: "The account exists, its password is another one.",
    NEWUSER_UNIQUENICK: "The unique nick is not valid.",
    NEWUSER_TAKEN: "The unique nick is taken.",
}


class Named(NamedTuple):
    """Whom a login names."""

    names: list[str]
    """Of the account, the most exact first."""
    profile: Profile | None
    account: Account | None
    unknown: tuple[int, str]
    """Error code and text for when it is not known."""


class Proved(NamedTuple):
    """What a login proves."""

    who: Named
    right: bytes | None
    """The password that it was made with."""
    proof: str
    """Ours of the same password."""
    known: bool
    """Whether any password is known that could be the one."""
    wrong: tuple[int, str]


def make_user(people: People, message: Message, password: str) -> tuple[int, Profile | None]:
    """A new account or profile: 0 or an error code, and the profile (gamespy 2.3)."""
    email, nick = value(message, "email", 50), value(message, "nick", 30)
    unique, space = value(message, "uniquenick", 30), number(value(message, "namespaceid"))
    account = people.account(email)
    if not nick or not email:
        return NEWUSER_NICK, None
    if account is not None and account.password not in (None, password):
        return NEWUSER_PASSWORD, None
    known = people.nick(account, nick) if account else None
    if known is not None:
        return NEWUSER_NICK, known
    if unique and not unique.isprintable():
        return NEWUSER_UNIQUENICK, None
    taken = people.unique(space, unique) if unique else None
    given = people.given(unique, email, f"{nick}@{email}")
    if taken is not None or given not in (None, password):
        return NEWUSER_TAKEN, taken
    account = account or people.make_account(email, password)
    if account.password is None:
        account.password = password
    return 0, people.make_profile(account, nick, unique, space)
