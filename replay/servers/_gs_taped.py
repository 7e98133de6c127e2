"""GameSpy's presence beside a recording: who plays, and who is only known from it.

The recording logs players in and speaks for those who are not here; between players who are here
the rules speak. So the rules take over from every recorded answer what they must know for that:
the challenge, session key and profile that were told, lists, profiles.
"""

from __future__ import annotations

from proxy.message import Message
from proxy.protocols.gamespy_presence import Presence
from recordings.model import Frame, Key
from replay.servers._gs_buddies import BuddyRules
from replay.servers._gs_login import Tickets
from replay.servers._gs_people import Profile, number, value
from replay.standin.rules import Acts
from replay.standin.world import Client

TO_WHOM = {
    "addbuddy": "newprofileid",
    "authadd": "fromprofileid",
    "delbuddy": "delprofileid",
    "revoke": "profileid",
    "addblock": "profileid",
    "removeblock": "profileid",
    "pinvite": "profileid",
    "getprofile": "profileid",
    "bm": "t",
}
"""Command -> the field that names another player."""
OF_WHOM = {"bm": "f", "bsi": "profile"}
"""Push -> the same."""


class TapedRules(BuddyRules):
    """What is asked of rules beside a recording."""

    beside = True

    def claims(self, client: Client, message: Message) -> bool:
        if message.kind == "login":
            return self._must_refuse(client, message)
        mine, other = self.seat(client).profile, TO_WHOM.get(message.kind)
        pid = number(value(message, other)) if other else 0
        return pid in self.people.came and (mine is None or pid != mine.pid)

    def tells(self, client: Client, message: Message) -> bool:
        field = OF_WHOM.get(message.kind)
        return field is not None and number(value(message, field)) in self.people.came

    def _must_refuse(self, client: Client, message: Message) -> bool:
        """Whether nobody can prove a login; a password that can is made known to the flow."""
        proved = self.proved(client, message)
        if proved.right is None or value(message, "lt"):
            return not value(message, "lt")
        client.keys.learn(Key("gp.password", proved.right))
        return False

    def revises(self, client: Client, message: Message) -> Message:
        if message.kind != "lc" or value(message, "lc") != "2":
            return message
        profile = self._who(client, message)
        if profile is None or value(message, "profileid") == str(profile.pid):
            return message
        userid = self.people.account_of(profile).userid
        return message.set("profileid", str(profile.pid)).set("userid", str(userid))

    def _who(self, client: Client, message: Message) -> Profile | None:
        """Whose login a recorded answer is about: a player who was here, else a new one."""
        asked = _asked(client)
        if asked is None or asked.kind != "login":
            return None
        unique, user = value(asked, "uniquenick"), value(asked, "user")
        unique = unique or value(asked, "authtoken")
        profile = self.named(asked).profile
        pid = number(value(message, "profileid"))
        if profile is None and not unique and not user:  # by a ticket: whoever was recorded
            profile = self.people.profiles.get(pid)
            unique = value(message, "uniquenick")
        if profile is not None:
            return profile
        if pid in self.people.profiles or not pid:
            pid = self.people.new_id()
        nick, _, email = user.partition("@")
        return self.people.adopt(
            pid,
            email or f"{unique}@gamespy.invalid",
            nick or unique,
            uniquenick=unique or value(message, "uniquenick"),
            namespace=self.space(asked),
            userid=number(value(message, "userid")),
        )

    def told(self, client: Client, message: Message) -> Acts:
        taken = {"lc": self._told_login, "nur": self._told_user, "bdy": self._told_buddies}
        taken |= {"pi": self._told_profile, "blk": self._told_buddies}
        take = taken.get(message.kind)
        return () if take is None else take(client, message)

    def _told_login(self, client: Client, message: Message) -> Acts:
        seat = self.seat(client)
        if value(message, "lc") == "1":
            seat.challenge = value(message, "challenge")
            return
        profile, asked = self._who(client, message), _asked(client)
        if profile is None or asked is None:
            return
        other = self.people.here.get(profile.pid)
        if other is not None and other is not client:
            yield from self.kick(other)
        listed, seat.listed = seat.listed, {}
        profile.buddies = [*dict.fromkeys((*profile.buddies, *listed.get("bdy", ())))]
        profile.blocked = [*dict.fromkeys((*profile.blocked, *listed.get("blk", ())))]
        self.sit(client, seat, profile, asked)
        seat.sesskey = number(value(message, "sesskey"))
        self.world.shared(Tickets)[value(message, "lt")] = profile.pid
        yield from self.arrived(client, seat, profile)

    def _told_buddies(self, client: Client, message: Message) -> Acts:
        pids = [number(one) for one in value(message, "list", 12_000).split(",") if one]
        if self.seat(client).profile is None:
            self.seat(client).listed[message.kind] = pids[:1000]
        return ()

    def _told_user(self, client: Client, message: Message) -> Acts:
        asked = _asked(client)
        pid, email = number(value(message, "profileid")), value(asked, "email") if asked else ""
        if asked is None or pid in self.people.profiles or not email:
            return ()
        self.people.adopt(
            pid,
            email,
            value(asked, "nick", 30),
            uniquenick=value(asked, "uniquenick", 30),
            namespace=self.space(asked),
            userid=number(value(message, "userid")),
            password=value(asked, "passwordenc"),
        )
        return ()

    def _told_profile(self, client: Client, message: Message) -> Acts:
        """A recorded player: known, so that he can be put on lists and be searched for."""
        pid = number(value(message, "profileid"))
        if pid and pid not in self.people.profiles:
            nick, unique = value(message, "nick", 30), value(message, "uniquenick", 30)
            email = value(message, "email", 50) or f"{pid}@gamespy.invalid"
            self.people.adopt(pid, email, nick or unique, uniquenick=unique)
        return ()


def _asked(client: Client) -> Presence | None:
    """What the client said last: a recorded answer is about that."""
    frame: Frame | None = client.frame
    return None if frame is None else Presence.parse(frame.clear)
