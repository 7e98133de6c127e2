"""Ways to run a command and to read what it printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

import understudy

COMMANDS = ("sessions", "flows", "frames", "show", "stats", "query")
REST: dict[str, list[str]] = {"show": ["9"], "query": ["SELECT * FROM frames"]}
"""What a command needs behind FILE."""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(understudy.cli, [str(argument) for argument in arguments])


def lines(*arguments: str | Path) -> list[str]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def objects(*arguments: str | Path) -> list[Any]:
    return [json.loads(line) for line in lines(*arguments, "--nl")]
