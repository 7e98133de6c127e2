"""How SQLite is told which file to open, and how."""

from __future__ import annotations

from pathlib import Path


def uri(path: Path, parameters: str) -> str:
    """`file:///home/a.db?mode=ro`; a path of a Windows share has no host in SQLite's eyes."""
    text = path.absolute().as_uri()
    if not text.startswith("file:///"):
        text = text.replace("file://", "file:////", 1)
    return f"{text}?{parameters}"
