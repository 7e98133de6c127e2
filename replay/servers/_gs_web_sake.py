"""The record store of GameSpy's web services, SAKE (gamespy 12).

A player is known by the ticket that the presence server gave (`lt`). A certificate names a profile
too, but only who holds the makers' private key can sign one: it counts where the user asked for
unsigned logins, and where a recorded login was played. Filters are read, never executed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import md5

from proxy.ciphers.gamespy_secrets import SAMPLE_SECRETS
from replay.servers._gs_filter import FilterError, read_filter
from replay.servers._gs_login import Tickets
from replay.servers._gs_web import Call, WebBase, tag, whole
from replay.servers._gs_web_values import ZEROS, fits, in_order
from replay.servers._gs_web_vault import Record, Vault
from replay.standin.rules import Act, Acts, hears
from replay.standin.world import Client

SPACE = "http://gamespy.net/sake"
SUCCESS, SECRET_WRONG, UNAVAILABLE = "Success", "SecretKeyInvalid", "DatabaseUnavailable"
TICKET_WRONG, TYPE_WRONG, LIMIT = "LoginTicketInvalid", "FieldTypeInvalid", "RecordLimitReached"
TABLE_WRONG, NOT_FOUND, NOT_OWNED = "TableNotFound", "RecordNotFound", "NotOwned"
RATED, NOT_RATEABLE = "AlreadyRated", "NotRateable"
FILTER_WRONG, SORT_WRONG, TARGET_WRONG = "FilterInvalid", "SortInvalid", "TargetFilterInvalid"

MOST_OWNED = 100
MOST_FIELDS, FIELD_NAME, VALUE = 100, 64, 65_536
MOST_FOUND, MOST_ANSWER = 500, 1 << 20
"""Records, and characters, of one answer."""
TICKET_LENGTH = 24


class Refused(Exception):
    """A result other than success."""


class SakeRules(WebBase):
    """All calls of the record store."""

    @property
    def vault(self) -> Vault:
        """What is kept."""
        return self.world.shared(Vault)

    # who and where

    def _who(self, client: Client, call: Call) -> int:
        """The profile id of the caller."""
        said = call.text("secretKey")
        known = {*self.world.secrets.values(), *SAMPLE_SECRETS.values()}
        if said and self.world.secrets and said not in known:
            raise Refused(SECRET_WRONG)
        ticket = call.text("loginTicket")
        found = self.world.shared(Tickets).get(ticket) if ticket else None
        if found is not None:
            return found
        if call.find("certificate") is not None and self.trusts_certificates():
            return call.number("certificate", "profileid")
        if self.world.recorded and len(ticket) == TICKET_LENGTH:  # of a login that was recorded
            return int(md5(client.address[0].encode(), usedforsecurity=False).hexdigest()[:7], 16)
        raise Refused(TICKET_WRONG)

    def trusts_certificates(self) -> bool:
        """Whether a certificate that nobody can check names the player."""
        return self.world.recorded or self.option("login") == "unsigned"

    def _place(self, call: Call) -> tuple[int, str]:
        table = call.text("tableid")
        if not table or len(table) > FIELD_NAME:
            raise Refused(TABLE_WRONG)
        return call.number("gameid"), table

    def _record(self, call: Call) -> Record:
        found = self.vault.table(*self._place(call)).get(call.number("recordid"))
        if found is None:
            raise Refused(NOT_FOUND)
        return found

    def _mine(self, client: Client, call: Call) -> Record:
        who, record = self._who(client, call), self._record(call)
        if record.ownerid != who:
            raise Refused(NOT_OWNED)
        return record

    def _sake(self, client: Client, call: Call, inner: Iterable[str]) -> Iterator[Act]:
        """Success with what an iterator of elements gives, or the result that it raises."""
        result, text = SUCCESS, ""
        try:
            text = "".join(inner)
        except Refused as refused:
            result = str(refused)
        yield from self.reply(client, call, SPACE, tag(f"{call.kind}Result", result) + text)

    # writing

    @hears("CreateRecord")
    def create(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            who, (game, table) = self._who(client, call), self._place(call)
            fields = self._fields(call, game, table)
            if sum(1 for _ in self.vault.owned(game, table, who)) >= self._most_owned():
                raise Refused(LIMIT)
            record = self.vault.create(game, table, who, fields)
            if record is None:
                raise Refused(LIMIT)
            yield tag("recordid", record.recordid)

        return self._sake(client, call, made())

    @hears("UpdateRecord")
    def update(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            record = self._mine(client, call)
            fields = self._fields(call, record.game, record.table)
            if len(record.fields.keys() | fields.keys()) > MOST_FIELDS:
                raise Refused(LIMIT)
            if not self.vault.update(record, fields, {}):
                raise Refused(LIMIT)
            yield ""

        return self._sake(client, call, made())

    @hears("DeleteRecord")
    def delete(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            self.vault.delete(self._mine(client, call))
            yield ""

        return self._sake(client, call, made())

    @hears("RateRecord")
    def rate(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            who, record = str(self._who(client, call)), self._record(call)
            rating = call.number("rating", default=-1)
            if not 0 <= rating <= 255:
                raise Refused(NOT_RATEABLE)
            if who in record.ratings:
                raise Refused(RATED)
            if not self.vault.update(record, {}, {who: rating}):
                raise Refused(LIMIT)
            yield tag("numRatings", len(record.ratings))
            yield tag("averageRating", f"{record.average:.6g}")

        return self._sake(client, call, made())

    def _most_owned(self) -> int:
        return whole(self.option("records"), MOST_OWNED)

    def _fields(self, call: Call, game: int, table: str) -> dict[str, list[str]]:
        """The values of a call: name -> type and text."""
        found: dict[str, list[str]] = {}
        values = call.find("values")
        for one in values.children if values is not None else ():
            name, value = one.find("name"), one.find("value")
            typed = value.children[0] if value is not None and value.children else None
            held = typed.find("value") if typed is not None else None
            if name is None or typed is None or typed.name not in ZEROS:
                raise Refused(TYPE_WRONG)
            text = call.content(held, VALUE) if held is not None else ""
            wanted = self.vault.kind(game, table, call.content(name, FIELD_NAME))
            if wanted not in (None, typed.name) or not fits(typed.name, text):
                raise Refused(TYPE_WRONG)
            found[call.content(name, FIELD_NAME)] = [typed.name, text]
        if len(found) > MOST_FIELDS:
            raise Refused(LIMIT)
        return found

    # reading

    @hears("SearchForRecords")
    def search(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            who = self._who(client, call)
            found = self._sorted(call, self._found(client, call))
            offset = max(0, call.number("offset"))
            most = min(max(1, call.number("max", default=MOST_FOUND)), MOST_FOUND)
            if call.text("targetfilter", most=4096):
                found = self._around(call, found)
            yield self._values(call, found[offset : offset + most], who)

        return self._sake(client, call, made())

    @hears("GetMyRecords")
    def mine(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            who = self._who(client, call)
            yield self._values(call, list(self.vault.owned(*self._place(call), who)), who)

        return self._sake(client, call, made())

    @hears("GetSpecificRecords")
    def specific(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            who, table = self._who(client, call), self.vault.table(*self._place(call))
            wanted = [whole(one) for one in call.texts("recordids")]
            if any(one not in table for one in wanted):
                raise Refused(NOT_FOUND)
            yield self._values(call, [table[one] for one in wanted], who)

        return self._sake(client, call, made())

    @hears("GetRandomRecords")
    def random(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            who, found = self._who(client, call), self._found(client, call)
            most = min(max(0, call.number("max", default=1)), len(found), MOST_FOUND)
            yield self._values(call, self.world.random.sample(found, most), who)

        return self._sake(client, call, made())

    @hears("GetRecordCount")
    def count(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            self._who(client, call)
            yield tag("count", len(self._found(client, call)))

        return self._sake(client, call, made())

    @hears("GetRecordLimit")
    def limit(self, client: Client, call: Call) -> Acts:
        def made() -> Iterator[str]:
            who = self._who(client, call)
            yield tag("limitPerOwner", self._most_owned())
            yield tag("numOwned", sum(1 for _ in self.vault.owned(*self._place(call), who)))

        return self._sake(client, call, made())

    def _found(self, client: Client, call: Call) -> list[Record]:
        """The records that a filter and a list of owners leave."""
        records = list(self.vault.table(*self._place(call)).values())
        if not self.vault.affords(client.address[0], len(records) + 10):
            raise Refused(UNAVAILABLE)
        owners = {whole(one) for one in call.texts("ownerids")}
        try:
            test = read_filter(call.text("filter", most=4096))
        except FilterError:
            raise Refused(FILTER_WRONG) from None
        return [
            one for one in records if (not owners or one.ownerid in owners) and test(one.facts())
        ]

    def _sorted(self, call: Call, found: list[Record]) -> list[Record]:
        made = in_order(found, call.text("sort"))
        if made is None:
            raise Refused(SORT_WRONG)
        return made

    def _around(self, call: Call, found: list[Record]) -> list[Record]:
        """The first record that the target filter finds, and so many before and behind it."""
        try:
            test = read_filter(call.text("targetfilter", most=4096))
        except FilterError:
            raise Refused(TARGET_WRONG) from None
        place = next((at for at, one in enumerate(found) if test(one.facts())), None)
        near = min(max(0, call.number("surrounding")), MOST_FOUND)
        return [] if place is None else found[max(0, place - near) : place + near + 1]

    def _values(self, call: Call, found: list[Record], who: int) -> str:
        """Records as lists of typed values, in the order of the fields that are asked for."""
        names = call.texts("fields")[:MOST_FIELDS]
        rows, size = [], 0
        for one in found[:MOST_FOUND]:
            cells = "".join(self._cell(one, name, who) for name in names)
            size += len(cells)
            if size > MOST_ANSWER:
                break  # as if fewer had been asked for
            rows.append(f"<ArrayOfRecordValue>{cells}</ArrayOfRecordValue>")
        return f"<values>{''.join(rows)}</values>"

    def _cell(self, one: Record, name: str, who: int) -> str:
        special = {
            "recordid": ("intValue", one.recordid),
            "ownerid": ("intValue", one.ownerid),
            "num_ratings": ("intValue", len(one.ratings)),
            "average_rating": ("floatValue", f"{one.average:.6g}"),
            "my_rating": ("intValue", one.ratings.get(str(who), -1)),
        }
        kind = self.vault.kind(one.game, one.table, name) or "intValue"
        kind, text = special.get(name) or one.fields.get(name) or (kind, ZEROS[kind])
        return f"<RecordValue><{kind}>{tag('value', text)}</{kind}></RecordValue>"
