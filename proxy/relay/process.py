"""What the relay asks of its process: more open files, and to be told when to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
FILES = 65536


def more_files() -> None:
    """Ask for as many open files as we may have: every UDP client takes one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and its kin end the run in good order; only the main thread can be told of them.

    After one of them all are ignored: what is left is to write the file, and soon done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    hangup = getattr(signal, "SIGHUP", None)
    if hangup and before[hangup] is signal.SIG_IGN:  # nohup: it is to go on
        numbers.remove(hangup)

    asked = False

    def stop_once() -> None:
        nonlocal asked
        asked = True
        stop()

    def handler(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop_once)

    for number in numbers:
        try:
            loop.add_signal_handler(number, stop_once)
        except (NotImplementedError, RuntimeError):
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number in numbers:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)
            # an impatient second Ctrl-C must not break off the writing of the file
            signal.signal(number, signal.SIG_IGN if asked else before[number] or signal.SIG_DFL)
