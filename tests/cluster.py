"""A Dask cluster of processes of its own, and what makes one of its workers die."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recordings.making import HOME

distributed = pytest.importorskip(
    "distributed", reason="Dask distributed is not installed (extra `cluster`)"
)

PATIENCE = 40
"""Seconds for anything of the cluster."""


class Cluster:
    """A scheduler and two workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._address_file = folder / "scheduler.json"
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._start(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            *("--scheduler-file", str(self._address_file)),
        )
        self.workers = [
            self._start(
                *("worker", "--scheduler-file", str(self._address_file), "--no-nanny"),
                *("--nthreads", "1", "--no-dashboard", "--memory-limit", "0"),
                *("--local-directory", str(folder / f"worker{number}")),
            )
            for number in range(2)
        ]
        self.client = distributed.Client(
            scheduler_file=str(self._address_file), timeout=PATIENCE, set_as_default=False
        )
        self.client.wait_for_workers(2, timeout=PATIENCE)
        self.address = self.client.scheduler.address

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with open(self._folder / "cluster.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                cwd=HOME,
                env={**os.environ, "PYTHONPATH": str(HOME)},
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def end_workers(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait(PATIENCE)

    def close(self) -> None:
        self.client.close()
        for process in reversed(self._processes):
            process.kill()
            process.wait(PATIENCE)


_DEADLY = """
import os, signal
if os.getpid() != {client}:
    try:
        os.close(os.open({mark!r}, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        pass  # the other worker has died already
    else:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
PROTOCOLS = ()
"""


def deadly_file(folder: Path) -> Path:
    """A protocol file: the first worker that reads it is killed in the middle of its task."""
    path = folder / "deadly.py"
    path.write_text(_DEADLY.format(client=os.getpid(), mark=str(folder / "mark")), "utf-8")
    return path
