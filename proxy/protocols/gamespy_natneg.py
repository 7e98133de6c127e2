"""NatNeg, how two players behind routers find each other's ports (27901/udp).

A datagram is the magic `FD FC 1E 66 6A B2`, a version (1 to 4), a type, a cookie (u32, big-endian)
and a body. Most bodies are one union in the maker's code, so that a packet is often sent in the
union's full size, 73 bytes, with whatever memory held behind the part that counts: `tail`. The
cookie comes from elsewhere (a query client message, a chat room, the game) and names the pair.

Flow: INIT to the game port and to each of the servers, every 500 ms, up to ten times; INITACK for
each; CONNECT to both, CONNECT_ACK; the peers ping each other every 700 ms, up to seven times;
REPORT, REPORT_ACK. Source: gamespy 10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, TypeVar

from proxy.dissector import DatagramDissector
from proxy.keys import SessionKeys
from proxy.layouts.codec import (
    U8,
    U16BE,
    U32BE,
    U32LE,
    Ipv4,
    Magic,
    Maybe,
    Padded,
    Rest,
    Struct,
    Table,
    Text,
)
from proxy.layouts.gamespy_marks import NATNEG, owner
from proxy.message import Message, WireError
from proxy.personal import GAMESPY
from proxy.protocol import Announce, Protocol, Volatile
from recordings.model import Direction, Frame, Key, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

HEADER = 12
TYPE_AT = 7
COOKIE = slice(8, 12)

Ip = Annotated[str, Ipv4()]
Stale = Annotated[bytes, Rest(), "what memory held behind the part that counts"]
PortType = Annotated[U8, {0: "game port", 1: "server 1", 2: "server 2", 3: "server 3"}]
Index = Annotated[U8, "0 or 1: which of the two players"]
Got = Annotated[U8, "whether the other one's ping has arrived; official servers send 0x42"]
Finished = Annotated[U8, {0: "ok", 1: "dead-beat partner", 2: "INIT time-out"}]

TABLE = Table("gamespy 10")
P = TypeVar("P", bound="Packet")


class Packet(Struct, frozen=True):
    """What every packet begins with."""

    magic: ClassVar = Magic(NATNEG)
    version: Annotated[U8, "1 to 4; 3 in 2007, 4 in 2012"]
    opcode: ClassVar = Magic(b"")
    cookie: Annotated[U32BE, "names the pair; 777 asks for a NAT test, 0 to 3 number its probes"]


def packet(kind: str, tag: int, *ways: Direction) -> Callable[[type[P]], type[P]]:
    """Register a class under its type byte, which is no field."""

    def register(cls: type[P]) -> type[P]:
        cls.opcode = Magic(bytes((tag,)))
        return TABLE.message(tag, *ways, kind=kind)(cls)

    return register


class _Port(Packet, frozen=True):
    port_type: PortType
    client_index: Index


class _Init(_Port, frozen=True):
    use_game_port: Annotated[U8, "1: the game has a port of its own"]
    local_ip: Ip
    local_port: U16BE


@packet("INIT", 0x00, UP)
class Init(_Init, frozen=True):
    """Says who asks, from which port, and the address inside its own network."""

    gamename: Annotated[str | None, Maybe(Text()), "since version 2"] = None
    tail: Stale = b""


@packet("INITACK", 0x01, DOWN)
class InitAck(_Port, frozen=True):
    """The INIT of this port has arrived."""

    filler: Annotated[bytes, Rest(), "officially ff ff 6d 16 b5 7d ea; ignored"] = b""


@packet("ERTTEST", 0x02, DOWN)
class ErtTest(_Init, frozen=True):
    """Sent from several servers and ports, to see what the router lets in."""

    tail: Stale = b""


@packet("ERTACK", 0x03, UP)
class ErtAck(_Init, frozen=True):
    """The same packet back."""

    tail: Stale = b""


@packet("STATEUPDATE", 0x04)
class StateUpdate(Packet, frozen=True):
    """Unused."""

    body: Annotated[bytes, Rest()] = b""


class _Pair(Packet, frozen=True):
    ip: Ip
    port: U16BE
    got_data: Got
    finished: Finished


@packet("CONNECT", 0x05, DOWN)
class Connect(_Pair, frozen=True):
    """Where the partner is, as the server sees it, or why there is none."""


@packet("CONNECT_ACK", 0x06, UP)
class ConnectAck(_Port, frozen=True):
    """The CONNECT has arrived."""

    tail: Stale = b""


@packet("CONNECT_PING", 0x07)
class ConnectPing(_Pair, frozen=True):
    """From player to player, until both have seen one."""


@packet("BACKUP_TEST", 0x08)
class BackupTest(_Init, frozen=True):
    """Asks whether a second port is mapped the same way."""

    tail: Stale = b""


@packet("BACKUP_ACK", 0x09)
class BackupAck(_Init, frozen=True):
    """Answers BACKUP_TEST."""

    tail: Stale = b""


@packet("ADDRESS_CHECK", 0x0A, UP)
class AddressCheck(_Init, frozen=True):
    """Asks for the public address; the cookie numbers the probe."""

    tail: Stale = b""


@packet("ADDRESS_REPLY", 0x0B, DOWN)
class AddressReply(_Init, frozen=True):
    """The public address in the place of the local one."""

    tail: Stale = b""


@packet("NATIFY_REQUEST", 0x0C, UP)
class NatifyRequest(_Init, frozen=True):
    """Asks the servers for an ERTTEST each."""

    tail: Stale = b""


class _Result(_Port, frozen=True):
    result: Annotated[U8, "1: the players found each other"]
    nat_type: Annotated[U32LE, "in the byte order of the client: little-endian on a PC"]


@packet("REPORT", 0x0D, UP)
class Report(_Result, frozen=True):
    """How the negotiation went; sent every 500 ms, up to four times."""

    mapping: Annotated[U32LE, "how the router picks ports; byte order as above"]
    gamename: Annotated[str, Padded(50)]


@packet("REPORT_ACK", 0x0E, DOWN)
class ReportAck(_Result, frozen=True):
    """The first 21 bytes of the REPORT, with another type."""

    tail: Annotated[bytes, Rest(), "the part of `mapping` that fits"] = b""


class _Pre(Packet, frozen=True):
    client_index: Index
    state: Annotated[U8, {0: "waiting for the client", 1: "waiting for a match-up", 2: "ready"}]
    client_id: U32BE


@packet("PREINIT", 0x0F, UP)
class PreInit(_Pre, frozen=True):
    """Since version 4: is the partner there already?"""


@packet("PREINIT_ACK", 0x10, DOWN)
class PreInitAck(_Pre, frozen=True):
    """The state of the pair."""


_BY_TYPE: dict[Any, type[Struct]] = {**TABLE[DOWN], **TABLE[UP]}


def _view(frame: Frame) -> Message:
    data = frame.clear
    if not data.startswith(NATNEG) or len(data) < HEADER:
        raise WireError(f"natneg, byte 0: {len(data)} bytes without the magic and a whole header")
    cls = _BY_TYPE.get(data[TYPE_AT])
    if cls is None:
        raise WireError(
            f"natneg.type, byte {TYPE_AT}: no packet has the type 0x{data[TYPE_AT]:02x}"
        )
    return cls.decode(data)


class NatNegDissector(DatagramDissector):
    """Notes each pair's cookie, and whose the datagrams are that carry no magic."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._cookie = b""

    def frame(self, frame: Frame) -> None:
        data = frame.clear
        if not data.startswith(NATNEG):
            frame.protocol = owner(data) or "raw-udp"
        elif data[TYPE_AT : TYPE_AT + 1] == b"\0" and data[COOKIE] != self._cookie:
            self._cookie = data[COOKIE]
            self.learn(frame, Key("natneg.cookie", self._cookie))


def _peer(kind: str, direction: Direction, field: str) -> Announce:
    return Announce(
        kind=kind,
        direction=direction,
        protocol="gamespy-natneg",
        transport=Transport.UDP,
        host=f"{field}ip",
        port=f"{field}port",
        role="peer",
        peer=True,
    )


PROTOCOLS = (
    Protocol(
        name="gamespy-natneg",
        title="GameSpy NAT negotiation",
        transports=(Transport.UDP,),
        ports=(27901,),
        begins=rb"\xfd\xfc\x1e\x66\x6a\xb2",
        make_dissector=NatNegDissector,
        view_frame=_view,
        kinds=TABLE.kinds(),
        announces=(_peer("CONNECT", DOWN, ""), _peer("INIT", UP, "local_")),
        volatile={
            "*.cookie": Volatile("learned", "comes by another protocol"),
            "INITACK.cookie": Volatile("echo", "INIT.cookie"),
            "INITACK.port_type": Volatile("echo", "INIT.port_type"),
            "INITACK.client_index": Volatile("echo", "INIT.client_index"),
            "ADDRESS_REPLY.cookie": Volatile("echo", "ADDRESS_CHECK.cookie"),
            "ADDRESS_REPLY.port_type": Volatile("echo", "ADDRESS_CHECK.port_type"),
            "ADDRESS_REPLY.local_ip": Volatile("learned", "the sender's address"),
            "ADDRESS_REPLY.local_port": Volatile("learned", "the sender's port"),
            "REPORT_ACK.cookie": Volatile("echo", "REPORT.cookie"),
            "REPORT_ACK.port_type": Volatile("echo", "REPORT.port_type"),
            "REPORT_ACK.client_index": Volatile("echo", "REPORT.client_index"),
            "PREINIT_ACK.cookie": Volatile("echo", "PREINIT.cookie"),
            "PREINIT_ACK.client_index": Volatile("echo", "PREINIT.client_index"),
            "PREINIT_ACK.client_id": Volatile("echo", "PREINIT.client_id"),
            "ERTACK.cookie": Volatile("echo", "ERTTEST.cookie"),
            "ERTACK.port_type": Volatile("echo", "ERTTEST.port_type"),
            "INIT.local_ip": Volatile("ours", "host"),
            "INIT.local_port": Volatile("ours", "port"),
            "CONNECT.ip": Volatile("learned", "the partner's address"),
            "CONNECT.port": Volatile("learned", "the partner's port"),
            "CONNECT_PING.ip": Volatile("learned", "the partner's address"),
            "CONNECT_PING.port": Volatile("learned", "the partner's port"),
            "CONNECT_ACK.tail": Volatile("fresh", "memory that was never set"),
            "PREINIT.client_id": Volatile("fresh"),
        },
        answers={
            "INIT": ("INITACK",),
            "ADDRESS_CHECK": ("ADDRESS_REPLY",),
            "NATIFY_REQUEST": ("ERTTEST",),
            "ERTTEST": ("ERTACK",),
            "CONNECT": ("CONNECT_ACK",),
            "BACKUP_TEST": ("BACKUP_ACK",),
            "REPORT": ("REPORT_ACK",),
            "PREINIT": ("PREINIT_ACK",),
        },
        keys={"INIT.cookie": "natneg.cookie"},
        peers=True,
        personal=GAMESPY,
        source="gamespy 10",
    ),
)
