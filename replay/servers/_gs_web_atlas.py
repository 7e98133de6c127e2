"""Competitions (ATLAS) and logins (AuthService) of GameSpy's web services (gamespy 12).

Reports are kept as they came, with what their head says. A login ends where its certificate would
have to be signed: the client checks an RSA signature by a public key that is compiled into it, and
only the makers had the private one. It is refused, unless the user says that the game does not
check (`--rule gamespy-web.login=unsigned`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import islice
from typing import Any

from proxy.protocols.gamespy_web import AUTH, REPORT, REPORT_MARK
from replay.servers._gs_people import TOKENS, People, Profile
from replay.servers._gs_web import Call, tag
from replay.servers._gs_web_sake import SakeRules
from replay.standin.rules import Act, Acts, Note, hears
from replay.standin.world import Client

COMPETITION = "http://gamespy.net/competition/"
AUTHORISE = "http://gamespy.net/AuthService/"
DONE, REPORT_INVALID = 0, 1
LOGIN_DONE, USER_UNKNOWN, SERVER_FAILED = 0, 2, 7
"""`responseCode` of a login."""
MOST_SESSIONS = 4096
KEY_BYTES = 128
DAY = 86_400
LOGINS = tuple(name for name in AUTH if "Ps3" not in name)


class AtlasRules(SakeRules):
    """Sessions, reports, logins."""

    @property
    def people(self) -> People:
        """Everybody who has an account."""
        return self.world.shared(People)

    def _compete(self, client: Client, call: Call, inner: str) -> Iterator[Act]:
        result = f"<{call.kind}Result>{inner}</{call.kind}Result>"
        return self.reply(client, call, COMPETITION, result)

    def _ident(self) -> str:
        """32 hex digits, in groups."""
        text = self.world.random.randbytes(16).hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    @hears("CreateSession", "CreateMatchlessSession")
    def create_session(self, client: Client, call: Call) -> Acts:
        sessions = self.world.shared(Sessions)
        csid, ccid = self._ident(), self._ident()
        sessions[csid] = {ccid}
        for old in list(islice(sessions, max(0, len(sessions) - MOST_SESSIONS))):
            del sessions[old]
        told = tag("result", DONE) + tag("message", "") + tag("csid", csid) + tag("ccid", ccid)
        return self._compete(client, call, told)

    @hears("SetReportIntention")
    def intend(self, client: Client, call: Call) -> Acts:
        """Another player of a session gets an id of its own; one who has it keeps it."""
        csid, ccid = call.text("csid"), call.text("ccid")
        known = self.world.shared(Sessions).setdefault(csid, set())
        if ccid not in known:
            ccid = self._ident()
            if len(known) < MOST_SESSIONS:
                known.add(ccid)
        told = tag("result", DONE) + tag("message", "") + tag("csid", csid) + tag("ccid", ccid)
        return self._compete(client, call, told)

    @hears("SubmitReport")
    def submit(self, client: Client, call: Call) -> Acts:
        kept = report(call)
        if kept is None:
            yield Note("report", "the report of a match is shorter than it says", client)
            yield from self._compete(client, call, tag("result", REPORT_INVALID))
            return
        kept["at"] = self.world.seconds
        room = self.vault.report(kept)
        size = len(kept["data"]) * 3 // 4
        yield Note("report", f"a match, {size} bytes{'' if room else ', not kept: full'}", client)
        yield from self._compete(client, call, tag("result", DONE))

    @hears("CheckProfileOnBanList")
    def check_ban(self, client: Client, call: Call) -> Acts:
        """Nobody is banned."""
        pid = call.number("profileid") or call.number("HostProfileId")
        platform = call.number("platformid") or call.number("HostPlatformId")
        who = f'<UserConfig ProfileID="{pid}" PlatformID="{platform}" IsBanned="false"/>'
        return self._compete(client, call, tag("result", DONE) + who)

    # logins

    @hears(*LOGINS)
    def log_in(self, client: Client, call: Call) -> Acts:
        profile = self._named(call)
        if profile is None and self.world.accounts is not None:
            return self._authorise(client, call, tag("responseCode", USER_UNKNOWN))
        if self.option("login") != "unsigned":
            return self._refuse(client, call)
        profile = profile or self._adopt(call)
        told = tag("responseCode", LOGIN_DONE) + self._certificate(call, profile)
        private = self.world.random.randbytes(KEY_BYTES).hex()
        return self._authorise(client, call, told + tag("peerkeyprivate", private))

    @hears(*(name for name in AUTH if "Ps3" in name))
    def log_in_ps3(self, client: Client, call: Call) -> Acts:
        """The ticket is the console maker's: nobody else can read it."""
        return self._refuse(client, call)

    def _refuse(self, client: Client, call: Call) -> Iterator[Act]:
        if not self.world.recorded:  # which may have a certificate that the makers signed
            yield Note("refused", f"{call.kind}: {_UNSIGNED}", client)
        yield from self._authorise(client, call, tag("responseCode", SERVER_FAILED))

    def _authorise(self, client: Client, call: Call, inner: str) -> Iterator[Act]:
        result = f"<{call.kind}Result>{inner}</{call.kind}Result>"
        return self.reply(client, call, AUTHORISE, result)

    def _named(self, call: Call) -> Profile | None:
        """The profile that a login names."""
        token, unique = call.text("authtoken"), call.text("uniquenick")
        if token:
            return self.people.unique(TOKENS, token)
        if unique:
            return self.people.unique(call.number("namespaceid"), unique)
        account = self.people.account(call.text("email"))
        return self.people.nick(account, call.text("profilenick")) if account else None

    def _adopt(self, call: Call) -> Profile:
        """The profile of somebody who has none here yet."""
        token, unique = call.text("authtoken")[:30], call.text("uniquenick")[:30]
        nick = (call.text("profilenick") or unique or token or "player")[:30]
        email = (call.text("email") or f"{token or nick}@gamespy.invalid")[:50]
        space = TOKENS if token else call.number("namespaceid")
        account = self.people.account(email) or self.people.make_account(email, None)
        known = self.people.nick(account, nick)
        return known or self.people.make_profile(account, nick, unique or token, space)

    def _certificate(self, call: Call, profile: Profile) -> str:
        """A certificate that nobody has signed."""
        chance = self.world.random
        told: dict[str, Any] = {
            "length": 303,
            "version": call.number("version", default=1),
            "partnercode": call.number("partnercode"),
            "namespaceid": max(0, profile.namespace),
            "userid": self.people.account_of(profile).userid,
            "profileid": profile.pid,
            "expiretime": self.world.seconds + DAY,
            "profilenick": profile.nick,
            "uniquenick": profile.uniquenick,
            "cdkeyhash": "",
            "peerkeymodulus": chance.randbytes(KEY_BYTES).hex(),
            "peerkeyexponent": "010001",
            "serverdata": chance.randbytes(KEY_BYTES).hex(),
            "signature": "00" * KEY_BYTES,
        }
        inner = "".join(tag(name, value) for name, value in told.items())
        return f"<certificate>{inner}</certificate>"


class Sessions(dict[str, set[str]]):
    """Session of a competition -> ids of its players."""

    def __init__(self, world: object) -> None:
        super().__init__()


def report(call: Call) -> dict[str, Any] | None:
    """The binary report behind a call; None where it is not whole."""
    start = call.body.find(REPORT_MARK, call.end)
    at = start + len(REPORT_MARK)
    size = sum(width for _, width, _ in REPORT)
    if start < 0 or len(call.body) < at + size:
        return None
    data = call.body[at:]
    lengths = (data[44 + 4 * n : 48 + 4 * n] for n in range(6))
    if size + sum(int.from_bytes(one, "big") for one in lengths) > len(data):
        return None
    return {
        "gameid": call.number("gameid"),
        "csid": call.text("csid"),
        "ccid": call.text("ccid"),
        "data": base64.b64encode(data).decode(),
    }


_UNSIGNED = (
    "its certificate must be signed by a private RSA key that only the makers had; a game that "
    "does not check it can come in with --rule gamespy-web.login=unsigned"
)
