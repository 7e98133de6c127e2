"""What GameSpy's presence, search and statistics services call things: one line per name.

Several protocols use the same fields, so that their meanings stand here once (gamespy 2, 3, 8).
"""

from __future__ import annotations

from proxy.ciphers import passwordenc
from proxy.layouts.values import Value
from proxy.protocol import Field, Kind
from recordings.model import Direction, Json

MEANINGS: dict[str, tuple[str, str]] = {
    "authtoken": ("text", "token of a partner's login, in place of a nick"),
    "birthday": ("number", "day << 24 | month << 16 | year"),
    "cdkey": ("text", "CD key, in clear"),
    "cdkeyenc": ("hidden", "CD key, obfuscated without a key"),
    "challenge": ("text", "nonce: 10 letters of the server, 32 characters of the client"),
    "code": ("number", "status code"),
    "connid": ("number", "connection id: the session key as a number of 32 bits"),
    "count": ("number", "how many there are in the list"),
    "data": ("bytes", "the stored data, counted by `length`; may be binary"),
    "date": ("number", "Unix time in seconds; only servers send it"),
    "dindex": ("number", "which of the player's data sets"),
    "done": ("number", "1: the last report of the game"),
    "email": ("text", "e-mail address of the account"),
    "err": ("number", "error code; derived.names tells what it is called"),
    "errmsg": ("text", "error text for people"),
    "f": ("number", "profile id of the sender"),
    "fatal": ("flag", "present: the client drops the session"),
    "firewall": ("number", "1: the client says it is behind a firewall"),
    "gamedata": ("pairs", "the game's report; byte 1 stands for the backslash"),
    "gamename": ("text", "the game's short name, by which its secret is looked up"),
    "id": ("number", "operation id: the reply repeats it"),
    "keyhash": ("md5", "MD5 of the CD key"),
    "keys": ("text", "names asked for, joined by byte 1"),
    "kv": ("number", "1: the data are keys and values, 0: binary"),
    "lid": ("number", "local id of the operation: the reply repeats it"),
    "list": ("text", "profile ids, separated by commas"),
    "locstring": ("text", "where the player is; often an address"),
    "lt": ("text", "login ticket, 24 characters"),
    "mod": ("number", "Unix time of the last change"),
    "more": ("number", "how many more results there are"),
    "msg": ("text", "text of the message; for some types names and values"),
    "namespaceid": ("number", "in which space the unique nick is unique"),
    "namespaces": ("text", "namespaces, separated by commas"),
    "nick": ("text", "nick of the profile"),
    "o": ("number", "profile id of one entry"),
    "opids": ("text", "profile ids, separated by |"),
    "partnerid": ("number", "whose accounts these are; 0: the maker's own"),
    "pass": ("text", "password in clear, of old games"),
    "passenc": ("hidden", "password, obfuscated without a key"),
    "passwordenc": ("hidden", "password, obfuscated without a key"),
    "pid": ("number", "profile id, or partner id in a profile"),
    "pmask": ("number", "which parts of the profile are public"),
    "port": ("number", "the client's own UDP port for other players; may be negative"),
    "productid": ("number", "the game's number"),
    "productID": ("number", "the game's number (this request spells it so)"),
    "profileid": ("number", "profile id"),
    "proof": ("md5", "the server's proof that it knows the password"),
    "ptype": ("number", "0 private read-only, 1 private, 2 public read-only, 3 public"),
    "quiet": ("number", "bit mask of the kinds of message that are not wanted"),
    "reason": ("text", "what the player writes to the other"),
    "resp": ("md5", "proof of the player's password"),
    "response": ("md5", "the client's proof that it knows the secret"),
    "sdkrevision": (
        "number",
        "bits: 1 authorisations as bm, 2 revokes as bm, 4 new status, 8 lists",
    ),
    "sesskey": ("number", "session key that the server gave at login"),
    "sig": ("md5", "signature of the profile: 32 characters, never absent"),
    "statstring": ("text", "status in words"),
    "t": ("number", "profile id of the receiver"),
    "uniquenick": ("text", "nick that is unique in its namespace"),
    "user": ("text", "nick@email; the first @ separates"),
    "userid": ("number", "account id"),
}


def fields(names: str) -> tuple[Field, ...]:
    """Documentation lines of these fields, names separated by spaces."""
    return tuple(Field(name, *MEANINGS.get(name, ("text", ""))) for name in names.split())


def kind(name: str, way: Direction | None, meaning: str, names: str, section: str) -> Kind:
    """One line of a protocol's table; no way means that both sides send it."""
    ways = (way,) if way else tuple(Direction)
    return Kind(name, ways, meaning, fields(f"{name} {names}"), f"gamespy {section}")


class Hidden(Value):
    """A value obfuscated without a key, shown in clear."""

    def read(self, text: str) -> Json | None:
        return passwordenc.decode(text.encode("latin-1")).decode("latin-1")

    def write(self, shown: Json) -> str:
        return passwordenc.encode(str(shown).encode("latin-1")).decode()


HIDDEN: dict[str, Value] = {
    name: Hidden() for name, (type_, _) in MEANINGS.items() if type_ == "hidden"
}
"""Fields that hold a password or CD key, obfuscated without a key (gamespy 2.5)."""

_GROUPS: dict[int, tuple[str, dict[int, str]]] = {
    0x000: (
        "",
        {
            0: "general",
            1: "parse error",
            2: "not logged in",
            3: "bad session key",
            6: "kicked by another login",
            7: "closed",
        },
    ),
    0x100: (
        "login",
        {
            1: "timeout",
            2: "bad nick",
            3: "bad e-mail",
            4: "bad password",
            5: "bad profile",
            6: "profile deleted",
            7: "refused",
            8: "the server's proof is wrong",
            9: "bad unique nick",
            10: "bad preauthentication",
            11: "bad ticket",
            12: "ticket expired",
        },
    ),
    0x200: (
        "newuser",
        {1: "bad nick", 2: "bad password", 3: "unique nick invalid", 4: "unique nick in use"},
    ),
    0x300: ("updateui", {1: "bad e-mail"}),
    0x400: ("newprofile", {1: "bad nick", 2: "bad old nick"}),
    0x500: ("updatepro", {1: "bad nick"}),
    0x600: (
        "addbuddy",
        {1: "bad from", 2: "bad new", 3: "already a buddy", 4: "on the block list", 5: "blocking"},
    ),
    0x700: ("authadd", {1: "bad from", 2: "bad signature", 3: "on the block list", 4: "blocking"}),
    0x800: ("status", {}),
    0x900: ("bm", {1: "not a buddy", 2: "extended info unsupported", 3: "buddy offline"}),
    0xA00: ("getprofile", {1: "bad profile"}),
    0xB00: ("delbuddy", {1: "not a buddy"}),
    0xC00: ("delprofile", {1: "last profile"}),
    0xD00: ("search", {1: "connection failed", 2: "timeout"}),
    0xE00: ("check", {1: "bad e-mail", 2: "bad nick", 3: "bad password"}),
    0xF00: ("revoke", {1: "not a buddy"}),
    0x1000: ("registernick", {1: "taken", 2: "reserved", 3: "bad namespace"}),
    0x1100: ("registercdkey", {1: "bad key", 2: "already set", 3: "taken"}),
    0x1200: ("addblock", {1: "already blocked"}),
    0x1300: ("removeblock", {1: "not blocked"}),
}
"""Error codes by their group (gamespy 1)."""


def error_name(code: bytes | None) -> str | None:
    """`0x104 login: bad password` for `260`; None for no number, or an unknown one."""
    if not code or not code.isdigit() or len(code) > 6:
        return None
    number = int(code)
    group = _GROUPS.get(number & ~0xFF)
    if group is None:
        return None
    where, names = group
    said = [text for text in (where, names.get(number & 0xFF)) if text]
    return f"0x{number:03X} {': '.join(said)}"
