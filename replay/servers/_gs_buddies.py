"""Buddies at GameSpy's presence server: requests, lists, messages (gamespy 2.3, 2.4).

A buddy list is one-sided: who has somebody on it is told how that one is.
"""

from __future__ import annotations

from proxy.message import Message
from proxy.protocols.gamespy_presence import Presence
from replay.servers._gs_login import OLD_BUDDIES, error
from replay.servers._gs_people import MOST_WAITING, Profile, number, value
from replay.servers._gs_status import AUTHORISED, MESSAGE, NO_LIST, REVOKED, UTM, StatusRules
from replay.standin.rules import Acts, Say, hears
from replay.standin.world import Client

INVITE = 101
OLD_REVOKES = 2
"""Bit of `sdkrevision`: a revocation comes as `bm` 6."""
LONGEST_TEXT = 1400
PASSED_ON = frozenset((MESSAGE, UTM, 102, 103, 104, 105, *range(200, 209)))
"""Types of `bm` that a client may send to another."""
BM_KIND = 0x902
"""The type of a message is none that clients send."""
ADDBUDDY = {"new": 0x602, "already": 0x603, "blocked": 0x604, "blocking": 0x605}
AUTHADD_FROM, AUTHADD_SIGNATURE, AUTHADD_BLOCKED, AUTHADD_BLOCKING = range(0x701, 0x705)
BM_NO_BUDDY, BM_OFFLINE = 0x901, 0x903
DELBUDDY, REVOKE, ADDBLOCK, REMOVEBLOCK = 0xB01, 0xF01, 0x1201, 0x1301
AGREES = "I have authorized your request to add me to your list"


class BuddyRules(StatusRules):
    """Who knows whom, and what they tell each other."""

    # the list

    @hears("addbuddy")
    def add_buddy(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        pid = number(value(message, "newprofileid"))
        buddy = self.people.profiles.get(pid)
        wrong = None
        if buddy is None or pid == profile.pid:
            wrong = "new"
        elif pid in profile.buddies:
            wrong = "already"
        elif profile.pid in buddy.blocked:
            wrong = "blocked"
        elif pid in profile.blocked:
            wrong = "blocking"
        if wrong or buddy is None:
            yield Say(client, error(ADDBUDDY[wrong or "new"], f"No buddy: {wrong}.", message))
            return
        reason = value(message, "reason", LONGEST_TEXT)
        if str(profile.pid) in buddy.asked or len(buddy.asked) < MOST_WAITING:
            buddy.asked[str(profile.pid)] = reason
            self.people.keep(buddy)
        other = self.people.here.get(pid)
        if other is not None and not self.seat(other).quiet & NO_LIST:
            yield self.request(other, profile.pid, reason, buddy)

    @hears("authadd")
    def authorise(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        asker = self.people.profiles.get(number(value(message, "fromprofileid")))
        if asker is None or str(asker.pid) not in profile.asked:
            yield Say(client, error(AUTHADD_FROM, "Nobody asked to be a buddy.", message))
            return
        signature = self.people.signature(asker.pid, profile.pid)
        if value(message, "sig") != signature:
            yield Say(client, error(AUTHADD_SIGNATURE, "The signature is wrong.", message))
            return
        if profile.pid in asker.blocked or asker.pid in profile.blocked:
            mine = asker.pid in profile.blocked
            code = AUTHADD_BLOCKING if mine else AUTHADD_BLOCKED
            yield Say(client, error(code, "One of you blocks the other.", message))
            return
        del profile.asked[str(asker.pid)]
        self.people.keep(profile)
        self.people.befriend(asker, profile.pid)
        both = same_time(message)
        if both:
            self.people.befriend(profile, asker.pid)
        other = self.people.here.get(asker.pid)
        if other is None or self.seat(other).revision & OLD_BUDDIES:
            text = f"{AGREES}|signed|{signature}"
            yield from self.send(asker, AUTHORISED, profile.pid, text)[1]
        if other is not None:
            yield from self.tell_status(other, profile.pid)
        if both:
            yield from self.tell_status(client, asker.pid)

    @hears("delbuddy")
    def drop_buddy(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        if not self.people.unfriend(profile, number(value(message, "delprofileid"))):
            yield Say(client, error(DELBUDDY, "That is no buddy.", message))

    @hears("revoke")
    def revoke(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        other = self.people.profiles.get(number(value(message, "profileid")))
        if other is None or not self.people.unfriend(other, profile.pid):
            yield Say(client, error(REVOKE, "You are not on that list.", message))
            return
        there = self.people.here.get(other.pid)
        if there is None or self.seat(there).revision & OLD_REVOKES:
            signature = self.people.signature(profile.pid, other.pid)
            yield from self.send(other, REVOKED, profile.pid, f"|signed|{signature}")[1]

    @hears("addblock", "removeblock")
    def block(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        adds, pid = message.kind == "addblock", number(value(message, "profileid"))
        known = pid in self.people.profiles and pid != profile.pid
        if not known or (pid in profile.blocked) is adds:
            code = ADDBLOCK if adds else REMOVEBLOCK
            yield Say(client, error(code, "That cannot be blocked or unblocked.", message))
            return
        (profile.blocked.append if adds else profile.blocked.remove)(pid)
        self.people.keep(profile)
        other = self.people.here.get(pid)
        if other is not None and profile.pid in self.people.profiles[pid].buddies:
            yield from self.tell_status(other, profile.pid, gone=True)

    # messages

    @hears("bm")
    def message(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        kind, pid = number(value(message, "bm")), number(value(message, "t"))
        buddy = self.people.profiles.get(pid)
        text = _raw(message, "msg")
        if kind not in PASSED_ON:
            yield Say(client, error(BM_KIND, "Nobody sends messages of that type.", message))
            return
        if buddy is None or not self._know(profile, buddy):
            yield Say(client, error(BM_NO_BUDDY, "That is no buddy.", message))
            return
        if profile.pid in buddy.blocked:
            return
        sent, acts = self.send(buddy, kind, profile.pid, text)
        yield from acts
        if not sent:
            yield Say(client, error(BM_OFFLINE, "The buddy is not here.", message))

    @staticmethod
    def _know(one: Profile, other: Profile) -> bool:
        asked = str(one.pid) in other.asked or str(other.pid) in one.asked
        return asked or other.pid in one.buddies or one.pid in other.buddies

    @hears("pinvite")
    def invite(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is None:
            return
        buddy = self.people.profiles.get(number(value(message, "profileid")))
        if buddy is None or not self._know(profile, buddy):
            yield Say(client, error(BM_NO_BUDDY, "That is no buddy.", message))
            return
        other = self.people.here.get(buddy.pid)
        if other is None:
            yield Say(client, error(BM_OFFLINE, "The buddy is not here.", message))
        elif profile.pid not in buddy.blocked:
            place = value(message, "location").replace("|", "/")
            text = f"|p|{number(value(message, 'productid'))}|l|{place}"
            yield self.bm(other, INVITE, profile.pid, text)

    @hears("inviteto")
    def invite_to(self, client: Client, message: Message) -> Acts:
        profile, acts = self.session(client, message)
        yield from acts
        if profile is not None:  # an official server of old answered so (gamespy 2.3)
            listed = ",".join(map(str, profile.buddies))
            yield Say(client, Presence.make(("bdy", len(profile.buddies)), ("list", listed)))


def same_time(message: Message) -> bool:
    """Whether both become buddies at once (`autoSync`, since 2012)."""
    return value(message, "autoSync").lower() == "true"


def _raw(message: Message, name: str) -> str:
    """A value as it stands on the wire, whatever it is shown as."""
    found = message.get(name) if name in message.fields() else ""
    return str(found)[:LONGEST_TEXT]
