"""A server of NASCAR Thunder 2004: directory, lobby and buddy leg (ea-lobby 1 to 8).

It deciphers the password with the key that it gave, and refuses what a real server refuses: a wrong
password, a persona that is not the account's, a buddy login without the key of this evening, a
result of another race, a ping that is not its own.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator

TABLE = [zlib.crc32(bytes([one]), 0xFFFFFFFF) ^ 0xFFFFFFFF for one in range(256)]


def step(value: int, octet: int) -> int:
    return (value >> 8) ^ TABLE[(value ^ octet) & 0xFF]


def open_password(key: bytes, wire: str) -> str:
    """SSC2 (ea-lobby 4.3): the text behind `~`, deciphered."""
    state, j = list(range(256)), 0
    for t in range(16 * 256):
        j = step(step(j, key[t % len(key)]), state[t % 256])
        state[t % 256], state[j & 255] = state[j & 255], state[t % 256]
    i = c = k = 0
    text = ""
    for char in wire.encode("latin-1"):
        c = step(c, state[i])
        i = (i + 1) % 256
        a, d = state[i], state[c & 255]
        state[i], state[c & 255] = d, a
        k ^= state[(a - d) & 255]
        plain = 32 + (char - 32 - k % 96) % 96
        if plain == 127:
            return text
        text += chr(plain)
    return text


def masked(key: bytes, wire: str) -> str:
    """The mask stream (ea-lobby 4.2): the hexadecimal behind `$`, deciphered."""
    before, text = 0, ""
    for at, byte in enumerate(bytes.fromhex(wire)):
        turned = byte ^ key[at % len(key)]
        text += chr((turned >> 3 | turned << 5) & 255 ^ before)
        before = byte
    return text


def frame(kind: str, body: str = "", ident: bytes = bytes(4)) -> bytes:
    text = body.encode("latin-1") + b"\0" if body else b""
    return kind.encode() + ident + struct.pack(">I", 12 + len(text)) + text


def tabbed(kind: str, *items: str, ident: bytes = bytes(4)) -> bytes:
    return frame(kind, "\t".join(items), ident)


def values(body: bytes) -> dict[str, str]:
    """The items of a client's body: it writes one a line, or with blanks in `sele`."""
    text = body.rstrip(b"\0").decode("latin-1")
    found = {}
    for line in text.splitlines():
        parts = line.split(" ") if line.count("=") > 1 and '"' not in line else [line]
        for part in parts:
            key, _, value = part.partition("=")
            found[key] = _unescaped(value.strip('"'))
    return found


def _unescaped(text: str) -> str:
    out, at = "", 0
    while at < len(text):
        if text[at] == "%" and len(text) > at + 2:
            out, at = out + chr(int(text[at + 1 : at + 3], 16)), at + 3
        else:
            out, at = out + text[at], at + 1
    return out


class World:
    """One evening: everything that is another every evening."""

    def __init__(self, seed: int, accounts: dict[str, tuple[str, list[str]]]) -> None:
        draw = random.Random(seed)
        self.accounts = accounts
        """Account -> password and personas."""
        self.sess = draw.randrange(10**9, 2**31)
        self.mask = draw.randbytes(8).hex()
        self.skey = bytes([draw.randrange(1, 256)]) + draw.randbytes(15)
        self.keyless = False
        """No session key is given (SKEY=0): passwords come under the mask."""
        self.lkeys: dict[str, str] = {}  # persona -> key for the buddy server
        self.draw = draw
        self.lobby = self.buddy = 0
        """Ports."""
        self.races: dict[str, str] = {}  # AUTH -> WHEN
        self.ids: dict[str, int] = {}
        self.pings = 1
        self.chatty = False
        """Another user says something too."""
        self.rounds = 1
        """How often `~png` is sent at the login."""
        self.problems: list[str] = []
        self.seen: list[str] = []

    def id_of(self, name: str) -> int:
        return self.ids.setdefault(name, self.draw.randrange(100, 9999))


class Leg:
    """What the three legs have in common: cutting frames."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.closing = False
        self._buffer = b""

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while len(self._buffer) >= 12 and not self.closing:
            length = struct.unpack(">I", self._buffer[8:12])[0]
            if length < 12:
                self.world.problems.append(f"a frame of {length} bytes")
                self.closing = True
                return
            if length > len(self._buffer):
                return
            kind, body = self._buffer[:4].decode("latin-1"), self._buffer[12:length]
            self._buffer = self._buffer[length:]
            self.world.seen.append(kind)
            answer = getattr(self, "on_" + kind.strip("@~+").lower(), None)
            if answer is None:
                yield frame(kind)
            else:
                yield from answer(values(body))

    def refuse(self, kind: str, code: bytes, why: str) -> Iterator[bytes]:
        self.world.problems.append(why)
        yield frame(kind, ident=code)


class Directory(Leg):
    def on_dir(self, said: dict[str, str]) -> Iterator[bytes]:
        world = self.world
        yield tabbed(
            "@dir",
            "ADDR=127.0.0.1",
            f"PORT={world.lobby}",
            f"SESS={world.sess}",
            f"MASK={world.mask}",
        )


class Lobby(Leg):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.account = self.persona = self.room = ""
        self.token = ""
        self.refs: set[str] = set()

    def ping(self, tick: int) -> bytes:
        self.world.pings += 1
        ref = str(self.world.pings)
        self.refs.add(ref)
        body = f"REF={ref}\tTIME=0\tSESS={self.world.sess}"
        return frame("~png", body, struct.pack(">I", tick))

    def on_addr(self, said: dict[str, str]) -> Iterator[bytes]:
        if said["ADDR"] != "127.0.0.1":
            self.world.problems.append(f"the client says it is at {said['ADDR']}")
        for number in range(self.world.rounds):
            yield self.ping(number * 22_300)

    def on_png(self, said: dict[str, str]) -> Iterator[bytes]:
        if said.get("REF") not in self.refs or said.get("SESS") != str(self.world.sess):
            self.world.problems.append(f"a ping that was never sent: {said}")
        yield from ()

    def on_skey(self, said: dict[str, str]) -> Iterator[bytes]:
        if said["SKEY"] != "$5075626c6963204b6579":
            self.world.problems.append("skey without the public key")
        key = "0" if self.world.keyless else f"${self.world.skey.hex()}"
        yield tabbed("skey", f"SKEY={key}")

    def opened_password(self, said: dict[str, str]) -> str:
        """The password, or nothing when it is not in the form that this session asks for."""
        wire, world = said["PASS"], self.world
        if not world.keyless:
            fits = wire.startswith("~") and "MASK" not in said
            return open_password(world.skey, wire[1:]) if fits else ""
        wrapped = (world.sess + 2**31) % 2**32 - 2**31
        if not wire.startswith("$") or said.get("MASK") != str(wrapped):
            return ""
        return masked(world.mask.encode(), wire[1:])

    def on_auth(self, said: dict[str, str]) -> Iterator[bytes]:
        known = self.world.accounts.get(said["NAME"])
        if known is None:
            return (yield from self.refuse("auth", b"imst", f"no account {said['NAME']}"))
        if self.opened_password(said) != known[0]:
            return (yield from self.refuse("auth", b"pass", "a wrong password"))
        self.account = said["NAME"]
        yield tabbed(
            "auth",
            f"NAME={self.account}",
            "ADDR=127.0.0.1",
            f"PERSONAS={','.join(known[1])}",
            f"MAIL={self.account}@example.net",
            "SPAM=NN",
            "TOS=1",
        )

    def on_pers(self, said: dict[str, str]) -> Iterator[bytes]:
        if not self.account or said["PERS"] not in self.world.accounts[self.account][1]:
            return (yield from self.refuse("pers", b"imst", f"no persona {said['PERS']}"))
        self.persona = said["PERS"]
        key = self.world.lkeys[self.persona] = "$" + self.world.draw.randbytes(16).hex()
        yield tabbed(
            "pers",
            f"PERS={self.persona}",
            f"NAME={self.account}",
            f"LKEY={key}",
            "LAST=2026.1.2 03:04:05",
        )
        yield self.who()

    def who(self) -> bytes:
        where = f"R={self.room}"
        number = "1" if self.room else "0"
        mine = self.world.id_of(self.persona)
        items = (f"I={mine}", f"N={self.persona}", "F=U", f"RI={number}", f"RT={number}", where)
        return tabbed("+who", *items)

    def on_sele(self, said: dict[str, str]) -> Iterator[bytes]:
        echo = [f"{key}={value}" for key, value in said.items()]
        if "ROOMS" not in said:
            yield tabbed("sele", *echo)
            return
        yield tabbed("sele", *echo, "MORE=0", "SLOTS=24")
        for name, text in (("C.East", "Short tracks"), ("C.West", "Superspeedways")):
            room = f"I={self.world.id_of(name)}"
            yield tabbed("+rom", room, f"N={name}", f"H={text}", "F=", "A=127.0.0.1", "L=50", "P=0")
        yield tabbed("+pop", f"Z={self.world.id_of('C.East')}/3 {self.world.id_of('C.West')}/1")

    def on_news(self, said: dict[str, str]) -> Iterator[bytes]:
        ident = b"new" + said["NAME"].encode()
        if said["NAME"] == "0":
            yield frame("news", f"BUDDY_URL=127.0.0.1\nBUDDY_PORT={self.world.buddy}\n", ident)
        else:
            text = "Welcome back to NASCAR Thunder 2004.\nThe servers close at midnight.\n"
            yield frame("news", text, ident)

    def on_auxi(self, said: dict[str, str]) -> Iterator[bytes]:
        self.token = said["TEXT"]
        yield tabbed("auxi", f"TEXT={said['TEXT']}")

    def on_move(self, said: dict[str, str]) -> Iterator[bytes]:
        left, self.room = self.room, said["NAME"]
        ident, count = (self.world.id_of(self.room), 4) if self.room else (0, 0)
        lident, lcount = (self.world.id_of(left), 3) if left else (0, 0)
        yield tabbed(
            "move",
            f"IDENT={ident}",
            f"NAME={self.room}",
            f"COUNT={count}",
            "FLAGS=",
            f"LIDENT={lident}",
            f"LCOUNT={lcount}",
        )
        yield self.who()
        if self.room:
            people = ((self.persona, "U", 41), ("InfieldPass", "", 88), ("RestartZone", "", 63))
            for name, flags, ping in people:
                token = self.token if name != "RestartZone" else ""
                row = (f"I={self.world.id_of(name)}", f"N={name}", f"F={flags}", "A=127.0.0.1")
                yield tabbed("+usr", *row, f"P={ping}", "S=", f"X={token}", "T=4")

    def on_mesg(self, said: dict[str, str]) -> Iterator[bytes]:
        yield frame("mesg")
        if "PRIV" not in said:
            text = said["TEXT"]
            quoted = f'"{text}"' if "," in text else text
            yield tabbed("+msg", f"N={self.persona}", f"T={quoted}", "F=")
            if self.world.chatty and "," not in text:
                yield tabbed("+msg", "N=RestartZone", "T=last night on the old server", "F=")
        elif said.get("ATTR") == "3":
            yield tabbed("+msg", f"N={said['PRIV']}", "T=ACPT", "F=P3")

    def on_user(self, said: dict[str, str]) -> Iterator[bytes]:
        yield tabbed("user", f"PERS={said['PERS']}", "TITLE=1")

    def on_chal(self, said: dict[str, str]) -> Iterator[bytes]:
        draw, other = self.world.draw, said["PERS"]
        auth, when = draw.randbytes(4).hex(), str(draw.randrange(1_700_000_000, 1_800_000_000))
        self.world.races[auth] = when
        yield tabbed("chal", "MODE=chal")
        yield tabbed(
            "+ses",
            *(f"NAME={self.persona}", f"SELF={self.persona}", f"HOST={self.persona}"),
            *(f"OPPO={other}", f"P1={self.persona}", f"P2={other}"),
            *("ADDR=127.0.0.1", "FROM=127.0.0.1", f"SEED={draw.randrange(10**7, 10**8)}"),
            *(f"WHEN={when}", f"AUTH={auth}"),
        )

    def on_rank(self, said: dict[str, str]) -> Iterator[bytes]:
        if self.world.races.get(said["AUTH"]) != said["WHEN"]:
            return (yield from self.refuse("rank", b"auth", "a result of no race"))
        yield frame("rank")

    def on_snap(self, said: dict[str, str]) -> Iterator[bytes]:
        yield tabbed("snap", *(f"{key}={said[key]}" for key in ("INDEX", "CHAN", "START", "RANGE")))
        for place, (name, points, races) in enumerate(
            ((self.persona, 1410, "12,4,31"), ("InfieldPass", 1322, "10,5,28")), 1
        ):
            yield tabbed("+snp", f"N={name}", f"R={place}", f"P={points}", f"S={races}")
        yield tabbed("+snp", "N=RestartZone", "R=3", "P=1180", "S=7,9,22")


class Buddy(Leg):
    persona = ""

    def on_auth(self, said: dict[str, str]) -> Iterator[bytes]:
        persona = said["USER"].partition("/")[0]
        if self.world.lkeys.get(persona) != said["LKEY"]:
            self.closing = True
            return (yield from self.refuse("AUTH", b"auth", f"{persona} without its LKEY"))
        self.persona = persona
        yield frame("AUTH")

    def on_rget(self, said: dict[str, str]) -> Iterator[bytes]:
        number, friends = said["ID"], ["InfieldPass"] if said["LIST"] == "B" else []
        yield tabbed("RGET", f"ID={number}", f"SIZE={len(friends)}")
        for name in friends:
            yield tabbed("ROST", f"ID={number}", f"USER={name}", "GROUP=")
            stat = "STAT=en%3d%22is online%22"
            yield tabbed("PGET", f"USER={name}", "SHOW=CHAT", stat, 'PROD="is online"')

    def on_send(self, said: dict[str, str]) -> Iterator[bytes]:
        yield frame("SEND")
        time = f"TIME={self.world.draw.randrange(1_700_000_000, 1_800_000_000)}"
        yield tabbed("RECV", f"USER={said['USER']}", 'BODY="green flag!"', "TYPE=C", time)
        yield frame("PING")

    def on_ping(self, said: dict[str, str]) -> Iterator[bytes]:
        return iter(())

    def on_disc(self, said: dict[str, str]) -> Iterator[bytes]:
        self.closing = True
        return iter(())
