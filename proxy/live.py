"""The live view: a line for each frame while there are few, and how many more when there are not.

What a peer sent is shown with every unprintable character escaped, so that it cannot drive the
terminal, and without the values of passwords and keys.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from proxy.annotate import view
from proxy.flow import Flow
from proxy.message import Message, Opaque
from recordings.model import Frame, Json
from recordings.text import bundled, one_value

LINES_PER_SECOND = 20
WIDTH = 78
"""Characters of the fields of one line."""
LEAST = 28
"""The same on a narrow terminal, where the line may be broken then."""
_SECRET = re.compile(r"(?i)pass|secret|^l?key$|skey|token|cdkey|ticket")
_NAMES_SECRET = re.compile(r"(?i)pass|secret|skey|token|cdkey|ticket")
TEXTUAL = 0.85
"""Share of printable characters from which bytes are shown as text."""
NOBODY = "no game has come: `understudy doctor` looks why that may be"
"""Said at the end of a run without a flow."""
_QUIET_EVENTS = frozenset({"closed", "fault"})


def terminal_columns() -> int | None:
    """How wide the terminal is that standard output goes to; None when it goes elsewhere."""
    return shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else None


def clean(text: str) -> str:
    """Text with everything that is not printable ASCII escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in text)


def brief(fields: dict[str, Json], width: int = WIDTH) -> str:
    """Fields on one line, cropped; those that are missing are left out."""
    parts: list[str] = []
    left = width
    for name, value in fields.items():
        if value is None:
            continue
        shown = one_value(value, width) if isinstance(value, dict | list) else str(value)
        text = "***" if value and _SECRET.search(name) else shown
        part = clean(f"{name}={text[:width]}")
        parts.append(part)
        left -= len(part) + 1
        if left < 0:
            break
    line = " ".join(parts)
    return line if len(line) <= width else line[: width - 3] + "..."


def in_brief(fields: dict[str, Json], derived: Json, width: int = WIDTH) -> str:
    """Fields on one line; of a bundle those of its newest new message, and what else is new."""
    messages = bundled(fields, derived)
    if not messages:
        return brief(fields, width)
    first, *others = messages
    more = "".join(f" + {one.get('kind')}" for one in others)
    inner = first.get("fields")
    line = brief(inner if isinstance(inner, dict) else {}, max(LEAST, width - len(more))) + more
    return line if len(line) <= width else line[: width - 3] + "..."


def first_bytes(data: bytes, width: int = WIDTH) -> str:
    """How a frame begins that nobody can read: as text if it is text, else in hexadecimal."""
    text = data[:width].decode("latin-1")
    printable = sum(" " <= c <= "~" or c in "\r\n\t" for c in text)
    if not text or printable < TEXTUAL * len(text):
        room = (width - 3) // 3
        return data[:room].hex(" ") + (" ..." if len(data) > room else "")
    secret = _NAMES_SECRET.search(text)
    if secret:
        return clean(text[: secret.end()]) + "***"
    line = clean(text)
    return line if len(line) <= width and len(data) <= width else line[: width - 3] + "..."


def _why(message: Message) -> str | None:
    """Why a message is opaque."""
    return message.error if isinstance(message, Opaque) else None


class Live:
    """Prints frames and events as they come (see `proxy.flow.Watch`)."""

    def __init__(
        self,
        echo: Callable[[str], None],
        *,
        rate: int = LINES_PER_SECOND,
        columns: int | None = None,
    ) -> None:
        """`columns` are those of a terminal, where each frame is to be one line."""
        self._echo = echo
        self._columns = columns
        self._rate = rate
        self._second = 0
        self._shown = 0
        self._skipped = 0
        self._still = False

    def hold(self, still: bool) -> None:
        """Show nothing for a while; what is not shown is counted."""
        self._still = still

    def _room(self, at: int) -> bool:
        """Whether one more line fits into this second; says what did not fit into the last."""
        second = at // 1_000_000
        if second != self._second:
            self._second = second
            self._shown = 0
            self.rest()
        if self._still or self._shown >= self._rate:
            self._skipped += 1
            return False
        self._shown += 1
        return True

    def rest(self) -> None:
        """Say how many frames were not shown."""
        if self._skipped and not self._still:
            self._echo(f"  ... {self._skipped:,} more frame{'s' if self._skipped > 1 else ''}")
            self._skipped = 0

    def frame(self, flow: Flow, frame: Frame, message: Message | None) -> None:
        """See `Watch.frame`."""
        if not self._room(frame.at):
            return
        if message is None:
            message = view(flow.protocol, frame)
        time = datetime.fromtimestamp(frame.at / 1e6, UTC).strftime("%H:%M:%S.%f")[:-3]
        size = len(frame.clear)
        action = f"[{frame.action}] " if frame.action else ""
        protocol = frame.protocol or flow.protocol.name
        line = (
            f"{time} flow {flow.id} {protocol} {frame.direction} "
            f"{clean(message.kind):<6} {size:>5}  {action}"
        )
        width = max(LEAST, self._columns - len(line)) if self._columns else WIDTH
        said = frame.error or _why(message) or in_brief(message.fields(), frame.derived, width)
        if not said and isinstance(message, Opaque):
            said = first_bytes(frame.clear, width)
        self._echo((line + clean(said)).rstrip())

    def event(self, flow: Flow | None, kind: str, detail: str) -> None:
        """See `Watch.event`."""
        if kind in _QUIET_EVENTS or self._still:
            return
        where = f"flow {flow.id} " if flow else ""
        self._echo(f"* {where}{kind}: {clean(detail)}")
