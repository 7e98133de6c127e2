"""Small files of text that the user hands over: rules, keys, accounts, faults, hosts.

They may be somebody else's. So no more than `LARGEST` of one is read, and TOML that is nested too
deep is refused as any other TOML that is none.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from recordings.errors import UserError

LARGEST = 4 << 20
"""Bytes of a file that is written by hand."""


def read_text(path: Path) -> str:
    """The text of a file; raises UserError."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > LARGEST:
        raise UserError(f"{path} has more than {LARGEST:,} bytes: give a file written by hand")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text file ({error}): save it as UTF-8") from error


def read_toml(path: Path) -> dict[str, Any]:
    """The table of a TOML file; raises UserError."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is no TOML ({error}): correct it") from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deep: correct it") from error
