"""NatNeg by rules, versions 2 to 4: who brought the same cookie is told of the other (gamespy 10).

Two players make a pair: the two client indexes of one cookie. Both are told once both have sent
INIT from the port that the partner shall use; then the pair is over, so that a cookie that comes
again from other players begins a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from proxy.message import Message
from proxy.protocols import gamespy_natneg as nn
from proxy.relay.api import Address
from replay.standin.rules import OPAQUE, Act, Acts, Later, Note, Rules, Say, hears
from replay.standin.world import Client, World

FILLER = bytes.fromhex("ffff6d16b57dea")
"""Behind every INITACK of the official servers."""
GOT_DATA = 0x42
DEAD_BEAT, INIT_TIMEOUT = 1, 2
"""How a negotiation ended: without a partner, before all of a player's own packets had come."""
PATIENCE = 60.0
"""Seconds that a player waits for a partner."""
NOWHERE = "0.0.0.0", 0  # noqa: S104 - nobody's address
AGAIN_FOR, HELD_FOR = 5_000_000, 1_000_000
"""Microseconds for which a client may say an INIT again, and within which all of one are said."""
MOST_HELD, MOST_PORTS = 16, 4
GAME_PORT, FIRST_SERVER = 0, 1
RETRIES, EVERY = 4, 0.5
"""How often CONNECT is sent until it is acknowledged."""
MOST_PAIRS = 20_000
LONGEST_REPORT = 21
WAITING, MATCHUP, READY = 0, 1, 2


@dataclass(slots=True, eq=False)
class Side:
    """One of the two players."""

    host: str
    use_game_port: bool = False
    ports: dict[int, Client] = field(default_factory=dict)
    """Port type -> whence its INIT came."""
    acknowledged: bool = False
    version: int = 3

    @property
    def ready(self) -> bool:
        """Whether it is known where the partner shall send."""
        return (GAME_PORT if self.use_game_port else FIRST_SERVER) in self.ports

    @property
    def where(self) -> Address:
        """Where the partner shall send."""
        return self.ports[GAME_PORT if self.use_game_port else FIRST_SERVER].address

    @property
    def client(self) -> Client:
        """To whom CONNECT goes."""
        return self.ports.get(FIRST_SERVER) or next(iter(self.ports.values()))


@dataclass(slots=True, eq=False)
class Pair:
    """One cookie."""

    cookie: int
    sides: dict[int, Side] = field(default_factory=dict)
    pre: dict[int, int] = field(default_factory=dict)
    """Client index -> client id of PREINIT."""
    connected: bool = False
    used_at: int = 0
    """When somebody came to it last, or when both were told; microseconds."""
    held: list[tuple[int, Client, Message]] = field(default_factory=list)
    """INITs that came once both were told: of this pair, or of the next one with the cookie."""


class Pairs(dict[int, Pair]):
    """All cookies of the run; whatever port a datagram came by."""

    def __init__(self, world: World) -> None:
        super().__init__()


class GamespyNatneg(Rules):
    """All of the three servers at once."""

    protocol = "gamespy-natneg"
    beside = True

    def claims(self, client: Client, message: Message) -> bool:
        """Everything: where the recorded partner was, nobody answers any more."""
        return True

    def _pair(self, cookie: int) -> tuple[Pair, Iterator[Act]]:
        pairs = self.world.shared(Pairs)
        pair = pairs.get(cookie)
        if pair is not None:
            return pair, iter(())
        while len(pairs) >= MOST_PAIRS:
            del pairs[next(iter(pairs))]
        pair = pairs[cookie] = Pair(cookie, used_at=self.world.now())
        return pair, iter((Later(PATIENCE, lambda: self._given_up(pair)),))

    def _given_up(self, pair: Pair) -> Iterator[Act]:
        pairs = self.world.shared(Pairs)
        waited = (self.world.now() - pair.used_at) / 1e6
        if pairs.get(pair.cookie) is pair and waited < PATIENCE:  # somebody came later
            yield Later(PATIENCE - waited, lambda: self._given_up(pair))
            return
        if pairs.get(pair.cookie) is pair:
            del pairs[pair.cookie]
        if not pair.connected:
            for side in pair.sides.values():
                finished = DEAD_BEAT if side.ready else INIT_TIMEOUT
                yield Say(side.client, self._connect(pair, side, NOWHERE, finished))

    @hears("PREINIT")
    def before_init(self, client: Client, message: Message) -> Acts:
        cookie, index = int(message.get("cookie")), int(message.get("client_index"))
        ident = int(message.get("client_id"))
        pair, acts = self._pair(cookie)
        if pair.connected and pair.pre.get(index) != ident:
            del self.world.shared(Pairs)[cookie]  # other players with the same cookie
            pair, acts = self._pair(cookie)
        yield from acts
        if index > 1:
            return
        pair.pre[index], pair.used_at = ident, self.world.now()
        state = READY if len(pair.pre) > 1 else WAITING
        yield Say(
            client,
            nn.PreInitAck(
                version=int(message.get("version")),
                cookie=pair.cookie,
                client_index=index,
                state=state,
                client_id=ident,
            ),
        )

    @hears("INIT")
    def init(self, client: Client, message: Message) -> Acts:
        cookie, index = int(message.get("cookie")), int(message.get("client_index"))
        port_type, version = int(message.get("port_type")), int(message.get("version"))
        ack = nn.InitAck(
            version=version, cookie=cookie, port_type=port_type, client_index=index, filler=FILLER
        )
        yield Say(client, ack)
        pairs = self.world.shared(Pairs)
        pair = pairs.get(cookie)
        known = pair.sides.get(index) if pair else None
        joins = [(client, message)]
        if pair is not None and pair.connected:
            joins = self._again(pair, client, message)
        elif known is not None and known.host != client.address[0]:
            del pairs[cookie]  # other players with the same cookie
        for one, said in joins:
            yield from self._join(one, said)

    def _again(self, pair: Pair, client: Client, message: Message) -> list[tuple[Client, Message]]:
        """An INIT of a pair that was told: said again, or of the next pair with its cookie.

        The game's own port is often the same one in the next pair, and is named first, so that
        only the others tell: then all that has just been said counts for the next pair.
        """
        now, port_type = self.world.now(), int(message.get("port_type"))
        side = pair.sides.get(int(message.get("client_index")))
        if side is None:  # a third one: it is no way into a pair
            return []
        if side.host == client.address[0] and port_type not in side.ports:
            if port_type < MOST_PORTS:  # it was told before all of its own had come
                side.ports[port_type] = client
            return []
        recent = [one for one in pair.held if now - one[0] < HELD_FOR]
        pair.held = [*recent, (now, client, message)][-MOST_HELD:]
        if side.ports.get(port_type) is client and now - pair.used_at < AGAIN_FOR:
            return []
        del self.world.shared(Pairs)[pair.cookie]
        return [(one, said) for _, one, said in pair.held]

    def _join(self, client: Client, message: Message) -> Iterator[Act]:
        cookie, index = int(message.get("cookie")), int(message.get("client_index"))
        pair, acts = self._pair(cookie)
        yield from acts
        side = pair.sides.get(index)
        if side is None and len(pair.sides) < 2:
            side = pair.sides[index] = Side(client.address[0])
            pair.used_at = self.world.now()
        if side is None:
            return
        side.version = int(message.get("version"))
        side.use_game_port = side.use_game_port or bool(message.get("use_game_port"))
        port_type = int(message.get("port_type"))
        if port_type < MOST_PORTS:
            side.ports[port_type] = client
        both = len(pair.sides) == 2 and all(one.ready for one in pair.sides.values())
        if both and not pair.connected:
            pair.connected, pair.used_at = True, self.world.now()
            yield Note("natneg", f"pair {cookie:08x} is told of each other", client)
            yield from self._tell(pair, RETRIES)

    def _tell(self, pair: Pair, left: int) -> Iterator[Act]:
        one, two = pair.sides.values()
        again = False
        for side, other in ((one, two), (two, one)):
            if not side.acknowledged:
                again = True
                yield Say(side.client, self._connect(pair, side, other.where, 0))
        if again and left > 1:
            yield Later(EVERY, lambda: self._tell(pair, left - 1))

    def _connect(self, pair: Pair, side: Side, where: Address, finished: int) -> nn.Connect:
        return nn.Connect(
            version=side.version,
            cookie=pair.cookie,
            ip=where[0],
            port=where[1],
            got_data=GOT_DATA,
            finished=finished,
        )

    @hears("CONNECT_ACK")
    def connected(self, client: Client, message: Message) -> Acts:
        pair = self.world.shared(Pairs).get(int(message.get("cookie")))
        for side in pair.sides.values() if pair else ():
            if client in side.ports.values():
                side.acknowledged = True
        return ()

    @hears("ADDRESS_CHECK")
    def address(self, client: Client, message: Message) -> Acts:
        facts = {name: message.get(name) for name in _INIT}
        facts |= {"local_ip": client.address[0], "local_port": client.address[1]}
        yield Say(client, nn.AddressReply(**facts, tail=message.get("tail")))

    @hears("NATIFY_REQUEST")
    def natify(self, client: Client, message: Message) -> Acts:
        facts = {name: message.get(name) for name in _INIT}
        yield Say(client, nn.ErtTest(**facts, tail=message.get("tail")))

    @hears("BACKUP_TEST")
    def backup(self, client: Client, message: Message) -> Acts:
        facts = {name: message.get(name) for name in _INIT}
        yield Say(client, nn.BackupAck(**facts, tail=message.get("tail")))

    @hears("REPORT")
    def report(self, client: Client, message: Message) -> Acts:
        """The first 21 bytes come back under another type."""
        whole = message.encode()[:LONGEST_REPORT]
        made = whole[: nn.TYPE_AT] + bytes((nn.ReportAck.tag,)) + whole[nn.TYPE_AT + 1 :]
        yield Say(client, nn.ReportAck.decode(made))
        result = "met" if message.get("result") else "did not meet"
        yield Note("natneg", f"pair {int(message.get('cookie')):08x} {result}", client)

    @hears("ERTACK", "BACKUP_ACK", "CONNECT_PING", "STATEUPDATE", OPAQUE)
    def heard_only(self, client: Client, message: Message) -> Acts:
        """What wants no answer, and what makes no sense."""
        return ()


_INIT = (
    "version",
    "cookie",
    "port_type",
    "client_index",
    "use_game_port",
    "local_ip",
    "local_port",
)
RULES = GamespyNatneg
