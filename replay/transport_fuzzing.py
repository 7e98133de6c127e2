"""What fuzz runs need of the world: players on sockets, the server's process, a health command."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from proxy.relay.clock import now
from proxy.relay.sockets import Outward
from recordings.errors import UserError
from recordings.model import Json
from replay.adaptive.chance import Chance
from replay.fuzzing.obeying import Fuzzed, Wish
from replay.playback.player import Player
from replay.playback.scribe import Scribe
from replay.playback.steps import Script
from replay.playback.wishes import TURNS, Manner
from replay.transport_playback import Runner

RUN_LIMIT = 120.0
"""Seconds that one run may take."""
HEALTH_LIMIT = 30.0
"""Seconds that the health command may take."""
SHOWN = 200
"""Characters of its output that are kept."""


class Still(Chance):
    """Times are said as they were recorded, so that a run says the same bytes again."""

    def clock(self, value: Json, recorded_at: int, unit: str) -> Json:
        """See `Chance.clock`."""
        return value


class Watchman:
    """See `replay.fuzzing.campaign.House`."""

    def __init__(self, pid: str | None, health: str | None) -> None:
        """`pid` is a number or the path of a file that holds one; raises UserError."""
        self._pid = pid
        self._command = split(health, "--health") if health is not None else None
        if pid is not None:
            _read_pid(pid)

    def process(self) -> str | None:
        """See `House.process`."""
        if self._pid is None:
            return None
        try:
            number = _read_pid(self._pid)
        except UserError:
            return f"{self._pid} names no process any more"
        if _runs(number):
            return None
        if self._pid.isdigit():
            self._pid = None  # whatever starts the server again gives it another number
        return f"process {number} has ended"

    def health(self) -> str | None:
        """See `House.health`."""
        if self._command is None:
            return None
        try:
            done = subprocess.run(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=HEALTH_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"{self._command[0]} took longer than {HEALTH_LIMIT:g} s"
        except OSError as error:
            fact = error.strerror or str(error)
            raise UserError(f"--health {self._command[0]} cannot be run: {fact}") from error
        if not done.returncode:
            return None
        said = " ".join(done.stdout.decode("utf-8", "replace").split())[-SHOWN:]
        return f"exit code {done.returncode}{f', {said}' if said else ''}"

    def now(self) -> int:
        """See `House.now`."""
        return now()

    def wait(self, seconds: float) -> None:
        """See `House.wait`."""
        time.sleep(seconds)


class LiveHouse(Watchman):
    """See `replay.fuzzing.servers.Playhouse`."""

    def __init__(
        self,
        manner: Manner,
        *,
        wish: Wish | None = None,
        pid: str | None = None,
        health: str | None = None,
    ) -> None:
        """See `Watchman`; raises UserError."""
        super().__init__(pid, health)
        self._manner = replace(manner, timing=TURNS, go_on=False)
        self._wish = wish
        self._played: dict[int, int] = {}

    def _seed(self, run: Fuzzed | None) -> str:
        """What fresh values follow from: a server may know those of an earlier play (QR2's ids).

        The first play of a run always says the same; no clean play says what another one did.
        """
        if run is None:
            return os.urandom(8).hex()
        number = run.plan.run
        again = self._played[number] = self._played.get(number, -1) + 1
        return f"{self._manner.seed}/{number}/{again}"

    def play(self, script: Script, scribe: Scribe, run: Fuzzed | None) -> Player:
        """See `Playhouse.play`."""
        change = run.change if run is not None else self._wish
        chance = Still(self._seed(run), now)
        player = Player(
            script, self._manner, scribe, now, change=change, mutations=run, chance=chance
        )
        asyncio.run(_play(player))
        return player


async def _play(player: Player) -> None:
    try:
        async with asyncio.timeout(RUN_LIMIT):
            await Runner(player, None, Outward()).run()
    except TimeoutError:
        player.interrupt()


def split(command: str, option: str) -> list[str]:
    """The words of a command line that the user gave to an option; raises UserError."""
    words = []
    with contextlib.suppress(ValueError):
        words = shlex.split(command, posix=os.name != "nt")
    if not words:
        raise UserError(f"{option} {command!r} is no command: write PROGRAM ARGUMENT ...")
    return words


def _read_pid(text: str) -> int:
    """The process that a number or a file names; raises UserError."""
    number = text
    if not text.isdigit():
        try:
            number = Path(text).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"--watch-pid {text} is neither a process number nor a file that holds one"
            ) from error
    if not number.isdigit() or not 0 < int(number) < 1 << 31:
        raise UserError(f"--watch-pid {text}: {number[:20]!r} is no process number")
    return int(number)


def _runs(pid: int) -> bool:
    """Whether a process is there; one that ended and is only remembered is not."""
    if sys.platform == "win32":
        return _runs_on_windows(pid)
    try:
        os.kill(pid, 0)  # sends nothing: asks
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1]
        return state not in (b"Z", b"X")
    return True


def _runs_on_windows(pid: int) -> bool:
    import ctypes

    synchronize, waiting = 0x00100000, 0x00000102
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(synchronize, False, pid)
    if not handle:
        return False
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == waiting)
    finally:
        kernel.CloseHandle(handle)
