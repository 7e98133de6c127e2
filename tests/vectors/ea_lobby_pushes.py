"""Golden bytes of the EA lobby: what servers push, and the buddy leg. One line per field."""

from __future__ import annotations

from typing import Any

from recordings.model import Direction, Json
from tests.protocols.harness import Vector


def up(name: str, raw: bytes, fields: dict[str, Json], **more: Any) -> Vector:
    """A frame to the server; its kind is its first four bytes."""
    kind = more.get("plain", raw)[:4].decode()
    return Vector(name, Direction.TO_SERVER, raw, kind, fields, **more)


def down(name: str, raw: bytes, fields: dict[str, Json], **more: Any) -> Vector:
    """A frame to the client; its kind is its first four bytes."""
    kind = more.get("plain", raw)[:4].decode()
    return Vector(name, Direction.TO_CLIENT, raw, kind, fields, **more)


PUSHES = (
    down(
        "yourself",
        b"+who\0\0\0\0\0\0\0."  # kind, length 46
        b"F=U\n"  # F: flags
        b"N=Nora\n"  # N: persona, at most 63
        b"RI=3\n"  # RI: room
        b"RT=7\n"  # RT: users there
        b"R=East\n"  # R: its name
        b"RF=C\n\0",  # RF: of the room
        {"F": "U", "N": "Nora", "RI": "3", "RT": "7", "R": "East", "RF": "C"},
    ),
    down(
        "a user comes into your room",
        b"+usr\0\0\0\0\0\0\0G"  # kind, length 71
        b"I=34488\t"  # I: user
        b"N=Theo\t"  # N: persona, at most 31
        b"A=192.0.2.8\t"  # A: address
        b"P=5\t"  # P: ping
        b"F=CK\t"  # F: U marks yourself
        b"S=\t"  # S: statistics
        b"X=w893m_a016o_g\t"  # X: auxiliary text
        b"T=8\0",  # T: users in your room now
        {
            "I": "34488",
            "N": "Theo",
            "A": "192.0.2.8",
            "P": "5",
            "F": "CK",
            "S": "",
            "X": "w893m_a016o_g",
            "T": "8",
        },
    ),
    down(
        "two users in one push: the second is not read by the client",
        b"+usr\0\0\0\0\0\0\0#"  # kind, length 35
        b"I=1\n"  # I: user
        b"N=Nora\n"  # N: persona, at most 31
        b"I=2\n"  # I: the second record
        b"N=Theo\n\0",  # N: the second record
        {"I": "1", "N": "Nora", "I[1]": "2", "N[1]": "Theo"},
    ),
    down(
        "a room",
        b"+rom\0\0\0\0\0\0\0J"  # kind, length 74
        b"I=3\n"  # I: room
        b"N=East\n"  # N: name
        b'H="Main Lobby Hub"\n'  # H: description
        b"F=\n"  # F: flags
        b"A=203.0.113.7\n"  # A: address
        b"T=7\n"  # T: users
        b"L=100\n"  # L: most users
        b"P=0\n\0",  # P: ping in milliseconds
        {
            "I": "3",
            "N": "East",
            "H": "Main Lobby Hub",
            "F": "",
            "A": "203.0.113.7",
            "T": "7",
            "L": "100",
            "P": "0",
        },
    ),
    down(
        "how many are in the rooms",
        b"+pop\0\0\0\0\0\0\0\x1b"  # kind, length 27
        b"Z=1/3 2/0 7/12\0",  # Z: room id and users, in turn
        {"Z": "1/3 2/0 7/12"},
    ),
    down(
        "someone challenges you",
        b"+msg\0\0\0\0\0\0\0)"  # kind, length 41
        b"N=Nora\n"  # N: sender
        b"T=w893m_a017l_g\n"  # T: text
        b"F=P3\n\0",  # F: B broadcast, P private, none: the room
        {"N": "Nora", "T": "w893m_a017l_g", "F": "P3"},
    ),
    down(
        "a race is arranged",
        b"+ses\0\0\0\0\0\0\0\x82"  # kind, length 130
        b"NAME=race\n"  # NAME: session
        b"SELF=Nora\n"  # SELF: you
        b"HOST=Nora\n"  # HOST: who hosts
        b"OPPO=Theo\n"  # OPPO: the other one
        b"P1=w893m\n"  # P1: parameter
        b"ADDR=192.0.2.8\n"  # ADDR: the other's
        b"FROM=Theo\n"  # FROM: the other's
        b"SEED=439041101\n"  # SEED: the same on both sides
        b"WHEN=1076000000\n"  # WHEN: the same on both sides
        b"AUTH=race-1\n\0",  # AUTH: comes back in the result
        {
            "NAME": "race",
            "SELF": "Nora",
            "HOST": "Nora",
            "OPPO": "Theo",
            "P1": "w893m",
            "ADDR": "192.0.2.8",
            "FROM": "Theo",
            "SEED": "439041101",
            "WHEN": "1076000000",
            "AUTH": "race-1",
        },
    ),
    down(
        "a ranking list is cleared",
        b"+rnk\0\0\0\0\0\0\0\x12"  # kind, length 18
        b"D=-2\n\0",  # D: -2 clears
        {"D": "-2"},
    ),
    down(
        "a row of a ranking",
        b"+snp\0\0\0\0\0\0\x002"  # kind, length 50
        b"N=Nora\t"  # N: persona, at most 31
        b"R=1\t"  # R: rank
        b"P=25000074\t"  # P: points
        b"S=1,f6a,938,196\0",  # S: statistics
        {"N": "Nora", "R": "1", "P": "25000074", "S": "1,f6a,938,196"},
    ),
    down(
        "+sst of a later game",
        b"+sst\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"IDENT=1\0",  # IDENT: a field of later games
        {"IDENT": "1"},
    ),
    down(
        "+uss of a later game",
        b"+uss\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"IDENT=1\0",  # IDENT: a field of later games
        {"IDENT": "1"},
    ),
    down(
        "+usm of a later game",
        b"+usm\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"IDENT=1\0",  # IDENT: a field of later games
        {"IDENT": "1"},
    ),
    down(
        "+ust of a later game",
        b"+ust\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"IDENT=1\0",  # IDENT: a field of later games
        {"IDENT": "1"},
    ),
    down(
        "+mgm of a later game",
        b"+mgm\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"IDENT=1\0",  # IDENT: a field of later games
        {"IDENT": "1"},
    ),
    down(
        "+gam of a later game",
        b"+gam\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"IDENT=1\0",  # IDENT: a field of later games
        {"IDENT": "1"},
    ),
    down(
        "+fup of a later game",
        b"+fup\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"IDENT=1\0",  # IDENT: a field of later games
        {"IDENT": "1"},
    ),
    down(
        "+agm of a later game",
        b"+agm\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"IDENT=1\0",  # IDENT: a field of later games
        {"IDENT": "1"},
    ),
)

BUDDY = (
    up(
        "logs in to the buddy server",
        b"AUTH\0\0\0\0\0\0\0X"  # kind, length 88
        b"PROD=NASCAR\n"  # PROD: game
        b"VERS=XXX\n"  # VERS: build
        b"PRES=NASCAR2004\n"  # PRES: resource
        b"USER=Nora/cso/nascar-ps2-2004\n"  # USER: persona/cso/product
        b"LKEY=$0\n\0",  # LKEY: of the pers reply
        {
            "PROD": "NASCAR",
            "VERS": "XXX",
            "PRES": "NASCAR2004",
            "USER": "Nora/cso/nascar-ps2-2004",
            "LKEY": "$0",
        },
    ),
    down(
        "the buddy server accepts",
        b"AUTH\0\0\0\0\0\0\0\x16"  # kind, length 22
        b"NAME=Nora\n",  # NAME: a field of later games
        {"NAME": "Nora"},
    ),
    up(
        "sets your presence: TagField inside of TagField",
        b"PSET\0\0\0\0\0\0\0b"  # kind, length 98
        b"SHOW=CHAT\n"  # SHOW: DISC, CHAT, AWAY, XA, DND or PASS
        b'STAT="en%3d%22is playing%25e2%2584%25a2%22%0aP%3dmad4%0a"\n'  # STAT: en and P
        b'PROD="is online"\n\0',  # PROD: shown
        {"SHOW": "CHAT", "STAT": 'en="is playing%e2%84%a2"\nP=mad4\n', "PROD": "is online"},
    ),
    up(
        "asks for the buddies",
        b"RGET\0\0\0\0\0\0\0)"  # kind, length 41
        b"LRSC=cso\n"  # LRSC: cso
        b"LIST=B\n"  # LIST: B buddies, I ignored
        b"PRES=Y\n"  # PRES: Y with presence
        b"ID=1\n\0",  # ID: number
        {"LRSC": "cso", "LIST": "B", "PRES": "Y", "ID": "1"},
    ),
    down(
        "how many buddies",
        b"RGET\0\0\0\0\0\0\0\x19"  # kind, length 25
        b"ID=1\n"  # ID: as asked
        b"SIZE=1\n\0",  # SIZE: entries
        {"ID": "1", "SIZE": "1"},
    ),
    down(
        "a buddy",
        b"ROST\0\0\0\0\0\0\0#"  # kind, length 35
        b"ID=1\n"  # ID: 1 buddies, 2 ignored
        b"USER=Theo\n"  # USER: persona
        b"GROUP=\n\0",  # GROUP: string
        {"ID": "1", "USER": "Theo", "GROUP": ""},
    ),
    down(
        "a buddy's presence",
        b"PGET\0\0\0\0\0\0\0;"  # kind, length 59
        b"USER=Theo\n"  # USER: persona
        b"SHOW=AWAY\n"  # SHOW: as PSET
        b"STAT=en%3doff%0a\n"  # STAT: as PSET
        b"PROD=off\n\0",  # PROD: shown
        {"USER": "Theo", "SHOW": "AWAY", "STAT": "en=off\n", "PROD": "off"},
    ),
    up(
        "adds a buddy",
        b"RADD\0\0\0\0\0\0\0<"  # kind, length 60
        b"LRSC=cso\n"  # LRSC: cso
        b"ID=101\n"  # ID: from 101 on
        b"LIST=B\n"  # LIST: B, I
        b"PRES=Y\n"  # PRES: string
        b"USER=theo\n"  # USER: string
        b"GROUP=\n\0",  # GROUP: string
        {"LRSC": "cso", "ID": "101", "LIST": "B", "PRES": "Y", "USER": "theo", "GROUP": ""},
    ),
    down(
        "the buddy is added",
        b"RADD\0\0\0\0\0\0\0\x1e"  # kind, length 30
        b"ID=101\n"  # ID: as asked
        b"FUSR=Theo\n\0",  # FUSR: the persona as it is written
        {"ID": "101", "FUSR": "Theo"},
    ),
    up(
        "takes a buddy off",
        b"RDEL\0\0\0\0\0\0\0%"  # kind, length 37
        b"ID=102\n"  # ID: number
        b"LIST=B\n"  # LIST: B or I
        b"USER=Theo\n\0",  # USER: persona
        {"ID": "102", "LIST": "B", "USER": "Theo"},
    ),
    down(
        "the buddy is off",
        b"RDEL\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"ID=102\n\0",  # ID: as asked
        {"ID": "102"},
    ),
    up(
        "wants a presence",
        b"PADD\0\0\0\0\0\0\0\x17"  # kind, length 23
        b"USER=Theo\n\0",  # USER: persona
        {"USER": "Theo"},
    ),
    up(
        "no longer wants a presence",
        b"PDEL\0\0\0\0\0\0\0\x17"  # kind, length 23
        b"USER=Theo\n\0",  # USER: persona
        {"USER": "Theo"},
    ),
    up(
        "sends a message",
        b"SEND\0\0\0\0\0\0\x007"  # kind, length 55
        b"TYPE=C\n"  # TYPE: C
        b"USER=Theo\n"  # USER: persona
        b"BODY=see you\n"  # BODY: below 64
        b"SECS=259200\n\0",  # SECS: keep that long
        {"TYPE": "C", "USER": "Theo", "BODY": "see you", "SECS": "259200"},
    ),
    down(
        "the message is taken",
        b"SEND\0\0\0\0\0\0\0\x0c",  # kind, length 12
        {},
    ),
    down(
        "a message comes",
        b"RECV\0\0\0\0\0\0\0="  # kind, length 61
        b"USER=Nora\n"  # USER: persona
        b'BODY="see you"\n'  # BODY: at most 63
        b"TYPE=C\n"  # TYPE: must be C
        b"TIME=1076000000\n\0",  # TIME: number
        {"USER": "Nora", "BODY": "see you", "TYPE": "C", "TIME": "1076000000"},
    ),
    down(
        "a notice",
        b"ADMN\0\0\0\0\0\0\0\x16"  # kind, length 22
        b"BODY=bye\n\0",  # BODY: text
        {"BODY": "bye"},
    ),
    down(
        "a buddy server's keepalive",
        b"PING\0\0\0\0\0\0\0\x0c",  # kind, length 12
        {},
    ),
    up(
        "leaves the buddy server",
        b"DISC\0\0\0\0\0\0\0\x0c",  # kind, length 12
        {},
    ),
)
