r"""GameSpy's search server (GPSP): accounts and profiles, one request per connection; 29901/tcp.

The client speaks first, `\search\\...\gamename\...\final\`; a greeting breaks the makers' kit. The
reply is one message that lists its records by repeating their keys, the second record's as
`bsr[1]`, `nick[1]`; it ends in a terminator of its own: `\bsrdone\\more\0\final\`.
Source: gamespy 1 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from proxy.ciphers import passwordenc
from proxy.layouts.checks import put_name
from proxy.layouts.gamespy_fields import HIDDEN, error_name, kind
from proxy.layouts.keyvalue import KeyValue, command, lookup
from proxy.layouts.keyvalue_stream import KeyValueDissector, Notice
from proxy.layouts.values import Value
from proxy.message import Message
from proxy.personal import GAMESPY
from proxy.protocol import Protocol, Volatile
from recordings.model import Direction, Frame, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


class Search(KeyValue):
    """One request or its reply."""

    __slots__ = ()
    values: ClassVar[Mapping[str, Value]] = HIDDEN


class SearchDissector(KeyValueDissector):
    """Learns the passwords that requests give away, for the proofs of the presence server."""

    def _account(self, frame: Frame) -> None:
        clear = frame.clear
        hidden = lookup(clear, "passenc")
        password = passwordenc.decode(hidden) if hidden else lookup(clear, "pass")
        self.learn_text(frame, "gp.password", password, "passwordenc" if hidden else None)
        self.learn_text(frame, "gamespy.cdkey", lookup(clear, "cdkey"))

    def _session(self, frame: Frame) -> None:
        sesskey = lookup(frame.clear, "sesskey")
        self.learn_text(frame, "gp.sesskey", sesskey if sesskey != b"0" else None)

    def _error(self, frame: Frame) -> None:
        field = command(frame.clear).decode("latin-1")
        field = "err" if field == "error" else field
        code = lookup(frame.clear, field)
        put_name(frame, field, error_name(code) if code != b"0" else None)

    notices: ClassVar[Mapping[tuple[Direction, bytes], Notice]] = {
        (UP, b"newuser"): _account,
        (UP, b"check"): _account,
        (UP, b"nicks"): _account,
        (UP, b"search"): _session,
        (UP, b"searchunique"): _session,
        (UP, b"pmatch"): _session,
        (UP, b"others"): _session,
        (UP, b"otherslist"): _session,
        (UP, b"profilelist"): _session,
        (DOWN, b"cur"): _error,
        (DOWN, b"nur"): _error,
        (DOWN, b"error"): _error,
    }


def _view(frame: Frame) -> Message:
    return Search.parse(frame.clear)


KINDS = (
    kind(
        "search",
        UP,
        "looks for profiles by any of these",
        "sesskey profileid namespaceid partnerid nick uniquenick email firstname lastname icquin "
        "skip gamename",
        "3",
    ),
    kind(
        "searchunique",
        UP,
        "looks for a unique nick in several namespaces",
        "sesskey profileid uniquenick namespaces gamename",
        "3",
    ),
    kind(
        "valid",
        UP,
        "asks whether an e-mail address has an account",
        "email partnerid gamename",
        "3",
    ),
    kind(
        "nicks",
        UP,
        "asks for the nicks of an account",
        "email passenc pass namespaceid partnerid gamename",
        "3",
    ),
    kind("pmatch", UP, "asks who plays a product", "sesskey profileid productid gamename", "3"),
    kind("check", UP, "checks an account", "nick email partnerid passenc pass gamename", "3"),
    kind(
        "newuser",
        UP,
        "makes an account",
        "nick email passenc pass productID namespaceid uniquenick cdkey partnerid gamename",
        "3",
    ),
    kind("others", UP, "asks who lists this player", "sesskey profileid namespaceid gamename", "3"),
    kind(
        "otherslist",
        UP,
        "asks for the nicks of profiles",
        "sesskey profileid numopids opids namespaceid gamename",
        "3",
    ),
    kind(
        "uniquesearch", UP, "asks which nicks are free", "preferrednick namespaceid gamename", "3"
    ),
    kind(
        "profilelist",
        UP,
        "asks for the buddies of a profile",
        "sesskey profileid searchprofileid maxresults gamename",
        "3",
    ),
    kind(
        "bsr",
        DOWN,
        "profiles found, each from its `bsr` (its profile id) on",
        "nick uniquenick namespaceid firstname lastname email bsrdone more",
        "3",
    ),
    kind("bsrdone", DOWN, "no profile found", "more", "3"),
    kind("vr", DOWN, "1: the address has an account", "", "3"),
    kind("nr", DOWN, "nicks of the account", "nick uniquenick ndone", "3"),
    kind("ndone", DOWN, "no nick found", "", "3"),
    kind(
        "psr", DOWN, "players found, each from its `psr` on", "status nick statuscode psrdone", "3"
    ),
    kind("psrdone", DOWN, "no player found", "", "3"),
    kind("cur", DOWN, "0: the account is right, else an error code", "pid", "3"),
    kind("nur", DOWN, "0: the account is made, else an error code", "pid", "3"),
    kind(
        "others",
        DOWN,
        "players, each from its `o` (its profile id) on",
        "o nick uniquenick first last email odone",
        "3",
    ),
    kind("otherslist", DOWN, "nicks, each from its `o` on", "o uniquenick oldone", "3"),
    kind("us", DOWN, "free nicks; its value is their number", "nick usdone", "3"),
    kind("profilelist", DOWN, "buddies of a profile", "count o pldone hidden", "3"),
    kind("error", DOWN, "the request failed", "err fatal errmsg id", "1"),
    kind("lc", DOWN, "a greeting, which breaks the makers' kit", "challenge id", "3"),
)

PROTOCOLS = (
    Protocol(
        name="gamespy-search",
        title="GameSpy search (GPSP)",
        transports=(Transport.TCP,),
        ports=(29901,),
        begins=rb"\\(?:valid|nicks|pmatch|check|(?:unique)?search(?:unique)?|profilelist"
        rb"|others(?:list)?)\\",
        make_dissector=SearchDissector,
        view_frame=_view,
        kinds=KINDS,
        volatile={
            "*.sesskey": Volatile("key", "gp.sesskey"),
            "lc.challenge": Volatile("fresh", "10 upper-case letters"),
        },
        answers={
            "search": ("bsr", "bsrdone", "error"),
            "searchunique": ("bsr", "bsrdone", "error"),
            "valid": ("vr", "error"),
            "nicks": ("nr", "ndone", "error"),
            "pmatch": ("psr", "psrdone", "error"),
            "check": ("cur", "error"),
            "newuser": ("nur", "error"),
            "others": ("others", "error"),
            "otherslist": ("otherslist", "error"),
            "uniquesearch": ("us", "error"),
            "profilelist": ("profilelist", "error"),
        },
        keys={
            "newuser.passenc": "gp.password",
            "newuser.cdkey": "gamespy.cdkey",
            "check.passenc": "gp.password",
            "check.pass": "gp.password",
            "nicks.passenc": "gp.password",
            "search.sesskey": "gp.sesskey",
        },
        session_keys=("gp.sesskey",),
        personal=GAMESPY,
        source="gamespy 1, 3",
    ),
)
