"""From the options of `understudy import` to what is wished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from proxy import catalog, options, registry
from proxy.importing.importer import Wishes
from proxy.recorder import Settings
from recordings.errors import UserError
from recordings.model import Key


def wishes_of(
    game: str | None,
    ports: Sequence[str],
    known_only: bool,
    keys: Sequence[Key],
    secrets: Mapping[str, str],
    protocol_files: Sequence[Path],
) -> Wishes:
    """Everything checked and put together; raises UserError."""
    for path in protocol_files:
        registry.add_file(path)
    settings = Settings(
        keys=tuple(keys),
        secrets=dict(secrets),
    )
    return Wishes(
        game=catalog.game(game) if game else None,
        ports=dict(read_as(text) for text in ports),
        settings=settings,
        known_only=known_only,
    )


def read_as(text: str) -> tuple[int, str]:
    """Read `PORT=PROTOCOL`; raises UserError."""
    port_text, equals, name = text.partition("=")
    port = options.read_port(port_text)
    if not equals or not name or not port:
        raise UserError(f"--as {text!r} is not of the form PORT=PROTOCOL: 27888=kaillera")
    return port, registry.protocol(name).name
