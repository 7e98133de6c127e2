"""Real captures and cipher vectors, which live beside the project and are never part of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
REASON = "the reference captures are not beside the project (../shared)"


def _load(folder: str, name: str) -> Any:
    """Skips where `../shared` is missing; fails where only the file is."""
    path = SHARED / folder / f"{name}.json"
    if not SHARED.is_dir():
        pytest.skip(f"{REASON}: {folder}/{name}.json", allow_module_level=True)
    return json.loads(path.read_text("utf-8"))


def captures(name: str) -> Any:
    """Real frames of a protocol family, by file name without .json."""
    return _load("captures", name)


def vectors(name: str) -> Any:
    """Cipher vectors of a protocol family."""
    return _load("vectors", name)
