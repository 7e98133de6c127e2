"""Golden bytes of GameSpy's chat, written from gamespy 9 and, for its ordinary commands, IRC."""

from __future__ import annotations

from recordings.model import Direction, Json, Key
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

CRYPT = b"CRYPT des 1 gmtest\r\n"  # cipher, version, game
KEYS = (
    b":s 705 *"  # the server, to nobody yet
    b" 0123456789abcdef"  # keys what the client says
    b" fedcba9876543210\r\n"  # keys what the server says
)
BEFORE = ((UP, CRYPT), (DOWN, KEYS))
USRIP = bytes.fromhex("d1fdbda6e278ee")
ADDRESS = bytes.fromhex("ff7ff6a684d984df6e15b2920268e8064cb489150cca2c")
PASSWORD = (Key("gp.password", b"swordfish"),)
MD5 = "15b29ffdce66e10527a65bc6d71ad94d"
"""MD5 of `swordfish`."""


def line(direction: Direction, text: str, fields: dict[str, Json], **more: object) -> Vector:
    """A line in clear, as a client speaks that never says CRYPT."""
    words = text.split(" ")
    kind = words[1] if text.startswith(":") else words[0]
    return Vector(text, direction, text.encode("latin-1") + b"\r\n", kind, fields, **more)  # type: ignore[arg-type]


def said(text: str, /, **fields: Json) -> Vector:
    """What the client says."""
    return line(UP, text, fields)


def told(text: str, /, **fields: Json) -> Vector:
    """What the server says."""
    return line(DOWN, text, {"prefix": text[1:].split(" ")[0], **fields})


CHANNEL = "#GSP!gmtest"

VECTORS = (
    said("CRYPT des 1 gmtest", cipher="des", version="1", gamename="gmtest"),
    Vector(
        "keys of both directions",
        DOWN,
        KEYS,
        "705",
        {
            "prefix": "s",
            "nick": "*",
            "client_key": "0123456789abcdef",
            "server_key": "fedcba9876543210",
        },
        before=((UP, CRYPT),),
        learned={"peerchat.client": b"0123456789abcdef", "peerchat.server": b"fedcba9876543210"},
    ),
    Vector(
        "enciphered: asks for the address",
        UP,
        USRIP,
        "USRIP",
        {},
        before=BEFORE,
        plain=b"USRIP\r\n",
        cipher="peerchat",
        checks={"cipher": "ok"},
    ),
    Vector(
        "enciphered: the second line, the stream goes on",
        UP,
        bytes.fromhex("766b2ea2bfb45f6164"),
        "PING",
        {"token": "x"},
        before=(*BEFORE, (UP, USRIP)),
        plain=b"PING :x\r\n",
        cipher="peerchat",
        checks={},
    ),
    Vector(
        "enciphered: the address",
        DOWN,
        ADDRESS,
        "302",
        {"prefix": "s", "nick": "", "text": "=+@192.0.2.1"},  # the nick is empty: two spaces
        before=BEFORE,
        plain=b":s 302  :=+@192.0.2.1\r\n",
        cipher="peerchat",
        checks={"cipher": "ok"},
    ),
    said("USRIP"),
    line(
        UP,
        "USER X1lslFva9X|2002 127.0.0.1 peerchat.gamespy.com :0123456789abcdef0123456789abcdef",
        {
            "user": {"ip": "192.0.2.1", "profileid": "2002"},  # the letters hide the address
            "host": "127.0.0.1",
            "server": "peerchat.gamespy.com",
            "realname": "0123456789abcdef0123456789abcdef",  # MD5 of the CD key
        },
        before=((DOWN, b":s 302  :=+@192.0.2.1\r\n"),),
        checks={"user.ip": "ok"},
        spans={"user": b"X1lslFva9X|2002", "user.ip": b"1lslFva9"},
    ),
    said(
        "USER ChatCUser 127.0.0.1 127.0.0.1 :ChatCName",
        user="ChatCUser",
        host="127.0.0.1",
        server="127.0.0.1",
        realname="ChatCName",
    ),
    said("NICK Tester", nick="Tester"),
    said("CDKEY AAAA-BBBB", key="AAAA-BBBB"),
    line(
        UP,
        f"LOGIN 1 ann {MD5}",
        {"namespaceid": "1", "uniquenick": "ann", "password": MD5},
        keys=PASSWORD,
        checks={"password": "ok"},
    ),
    line(
        UP,
        "LOGIN 0 * 0123456789abcdef0123456789abcdef :ann@ann@example.net",
        {
            "namespaceid": "0",
            "uniquenick": "*",
            "password": "0123456789abcdef0123456789abcdef",
            "account": "ann@ann@example.net",
        },
        checks={"password": "unknown: the password was not seen"},
    ),
    said("LOGINPREAUTH token1 0123", token="token1", response="0123"),
    said("REGISTERNICK 1 ann AAAA", namespaceid="1", uniquenick="ann", cdkey="AAAA"),
    said(
        "GETKEY Tester 001 0 :\\b_flags\\b_rank",
        target="Tester",
        cookie="001",
        zero="0",
        keys="\\b_flags\\b_rank",
    ),
    said("SETKEY :\\b_flags\\s", keys={"b_flags": "s"}),
    said(
        f"GETCKEY {CHANNEL} * 002 0 :\\b_flags",
        channel=CHANNEL,
        target="*",
        cookie="002",
        zero="0",
        keys="\\b_flags",
    ),
    line(
        UP,
        f"SETCKEY {CHANNEL} Tester :\\b_flags\\sh\\b_map\\a b",
        {"channel": CHANNEL, "target": "Tester", "keys": {"b_flags": "sh", "b_map": "a b"}},
        spans={"keys.b_map": b"a b"},
    ),
    said(
        f"GETCHANKEY {CHANNEL} 003 0 :\\topic",
        channel=CHANNEL,
        cookie="003",
        zero="0",
        keys="\\topic",
    ),
    said(f"SETCHANKEY {CHANNEL} 0 :\\topic\\x", channel=CHANNEL, zero="0", keys={"topic": "x"}),
    said("SETGROUP 2166", group="2166"),
    said("LISTLIMIT 10 #GSP*", limit="10", filter="#GSP*"),
    said("GETUDPRELAY Bob", target="Bob"),
    said("UTM Bob :NAT/ NATHOST0 1234 Tester", target="Bob", text="NAT/ NATHOST0 1234 Tester"),
    told(
        ":Bob!u@* UTM Tester :NAT NATINITED1 1234",
        target="Tester",
        text="NAT NATINITED1 1234",
    ),
    said(f"ATM {CHANNEL} :go", target=CHANNEL, text="go"),
    said(f"JOIN {CHANNEL} ", channel=CHANNEL, key=""),  # a space ends the line
    told(f":Tester!ChatCUser@* JOIN :{CHANNEL}", channel=CHANNEL),
    said(f"PART {CHANNEL} :bye bye", channel=CHANNEL, reason="bye bye"),
    said(f"MODE {CHANNEL} +l 8", target=CHANNEL, modes="+l", limit="8"),
    said(f"TOPIC {CHANNEL} :a room", channel=CHANNEL, topic="a room"),
    said(f"NAMES {CHANNEL}", channel=CHANNEL),
    said("LIST #GPG!*", channel="#GPG!*"),
    said("WHO Tester", target="Tester"),
    said("WHOIS Tester", nick="Tester"),
    said(f"KICK {CHANNEL} Bob :go away", channel=CHANNEL, nick="Bob", reason="go away"),
    said(f"INVITE Bob {CHANNEL}", nick="Bob", channel=CHANNEL),
    said(f"PRIVMSG {CHANNEL} :Hi, \xe9 :)", target=CHANNEL, text="Hi, \xe9 :)"),
    told(":Bob!u@* PRIVMSG Tester :x", target="Tester", text="x"),
    said("NOTICE Bob :x", target="Bob", text="x"),
    told(":s NOTICE"),  # no parameter at all
    said("PING s", token="s"),
    told(":s PONG s :x", server="s", token="x"),
    said("QUIT :later", reason="later"),
    line(DOWN, "ERROR :Closing Link", {"text": "Closing Link"}),
    told(":s 001 Tester :Welcome", nick="Tester", text="Welcome"),
    told(":s 002 Tester :Your host is s", nick="Tester", text="Your host is s"),
    told(":s 003 Tester :since then", nick="Tester", text="since then"),
    told(
        ":s 004 Tester s 1.0 iq biklmnopqustvhe",
        nick="Tester",
        server="s",
        version="1.0",
        usermodes="iq",
        channelmodes="biklmnopqustvhe",
    ),
    told(":s 302  :=+@192.0.2.1", nick="", text="=+@192.0.2.1"),
    told(
        ":s 311 Tester Bob X1lslFva9X|3003 * * :name",
        nick="Tester",
        target="Bob",
        user={"ip": "192.0.2.1", "profileid": "3003"},
        host="*",
        star="*",
        realname="name",
    ),
    told(":s 315 Tester Bob :End of WHO", nick="Tester", target="Bob", text="End of WHO"),
    told(":s 318 Tester Bob :End", nick="Tester", target="Bob", text="End"),
    told(":s 321 Tester Channel :Users", nick="Tester", channel="Channel", text="Users"),
    told(
        f":s 322 Tester {CHANNEL} 2 :a room",
        nick="Tester",
        channel=CHANNEL,
        users="2",
        topic="a room",
    ),
    told(":s 323 Tester :End of LIST", nick="Tester", text="End of LIST"),
    told(f":s 324 Tester {CHANNEL} +tnp", nick="Tester", channel=CHANNEL, modes="+tnp"),
    told(f":s 331 Tester {CHANNEL} :none", nick="Tester", channel=CHANNEL, text="none"),
    told(f":s 332 Tester {CHANNEL} :a room", nick="Tester", channel=CHANNEL, topic="a room"),
    told(
        f":s 352 Tester {CHANNEL} u * s Bob H :0 name",
        nick="Tester",
        channel=CHANNEL,
        user="u",
        host="*",
        server="s",
        target="Bob",
        flags="H",
        realname="0 name",
    ),
    told(
        f":s 353 Tester * {CHANNEL} :@Tester Bob",
        nick="Tester",
        type="*",
        channel=CHANNEL,
        nicks="@Tester Bob",
    ),
    told(f":s 366 Tester {CHANNEL} :End", nick="Tester", channel=CHANNEL, text="End"),
    told(":s 372 Tester :- hello", nick="Tester", text="- hello"),
    told(":s 375 Tester :- s -", nick="Tester", text="- s -"),
    told(":s 376 Tester :End of MOTD", nick="Tester", text="End of MOTD"),
    told(":s 401 Tester Bob :nobody", nick="Tester", target="Bob", text="nobody"),
    told(":s 403 Tester #x :no channel", nick="Tester", channel="#x", text="no channel"),
    told(":s 433 * Tester :in use", nick="*", target="Tester", text="in use"),
    told(
        ":s 700 Tester Bob 001 :\\s\\4",
        nick="Tester",
        target="Bob",
        cookie="001",
        values="\\s\\4",
    ),
    told(":s 701 Tester Bob 001 :End", nick="Tester", target="Bob", cookie="001", text="End"),
    told(
        f":s 702 Tester {CHANNEL} Bob 002 :\\s",
        nick="Tester",
        channel=CHANNEL,
        target="Bob",
        cookie="002",
        values="\\s",
    ),
    told(
        f":s 703 Tester {CHANNEL} 002 :End",
        nick="Tester",
        channel=CHANNEL,
        cookie="002",
        text="End",
    ),
    told(
        f":s 704 Tester {CHANNEL} 003 :\\x",
        nick="Tester",
        channel=CHANNEL,
        cookie="003",
        values="\\x",
    ),
    told(":s 706 Tester 1 :Authenticated", nick="Tester", result="1", text="Authenticated"),
    told(":s 707 Tester 1001 2002", nick="Tester", userid="1001", profileid="2002"),
    told(":s 708 Tester :failed", nick="Tester", text="failed"),
    told(":s 709 Tester :failed", nick="Tester", text="failed"),
    told(":s 710 Tester :failed", nick="Tester", text="failed"),
    told(":s 711 Tester :failed", nick="Tester", text="failed"),
    told(":s 712 Tester more :failed", nick="Tester", more=["more"], text="failed"),
    Vector(
        "a line that ends in a line feed alone",
        UP,
        b"NICK Tester\n",
        "NICK",
        {"nick": "Tester"},
    ),
    Vector("a command in small letters", UP, b"nick Tester\r\n", "NICK", {"nick": "Tester"}),
    Vector("an empty line", UP, b"\r\n", "Opaque", error="byte 0: no command"),
    Vector("a prefix alone", DOWN, b":s\r\n", "Opaque", error="byte 3: no command"),
)
