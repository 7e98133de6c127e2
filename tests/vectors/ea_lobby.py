"""Golden bytes of the EA lobby, written from the reference: one line per field."""

from __future__ import annotations

from recordings.model import Direction, Key
from tests.protocols.harness import Vector
from tests.vectors.ea_lobby_pushes import BUDDY, PUSHES, down, up

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

SKEY = bytes.fromhex("0102030405060708090a0b0c0d0e0f10")
SKEY_REPLY = b"skey\0\0\0\0\0\0\0\x34SKEY=$0102030405060708090a0b0c0d0e0f10\n\0"
SEEN_SKEY = ((DOWN, SKEY_REPLY),)
SEEN_MASK = (Key("mask", b"4294967295", "mask", UP),)
CLIENT_KEY, SERVER_KEY, TICKET = bytes(range(16)), bytes(range(16, 32)), bytes(range(52))
STREAM_KEYS = (
    Key("rc4+md5-v2", CLIENT_KEY, "rc4+md5-v2", UP),
    Key("rc4+md5-v2", SERVER_KEY, "rc4+md5-v2", DOWN),
)
SHOWN_TICKET = ((UP, b"?tic\0\0\0\0\0\0\0\x40" + TICKET),)

LEGS = (
    up(
        "asks the directory for a lobby",
        b"@dir\0\0\0\0\0\0\0W"  # kind, length 87
        b"PROD=NASCAR-PS2-2004\n"  # PROD: game, platform
        b'VERS="PS2/XXX-Jul  2 2003"\n'  # VERS: build
        b"LANG=en\n"  # LANG: language
        b"SLUS=BASLUS-20824\n\0",  # SLUS: disc
        {
            "PROD": "NASCAR-PS2-2004",
            "VERS": "PS2/XXX-Jul  2 2003",
            "LANG": "en",
            "SLUS": "BASLUS-20824",
        },
        learned={},
    ),
    down(
        "the directory names the lobby",
        b"@dir\0\0\0\0\0\0\0H"  # kind, length 72
        b"ADDR=203.0.113.7\t"  # ADDR: host of the lobby
        b"PORT=10601\t"  # PORT: its port
        b"SESS=2924700378\t"  # SESS: session, wraps to 32 bit
        b"MASK=4294967295\0",  # MASK: key of the mask stream, at most 63
        {"ADDR": "203.0.113.7", "PORT": "10601", "SESS": "2924700378", "MASK": "4294967295"},
        learned={"mask": b"4294967295", "sess": b"-1370266918"},
    ),
    down(
        "a directory without MASK, the client stays where it is",
        b"@dir\0\0\0\0\0\0\0\x1d"  # kind, length 29
        b"DIRECT=1\n"  # DIRECT: if present ADDR, PORT are not read
        b"SESS=7\n\0",  # SESS: session, wraps to 32 bit
        {"DIRECT": "1", "SESS": "7"},
        learned={"mask": b"GS", "sess": b"7"},
    ),
    down(
        "no lobby today",
        b"@dir\0\0\0\0\0\0\0$"  # kind, length 36
        b'DOWN="closed for good"\n\0',  # DOWN: why there is no lobby
        {"DOWN": "closed for good"},
        learned={},
    ),
    up(
        "the client's own address",
        b"addr\0\0\0\0\0\0\0)"  # kind, length 41
        b"ADDR=192.0.2.100\n"  # ADDR: local address
        b"PORT=59750\n\0",  # PORT: local port of the directory connection
        {"ADDR": "192.0.2.100", "PORT": "59750"},
    ),
    down(
        "a reply to addr, from an emulator, no 00 at the end",
        b"addr\0\0\0\0\0\0\0\x15"  # kind, length 21
        b"STATUS=1\n",  # STATUS: not read
        {"STATUS": "1"},
    ),
    up(
        "asks for the session key",
        b"skey\0\0\0\0\0\0\0("  # kind, length 40
        b"SKEY=$5075626c6963204b6579\n\0",  # SKEY: always "Public Key"
        {"SKEY": "$5075626c6963204b6579"},
        learned={},
    ),
    down(
        "the session key",
        b"skey\0\0\0\0\0\0\x004"  # kind, length 52
        b"SKEY=$0102030405060708090a0b0c0d0e0f10\n\0",  # SKEY: 16 bytes
        {"SKEY": "$0102030405060708090a0b0c0d0e0f10"},
        learned={"skey": SKEY},
    ),
    down(
        "no session key: the mask stream is used",
        b"skey\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"SKEY=0\n\0",  # SKEY: 16 bytes
        {"SKEY": "0"},
        learned={},
    ),
    up(
        "a login, PASS by SSC2 under the session key",
        b"auth\0\0\0\0\0\0\0`"  # kind, length 96
        b"NAME=nora\n"  # NAME: account
        b'PASS="~;!M#9R%22 $`pveFg)%3dvHhc%22%7f_%7fp]XeF"\n'  # PASS: password, enciphered
        b"TOS=1\n"  # TOS: terms accepted
        b"MID=$00041f82bee5\n\0",  # MID: network address of the console
        {"NAME": "nora", "PASS": "secret", "TOS": "1", "MID": "$00041f82bee5"},
        before=SEEN_SKEY,
        plain=b"auth\0\0\0\0\0\0\0;"  # length 59
        b"NAME=nora\nPASS=secret\nTOS=1\nMID=$00041f82bee5\n\0",
        cipher="ssc2",
        checks={"PASS": "ok"},
        learned={},
        spans={"PASS": b"secret"},
    ),
    up(
        "a login, PASS by the mask stream",
        b"auth\0\0\0\0\0\0\0="  # kind, length 61
        b"NAME=nora\n"  # NAME: account
        b"PASS=$3ec97dd5\n"  # PASS: password, enciphered
        b"TOS=1\n"  # TOS: terms accepted
        b"MASK=-1370266918\n\0",  # MASK: SESS of @dir, with the mask stream only
        {"NAME": "nora", "PASS": "AAAA", "TOS": "1", "MASK": "-1370266918"},
        keys=SEEN_MASK,
        plain=b"auth\0\0\0\0\0\0\x008"  # length 56
        b"NAME=nora\nPASS=AAAA\nTOS=1\nMASK=-1370266918\n\0",
        cipher="mask",
        checks={"PASS": "ok"},
        learned={"sess": b"-1370266918"},
        spans={"PASS": b"AAAA"},
    ),
    up(
        "a login, PASS by plain RC4 under the session key",
        b"auth\0\0\0\0\0\0\0D"  # kind, length 68
        b"NAME=nora\n"  # NAME: account
        b"PASS=$f2b2a2ee05ef2c\n"  # PASS: password, enciphered
        b"TOS=1\n"  # TOS: terms accepted
        b"MID=$00041f82bee5\n\0",  # MID: network address of the console
        {"NAME": "nora", "PASS": "hunter2", "TOS": "1", "MID": "$00041f82bee5"},
        before=SEEN_SKEY,
        plain=b"auth\0\0\0\0\0\0\0<"  # length 60
        b"NAME=nora\nPASS=hunter2\nTOS=1\nMID=$00041f82bee5\n\0",
        cipher="rc4",
        checks={"PASS": "ok"},
        learned={"skey": SKEY},
        spans={"PASS": b"hunter2"},
    ),
    up(
        "a login whose keys nobody saw",
        b"auth\0\0\0\0\0\0\0>"  # kind, length 62
        b"NAME=nora\n"  # NAME: account
        b"PASS=$3ec97dd5\n"  # PASS: password, enciphered
        b"TOS=1\n"  # TOS: terms accepted
        b"MID=$00041f82bee5\n\0",  # MID: network address of the console
        {"NAME": "nora", "PASS": "$3ec97dd5", "TOS": "1", "MID": "$00041f82bee5"},
        checks={"PASS": "unknown: no skey and no mask was seen"},
        learned={},
    ),
    down(
        "the account",
        b"auth\0\0\0\0\0\0\0O"  # kind, length 79
        b"NAME=nora\n"  # NAME: account, at most 63
        b'PERSONAS=nora,"Nora B",theo\n'  # PERSONAS: comma list, at most 4 of 12 characters
        b"TOS=1\n"  # TOS: terms accepted
        b"MAIL=nora@example.com\n\0",  # MAIL: mail address
        {"NAME": "nora", "PERSONAS": 'nora,"Nora B",theo', "TOS": "1", "MAIL": "nora@example.com"},
    ),
    down(
        "a refused login",
        b"authimst\0\0\0\x0c",  # kind, ident, length 12
        {"ident": "imst"},
    ),
    up(
        "makes an account",
        b"acct\0\0\0\0\0\0\0\\"  # kind, length 92
        b"NAME=nora\n"  # NAME: account, at most 16
        b"PASS=$9735eb6ad1c3bac484\n"  # PASS: password, enciphered
        b"MAIL=nora@example.com\n"  # MAIL: mail address
        b"BORN=19800102\n"  # BORN: date of birth
        b"SPAM=NN\n\0",  # SPAM: two letters
        {
            "NAME": "nora",
            "PASS": "two words",
            "MAIL": "nora@example.com",
            "BORN": "19800102",
            "SPAM": "NN",
        },
        keys=SEEN_MASK,
        plain=b"acct\0\0\0\0\0\0\0T"  # length 84
        b'NAME=nora\nPASS="two words"\nMAIL=nora@example.com\nBORN=19800102\nSPAM=NN\n\0',
        cipher="mask",
        checks={"PASS": "ok"},
        learned={},
        spans={"PASS": b"two words"},
    ),
    down(
        "the account is made",
        b"acct\0\0\0\0\0\0\0'"  # kind, length 39
        b"NAME=nora\t"  # NAME: account
        b"PERSONAS=\t"  # PERSONAS: comma list
        b"AGE=24\0",  # AGE: number
        {"NAME": "nora", "PERSONAS": "", "AGE": "24"},
    ),
    down(
        "the name is taken",
        b"acctdupl\0\0\0\x1e"  # kind, ident, length 30
        b"OPTS=nora1,nora2\n\0",  # OPTS: other names
        {"ident": "dupl", "OPTS": "nora1,nora2"},
    ),
    up(
        "changes an account",
        b"edit\0\0\0\0\0\0\0H"  # kind, length 72
        b"NAME=nora\n"  # NAME: account
        b"PASS=$3ec97dd5\n"  # PASS: password, enciphered
        b"MAIL=n@example.com\n"  # MAIL: mail address
        b"SPAM=YN\n"  # SPAM: wishes mail
        b"CHNG=1\n\0",  # CHNG: what changes
        {"NAME": "nora", "PASS": "AAAA", "MAIL": "n@example.com", "SPAM": "YN", "CHNG": "1"},
        keys=SEEN_MASK,
        plain=b"edit\0\0\0\0\0\0\0C"  # length 67
        b"NAME=nora\nPASS=AAAA\nMAIL=n@example.com\nSPAM=YN\nCHNG=1\n\0",
        cipher="mask",
        checks={"PASS": "ok"},
        learned={},
        spans={"PASS": b"AAAA"},
    ),
    down(
        "an account was changed: an empty body",
        b"edit\0\0\0\0\0\0\0\x0c",  # kind, length 12
        {},
    ),
    up(
        "changes the password",
        b"pass\0\0\0\0\0\0\0&"  # kind, length 38
        b"NAME=nora\n"  # NAME: a field of later games
        b"PASS=$3ec97dd5\n\0",  # PASS: password, enciphered
        {"NAME": "nora", "PASS": "AAAA"},
        keys=SEEN_MASK,
        plain=b"pass\0\0\0\0\0\0\0!"  # length 33
        b"NAME=nora\nPASS=AAAA\n\0",
        cipher="mask",
        checks={"PASS": "ok"},
        learned={},
        spans={"PASS": b"AAAA"},
    ),
    up(
        "makes a persona",
        b"cper\0\0\0\0\0\0\0\x1e"  # kind, length 30
        b"PERS=Nora\n"  # PERS: persona
        b"ALTS=4\n\0",  # ALTS: how many other names to offer
        {"PERS": "Nora", "ALTS": "4"},
    ),
    down(
        "the persona is made",
        b"cper\0\0\0\0\0\0\0!"  # kind, length 33
        b"PERS=Nora\n"  # PERS: persona
        b"NAME=nora\n\0",  # NAME: account
        {"PERS": "Nora", "NAME": "nora"},
    ),
    up(
        "deletes a persona",
        b"dper\0\0\0\0\0\0\0\x17"  # kind, length 23
        b"PERS=Nora\n\0",  # PERS: persona
        {"PERS": "Nora"},
    ),
    down(
        "the persona is deleted",
        b"dper\0\0\0\0\0\0\0!"  # kind, length 33
        b"PERS=Nora\n"  # PERS: persona
        b"NAME=nora\n\0",  # NAME: account
        {"PERS": "Nora", "NAME": "nora"},
    ),
    up(
        "plays under a persona",
        b"pers\0\0\0\0\0\0\0\x17"  # kind, length 23
        b"PERS=Nora\n\0",  # PERS: persona
        {"PERS": "Nora"},
    ),
    down(
        "the persona is taken",
        b"pers\0\0\0\0\0\0\0T"  # kind, length 84
        b"PERS=Nora\t"  # PERS: persona
        b"LKEY=$3fcf27540c92935b0a66fd3b0000983c\t"  # LKEY: key for the buddy server, at most 63
        b"LAST=2004.7.29 1:46:43\0",  # LAST: last login
        {"PERS": "Nora", "LKEY": "$3fcf27540c92935b0a66fd3b0000983c", "LAST": "2004.7.29 1:46:43"},
    ),
    up(
        "selects lists: blanks between, no end",
        b"sele\0\0\0\0\0\0\0,"  # kind, length 44
        b"ROOMS=1 "  # ROOMS: number
        b"USERS=1 "  # USERS: number
        b"RANKS=1 "  # RANKS: number
        b"MESGS=1\0",  # MESGS: number
        {"ROOMS": "1", "USERS": "1", "RANKS": "1", "MESGS": "1"},
    ),
    down(
        "the state of every list",
        b"sele\0\0\0\0\0\0\x003"  # kind, length 51
        b"MORE=0\t"  # MORE: number
        b"SLOTS=4\t"  # SLOTS: number
        b"ROOMS=1\t"  # ROOMS: number
        b"MESGTYPES=BGPYZ\0",  # MESGTYPES: flags
        {"MORE": "0", "SLOTS": "4", "ROOMS": "1", "MESGTYPES": "BGPYZ"},
    ),
    up(
        "looks up a profile",
        b"user\0\0\0\0\0\0\0\x17"  # kind, length 23
        b"PERS=Theo\n\0",  # PERS: persona
        {"PERS": "Theo"},
    ),
    down(
        "a profile",
        b"user\0\0\0\0\0\0\0\x1f"  # kind, length 31
        b"PERS=Theo\n"  # PERS: persona
        b"TITLE=1\n\0",  # TITLE: string
        {"PERS": "Theo", "TITLE": "1"},
    ),
    up(
        "asks whether someone is online",
        b"onln\0\0\0\0\0\0\0\x17"  # kind, length 23
        b"PERS=Theo\n\0",  # PERS: persona
        {"PERS": "Theo"},
    ),
    down(
        "is not online",
        b"onlnimst\0\0\0\x0c",  # kind, ident, length 12
        {"ident": "imst"},
    ),
    up(
        "asks for the buddy server",
        b"news\0\0\0\0\0\0\0\x14"  # kind, length 20
        b"NAME=0\n\0",  # NAME: 0: buddy server, 1: news, later client.cfg
        {"NAME": "0"},
    ),
    down(
        "names the buddy server",
        b"newsnew0\0\0\x004"  # kind, ident, length 52
        b"BUDDY_URL=203.0.113.8\n"  # BUDDY_URL: host of the buddy server
        b"BUDDY_PORT=10899\n\0",  # BUDDY_PORT: its port
        {"ident": "new0", "BUDDY_URL": "203.0.113.8", "BUDDY_PORT": "10899"},
    ),
    down(
        "names the buddy server in one line",
        b"newsnew0\0\0\0\x1f"  # kind, ident, length 31
        b"203.0.113.8:13505\n\0",  # line: host and port
        {"ident": "new0", "line": "203.0.113.8:13505"},
    ),
    down(
        "news to read",
        b"newsnew1\0\0\x007"  # kind, ident, length 55
        b"Server time: 12:00\n"  # line: free text, no key in it
        b'100%% fun, says "Nora"\n\0',  # line: free text keeps its escapes and quotes
        {"ident": "new1", "line": "Server time: 12:00", "line[1]": '100%% fun, says "Nora"'},
    ),
    down(
        "no such news",
        b"newsbadc\0\0\0\x0c",  # kind, ident, length 12
        {"ident": "badc"},
    ),
    down(
        "a configuration of a later game",
        b"news\0\0\0\0\0\0\0["  # kind, length 91
        b"BUDDY_SERVER=buddy.example.com\n"  # BUDDY_SERVER: the same in later games
        b"BUDDY_PORT=13505\n"  # BUDDY_PORT: its port
        b"TOS_URL=http%3a//example.com/\n\0",  # TOS_URL: a field of later games
        {
            "BUDDY_SERVER": "buddy.example.com",
            "BUDDY_PORT": "13505",
            "TOS_URL": "http://example.com/",
        },
    ),
    up(
        "makes a room",
        b"room\0\0\0\0\0\0\x000"  # kind, length 48
        b"NAME=C.Test\n"  # NAME: prefixed by its type
        b"PASS=\n"  # PASS: room's password, clear
        b"DESC=None\n"  # DESC: description
        b"MAX=50\n\0",  # MAX: most users
        {"NAME": "C.Test", "PASS": "", "DESC": "None", "MAX": "50"},
    ),
    down(
        "the room is made",
        b"room\0\0\0\0\0\0\0F"  # kind, length 70
        b"IDENT=1001\n"  # IDENT: room
        b"NAME=C.Test\n"  # NAME: string
        b"COUNT=1\n"  # COUNT: users
        b"LIDENT=3\n"  # LIDENT: room left
        b"LCOUNT=7\n"  # LCOUNT: users there
        b"FLAGS=C\n\0",  # FLAGS: flags
        {
            "IDENT": "1001",
            "NAME": "C.Test",
            "COUNT": "1",
            "LIDENT": "3",
            "LCOUNT": "7",
            "FLAGS": "C",
        },
    ),
    up(
        "enters a room",
        b"move\0\0\0\0\0\0\0\x1d"  # kind, length 29
        b"NAME=East\n"  # NAME: room, empty to leave
        b"PASS=\n\0",  # PASS: room's password, clear
        {"NAME": "East", "PASS": ""},
    ),
    down(
        "the room is full",
        b"movefull\0\0\0\x0c",  # kind, ident, length 12
        {"ident": "full"},
    ),
    up(
        "looks into a room",
        b"peek\0\0\0\0\0\0\0\x17"  # kind, length 23
        b"NAME=East\n\0",  # NAME: room, at most 14
        {"NAME": "East"},
    ),
    down(
        "how many are there",
        b"peek\0\0\0\0\0\0\0\x15"  # kind, length 21
        b"COUNT=3\n\0",  # COUNT: users
        {"COUNT": "3"},
    ),
    up(
        "asks for one row of a ranking",
        b"snap\0\0\0\0\0\0\0."  # kind, length 46
        b"INDEX=0\n"  # INDEX: ranking
        b"CHAN=4\n"  # CHAN: channel 4 to 7
        b"FIND=Nora\n"  # FIND: persona
        b"RANGE=1\n\0",  # RANGE: rows
        {"INDEX": "0", "CHAN": "4", "FIND": "Nora", "RANGE": "1"},
    ),
    down(
        "the ranking's channel",
        b"snap\0\0\0\0\0\0\0$"  # kind, length 36
        b"CHAN=4\n"  # CHAN: as asked
        b"INDEX=0\n"  # INDEX: as asked
        b"RANGE=1\n\0",  # RANGE: as asked
        {"CHAN": "4", "INDEX": "0", "RANGE": "1"},
    ),
    up(
        "challenges someone",
        b"mesg\0\0\0\0\0\0\x001"  # kind, length 49
        b"PRIV=Theo\n"  # PRIV: persona
        b"TEXT=w893m_a017l_g\n"  # TEXT: text, or a challenge: token, ACPT, DECL, BLOC
        b"ATTR=3\n\0",  # ATTR: 3
        {"PRIV": "Theo", "TEXT": "w893m_a017l_g", "ATTR": "3"},
    ),
    up(
        "says something with all the escapes",
        b"mesg\0\0\0\0\0\0\x004"  # kind, length 52
        b'TEXT="50%25 off%3a %22a%3db%22 caf%e9"\n\0',  # TEXT: text
        {"TEXT": '50% off: "a=b" café'},
    ),
    down(
        "what was said is acknowledged",
        b"mesg\0\0\0\0\0\0\0\x0c",  # kind, length 12
        {},
    ),
    up(
        "sets the auxiliary text",
        b"auxi\0\0\0\0\0\0\0 "  # kind, length 32
        b"TEXT=w893m_a016o_g\n\0",  # TEXT: string
        {"TEXT": "w893m_a016o_g"},
    ),
    down(
        "the auxiliary text again",
        b"auxi\0\0\0\0\0\0\0 "  # kind, length 32
        b"TEXT=w893m_a016o_g\n\0",  # TEXT: string
        {"TEXT": "w893m_a016o_g"},
    ),
    up(
        "names the opponent",
        b"chal\0\0\0\0\0\0\0\x1e"  # kind, length 30
        b"PERS=Theo\n"  # PERS: persona, * to withdraw
        b"HOST=1\n\0",  # HOST: 1 hosts
        {"PERS": "Theo", "HOST": "1"},
    ),
    down(
        "wait for the other one",
        b"chal\0\0\0\0\0\0\0\x17"  # kind, length 23
        b"MODE=chal\n\0",  # MODE: play, chal (wait) or idle
        {"MODE": "chal"},
    ),
    up(
        "reports a result",
        b"rank\0\0\0\0\0\0\0A"  # kind, length 65
        b"REPT=Nora\n"  # REPT: string
        b"AUTH=race-1\n"  # AUTH: of +ses
        b"WHEN=1076000000\n"  # WHEN: of +ses
        b"SET_TRACKID=4\n\0",  # SET_TRACKID: track
        {"REPT": "Nora", "AUTH": "race-1", "WHEN": "1076000000", "SET_TRACKID": "4"},
    ),
    up(
        "reports a persona",
        b"rept\0\0\0\0\0\0\x004"  # kind, length 52
        b"PERS=Theo\n"  # PERS: persona
        b"PROD=NASCAR-PS2-2004\n"  # PROD: game and platform
        b"LANG=en\n\0",  # LANG: language
        {"PERS": "Theo", "PROD": "NASCAR-PS2-2004", "LANG": "en"},
    ),
    down(
        "a ping with a tick",
        b"~png\x88'D\x98\0\0\0*"  # kind, ident, length 42
        b"REF=1076000000\n"  # REF: opaque
        b"TIME=2\n"  # TIME: milliseconds of the last round trip
        b"SESS=7\n\0",  # SESS: session
        {"ident": "0x88274498", "REF": "1076000000", "TIME": "2", "SESS": "7"},
    ),
    up(
        "a ping's answer, held for 17 ms",
        b"~png\0\0\0\x11\0\0\0*"  # kind, ident, length 42
        b"REF=1076000000\n"  # REF: opaque
        b"TIME=5\n"  # TIME: milliseconds of the last round trip
        b"SESS=7\n\0",  # SESS: session
        {"ident": "0x00000011", "REF": "1076000000", "TIME": "5", "SESS": "7"},
    ),
    up(
        "offers a stream cipher",
        b"@tic\0\0\0\0\0\0\0\x17"  # kind, length 23
        b"RC4+MD5-V2\0",  # line: the cipher's name
        {"line": "RC4+MD5-V2"},
    ),
    down(
        "the stream cipher's keys",
        b"@tic\0\0\0\0\0\0\0`"
        + CLIENT_KEY
        + SERVER_KEY
        + TICKET,  # kind, length 96, client_key, server_key, ticket
        {"client_key": CLIENT_KEY.hex(), "server_key": SERVER_KEY.hex(), "ticket": TICKET.hex()},
        learned={"rc4+md5-v2": SERVER_KEY},
    ),
    up(
        "shows the ticket",
        b"?tic\0\0\0\0\0\0\0@" + TICKET,  # kind, length 64, ticket
        {"ticket": TICKET.hex()},
    ),
    up(
        "enciphered, to the server",
        bytes.fromhex(
            "87f9378a47e219cc06db97e2"  # header, length 36
            "409c670aee12ed3697d936c0ecf8c2d9"  # body
            "aff6fa5842db6c49"  # MAC
        ),
        {"NAME": "client.cfg"},
        before=SHOWN_TICKET,
        keys=STREAM_KEYS,
        plain=b"news\0\0\0\0\0\0\0\x1cNAME=client.cfg\0",
        cipher="rc4+md5-v2",
        checks={"MAC": "ok"},
    ),
    down(
        "enciphered, to the client",
        bytes.fromhex(
            "35c06eabfd001bf237bee5c3"  # header, length 20
            ""  # body
            "b4a4d769eaaa4152"  # MAC
        ),
        {},
        before=SHOWN_TICKET,
        keys=STREAM_KEYS,
        plain=b"~png\0\0\0\0\0\0\0\x0c",
        cipher="rc4+md5-v2",
        checks={"MAC": "ok"},
    ),
    down(
        "hchk is acknowledged",
        b"hchk\0\0\0\0\0\0\0\x0c",  # kind, length 12
        {},
    ),
    down(
        "rvup is acknowledged",
        b"rvup\0\0\0\0\0\0\0\x0c",  # kind, length 12
        {},
    ),
    up(
        "ends a search for games",
        b"gsea\0\0\0\0\0\0\0\x16"  # kind, length 22
        b"CANCEL=1\n\0",  # CANCEL: a field of later games
        {"CANCEL": "1"},
    ),
    down(
        "gjoi is refused",
        b"gjoiugam\0\0\0\x0c",  # kind, ident, length 12
        {"ident": "ugam"},
    ),
    down(
        "gcre is refused",
        b"gcredupl\0\0\0\x0c",  # kind, ident, length 12
        {"ident": "dupl"},
    ),
    down(
        "gsta is refused",
        b"gstanepl\0\0\0\x0c",  # kind, ident, length 12
        {"ident": "nepl"},
    ),
)

REFUSED = (
    Vector(
        "shorter than its own header",
        DOWN,
        b"AUTH"  # kind
        b"\0\0\0\0"  # ident: none
        b"\0\0\0\x0b",  # length 11: impossible
        "Opaque",
        error="lost: length, byte 8: 11 bytes is below the 12 of the header",
    ),
    Vector(
        "longer than a megabyte",
        DOWN,
        b"AUTH"  # kind
        b"\0\0\0\0"  # ident: none
        b"\0\x10\0\x01"  # length 1048577
        b"A=1\n\0",  # the body's beginning
        "Opaque",
        error="lost: length, byte 8: 1048577 bytes is above 1048576",
    ),
    Vector(
        "a kind that is no text",
        UP,
        b"\x01\x02\x03\x04"  # kind: not printable
        b"\0\0\0\0"  # ident: none
        b"\0\0\0\x0d"  # length 13
        b"\0",  # body
        "Opaque",
        error="kind, byte 0: 01020304 is not four printable characters",
    ),
    Vector(
        "enciphered, and its MAC is wrong",
        UP,
        bytes.fromhex(
            "87f9378a47e219cc06db97e2"  # header, length 36
            "409c670aee12ed3697d936c0ecf8c2d9"  # body
            "aff6fa5842db6c48"  # MAC, its last bit flipped
        ),
        "Opaque",
        before=SHOWN_TICKET,
        keys=STREAM_KEYS,
        plain=b"news\0\0\0\0\0\0\0\x24NAME=client.cfg\0\x56\xc1\x19\x5a\x19\xe1\x27\x57",
        cipher="rc4+md5-v2",
        checks={"MAC": "WRONG: has 56c1195a19e12757, needs 56c1195a19e12756"},
        error="MAC WRONG: has 56c1195a19e12757, needs 56c1195a19e12756",
    ),
    Vector(
        "enciphered with keys that nobody gave",
        UP,
        b"\x73\xa7\xd9\x70",  # anything
        "Opaque",
        before=SHOWN_TICKET,
        error="decode again with --key rc4+md5-v2@up=HEX",
    ),
)

VECTORS = LEGS + PUSHES + BUDDY + REFUSED
