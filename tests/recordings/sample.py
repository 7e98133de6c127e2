"""A small recording with everything that the reading commands must show, written row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from recordings.migrations import migrations

START = 1_795_000_000_000_000
"""Unix microseconds of the first frame."""
HOSTILE = "\x1b[31mred\x1b]0;title\x07[bold]x[/bold] \u202e\x9b2J\r\n"
"""What a peer sends to take over a terminal: escapes, markup of rich, a turned direction."""


def ea(kind: str, body: str) -> bytes:
    """An EA frame: kind, ident 0, the length of all, and text that a NUL ends."""
    text = body.encode("latin-1") + b"\0"
    return kind.encode() + bytes(4) + (12 + len(text)).to_bytes(4, "big") + text


def _frames() -> list[dict[str, Any]]:
    """The frames in order; number and at are filled in below."""
    directory = ea("@dir", "PROD=NASCAR-PS2-2004\nVERS=PS2/XXX\n")
    answer = ea("@dir", "ADDR=203.0.113.9\nPORT=10901\nMASK=4294967295\n")
    moved = ea("@dir", "ADDR=127.0.0.1\nPORT=40000\nMASK=4294967295\n")
    skey = ea("skey", "SKEY=$5075626c6963204b6579\n")
    login = ea("auth", "NAME=alice\nPASS=~dpvtx\nMAC=\n")
    users = [
        {"name": "bob", "ping": 17, "id": 1},
        {"name": "Carol", "ping": 230, "id": 2},
    ]
    chat = {"kind": "Chat", "number": 4, "fields": {"username": "bob", "text": "hello there"}}
    status = {"kind": "ServerStatus", "number": 5, "fields": {"users": users, "games": []}}
    return [
        {"flow_id": 1, "direction": "c>s", "raw": directory, "kind": "@dir",
         "fields": {"PROD": "NASCAR-PS2-2004", "VERS": "PS2/XXX"}},
        {"flow_id": 1, "direction": "s>c", "raw": answer, "sent": moved, "action": "changed",
         "kind": "@dir", "fields": {"ADDR": "203.0.113.9", "PORT": "10901", "MASK": "4294967295"}},
        {"flow_id": 2, "direction": "c>s", "raw": skey, "kind": "skey",
         "fields": {"SKEY": "$5075626c6963204b6579"}},
        {"flow_id": 2, "direction": "c>s", "raw": login, "kind": "auth",
         "plain": ea("auth", "NAME=alice\nPASS=secret\nMAC=\n"), "cipher": "ssc2",
         "fields": {"NAME": "alice", "PASS": "secret", "MAC": ""},
         "derived": {"checks": {"PASS": "ok", "MAC": "WRONG: has nothing, needs 12 digits"}}},
        {"flow_id": 2, "direction": "s>c", "raw": ea("auth", "NAME=Alice\nTOS=1\nNAME=x\n"),
         "kind": "auth", "fields": {"NAME": "Alice", "TOS": "1", "NAME[1]": "x"}},
        {"flow_id": 2, "direction": "s>c", "raw": b"\xff\xfejunk\x00", "kind": "Opaque",
         "error": "lost: body, byte 8: length 7, at least 12"},
        {"flow_id": 3, "direction": "s>c", "raw": b"\x02\x05\x00\x0a\x00", "kind": "ServerStatus",
         "fields": {"messages": [status, chat]}},
        {"flow_id": 3, "direction": "c>s", "raw": b"\x01\x06\x00\x04\x00", "kind": "GameData",
         "fields": {"messages": [{"kind": "GameData", "number": 6,
                                  "fields": {"data": "0a0b", "size": 2, "last": True}}]}},
        {"flow_id": 4, "direction": "c>s", "raw": HOSTILE.encode(), "kind": "Chat\x1b[2J",
         "fields": {"text": HOSTILE, HOSTILE: "[red]name[/red]", "long": "A" * 1_000_000},
         "error": HOSTILE},
        {"flow_id": 4, "direction": "s>c", "raw": b"", "kind": "Ping", "fields": {}},
        {"flow_id": 4, "direction": "s>c", "raw": None, "sent": b"pong", "action": "inserted",
         "kind": "Pong", "fields": {"delay": 1.5, "none": None}},
        {"flow_id": 5, "direction": "c>s", "raw": b"GET red|blue HTTP", "protocol": "raw-tcp"},
    ]  # fmt: skip


_FLOWS = (
    (1, 1, None, "ea-lobby", "tcp", "192.0.2.7:50001", "203.0.113.9:10600", "ps2nascar04.ea.com"),
    (2, 1, 2, "ea-lobby", "tcp", "192.0.2.7:50002", "203.0.113.9:10901", None),
    (3, 2, None, "kaillera", "udp", "[2001:db8::7]:50003", "[2001:db8::1]:27888", None),
    (4, 2, None, "jazz2", "udp", "192.0.2.8:50004", None, None),
    (5, 2, None, "gamespy-web", "tcp", "192.0.2.8:50005", "198.51.100.4:80", HOSTILE),
)


def write_sample(path: Path) -> Path:
    """Two sessions, five flows, twelve frames with ids 1 to 12."""
    database = Database(path)
    migrations.apply(database)
    sessions = [
        (1, "u-1", "2026-11-18T11:33:20.000000Z", "2026-11-18T11:34:25.000000Z", "nascar",
         "192.0.2.7", "record", None),
        (2, "u-2", "2026-11-18T12:00:00.000000Z", None, None, "192.0.2.8", "stand-in", HOSTILE),
    ]  # fmt: skip
    for session in sessions:
        database.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", session)
    names = "id, session_id, parent_frame_id, protocol, transport, client, server, hostname"
    marks = "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
    for flow in _FLOWS:
        closed = (None, None) if flow[0] == 3 else (START + 65_000_000, "client closed")
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(
            f"INSERT INTO flows ({names}, opened_at, closed_at, close_reason) VALUES ({marks})",
            (*flow, START, *closed),
        )
    numbers: dict[int, int] = {}
    for id, frame in enumerate(_frames(), 1):
        numbers[frame["flow_id"]] = numbers.get(frame["flow_id"], 0) + 1
        row = {"id": id, "at": START + id * 12_345, "number": numbers[frame["flow_id"]], **frame}
        for name in ("fields", "derived"):
            if name in row:
                row[name] = json.dumps(row[name])
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        database.execute(f"INSERT INTO frames ({names}) VALUES ({marks})", list(row.values()))
    database.execute(
        "INSERT INTO keys VALUES (1, 1, 2, 3, 'skey', 'ssc2', 'c>s', ?, 'seen')", (b"Public Key",)
    )
    database.execute(
        "INSERT INTO events VALUES (1, 1, 1, 2, ?, 'redirect', 'opened 127.0.0.1:40000')", (START,)
    )
    database.execute(
        "INSERT INTO notes VALUES (1, 1, 2, 4, 'the first login', '2026-11-18T13:00:00.000000Z')"
    )
    database.conn.commit()
    database.close()
    return path
