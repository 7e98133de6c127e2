"""How buddies at GameSpy's presence server are, and who is told (gamespy 2.3, 2.4)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.layouts.given import from_ip, to_ip
from proxy.message import Message
from proxy.protocols.gamespy_presence import Presence
from replay.servers._gs_login import (
    BAD_SESSKEY,
    NEW_STATUS,
    NOT_LOGGED_IN,
    LoginRules,
    Seat,
    error,
)
from replay.servers._gs_people import MOST_WAITING, Profile, value
from replay.standin.rules import Act, Acts, Close, Say, hears
from replay.standin.world import Client

MESSAGE, REQUEST, AUTHORISED, UTM, REVOKED, STATUS = 1, 2, 4, 5, 6, 100
"""Types of `bm`."""
NO_MESSAGES, NO_UTMS, NO_LIST = 1, 2, 4
QUIET = {
    MESSAGE: NO_MESSAGES,
    UTM: NO_UTMS,
    REQUEST: NO_LIST,
    AUTHORISED: NO_LIST,
    REVOKED: NO_LIST,
}
"""Type of `bm` -> the bit of `quiet` that suppresses it (gamespy 2.2)."""
WAIT = frozenset((MESSAGE, AUTHORISED, REVOKED))
"""Types that wait for a player who is away or wants to be left alone; requests do so anyway."""
QUIET_NO_MORE = -1
STATUS_BAD = 0x800
BSI = {
    "hostip": "hostIp",
    "hprivip": "hprivIp",
    "qport": "qport",
    "hport": "hport",
    "sessflags": "sessflags",
    "rstatus": "richStatus",
    "gameType": "gameType",
    "gameVnt": "gameVariant",
    "gameMn": "gameMapName",
}
"""Field of `bsi` -> field of `statusinfo`; none of them may be absent (gamespy 2.4)."""


class StatusRules(LoginRules):
    """Who is here, and how."""

    def session(self, client: Client, message: Message) -> tuple[Profile | None, list[Act]]:
        """Who says something; None, and what to answer, when its session key is not its own."""
        seat = self.seat(client)
        if seat.profile is None:
            text = "You are not logged in."
            refusal = error(NOT_LOGGED_IN, text, message, fatal=True)
            return None, [Say(client, refusal), Close(client, text)]
        if value(message, "sesskey") != str(seat.sesskey):
            return None, [Say(client, error(BAD_SESSKEY, "The session key is wrong.", message))]
        return seat.profile, []

    # coming and going

    def arrived(self, client: Client, seat: Seat, profile: Profile) -> Iterator[Act]:
        yield from self.catch_up(client, seat, profile, QUIET_NO_MORE)
        for pid in profile.buddies:
            yield from self.tell_status(client, pid)

    def catch_up(self, client: Client, seat: Seat, profile: Profile, ended: int) -> Iterator[Act]:
        """What has waited: of the types whose bits of `quiet` have `ended`."""
        wanted = {kind for kind, bit in QUIET.items() if bit & ended and not bit & seat.quiet}
        if REQUEST in wanted:
            for asker, reason in list(profile.asked.items()):
                yield self.request(client, int(asker), reason, profile)
        waiting = profile.waiting
        profile.waiting = [one for one in waiting if one[0] not in wanted]
        for kind, sender, when, text in waiting:
            if kind in wanted:
                yield self.bm(client, kind, sender, text, when)
        if len(profile.waiting) < len(waiting):
            self.people.keep(profile)

    def send(self, to: Profile, kind: int, sender: int, text: str) -> tuple[bool, list[Act]]:
        """A message to a player: whether it arrives or waits, and the acts."""
        other = self.people.here.get(to.pid)
        if other is not None and not self.seat(other).quiet & QUIET.get(kind, 0):
            return True, [self.bm(other, kind, sender, text)]
        if kind in WAIT and len(to.waiting) < MOST_WAITING:
            to.waiting.append([kind, sender, self.world.seconds, text])
            self.people.keep(to)
            return True, []
        return other is not None, []  # who is quiet does not say so

    def left(self, client: Client) -> Iterator[Act]:
        seat = self.seat(client)
        profile, seat.profile = seat.profile, None
        if profile is not None and self.people.here.get(profile.pid) is client:
            del self.people.here[profile.pid]
            yield from self.spread(profile)

    def spread(self, profile: Profile) -> Iterator[Act]:
        """Tell everybody who has a profile as a buddy how it is now."""
        for fan in self.people.fans(profile.pid):
            client = self.people.here.get(fan.pid)
            if client is not None:
                yield from self.tell_status(client, profile.pid, gone=True)

    def tell_status(self, client: Client, pid: int, *, gone: bool = False) -> Iterator[Act]:
        """How a buddy is, in the form that this client knows; nothing of who was never here."""
        other = self.people.here.get(pid)
        mine = self.seat(client).profile
        buddy = self.people.profiles.get(pid)
        hidden = buddy is None or (mine is not None and mine.pid in buddy.blocked)
        seat = self.seat(other) if other and not hidden else Seat("")
        if seat.status[0] == "0" and not seat.info and not gone:
            return
        address = other.address[0] if other else "0.0.0.0"  # noqa: S104 - the address of nobody
        make = self._bsi if self.seat(client).revision & NEW_STATUS else self._bm_status
        yield Say(client, make(pid, seat, address))

    @staticmethod
    def _bm_status(pid: int, seat: Seat, address: str) -> Presence:
        code, text, place = (one.replace("|", "/") for one in seat.status)
        ip = int.from_bytes(_packed(address), "big")
        facts = f"|s|{code}|ss|{text}|ls|{place}|ip|{ip}|p|{seat.port}|qm|{seat.quiet}"
        return Presence.make(("bm", STATUS), ("f", pid), ("msg", facts))

    @staticmethod
    def _bsi(pid: int, seat: Seat, address: str) -> Presence:
        info = seat.info
        facts: list[tuple[str, object]] = [
            ("bsi", ""),
            ("state", info.get("state", seat.status[0])),
        ]
        facts += [("profile", pid), ("bip", to_ip(_packed(address)))]
        facts += [("bport", seat.port)]
        for name, said in BSI.items():
            default = seat.status[1] if name == "rstatus" else "" if name[0] == "g" else "0"
            facts.append((name, info.get(said, default)))
        return Presence.make(*facts, ("product", seat.product), ("qmodeflags", seat.quiet))

    @hears("status")
    def set_status(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        if profile is None:
            return acts
        seat = self.seat(client)
        code = value(message, "status", 12) or "0"
        if not code.removeprefix("-").isdecimal():
            return [Say(client, error(STATUS_BAD, "That is no status.", message))]
        seat.status = code, value(message, "statstring"), value(message, "locstring")
        seat.info = {}
        return self.spread(profile)

    @hears("statusinfo")
    def set_info(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        if profile is None:
            return acts
        seat = self.seat(client)
        state = value(message, "state") or value(message, "statusinfo") or "0"
        seat.info = {name: value(message, name) for name in BSI.values()} | {"state": state}
        seat.status = state, seat.info["richStatus"], seat.info["gameType"]
        return self.spread(profile)

    # what others may say

    def request(self, client: Client, asker: int, reason: str, asked: Profile) -> Act:
        signature = self.people.signature(asker, asked.pid)
        return self.bm(client, REQUEST, asker, f"{reason}|signed|{signature}")

    def bm(self, client: Client, kind: int, sender: int, text: str, date: int | None = None) -> Act:
        when = self.world.seconds if date is None else date
        pairs = (("bm", kind), ("f", sender), ("date", when), ("msg", text))
        return Say(client, Presence.make(*pairs))


def _packed(address: str) -> bytes:
    try:
        return from_ip(address)
    except ValueError:
        return bytes(4)
