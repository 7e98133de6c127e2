"""What `understudy demo` does: server, proxy and client of one evening, each a real one."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import click

from proxy.relay.api import Address, show_address
from proxy.relay.clock import now
from proxy.relay.sockets import Outward
from recordings.errors import UserError
from recordings.model import Origin
from recordings.reader import Reader
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from replay.playback.loading import load
from replay.playback.player import Player
from replay.playback.scribe import Scribe
from replay.playback.script import read_script
from replay.playback.steps import Script
from replay.playback.wishes import Manner, Places
from replay.script import Leg, legs_of
from replay.transport import Servers
from replay.transport_playback import Runner

GAME = "nascar-thunder-2004"
SAMPLE = "nascar-thunder-2004-evening"
NAME = "ps2nascar04.ea.com"
PATIENCE = 30.0
"""Seconds that the evening may take."""


def run(file: Path | None) -> None:
    """The whole demo; raises UserError when any part of it fails."""
    file = file or Path(f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}.understudy.db")
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "sample.understudy.db"
        with Recording.open(sample) as recording:
            load_sample(FOLDER / f"{SAMPLE}.jsonl", recording)
        with Reader.open(sample) as reader:
            (session,) = reader.sessions()
            (root,) = legs_of(reader, session.id)
            script = read_script(load(reader, session.id), session)
    asyncio.run(_evening(root, script, file))
    _show(file)


async def _evening(root: Leg, script: Script, file: Path) -> None:
    servers = Servers()
    upstream = await servers.open(root)
    _say(f"a server of {GAME} plays its side of a sample recording at {show_address(upstream)}")
    proxy = await _start_proxy(upstream, file)
    try:
        listening = await _listening(proxy)
        address = await _ask(listening["dns"], listening["ea-lobby"][1])
        _say(f"the client asks the proxy's DNS for {NAME} and is sent to {show_address(address)}")

        player = _client(script, address)
        await asyncio.wait_for(Runner(player, None, Outward()).run(), PATIENCE)
        _check(player, servers)
    except (OSError, TimeoutError) as error:
        raise UserError(f"the evening broke off: {error or 'it took too long'}") from error
    finally:
        proxy.terminate()
        await proxy.wait()
        servers.close()


def _client(script: Script, address: Address) -> Player:
    scribe = Scribe(None, game=GAME, client="127.0.0.1", origin=Origin.PLAYBACK, note="demo")
    return Player(script, Manner(Places(address)), scribe, now)


def _check(player: Player, servers: Servers) -> None:
    """Whether the evening came to its end, and every leg by the proxy."""
    if not player.verdict.passed:
        fact = player.verdict.sentence()
        raise UserError(f"the evening broke off ({fact}): please report this as a bug")
    for flow in player.flows.values():
        if flow.server in servers.addresses:
            raise UserError("the client was sent past the proxy: please report this as a bug")
        if flow.server is not None and flow.role.parent is not None:
            where = show_address(flow.server)
            _say(f"{flow.role.parent.kind} announced the next leg; the client was sent to {where}")
    _say(f"the client: {player.verdict.sentence()}")


async def _start_proxy(upstream: Address, file: Path) -> asyncio.subprocess.Process:
    words = ["record", GAME, "--upstream", show_address(upstream), "--relay", "ea-lobby:0"]
    words += ["--dns-port", "0", "-q", "-w", str(file)]
    _say("understudy " + " ".join(words))
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "understudy", *words, stdout=asyncio.subprocess.PIPE
    )


async def _listening(proxy: asyncio.subprocess.Process) -> dict[str, Address]:
    """Protocol -> address, from the lines that the proxy prints until it is ready."""
    found: dict[str, Address] = {}
    assert proxy.stdout is not None
    while line := (await asyncio.wait_for(proxy.stdout.readline(), PATIENCE)).decode():
        words = line.split()
        if words == ["ready"]:
            return found
        if words[:1] == ["listening"]:
            click.echo(f"    {line.rstrip()}")
            host, _, port = words[3].rpartition(":")
            found[words[1]] = host, int(port)
    raise UserError("the proxy did not start; what it said stands above")


async def _ask(dns: Address, port: int) -> Address:
    """Look the game's server up as a console does, with a query of its own (RFC 1035)."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bytes] = loop.create_future()

    class Asking(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            if not answered.done():
                answered.set_result(data)

    transport, _ = await loop.create_datagram_endpoint(Asking, remote_addr=dns)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split("."))
    header = struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0)  # one question, recursion desired
    transport.sendto(header + labels + b"\0" + struct.pack("!2H", 1, 1))
    try:
        reply = await asyncio.wait_for(answered, PATIENCE)
    finally:
        transport.close()
    return str(IPv4Address(reply[-4:])), port


def _show(file: Path) -> None:
    for words in (
        ["sessions", str(file)],
        ["flows", str(file)],
        ["frames", str(file), "~k auth | ~k skey | ~k pers | ~k mesg | ~k +ses | ~k SEND"],
    ):
        _say("understudy " + " ".join(f"'{w}'" if " " in w else w for w in words))
        subprocess.run([sys.executable, "-m", "understudy", *words], check=True)
    _say(f"the password above was enciphered on the wire; the recording is {file.resolve()}")


def _say(text: str) -> None:
    click.secho(f"* {text}", bold=True)
