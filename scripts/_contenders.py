"""The relays that are measured side by side: how each is started on free loopback ports."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
PROTOCOLS = {"tcp": "ea-lobby", "udp": "kaillera"}


def free_port(transport: str) -> int:
    """A port that was free a moment ago."""
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


@dataclass
class Running:
    """A relay that is up."""

    port: int
    process: subprocess.Popen[bytes] | None = None
    file: Path | None = None
    folder: Path = field(default_factory=Path)

    def memory(self) -> int:
        """Resident bytes of the process and of those it started; 0 where the system is silent."""
        return sum(1024 * _resident(pid) for pid, _ in self._family())

    def seconds(self) -> float:
        """Processor time of the process and of those it started; 0 where the system is silent."""
        ticks = sum(int(rest[11]) + int(rest[12]) for _, rest in self._family())
        return ticks / os.sysconf("SC_CLK_TCK")

    def _family(self) -> Iterator[tuple[int, list[str]]]:
        """Number and state (proc_pid_stat(5), from field 3 on) of the process and its children."""
        if self.process is None:
            return
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError):
                pid, rest = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
                if self.process.pid in (pid, int(rest[1])):
                    yield pid, rest

    def stop(self) -> int:
        """End the process that was started, and wait for it; its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(10)
        finally:
            if self.file is None and hasattr(os, "killpg"):
                with contextlib.suppress(OSError):
                    os.killpg(self.process.pid, signal.SIGKILL)


def _resident(pid: int) -> int:
    """KiB of memory."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def _wait(port: int, transport: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        if transport == "udp":
            time.sleep(1.0)
            return
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, port), 1).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not come up")


def _spawn(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # some fork for every flow: `stop` ends them all
    )


def _nginx(transport: str, port: int, upstream: int, folder: Path) -> list[str]:
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    load = f"load_module {module};" if module.exists() else ""
    udp = " udp reuseport" if transport == "udp" else ""
    half = "proxy_half_close on;" if transport == "tcp" else ""
    (folder / "nginx.conf").write_text(
        f"{load} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;"
        "events { worker_connections 4096; } stream { access_log off;"
        f"server {{ listen {HOST}:{port}{udp}; proxy_pass {HOST}:{upstream}; {half} }} }}"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _haproxy(transport: str, port: int, upstream: int, folder: Path) -> list[str]:
    (folder / "haproxy.cfg").write_text(
        "global\n nbthread 1\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 1h\n"
        f" timeout server 1h\nlisten game\n bind {HOST}:{port}\n server s {HOST}:{upstream}\n"
    )
    return ["haproxy", "-q", "-f", str(folder / "haproxy.cfg")]


def _socat(transport: str, port: int, upstream: int, folder: Path) -> list[str]:
    kind = transport.upper()
    options = "reuseaddr,fork,nodelay" if kind == "TCP" else "fork"
    listen = f"{kind}-LISTEN:{port},bind={HOST},{options}"
    end = ",nodelay" if kind == "TCP" else ""
    return ["socat", listen, f"{kind}:{HOST}:{upstream}{end}"]


def _mitmdump(transport: str, port: int, upstream: int, folder: Path) -> list[str]:
    program = Path(sys.executable).with_name("mitmdump")
    mode = f"reverse:{transport}://{HOST}:{upstream}@{HOST}:{port}"
    return [str(program), "-q", "--mode", mode, "-w", str(folder / "mitm.flows")]


OTHERS = {"nginx": _nginx, "haproxy": _haproxy, "socat": _socat, "mitmdump": _mitmdump}
TCP_ONLY = {"haproxy"}


def available(transport: str) -> list[str]:
    """Names of the contenders that this machine can run, `direct` and ours included."""
    found = [
        name
        for name in OTHERS
        if (shutil.which(name) or Path(sys.executable).with_name(name).exists())
        and not (transport == "udp" and name in TCP_ONLY)
    ]
    return ["direct", *found, "understudy"]


def _understudy(transport: str, upstream: int, folder: Path, protocol: str) -> Running:
    file = folder / f"bench-{transport}-{time.monotonic_ns()}.understudy.db"
    command = [sys.executable, "-m", "understudy", "record", "-q", "-w", str(file)]
    command += ["--relay", f"{protocol}:0={HOST}:{upstream}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder)
    assert process.stdout is not None
    port = 0
    for line in process.stdout:
        words = line.decode().split()
        if words[:1] == ["listening"]:
            port = int(words[3].rpartition(":")[2])
        if words == ["ready"]:
            return Running(port, process, file, folder)
    raise RuntimeError("understudy record did not come up")


@contextlib.contextmanager
def started(
    name: str, transport: str, upstream: int, folder: Path, protocol: str = ""
) -> Iterator[Running]:
    """Start a contender in front of `upstream`; it is stopped at the end."""
    if name == "direct":
        yield Running(upstream)
        return
    if name == "understudy":
        running = _understudy(transport, upstream, folder, protocol or PROTOCOLS[transport])
    else:
        place = folder / f"{name}-{transport}-{os.getpid()}"
        place.mkdir(exist_ok=True)
        port = free_port(transport)
        process = _spawn(OTHERS[name](transport, port, upstream, place), place)
        _wait(port, transport, process)
        running = Running(port, process, folder=place)
    try:
        yield running
    finally:
        running.stop()
