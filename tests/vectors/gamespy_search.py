"""Golden bytes of GameSpy's search server, written from gamespy 1 and 3."""

from __future__ import annotations

from recordings.model import Direction
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
FINAL = b"\\final\\"
EMPTY = b"\\"
"""Ends a key whose value slot is empty."""
GAME = rb"\gamename\gmtest" + FINAL
"""Every request ends so."""

PASSWORD = {"gp.password": b"swordfish"}
SESSION = {"gp.sesskey": b"957553"}


def reply(name: str, raw: bytes, fields: dict[str, str | None]) -> Vector:
    """A reply without surprises; its kind is the first field."""
    return Vector(name, DOWN, raw + FINAL, next(iter(fields)), fields)


def request(
    name: str, raw: bytes, fields: dict[str, str], learned: dict[str, bytes] | None = None
) -> Vector:
    """A request without surprises; its kind is the first field."""
    fields = {**fields, "gamename": "gmtest"}
    return Vector(name, UP, raw + GAME, next(iter(fields)), fields, learned=learned or {})


VECTORS = (
    request(
        "looks for a player",
        rb"\search" + EMPTY + rb"\sesskey\957553"  # from the presence server
        rb"\profileid\2002\namespaceid\0\partnerid\0"
        rb"\email\bob@example.net",  # any of several fields to look by
        {
            "search": "",
            "sesskey": "957553",
            "profileid": "2002",
            "namespaceid": "0",
            "partnerid": "0",
            "email": "bob@example.net",
        },
        SESSION,
    ),
    reply(
        "two players found",
        rb"\bsr\3003"  # profile id of the first
        rb"\nick\bob\uniquenick\bob\namespaceid\0\firstname\B\lastname"
        + EMPTY
        + rb"\email\bob@example.net"
        rb"\bsr\4004"  # the second: its fields are `[1]`
        rb"\nick\carl\uniquenick\carl"
        rb"\bsrdone"
        + EMPTY  # terminator, with its value slot
        + rb"\more\0",  # nothing else
        {
            "bsr": "3003",
            "nick": "bob",
            "uniquenick": "bob",
            "namespaceid": "0",
            "firstname": "B",
            "lastname": "",
            "email": "bob@example.net",
            "bsr[1]": "4004",
            "nick[1]": "carl",
            "uniquenick[1]": "carl",
            "bsrdone": "",
            "more": "0",
        },
    ),
    reply("nobody found", rb"\bsrdone" + EMPTY + rb"\more\0", {"bsrdone": "", "more": "0"}),
    reply(
        "a terminator without its value slot, which breaks the makers' kit",
        rb"\bsr\3003\nick\bob\bsrdone",
        {"bsr": "3003", "nick": "bob", "bsrdone": None},
    ),
    request(
        "looks for a unique nick",
        rb"\searchunique" + EMPTY + rb"\sesskey\957553\profileid\2002\uniquenick\bob"
        rb"\namespaces\1,2,3",  # comma list
        {
            "searchunique": "",
            "sesskey": "957553",
            "profileid": "2002",
            "uniquenick": "bob",
            "namespaces": "1,2,3",
        },
        SESSION,
    ),
    request(
        "asks about an address",
        rb"\valid" + EMPTY + rb"\email\ann@example.net\partnerid\0",
        {"valid": "", "email": "ann@example.net", "partnerid": "0"},
    ),
    reply("the address has an account", rb"\vr\1", {"vr": "1"}),
    request(
        "asks for nicks",
        rb"\nicks" + EMPTY + rb"\email\ann@example.net"
        rb"\passenc\ZYWbgE[9hd8R"  # obfuscated `swordfish`
        rb"\namespaceid\0\partnerid\0",
        {
            "nicks": "",
            "email": "ann@example.net",
            "passenc": "swordfish",
            "namespaceid": "0",
            "partnerid": "0",
        },
        PASSWORD,
    ),
    reply(
        "two nicks",
        rb"\nr" + EMPTY + rb"\nick\ann\uniquenick\ann"
        rb"\nick\anna\uniquenick"
        + EMPTY  # the second
        + rb"\ndone"
        + EMPTY,
        {
            "nr": "",
            "nick": "ann",
            "uniquenick": "ann",
            "nick[1]": "anna",
            "uniquenick[1]": "",
            "ndone": "",
        },
    ),
    reply("no nick", rb"\ndone" + EMPTY, {"ndone": ""}),
    request(
        "asks who plays",
        rb"\pmatch" + EMPTY + rb"\sesskey\957553\profileid\2002\productid\10",
        {"pmatch": "", "sesskey": "957553", "profileid": "2002", "productid": "10"},
        SESSION,
    ),
    reply(
        "one player",
        rb"\psr\3003"  # profile id
        rb"\status\Playing\nick\bob\statuscode\2\psrdone" + EMPTY,
        {"psr": "3003", "status": "Playing", "nick": "bob", "statuscode": "2", "psrdone": ""},
    ),
    reply("no player", rb"\psrdone" + EMPTY, {"psrdone": ""}),
    request(
        "checks an account",
        rb"\check" + EMPTY + rb"\nick\ann\email\ann@example.net\partnerid\0\passenc\ZYWbgE[9hd8R",
        {
            "check": "",
            "nick": "ann",
            "email": "ann@example.net",
            "partnerid": "0",
            "passenc": "swordfish",
        },
        PASSWORD,
    ),
    request(
        "checks an account, old form",
        rb"\check" + EMPTY + rb"\nick\ann\email\ann@example.net"
        rb"\pass\swordfish",  # in clear
        {"check": "", "nick": "ann", "email": "ann@example.net", "pass": "swordfish"},
        PASSWORD,
    ),
    reply("the account is right", rb"\cur\0\pid\2002", {"cur": "0", "pid": "2002"}),
    request(
        "a new account",
        rb"\newuser" + EMPTY + rb"\nick\ann\email\ann@example.net\passenc\ZYWbgE[9hd8R"
        rb"\productID\10"  # spelt so
        rb"\namespaceid\1\uniquenick\ann"
        rb"\cdkey\AAAA-BBBB"  # in clear
        rb"\partnerid\0",
        {
            "newuser": "",
            "nick": "ann",
            "email": "ann@example.net",
            "passenc": "swordfish",
            "productID": "10",
            "namespaceid": "1",
            "uniquenick": "ann",
            "cdkey": "AAAA-BBBB",
            "partnerid": "0",
        },
        {**PASSWORD, "gamespy.cdkey": b"AAAA-BBBB"},
    ),
    reply("account made", rb"\nur\0\pid\2002", {"nur": "0", "pid": "2002"}),
    request(
        "asks who lists this player",
        rb"\others" + EMPTY + rb"\sesskey\957553\profileid\2002\namespaceid\1",
        {"others": "", "sesskey": "957553", "profileid": "2002", "namespaceid": "1"},
        SESSION,
    ),
    reply(
        "two who do",
        rb"\others" + EMPTY + rb"\o\3003"  # profile id
        rb"\nick\bob\uniquenick\bob\first\B\last\C\email\bob@example.net"
        rb"\o\4004\nick\carl"  # the second
        rb"\odone" + EMPTY,
        {
            "others": "",
            "o": "3003",
            "nick": "bob",
            "uniquenick": "bob",
            "first": "B",
            "last": "C",
            "email": "bob@example.net",
            "o[1]": "4004",
            "nick[1]": "carl",
            "odone": "",
        },
    ),
    request(
        "asks for nicks of profiles",
        rb"\otherslist" + EMPTY + rb"\sesskey\957553\profileid\2002"
        rb"\numopids\2"  # how many
        rb"\opids\3003|4004"  # which
        rb"\namespaceid\1",
        {
            "otherslist": "",
            "sesskey": "957553",
            "profileid": "2002",
            "numopids": "2",
            "opids": "3003|4004",
            "namespaceid": "1",
        },
        SESSION,
    ),
    reply(
        "nicks of profiles",
        rb"\otherslist" + EMPTY + rb"\o\3003\uniquenick\bob\o\4004\uniquenick\carl\oldone" + EMPTY,
        {
            "otherslist": "",
            "o": "3003",
            "uniquenick": "bob",
            "o[1]": "4004",
            "uniquenick[1]": "carl",
            "oldone": "",
        },
    ),
    request(
        "asks which nicks are free",
        rb"\uniquesearch" + EMPTY + rb"\preferrednick\ann\namespaceid\1",
        {"uniquesearch": "", "preferrednick": "ann", "namespaceid": "1"},
    ),
    reply(
        "two free nicks",
        rb"\us\2\nick\ann1\nick\ann2\usdone" + EMPTY,
        {"us": "2", "nick": "ann1", "nick[1]": "ann2", "usdone": ""},
    ),
    request(
        "asks for a profile's buddies",
        rb"\profilelist" + EMPTY + rb"\sesskey\957553\profileid\2002\searchprofileid\3003"
        rb"\maxresults\10",
        {
            "profilelist": "",
            "sesskey": "957553",
            "profileid": "2002",
            "searchprofileid": "3003",
            "maxresults": "10",
        },
        SESSION,
    ),
    reply(
        "a profile's buddies",
        rb"\profilelist" + EMPTY + rb"\count\1\o\4004\pldone" + EMPTY,
        {"profilelist": "", "count": "1", "o": "4004", "pldone": ""},
    ),
    reply(
        "an error",
        rb"\error" + EMPTY + rb"\err\1"  # parse error
        rb"\fatal" + EMPTY + rb"\errmsg\There was an error parsing an incoming request.",
        {
            "error": "",
            "err": "1",
            "fatal": "",
            "errmsg": "There was an error parsing an incoming request.",
        },
    ),
    reply(
        "a greeting, which breaks the makers' kit",
        rb"\lc\1\challenge\ABCDEFGHIJ\id\1",
        {"lc": "1", "challenge": "ABCDEFGHIJ", "id": "1"},
    ),
)
