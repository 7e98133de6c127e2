"""Accounts in GameSpy's chat: logins by unique nick, by profile, by token; CD keys (gamespy 9).

The accounts are those of the presence server. No proof goes back to the client, so that whoever has
no account yet gets one, unless the user has said who may come in.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5

from proxy.message import Message
from proxy.protocols.gamespy_chat import ChatLine
from replay.servers._gs_chat import FEW_PARAMS, NICK_LENGTH, SERVER, User, good_nick
from replay.servers._gs_chat_keys import KeyRules
from replay.servers._gs_people import TOKENS, Account, People, Profile, number
from replay.standin.rules import Act, Acts, Note, Say, hears
from replay.standin.world import Client

LOGIN_FAILED, NO_UNIQUE_NICK, NICK_REFUSED = "708", "709", "711"


class AccountRules(KeyRules):
    """Who somebody is."""

    @property
    def people(self) -> People:
        """Everybody who has an account."""
        return self.world.shared(People)

    @hears("LOGIN")
    def log_in(self, client: Client, message: ChatLine) -> Acts:
        user, params = self.user(client), message.params
        if len(params) < 3 or (params[1] == "*" and len(params) < 4):
            yield self.error(user, FEW_PARAMS, "LOGIN")
            return
        space, unique, hashed = number(params[0]), params[1], params[2].lower()
        if unique == "*":
            nick, _, email = params[3].partition("@")
            account = self.people.account(email)
            profile = self.people.nick(account, nick) if account else None
            names = [params[3], email, nick]
        else:
            nick, email, account = unique, f"{unique}@gamespy.invalid", None
            profile = self.people.unique(space, unique)
            names = [unique]
        if profile is not None:
            account = self.people.account_of(profile)
            names.append(account.email)
        passwords = self._known(client, names, account)
        right = [_hashed(one) for one in passwords]
        free = self.world.accounts is None and not passwords
        if hashed not in right and not free:
            yield from self._refuse(user, f"the password of {names[0]} is wrong or not known")
            return
        if profile is None:
            profile = self._adopt(email, nick, "" if unique == "*" else unique, space)
        yield from self._logged_in(user, profile)

    def _known(self, client: Client, names: list[str], account: Account | None) -> list[str]:
        """Passwords of an account; what a client has told elsewhere is only a hint, not used."""
        given = self.people.given(*names)
        if given is not None:
            return [given]
        known = account.password if account is not None else None
        return [known] if known is not None else []

    @hears("LOGINPREAUTH")
    def log_in_by_token(self, client: Client, message: ChatLine) -> Acts:
        user, params = self.user(client), message.params
        if len(params) < 2:
            yield self.error(user, FEW_PARAMS, "LOGINPREAUTH")
            return
        token, response = params[0][:255], params[1]
        given = self.people.given(token)
        wrong = given is not None and response not in (given, _hashed(given))
        if wrong or (given is None and self.world.accounts is not None):
            yield from self._refuse(user, "the token is wrong or not known")
            return
        profile = self.people.unique(TOKENS, token)
        if profile is None:
            profile = self._adopt(f"{token}@gamespy.invalid", token[:NICK_LENGTH], token, TOKENS)
        yield from self._logged_in(user, profile)

    def _adopt(self, email: str, nick: str, unique: str, space: int) -> Profile:
        """The profile of somebody who has none here yet."""
        people, email = self.people, email[:50]
        account = people.account(email) or people.make_account(email, None)
        known = people.nick(account, nick[:30])
        return known or people.make_profile(account, nick[:30], unique[:30], space)

    def _refuse(self, user: User, why: str) -> Iterator[Act]:
        yield Note("refused", why, user.client)
        yield self.says(user, LOGIN_FAILED, "Login failed")

    def _logged_in(self, user: User, profile: Profile) -> Iterator[Act]:
        user.profile = profile
        userid = self.people.account_of(profile).userid
        yield Say(
            user.client, ChatLine(SERVER, "707", (user.nick or "*", str(userid), str(profile.pid)))
        )

    @hears("REGISTERNICK")
    def register_nick(self, client: Client, message: ChatLine) -> Acts:
        user, params = self.user(client), message.params
        unique = params[1][:NICK_LENGTH] if len(params) > 1 else ""
        space = number(params[0]) if params else 0
        taken = self.people.unique(space, unique)
        if user.profile is None or not good_nick(unique) or taken not in (None, user.profile):
            yield self.says(user, NICK_REFUSED, "The unique nick cannot be registered")
            return
        self.people.rename(user.profile, unique, space)
        yield from self._logged_in(user, user.profile)

    @hears("CDKEY")
    def cd_key(self, client: Client, message: Message) -> Acts:
        good = self.option("cdkeys") != "no"
        text = "Authenticated" if good else "The CD key is not valid"
        yield self.says(self.user(client), "706", int(good), text)


def _hashed(password: str) -> str:
    return md5(password.encode("latin-1", "replace"), usedforsecurity=False).hexdigest()
