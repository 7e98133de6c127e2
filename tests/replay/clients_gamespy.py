"""Scripted clients of GameSpy's smaller services, from the reference (gamespy 7, 10 to 13)."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from recordings.model import Key
from tests.replay.clients import GAME_KEY, Taped, found
from tests.replay.servers import browser1, cdkey, gamespy, natneg, web
from tests.replay.standin.test_serve_gamespy_browser1 import open_list, validate
from tests.replay.taping import Taping


def list_of_the_older_engine(path: Path, seed: int = 1) -> Taped:
    """Proves the game's secret and reads the list, which is enciphered under enctype 2."""
    world = browser1.World(seed)
    with Taping(path) as tape:
        flow = tape.tcp("gamespy-browser1", 28900, browser1.Browser(world))
        secure = found(r"secure\\(\w{6})", flow.heard)
        proof = validate(2, secure.encode(), browser1.SECRET).decode()
        login = f"\\gamename\\gmtest\\gamever\\2\\location\\0\\validate\\{proof}\\enctype\\2"
        flow.say(f"{login}\\final\\\\queryid\\1.1\\".encode())
        told = flow.say(b"\\list\\cmp\\gamename\\gmtest\\final\\")
        clear = open_list(2, told, secure.encode(), browser1.SECRET)
    assert not world.problems
    assert clear == bytes.fromhex("cb0071071e62cb0071081e6bcb0071091e62") + b"\\final\\"
    return Taped(path, [*GAME_KEY])


def cd_key(path: Path, seed: int = 1) -> Taped:
    """A game server has a player's key looked up, is asked again, tells that the player left."""
    world = cdkey.World(seed)
    known = Key("cdkey", cdkey.KEY, "cdkey", None, "given")
    with Taping(path, keys=(known,)) as tape:
        flow = tape.udp("gamespy-cdkey", 29910, cdkey.KeyServer(world))

        def say(text: str) -> str:
            answers = flow.say(cdkey.masked(text.encode()))
            return "".join(cdkey.masked(one).decode() for one in answers)

        response = cdkey.answer("qwertyui", 0x1234ABCD)
        who = "ip\\906100928\\skey\\17"
        answer = say(f"\\auth\\\\pid\\10469\\ch\\qwertyui\\resp\\{response}\\{who}\\reqproof\\1\\")
        assert answer.startswith("\\uok\\")
        pch = found(r"pch\\(\w{32})", say("\\ka\\").encode())
        say("\\uon\\\\skey\\17\\seed\\abcdefghij\\proof\\0")
        proof = cdkey.answer(pch, 0x00C0FFEE, again=True)
        say(f"\\uon\\\\skey\\17\\seed\\\\proof\\{proof}")
        say(f"\\disc\\\\pid\\10469\\cd\\{response[:32]}\\ip\\906100928\\")
    assert (world.problems, world.proved, world.left) == ([], 1, 1)
    return Taped(path, ["--key", f"cdkey={cdkey.KEY.hex()}"])


def nat_negotiation(path: Path, seed: int = 1) -> Taped:
    """Waits for the partner, says where it is, is told where the partner is, reports."""
    world, cookie = natneg.World(seed), 0x12345678
    with Taping(path) as tape:
        flow = tape.udp("gamespy-natneg", 27901, natneg.Server(world))
        inside = natneg.endpoint(flow.flow.client)
        for _ in range(2):
            flow.say(natneg.packet(natneg.PREINIT, cookie, bytes.fromhex("00000a0b0c0d")))
        for probe in (0, 3):
            flow.say(natneg.packet(natneg.ADDRESS_CHECK, probe, b"\1\0\1" + inside))
        for port in (0, 1):
            body = bytes((port, 0, 1)) + inside + b"gmtest\0"
            answers = flow.say(natneg.packet(natneg.INIT, cookie, body))
        assert [one[7] for one in answers] == [natneg.INITACK, natneg.CONNECT]
        flow.say(natneg.packet(natneg.CONNECT_ACK, cookie, bytes.fromhex("fe000000b0ee73bcfe")))
        report = b"\0\0\1" + struct.pack("<II", 2, 1) + b"gmtest".ljust(50, b"\0")
        flow.say(natneg.packet(natneg.REPORT, cookie, report))
    assert (world.problems, world.met, world.reported) == ([], 1, 1)
    return Taped(path)


def _post(name: str, inner: str, page: str) -> bytes:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope '
        'xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:ns1="http://gamespy.net/sake"><SOAP-ENV:Body>'
        f"<ns1:{name}>{inner}</ns1:{name}></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()
    head = f"POST {page} HTTP/1.1\r\nHost: gmtest.sake.gamespy.com\r\nContent-Type: text/xml\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _tags(**values: object) -> str:
    return "".join(f"<ns1:{name}>{value}</ns1:{name}>" for name, value in values.items())


def web_services(path: Path, seed: int = 1) -> Taped:
    """Logs in at the presence server, whose ticket opens the record store; asks for the version."""
    people = gamespy.World(seed)
    people.accounts["racer"], people.friend = ("daytona500", 2001), 4001
    pages = web.World(seed, people.tickets)
    with Taping(path) as tape:
        flow = tape.tcp("gamespy-presence", 29900, gamespy.Presence(people))
        theirs, mine = found(r"challenge\\(\w+)", flow.heard), "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF"
        proof = gamespy.login_response(b"daytona500", b"racer", mine.encode(), theirs.encode())
        answer = flow.say(
            gamespy.message(
                *("login", "", "challenge", mine, "uniquenick", "racer", "partnerid", 0),
                *("response", proof.decode(), "port", 6500, "productid", 1, "gamename", "gmtest"),
                *("namespaceid", 1, "id", 1),
            )
        )
        ticket = found(r"\\lt\\([^\\]+)", answer)
        site = tape.tcp("gamespy-web", 80, web.Web(pages))
        site.say(
            b"GET /motd/vercheck.asp?productid=10469&versionuniqueid=1&distid=0&gamename=gmtest "
            b"HTTP/1.1\r\nHost: motd.gamespy.com\r\n\r\n"
        )
        login = _tags(
            version=1, partnercode=0, namespaceid=1, uniquenick="racer", password="ab" * 128
        )
        told = site.say(_post("LoginUniqueNick", login, "/AuthService/AuthService.asmx"))
        assert re.search(rb"<serverdata>[0-9a-f]{256}<", told)
        store = "/SakeStorageServer/StorageServer.asmx"
        call = _tags(gameid=0, secretKey="HA6zkS", loginTicket=ticket, tableid="scores")
        for _ in range(2):
            site.say(_post("SearchForRecords", call, store))
    assert (people.problems, pages.problems, pages.records) == ([], [], 2)
    return Taped(path, ["--key", "password=" + b"daytona500".hex()])
