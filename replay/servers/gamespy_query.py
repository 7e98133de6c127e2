"""GameSpy's master server by rules: QR1 and QR2 registration, availability (gamespy 4, 5).

A game server whose game's secret is known is listed once it has answered the challenge rightly;
without the secret nobody can tell, and it is listed as it comes.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any

from proxy.ciphers.gamespy_secrets import secret_for
from proxy.ciphers.validate import validate
from proxy.layouts.qr1 import Qr1Message
from proxy.message import Message
from proxy.protocols import gamespy_query as qr2
from replay.servers._gs_hosts import EXPIRES, Host, Hosts
from replay.servers._gs_people import number, value
from replay.standin.rules import OPAQUE, Act, Acts, Later, Note, Rules, Say, hears
from replay.standin.world import Client, World

LEAVES, LEAVES_QR1 = "2", "2"
REFUSED = 3
"""Code of `AddError`."""
HEAD = 7
"""Bytes before the text of a challenge: mark, type, instance key."""
MOST_FACTS = 256
SWEEP = EXPIRES / 3
LETTERS = string.ascii_letters + string.digits


class Asked(dict[Client, str]):
    """Game server -> the challenge that a recording has told it."""

    def __init__(self, world: World) -> None:
        super().__init__()


class GamespyQuery(Rules):
    """The master of both generations."""

    protocol = "gamespy-query"
    options = {"available": "0: the games' services are up, 1: gone for good, 2: gone for now"}
    beside = True
    _sweeping = False

    @property
    def hosts(self) -> Hosts:
        """The servers that have registered."""
        return self.world.shared(Hosts)

    # beside a recording

    def claims(self, client: Client, message: Message) -> bool:
        """A proof that is wrong: a recording takes every one for the recorded one."""
        host = self.hosts.find(client.address)
        if message.kind != "ChallengeResponse" or host is None:
            return False
        return host.key == message.get("key") and not self._proves(host, message)

    def tells(self, client: Client, message: Message) -> bool:
        """A recorded call for NatNeg is of a player who is not here: ours come from browsers."""
        return message.kind == "NatNegMessage"

    def told(self, client: Client, message: Message) -> Acts:
        """The challenge that was told is the one that will be answered."""
        asked = self.world.shared(Asked)
        if message.kind == "Challenge":
            asked[client] = _text(message)
            host = self.hosts.find(client.address)
            if host is not None:  # a recording may challenge at every heartbeat
                host.challenge = asked[client]
        elif message.kind == "secure":
            asked[client] = value(message, "secure")
            for one in self.hosts.at(client):
                one.challenge = asked[client]
        return ()

    def closed(self, client: Client) -> Acts:
        self.world.shared(Asked).pop(client, None)
        return ()

    def _asks(self, client: Client, made: str) -> str:
        """The challenge that a game server has to answer: ours, if a recording has said none."""
        return self.world.shared(Asked).get(client, made) if client.answered else made

    def opened(self, client: Client) -> Acts:
        if not self._sweeping:
            self._sweeping = True
            yield Later(SWEEP, self._sweep)

    def _sweep(self) -> Iterator[Act]:
        yield from self.hosts.expired()
        yield Later(SWEEP, self._sweep)

    @hears("AvailableRequest")
    def available(self, client: Client, message: Message) -> Acts:
        yield Say(client, qr2.Available(flags=number(self.option("available", "0")) & 3))

    # QR2

    @hears("Heartbeat")
    def heartbeat(self, client: Client, message: Message) -> Acts:
        key: bytes = message.get("key")
        given: Any = message.get("server")  # as on the wire: a listing names keys otherwise
        facts: dict[str, str] = {}
        for name, text in given[:MOST_FACTS]:
            facts.setdefault(name, text)
        known = self.hosts.find(client.address)
        changed, game = facts.get("statechanged", ""), facts.get("gamename", "")
        if known is not None and known.key != key and known.listed and changed == LEAVES:
            return  # of a run that is over, or of somebody else
        if changed == LEAVES:
            yield from self.hosts.drop(known) if known else ()
            return
        if known is not None and known.key == key and known.game == game:
            known.facts, known.seen, known.client = facts, self.world.seconds, client
            if known.listed:
                yield from self.hosts.put(known)
            else:
                yield self._challenge(client, known)
            return
        if known is not None:
            yield from self.hosts.drop(known)
        if not game or 0 in key or not self.hosts.room(client.address):
            text = "no game" if not game else "no room"
            yield Say(client, qr2.AddError(key=key, code=REFUSED, text=text))
            return
        host = Host(game, client.address, client, key, facts, seen=self.world.seconds)
        yield from self.hosts.put(host)
        yield self._challenge(client, host)

    def _challenge(self, client: Client, host: Host) -> Act:
        address, port = client.address
        chosen = "".join(self.world.random.choices(LETTERS, k=6))
        made = qr2.Challenge(key=host.key, random=chosen, options=0, ip=_ipv4(address), port=port)
        host.challenge = self._asks(client, _text(made))
        return Say(client, made)

    def _proves(self, host: Host, message: Message) -> bool:
        """Whether a game server proves its secret; where that is not known nobody can tell."""
        secret = secret_for(self.world.secrets, host.game)
        needs = validate(secret, host.challenge.encode("latin-1")) if secret else b""
        return secret is None or value(message, "response").encode("latin-1") == needs

    @hears("ChallengeResponse")
    def response(self, client: Client, message: Message) -> Acts:
        host, key = self.hosts.find(client.address), message.get("key")
        if host is None or host.key != key:
            yield Say(client, qr2.AddError(key=key, code=REFUSED, text="not registered"))
            return
        if host.listed:  # a response that comes again
            yield Say(client, qr2.Registered(key=key))
            return
        if not self._proves(host, message):
            yield Note("refused", f"the game server's proof for {host.game} is wrong", client)
            yield Say(client, qr2.AddError(key=key, code=REFUSED, text="wrong response"))
            yield from self.hosts.drop(host)
            return
        if not self.hosts.room(host.place):
            yield Say(client, qr2.AddError(key=key, code=REFUSED, text="no room"))
            yield from self.hosts.drop(host)
            return
        host.listed = True
        client.name = host.facts.get("hostname") or f"server of {host.game}"
        yield Say(client, qr2.Registered(key=key))
        yield from self.hosts.put(host)

    @hears("KeepAlive")
    def keep_alive(self, client: Client, message: Message) -> Acts:
        host = self.hosts.find(client.address)
        if host is not None and host.key == message.get("key"):
            host.seen, host.client = self.world.seconds, client
        yield Say(client, qr2.KeepAliveReply(key=message.get("key")))

    @hears("Echo")
    def echo(self, client: Client, message: Message) -> Acts:
        data: bytes = message.get("data")
        yield Say(client, qr2.EchoReply(key=message.get("key"), data=data[:32]))

    @hears("ClientMessageAck")
    def message_heard(self, client: Client, message: Message) -> Acts:
        host = self.hosts.unheard.get(message.get("message_id"))
        if host is not None and host.key == message.get("key"):
            del self.hosts.unheard[message.get("message_id")]
        return ()

    @hears("EchoReply", "QueryReply", "SplitReply", "PrequeryReply")
    def heard_only(self, client: Client, message: Message) -> Acts:
        return ()

    # QR1

    @hears("heartbeat")
    def heartbeat_qr1(self, client: Client, message: Message) -> Acts:
        port = number(value(message, "heartbeat"))
        place = client.address[0], port if 0 < port < 65536 else client.address[1]
        known = self.hosts.find(place)
        if value(message, "statechanged") == LEAVES_QR1:
            yield from self.hosts.drop(known) if known else ()
            return
        game = value(message, "gamename")
        if known is None or known.game != game or known.key:
            if not game or not self.hosts.room(place):
                return
            if known is not None:
                yield from self.hosts.drop(known)
            known = Host(game, place, client)
            chosen = "".join(self.world.random.choices(string.ascii_uppercase, k=6))
            known.challenge = self._asks(client, chosen)
        self.hosts.moved(known, client)
        known.seen = self.world.seconds
        yield from self.hosts.put(known)
        if not known.listed:
            yield Say(client, Qr1Message.make(("secure", known.challenge), tail=""))
        yield Say(client, Qr1Message.make(("status", ""), tail=""))

    @hears("validate")
    def validate_qr1(self, client: Client, message: Message) -> Acts:
        for host in self.hosts.at(client):
            secret = secret_for(self.world.secrets, host.game)
            asked = host.challenge.encode()
            if secret and value(message, "validate") != validate(secret, asked, 0).decode():
                yield Note("refused", f"the game server's proof for {host.game} is wrong", client)
                yield from self.hosts.drop(host)
                continue
            host.listed = True
            yield from self.hosts.put(host)

    @hears("reply")
    def reply_qr1(self, client: Client, message: Message) -> Acts:
        if "validate" in message.fields():
            yield from self.validate_qr1(client, message)
        for host in self.hosts.at(client):
            told = ((key, value(message, key)) for key in list(message.fields())[:MOST_FACTS])
            skipped = ("queryid", "final", "validate", "status")
            fresh = {key: one for key, one in told if key not in skipped}
            host.facts = {**host.facts, **fresh} if len(host.facts) < MOST_FACTS else fresh
            yield from self.hosts.put(host)

    @hears(OPAQUE)
    def unreadable(self, client: Client, message: Message) -> Acts:
        """A datagram that makes no sense is dropped, as masters do."""
        return ()


def _text(challenge: Message) -> str:
    """A challenge as the game server answers it: without head and NUL."""
    return challenge.encode()[HEAD:-1].decode("latin-1")


def _ipv4(address: str) -> str:
    return address.rpartition(":")[2] if address.count(".") == 3 else "0.0.0.0"  # noqa: S104


RULES = GamespyQuery
