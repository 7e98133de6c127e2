"""Protocols that have golden bytes and no test file of their own: the harness runs all the same."""

from __future__ import annotations

import importlib
from pathlib import Path

from proxy import registry
from tests.protocols.harness import ProtocolProperties

HERE = Path(__file__).parent
FOLDER = Path(__file__).parent.parent / "vectors"


def _alone() -> dict[str, type[ProtocolProperties]]:
    """A test class for each such protocol."""
    made = {}
    for name, protocol in registry.protocols().items():
        stem = name.replace("-", "_")
        if not (FOLDER / f"{stem}.py").exists() or (HERE / f"test_{stem}.py").exists():
            continue
        vectors = importlib.import_module(f"tests.vectors.{stem}").VECTORS
        title = "Test" + name.title().replace("-", "")
        made[title] = type(title, (ProtocolProperties,), {"protocol": protocol, "vectors": vectors})
    return made


globals().update(_alone())


def test_every_protocol_with_vectors_is_tested() -> None:
    tested = {path.stem.removeprefix("test_") for path in HERE.glob("test_*.py")}
    ours = {cls.protocol.name.replace("-", "_") for cls in _alone().values()}
    files = {path.stem for path in FOLDER.glob("*.py")}
    protocols = {name.replace("-", "_") for name in registry.protocols()}
    assert files & protocols <= tested | ours
