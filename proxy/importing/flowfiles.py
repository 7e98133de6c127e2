"""Flows that mitmproxy saved (`mitmdump -w`), as conversations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proxy.importing.importer import Importer


def read_flows(path: Path, importer: Importer, step: Callable[[int], None]) -> list[str]:
    """Tell an importer what a file holds; returns what could not be read."""
    raise NotImplementedError
