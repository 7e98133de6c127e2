"""The options that cut and decipher what nobody described yet, shared by record and decode."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import click

from proxy import registry
from proxy.generic import CIPHERS, FRAME_FORMS, CipherWish, ciphered, framed
from recordings.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--frame",
        metavar="FORM",
        help=f"Cut the streams of raw-tcp into frames: {FRAME_FORMS}. "
        "BIAS is what the length field does not count.",
    ),
    click.option(
        "--cipher",
        type=click.Choice(sorted(CIPHERS)),
        help="Decipher every flow with this cipher; the key comes by --key CIPHER=HEX "
        "or --key-from.",
    ),
    click.option(
        "--cipher-on",
        multiple=True,
        metavar="PROTOCOL",
        help="With --cipher: only the flows of this protocol (raw-tcp). Repeatable.",
    ),
    click.option(
        "--key-from",
        metavar="KIND.FIELD",
        help="The field that gives the key of --cipher (skey.SKEY), which then begins with the "
        "next frame.",
    ),
    click.option(
        "--from-frame",
        type=click.IntRange(1),
        metavar="N",
        help="The first frame of a flow that --cipher deciphers, counted over both directions.",
    ),
)


def generic_options(command: F) -> F:
    """Adds --frame, --cipher, --cipher-on, --key-from and --from-frame."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def apply(
    names: Iterable[str],
    frame: str | None,
    cipher: str | None,
    cipher_on: Collection[str],
    key_from: str | None,
    from_frame: int | None,
) -> None:
    """Read the named protocols as the user says, for the rest of this run; raises UserError."""
    names = set(names)
    if frame is not None:
        if "raw-tcp" not in names:
            raise UserError("--frame cuts raw-tcp, and there is none: --relay raw-tcp:PORT=...")
        registry.replace(framed(registry.protocol("raw-tcp"), frame))
    if cipher is None:
        if key_from is not None or from_frame is not None or cipher_on:
            raise UserError(
                "--cipher-on, --key-from and --from-frame go with --cipher: add --cipher rc4"
            )
        return
    wish = CipherWish(cipher, key_from, from_frame)
    for name in cipher_on:
        if name not in names:
            known = ", ".join(sorted(names))
            raise UserError(f"--cipher-on {name}: no flow speaks it; there is {known}")
    for name in cipher_on or names:
        registry.replace(ciphered(registry.protocol(name), wish))
