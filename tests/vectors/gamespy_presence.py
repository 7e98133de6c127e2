"""Golden bytes of GameSpy's presence server, written from gamespy 1 and 2."""

from __future__ import annotations

from recordings.model import Direction, Key
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
FINAL = b"\\final\\"
EMPTY = b"\\"
"""Ends a key whose value slot is empty."""

PASSWORD = (Key("password", b"swordfish", "password", source="given"),)

GREETING = (
    rb"\lc\1"  # step 1: the server's challenge
    rb"\challenge\KLMNOPQRST"  # ten upper-case letters
    rb"\id\1" + FINAL  # operation 1
)


def login(account: bytes, response: bytes) -> bytes:
    """A login in the wire order of 2007, for an account named as `account` says."""
    return (
        rb"\login"
        + EMPTY  # the command's value is empty
        + rb"\challenge\abcdefghijklmnopqrstuvwxyz012345"  # of the client, 32 characters
        + account
        + rb"\response"
        + EMPTY
        + response  # MD5, proves the password
        + rb"\firewall\1"  # behind one
        rb"\port\-15737"  # UDP port for other players, negative in very old games
        rb"\productid\10"  # number of the game
        rb"\gamename\gmtest"  # name of the game
        rb"\namespaceid\0"  # none
        rb"\sdkrevision\11"  # bits 1, 2, 8
        rb"\quiet\0"  # everything is wanted
        rb"\id\1" + FINAL
    )


USER = (
    rb"\user\ann@ann@example.net"  # nick, @, e-mail address
    rb"\partnerid\0"  # the maker's own accounts: no prefix in the proof
)
NICK = (
    rb"\uniquenick\ann"
    rb"\partnerid\7"  # a partner's accounts: `7@` stands before the nick in the proof
)
TOKEN = (
    rb"\authtoken\token1"  # a partner's token
    rb"\partnerid\7"  # not in the proof
)
TICKET = (
    rb"\lt\AAAAAAAAAAAAAAAAAAAAAA__"  # of an earlier login (2012); the secret is the empty text
    rb"\partnerid\0"
)
LOGIN = login(USER, b"40302ec4e28ce9e54c31432b0817ef12")
BEFORE = ((DOWN, GREETING), (UP, LOGIN))


def accepted(proof: bytes) -> bytes:
    return (
        rb"\lc\2"  # step 2: the login is accepted
        rb"\sesskey\957553"  # session key, in every later message of the client
        + rb"\proof"
        + EMPTY
        + proof  # MD5, proves that the server knows the password
        + rb"\userid\1001"  # account
        rb"\profileid\2002"  # profile
        rb"\uniquenick\ann"
        rb"\lt\AAAAAAAAAAAAAAAAAAAAAA__"  # login ticket, 24 characters
        rb"\id\1" + FINAL
    )


def simple(name: str, direction: Direction, raw: bytes, **fields: str) -> Vector:
    """A message without surprises; its kind is the first field."""
    return Vector(name, direction, raw + FINAL, next(iter(fields)), fields)


SIGNATURE = "0123456789abcdef" * 2

VECTORS = (
    Vector(
        "the server's challenge",
        DOWN,
        GREETING,
        "lc",
        {"lc": "1", "challenge": "KLMNOPQRST", "id": "1"},
        learned={"gp.challenge.server": b"KLMNOPQRST"},
    ),
    Vector(
        "login by nick and address",
        UP,
        LOGIN,
        "login",
        {
            "login": "",
            "challenge": "abcdefghijklmnopqrstuvwxyz012345",
            "user": "ann@ann@example.net",
            "partnerid": "0",
            "response": "40302ec4e28ce9e54c31432b0817ef12",
            "firewall": "1",
            "port": "-15737",
            "productid": "10",
            "gamename": "gmtest",
            "namespaceid": "0",
            "sdkrevision": "11",
            "quiet": "0",
            "id": "1",
        },
        before=((DOWN, GREETING),),
        keys=PASSWORD,
        checks={"response": "ok"},
        learned={
            "gp.challenge.client": b"abcdefghijklmnopqrstuvwxyz012345",
            "gp.user": b"ann@ann@example.net",
        },
    ),
    Vector(
        "login by unique nick of a partner",
        UP,
        login(NICK, b"a594ea053c284710a9fffe42d89155c3"),
        "login",
        before=((DOWN, GREETING),),
        keys=PASSWORD,
        checks={"response": "ok"},
    ),
    Vector(
        "login by token",
        UP,
        login(TOKEN, b"8eba69b2c7241ecbb4a39efae9fd08cc"),
        "login",
        before=((DOWN, GREETING),),
        keys=PASSWORD,
        checks={"response": "ok"},
    ),
    Vector(
        "login by ticket",
        UP,
        login(TICKET, b"228e545306778c9b38567d331aa1c454"),
        "login",
        before=((DOWN, GREETING),),
        checks={"response": "ok"},
    ),
    Vector(
        "login with the wrong password",
        UP,
        login(USER, b"00000000000000000000000000000000"),
        "login",
        before=((DOWN, GREETING),),
        keys=PASSWORD,
        checks={
            "response": "WRONG: has 00000000000000000000000000000000, "
            "needs 40302ec4e28ce9e54c31432b0817ef12"
        },
    ),
    Vector(
        "login with a password that nobody told",
        UP,
        LOGIN,
        "login",
        before=((DOWN, GREETING),),
        checks={
            "response": "unknown: the password was not seen: give it as --key password=HEX "
            "(for a token, the partner's challenge)"
        },
    ),
    Vector(
        "login accepted",
        DOWN,
        accepted(b"6c249309867c4b4cd44a8c5b0883f106"),
        "lc",
        {
            "lc": "2",
            "sesskey": "957553",
            "proof": "6c249309867c4b4cd44a8c5b0883f106",
            "userid": "1001",
            "profileid": "2002",
            "uniquenick": "ann",
            "lt": "AAAAAAAAAAAAAAAAAAAAAA__",
            "id": "1",
        },
        before=BEFORE,
        keys=PASSWORD,
        checks={"proof": "ok"},
        learned={"gp.sesskey": b"957553", "gp.lt": b"AAAAAAAAAAAAAAAAAAAAAA__"},
    ),
    Vector(
        "login accepted without a challenge before it",
        DOWN,
        accepted(b"6c249309867c4b4cd44a8c5b0883f106"),
        "lc",
        keys=PASSWORD,
        checks={
            "proof": "unknown: the server's challenge or the client's login was not seen",
        },
    ),
    Vector(
        "a new account",
        UP,
        rb"\newuser" + EMPTY + rb"\email\ann@example.net"
        rb"\nick\ann"
        rb"\passwordenc\ZYWbgE[9hd8R"  # obfuscated `swordfish`
        rb"\productid\10"
        rb"\gamename\gmtest"
        rb"\namespaceid\1"
        rb"\uniquenick\ann"
        rb"\cdkeyenc\V7O1swaZru47"  # obfuscated `AAAA-BBBB`
        rb"\partnerid\0"
        rb"\id\1" + FINAL,
        "newuser",
        {
            "newuser": "",
            "email": "ann@example.net",
            "nick": "ann",
            "passwordenc": "swordfish",
            "productid": "10",
            "gamename": "gmtest",
            "namespaceid": "1",
            "uniquenick": "ann",
            "cdkeyenc": "AAAA-BBBB",
            "partnerid": "0",
            "id": "1",
        },
        learned={"gp.password": b"swordfish", "gamespy.cdkey": b"AAAA-BBBB"},
        spans={"passwordenc": b"ZYWbgE[9hd8R", "cdkeyenc": b"V7O1swaZru47"},
    ),
    simple(
        "account made",
        DOWN,
        rb"\nur" + EMPTY + rb"\userid\1001\profileid\2002\id\1",
        nur="",
        userid="1001",
        profileid="2002",
        id="1",
    ),
    simple(
        "asks for a profile",
        UP,
        rb"\getprofile" + EMPTY + rb"\sesskey\957553\profileid\2002\id\2",
        getprofile="",
        sesskey="957553",
        profileid="2002",
        id="2",
    ),
    simple(
        "a profile",
        DOWN,
        rb"\pi" + EMPTY + rb"\profileid\2002"
        rb"\nick\ann"
        rb"\sig\0123456789abcdef0123456789abcdef"  # exactly 32, never absent
        rb"\birthday\234948530"  # 14 << 24 | 1 << 16 | 1970
        rb"\loc"
        + EMPTY  # an empty value
        + rb"\id\2",
        pi="",
        profileid="2002",
        nick="ann",
        sig=SIGNATURE,
        birthday="234948530",
        loc="",
        id="2",
    ),
    Vector(
        "a profile without the command's value slot, as one server sends it",
        DOWN,
        rb"\pi"  # no empty value behind it
        rb"\profileid\2002\sig\0123456789abcdef0123456789abcdef\id\2" + FINAL,
        "pi",
        {"pi": None, "profileid": "2002", "sig": SIGNATURE, "id": "2"},
    ),
    simple(
        "changes the profile",
        UP,
        rb"\updatepro" + EMPTY + rb"\sesskey\957553\firstname\Ann" + b"\xe9" + rb"\partnerid\0",
        updatepro="",
        sesskey="957553",
        firstname="Ann\xe9",  # Latin-1, byte for byte
        partnerid="0",
    ),
    Vector(
        "changes the password",
        UP,
        rb"\updateui" + EMPTY + rb"\sesskey\957553\passwordenc\eJeD" + FINAL,  # `new`
        "updateui",
        {"updateui": "", "sesskey": "957553", "passwordenc": "new"},
        learned={"gp.password": b"new"},
    ),
    simple(
        "sets the status",
        UP,
        rb"\status\1"  # status code
        rb"\sesskey\957553\statstring\Not Ready\locstring\gamespy://loc",
        status="1",
        sesskey="957553",
        statstring="Not Ready",
        locstring="gamespy://loc",
    ),
    simple(
        "sets the status, new form",
        UP,
        rb"\statusinfo" + EMPTY + rb"\state\2\sesskey\957553\hostIp\0\richStatus\in a race",
        statusinfo="",
        state="2",
        sesskey="957553",
        hostIp="0",
        richStatus="in a race",
    ),
    simple(
        "a message to a buddy",
        UP,
        rb"\bm\1\sesskey\957553\t\3003\msg\hi there",
        bm="1",  # type: message
        sesskey="957553",
        t="3003",
        msg="hi there",
    ),
    Vector(
        "a buddy's status",
        DOWN,
        rb"\bm\100"  # type: status
        rb"\f\3003"  # from this profile
        rb"\date\1795210503"  # Unix time
        rb"\msg\|s|2|ss|Playing|ls|"
        rb"|ip|3405803783"  # 203.0.113.7, the number in host order
        rb"|p|6500|qm|0" + FINAL,
        "bm",
        {
            "bm": "100",
            "f": "3003",
            "date": "1795210503",
            "msg": {
                "s": "2",
                "ss": "Playing",
                "ls": "",
                "ip": "203.0.113.7",
                "p": "6500",
                "qm": "0",
            },
        },
        spans={"msg.ss": b"Playing", "msg.ip": b"3405803783", "msg.p": b"6500"},
    ),
    Vector(
        "a buddy request",
        DOWN,
        rb"\bm\2"  # type: request
        rb"\f\3003\msg" + b"\\\r\n\r\n"  # line ends are part of the value
        rb"let me in|signed|0123456789abcdef0123456789abcdef" + FINAL,
        "bm",
        {"bm": "2", "f": "3003", "msg": {"text": "\r\n\r\nlet me in", "signed": SIGNATURE}},
    ),
    simple(
        "asks to be a buddy",
        UP,
        rb"\addbuddy" + EMPTY + rb"\sesskey\957553\newprofileid\3003\reason\testing",
        addbuddy="",
        sesskey="957553",
        newprofileid="3003",
        reason="testing",
    ),
    simple(
        "lets the other be a buddy",
        UP,
        rb"\authadd" + EMPTY + rb"\sesskey\957553\fromprofileid\3003\sig\0123456789abcdef"
        rb"0123456789abcdef\autoSync\true",  # 2012 only
        authadd="",
        sesskey="957553",
        fromprofileid="3003",
        sig=SIGNATURE,
        autoSync="true",
    ),
    simple(
        "removes a buddy",
        UP,
        rb"\delbuddy" + EMPTY + rb"\sesskey\957553\delprofileid\3003",
        delbuddy="",
        sesskey="957553",
        delprofileid="3003",
    ),
    simple(
        "takes the authorisation back",
        UP,
        rb"\revoke" + EMPTY + rb"\sesskey\957553\profileid\3003",
        revoke="",
        sesskey="957553",
        profileid="3003",
    ),
    simple(
        "blocks",
        UP,
        rb"\addblock" + EMPTY + rb"\sesskey\957553\profileid\3003",
        addblock="",
        sesskey="957553",
        profileid="3003",
    ),
    simple(
        "unblocks",
        UP,
        rb"\removeblock" + EMPTY + rb"\sesskey\957553\profileid\3003",
        removeblock="",
        sesskey="957553",
        profileid="3003",
    ),
    simple(
        "products of invitations",
        UP,
        rb"\inviteto" + EMPTY + rb"\sesskey\957553\products\10,11",
        inviteto="",
        sesskey="957553",
        products="10,11",
    ),
    simple(
        "invites",
        UP,
        rb"\pinvite" + EMPTY + rb"\sesskey\957553\profileid\3003\productid\10\location\here",
        pinvite="",
        sesskey="957553",
        profileid="3003",
        productid="10",
        location="here",
    ),
    simple(
        "a new profile in place of an old one",
        UP,
        rb"\newprofile" + EMPTY + rb"\sesskey\957553\nick\bob\replace\1\oldnick\ann\id\3",
        newprofile="",
        sesskey="957553",
        nick="bob",
        replace="1",
        oldnick="ann",
        id="3",
    ),
    simple(
        "profile made",
        DOWN,
        rb"\npr" + EMPTY + rb"\profileid\2003\id\3",
        npr="",
        profileid="2003",
        id="3",
    ),
    simple(
        "deletes the profile",
        UP,
        rb"\delprofile" + EMPTY + rb"\sesskey\957553\id\4",
        delprofile="",
        sesskey="957553",
        id="4",
    ),
    simple("profile deleted", DOWN, rb"\dpr" + EMPTY + rb"\id\4", dpr="", id="4"),
    simple(
        "takes a unique nick",
        UP,
        rb"\registernick" + EMPTY + rb"\sesskey\957553\uniquenick\ann\partnerid\0\id\5",
        registernick="",
        sesskey="957553",
        uniquenick="ann",
        partnerid="0",
        id="5",
    ),
    simple("unique nick taken", DOWN, rb"\rn" + EMPTY + rb"\id\5", rn="", id="5"),
    simple(
        "binds a CD key",
        UP,
        rb"\registercdkey" + EMPTY + rb"\sesskey\957553\cdkeyenc\V7O1swaZru47\id\6",
        registercdkey="",
        sesskey="957553",
        cdkeyenc="AAAA-BBBB",
        id="6",
    ),
    simple("CD key bound", DOWN, rb"\rc" + EMPTY + rb"\id\6", rc="", id="6"),
    simple("what is not wanted", UP, rb"\quiet\3\sesskey\957553", quiet="3", sesskey="957553"),
    simple("keepalive", UP, rb"\ka" + EMPTY, ka=""),
    simple("keepalive echoed", DOWN, rb"\ka" + EMPTY, ka=""),
    simple("logs out", UP, rb"\logout" + EMPTY + rb"\sesskey\957553", logout="", sesskey="957553"),
    Vector(
        "a buddy's status, new form",
        DOWN,
        rb"\bsi"
        + EMPTY  # every one of these must be there
        + rb"\state\2\profile\3003"
        rb"\bip\3405803783"  # 203.0.113.7, the number in host order
        rb"\bport\6500\hostip\0\hprivip\0\qport\0\hport\0\sessflags\0"
        rb"\rstatus\racing\gameType\ffa\gameVnt\x\gameMn\oval\product\10\qmodeflags\0" + FINAL,
        "bsi",
        {
            "bsi": "",
            "state": "2",
            "profile": "3003",
            "bip": "203.0.113.7",
            "bport": "6500",
            "hostip": "0",
            "hprivip": "0",
            "qport": "0",
            "hport": "0",
            "sessflags": "0",
            "rstatus": "racing",
            "gameType": "ffa",
            "gameVnt": "x",
            "gameMn": "oval",
            "product": "10",
            "qmodeflags": "0",
        },
        spans={"bip": b"3405803783"},
    ),
    simple("list of buddies", DOWN, rb"\bdy\2\list\3003,4004", bdy="2", list="3003,4004"),
    simple("nobody is blocked", DOWN, rb"\blk\0\list" + EMPTY, blk="0", list=""),
    Vector(
        "a new login ticket",
        DOWN,
        rb"\lt\AAAAAAAAAAAAAAAAAAAAAA__" + FINAL,  # 24 characters
        "lt",
        {"lt": "AAAAAAAAAAAAAAAAAAAAAA__"},
        learned={"gp.lt": b"AAAAAAAAAAAAAAAAAAAAAA__"},
    ),
    simple(
        "an error",
        DOWN,
        rb"\error" + EMPTY + rb"\err\260"  # 0x104: login, bad password
        rb"\fatal"
        + EMPTY  # present: the client gives up
        + rb"\errmsg\The password provided is incorrect.\id\1",
        error="",
        err="260",
        fatal="",
        errmsg="The password provided is incorrect.",
        id="1",
    ),
    Vector(
        "a message without a command",
        UP,
        EMPTY + rb"\x" + FINAL,
        "Opaque",
        error="byte 1: the command is empty",
    ),
)
