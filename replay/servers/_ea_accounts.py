"""Accounts and personas of an EA lobby (ea-lobby 3)."""

from __future__ import annotations

from proxy.message import Message
from replay.servers._ea import PERSONA_LENGTH, PERSONAS, make, same, value
from replay.servers._ea_buddy import BuddyRules
from replay.standin.rules import Acts, Note, Say, hears
from replay.standin.world import Client

NO_MATCH = "imst"
"""Ident: there is no such account or persona."""


class AccountRules(BuddyRules):
    """Who may come in, and under which names."""

    @hears("auth")
    def log_in(self, client: Client, message: Message) -> Acts:
        name = value(message, "NAME", 63)
        known = self.lounge.account(name)
        password = value(message, "PASS")
        if not name or not self._accepts(name, password, known):
            listed = name in (self.world.accounts or {})
            wrong = listed or bool(known and known.get("password"))
            whose = "--accounts" if listed else "the account"
            why = f"the password is not that of {whose}" if wrong else "not in --accounts"
            yield Note("refused", f"{name or 'nobody'}: {why}", client)
            yield Say(client, make("auth", ident="pass" if wrong else NO_MATCH))
            return
        known = self.lounge.write_account(name)
        player = self.lounge.player(client)
        player.account, client.name = name, client.name or name
        facts = {
            "NAME": known["name"],
            "ADDR": client.address[0],
            "PERSONAS": ",".join(known["personas"][:PERSONAS]),
            "MAIL": known.get("mail", ""),
            "SPAM": known.get("spam", "NN"),
            "TOS": 1,
        }
        yield Say(client, make("auth", facts))

    def stays_out(self, client: Client, message: Message) -> bool:
        """Whether the user's accounts let nobody in by that, whatever a recording says to it."""
        if self.world.accounts is None:
            return False
        if message.kind == "auth":
            name, password = value(message, "NAME", 63), value(message, "PASS")
            return not self._accepts(name, password, self.lounge.account(name))
        return message.kind == "pers" and not self._may_play(client, value(message, "PERS", 63))

    def _may_play(self, client: Client, persona: str) -> bool:
        """Whether a persona is the client's to play; where passwords count, another's is not."""
        if self.world.accounts is None:
            return True
        account = self.lounge.player(client).account
        owner = (self.lounge.persona(persona) or {}).get("account", account)
        return bool(account) and same(str(owner)) == same(account)

    def _accepts(self, name: str, password: str, known: dict[str, object] | None) -> bool:
        if self.world.accounts is None or self.world.accepts(name, password):
            return True
        return bool(known and known.get("password") and known["password"] == password)

    @hears("acct")
    def make_account(self, client: Client, message: Message) -> Acts:
        name = value(message, "NAME", 16)
        taken = self.lounge.account(name) or name in (self.world.accounts or {})
        if not name or taken:
            yield Say(client, make("acct", ident="dupl" if taken else "inam"))
            return
        known = self.lounge.write_account(
            name,
            password=value(message, "PASS"),
            mail=value(message, "MAIL", 64),
            spam=value(message, "SPAM", 2),
        )
        facts = {"NAME": name, "PERSONAS": ",".join(known["personas"]), "AGE": 21}
        yield Say(client, make("acct", facts))

    @hears("edit", "pass")
    def change_account(self, client: Client, message: Message) -> Acts:
        account, name = self.lounge.player(client).account, value(message, "NAME", 16)
        known = self.lounge.account(name)
        if not account and not self._accepts(name, value(message, "PASS"), known):
            yield Say(client, make(message.kind, ident=NO_MATCH))
            return
        name = account or name
        asked = {"password": "PASS", "mail": "MAIL", "spam": "SPAM"}
        given = {key: value(message, field, 64) for key, field in asked.items()}
        if name:
            self.lounge.write_account(name, **{key: one for key, one in given.items() if one})
        yield Say(client, make(message.kind))

    @hears("cper")
    def make_persona(self, client: Client, message: Message) -> Acts:
        name = value(message, "PERS", PERSONA_LENGTH)
        account = self.lounge.player(client).account
        if not name or not account or self.lounge.persona(name):
            yield Say(client, make("cper", ident="dupl" if name and account else NO_MATCH))
            return
        known = self.lounge.account(account) or self.lounge.write_account(account)
        self.lounge.write_account(account, personas=[*known["personas"], name])
        yield Say(client, make("cper", {"PERS": name, "NAME": account}))

    @hears("dper")
    def drop_persona(self, client: Client, message: Message) -> Acts:
        name = value(message, "PERS", PERSONA_LENGTH)
        account = self.lounge.player(client).account
        known = self.lounge.account(account) or {"personas": []}
        left = [one for one in known["personas"] if same(one) != same(name)]
        if len(left) == len(known["personas"]):
            yield Say(client, make("dper", ident=NO_MATCH))
            return
        self.lounge.write_account(account, personas=left)
        self.lounge.drop_persona(name)
        yield Say(client, make("dper", {"PERS": name, "NAME": account}))
