"""Headless Chromium for the tests, driven by its DevTools over a pipe; skips where missing."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 30.0
PAINTED = "new Promise(f => requestAnimationFrame(() => requestAnimationFrame(() => f(1))))"
"""Fulfilled when the page has been painted once more."""
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for end, wanted in zip(ends, (3, 4)):
    os.dup2(end, wanted)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Gives the browser its pipe as the descriptors that it expects, 3 and 4."""


class Chromium:
    """One browser with one page; errors, dialogs and refused contents are noted."""

    def __init__(self, folder: Path) -> None:
        if sys.platform == "win32":
            pytest.skip("the tests drive Chromium over a pipe that Windows has not")
        found = next(filter(None, map(shutil.which, NAMES)), None)
        if found is None:
            pytest.skip("Chromium is not installed, so no page can be looked at")
        commands, self._to = os.pipe()
        self._from, events = os.pipe()
        flags = (
            "--headless --no-sandbox --disable-gpu --remote-debugging-pipe --no-first-run "
            f"--disable-dev-shm-usage --hide-scrollbars --user-data-dir={folder}"
        )
        words = [found, *flags.split(), "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, str(commands), str(events), *words],
            pass_fds=(commands, events),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(events)
        self._buffer = b""
        self._count = 0
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        self.noted: list[str] = []
        """Dialogs, uncaught errors, refusals of the Content-Security-Policy."""
        self.requests: list[str] = []
        """Addresses that the page asked for."""
        try:
            self._attach()
        except BaseException:
            self.close()
            raise

    def _attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self._to)
        os.close(self._from)

    def _read(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0, until - time.monotonic()))
            assert ready, f"Chromium says nothing; it noted {self.noted}"
            data = os.read(self._from, 1 << 20)
            assert data, "Chromium ended"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        given = message.get("params", {})
        if message.get("method") == "Page.javascriptDialogOpening":
            self.noted.append(f"dialog: {given['message']}")
        if message.get("method") == "Runtime.exceptionThrown":
            self.noted.append(f"error: {json.dumps(given['exceptionDetails'])[:500]}")
        if message.get("method") == "Log.entryAdded" and given["entry"]["level"] == "error":
            self.noted.append(f"log: {given['entry']['text']}")
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        if "method" in message:
            self._events.append(message)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the DevTools protocol; its result."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            answer = self._read(until)
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def wait(self, event: str) -> None:
        """Until an event that has not been waited for yet."""
        until = time.monotonic() + PATIENCE
        while not any(one["method"] == event for one in self._events):
            self._read(until)
        self._events.clear()

    def open(self, address: str) -> float:
        """Open a page; seconds until it was loaded and painted."""
        self._events.clear()
        self.noted.clear()
        self.requests.clear()
        begun = time.monotonic()
        self.call("Page.navigate", url=address)
        self.wait("Page.loadEventFired")
        assert self.ask(PAINTED) == 1
        return time.monotonic() - begun

    def ask(self, script: str) -> Any:
        """The value of an expression in the page; promises are awaited."""
        given = {"expression": script, "awaitPromise": True, "returnByValue": True}
        result = self.call("Runtime.evaluate", **given)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def look(self, *, dark: bool = False, width: int = 1200, height: int = 900) -> None:
        """Choose the colours and the size of the window."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def press(self, key: str) -> None:
        """Press a key; a character, or a name like `ArrowDown`."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        code = {"Enter": 13, "Tab": 9}.get(key, 0)
        given = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=down, text=text, **given)
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def point(self, selector: str) -> None:
        """Move the mouse onto an element."""
        place = self.ask(
            f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
        assert self.ask(PAINTED) == 1  # the page hears of it with its next picture

    def screenshot(self, path: Path) -> bytes:
        """What is seen, as PNG."""
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        path.write_bytes(data)
        return data
