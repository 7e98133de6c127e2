"""What `understudy decode` does, by sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy import options, registry
from proxy.commands._generic import apply
from proxy.commands._keys import read_keys
from proxy.decoding import Outcome, reread, rewrite
from proxy.generic import CIPHERS
from proxy.keys import secret_key
from recordings.choosing import check_session, open_recording
from recordings.drafting import drafted
from recordings.errors import UserError
from recordings.writer import Recording


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wrote."""

    file: Path
    session: int | None
    key: tuple[str, ...]
    game_key: tuple[str, ...]
    keys_file: Path | None
    protocol_file: tuple[Path, ...]
    write: Path | None
    generic: dict[str, Any]
    """The options of `proxy.commands._generic`."""


def decode(wish: Wish) -> Iterator[str]:
    """Read again and write; a line for each session, and one for what is left."""
    for path in wish.protocol_file:
        registry.add_file(path)
    keys, secrets = read_keys(wish.keys_file, wish.key, ())
    keys += [secret_key(*options.read_game_key(text)) for text in wish.game_key]
    if wish.write is not None and wish.write.exists() and wish.write.samefile(wish.file):
        raise UserError("-w must name another file than the one that is read")
    with open_recording(wish.file) as reader:
        check_session(reader, wish.session)
        apply({flow.protocol for flow in reader.flows(wish.session)}, **wish.generic)
        sessions = [one for one in reader.sessions() if wish.session in (None, one.id)]
        changed = 0
        into = drafted(wish.write) if wish.write else Recording.open(wish.file)
        # what reads is closed first: while it is open, there cannot be one file
        with into as recording, closing(reader):
            for session in sessions:
                if wish.write is None:
                    outcome = reread(reader, recording, session, keys, secrets)
                else:
                    outcome = rewrite(reader, recording, session, keys, secrets)
                changed += outcome.changed
                yield from _told(session.id, outcome, wish.write)
    unused = [key.name for key in keys if key.name in CIPHERS]
    if unused and not changed and wish.generic.get("cipher") is None:
        yield (
            f"no flow asks for the key {unused[0]}: --cipher {unused[0]} deciphers all of them, "
            "--cipher-on PROTOCOL some, --from-frame N from there on"
        )


def _told(session: int, outcome: Outcome, write: Path | None) -> Iterator[str]:
    where = f" into {write}" if write else ""
    yield (
        f"session {session}: {outcome.frames:,} frames read again{where}, "
        f"{outcome.changed:,} of them differently"
    )
    if outcome.recut and write is None:
        flows = ", ".join(map(str, outcome.recut))
        yield (
            f"session {session}: the frames of flow {flows} are cut differently now and are left "
            "as they are: write everything anew with -w OUT"
        )
