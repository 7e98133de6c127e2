"""What `understudy demo` does: server, proxy and client of one evening, each a real one."""

from __future__ import annotations

import asyncio
import signal
import struct
import subprocess
import sys
import tempfile
from contextlib import suppress
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
from replay.transport_playback import Runner

PROGRAM = (sys.executable, str(Path(__file__).resolve().parents[1] / "understudy.py"))
"""The command. By `-m` Python would first look for it in the working folder."""

GAME = "nascar-thunder-2004"
SAMPLE = "nascar-thunder-2004-evening"
NAME = "ps2nascar04.ea.com"
PATIENCE = 30.0
"""Seconds that the evening may take."""
STOP: signal.Signals = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)
"""What ends a program in good order; Windows has no signals but those of its consoles."""
GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""Windows gives that one to a group, which must not be our own."""


def run(file: Path | None) -> None:
    """The whole demo; raises UserError when any part of it fails."""
    file = file or Path(f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}.understudy.db")
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "sample.understudy.db"
        with Recording.open(sample) as recording:
            load_sample(FOLDER / f"{SAMPLE}.jsonl", recording)
        with Reader.open(sample) as reader:
            (session,) = reader.sessions()
            script = read_script(load(reader, session.id), session)
        asyncio.run(_evening(sample, script, file))
    _check(script, file)
    _show(file)


async def _evening(sample: Path, script: Script, file: Path) -> None:
    _say(f"a stand-in serves a sample recording: it is the server of {GAME}")
    server = await _start("serve", str(sample), "-w", str(sample.with_name("served.db")))
    programs = [server]
    try:
        upstream = (await _listening(server))["ea-lobby"]
        words = ["record", GAME, "--upstream", show_address(upstream), "-w", str(file)]
        programs.append(await _start(*words))
        listening = await _listening(programs[-1])
        address = await _ask(listening["dns"], listening["ea-lobby"][1])
        _say(f"the client asks the proxy's DNS for {NAME} and is sent to {show_address(address)}")
        player = _client(script, address)
        await asyncio.wait_for(Runner(player, None, Outward()).run(), PATIENCE)
    except (OSError, TimeoutError) as error:
        raise UserError(f"the evening broke off: {error or 'it took too long'}") from error
    finally:
        for program in reversed(programs):
            with suppress(ProcessLookupError):  # it has ended already, and said why
                program.send_signal(STOP)
            await program.wait()
    _tell(player)


def _client(script: Script, address: Address) -> Player:
    scribe = Scribe(None, game=GAME, client="127.0.0.1", origin=Origin.PLAYBACK, note="demo")
    return Player(script, Manner(Places(address)), scribe, now)


def _tell(player: Player) -> None:
    """How the evening went; raises UserError when it did not come to its end."""
    if not player.verdict.passed:
        fact = player.verdict.sentence()
        raise UserError(f"the evening broke off ({fact}): please report this as a bug")
    for flow in player.flows.values():
        if flow.server is not None and flow.role.parent is not None:
            where = show_address(flow.server)
            _say(f"{flow.role.parent.kind} announced the next leg; the client was sent to {where}")
    _say(f"the client: {player.verdict.sentence()}")


def _check(script: Script, file: Path) -> None:
    """Every leg has come by the proxy; raises UserError."""
    with Reader.open(file) as reader:
        legs = len(reader.flows())
    if legs != len(script.roles):
        raise UserError("the client was sent past the proxy: please report this as a bug")


async def _start(*words: str) -> asyncio.subprocess.Process:
    words = (*words, "--relay", "ea-lobby:0", "--dns-port", "0", "-q")
    _say("understudy " + " ".join(words))
    return await asyncio.create_subprocess_exec(
        *PROGRAM, *words, stdout=asyncio.subprocess.PIPE, creationflags=GROUP
    )


async def _listening(program: asyncio.subprocess.Process) -> dict[str, Address]:
    """Protocol -> address, from the lines that a program prints until it is ready."""
    found: dict[str, Address] = {}
    assert program.stdout is not None
    while line := (await asyncio.wait_for(program.stdout.readline(), PATIENCE)).decode():
        words = line.split()
        if words == ["ready"]:
            return found
        if words[:1] == ["listening"]:
            click.echo(f"    {line.rstrip()}")
            host, _, port = words[3].rpartition(":")
            found[words[1]] = host, int(port)
    raise UserError("it did not start; what it said stands above")


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
        subprocess.run([*PROGRAM, *words], check=True)
    _say(f"the password above was enciphered on the wire; the recording is {file.resolve()}")


def _say(text: str) -> None:
    click.secho(f"* {text}", bold=True)
