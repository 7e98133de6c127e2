"""Drives the browser as a person does, and reads what is on its screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from recordings.browse.app import Browser
from recordings.viewing import LazyViewer

VIEWER = LazyViewer("proxy.viewer", "VIEWER")
NAMES = {
    " ": "space", "~": "tilde", "=": "equals_sign", "|": "vertical_line", "+": "plus",
    "*": "asterisk", ":": "colon", "?": "question_mark", "/": "slash", "@": "at", "-": "minus",
    ".": "full_stop", "(": "left_parenthesis", ")": "right_parenthesis", "#": "number_sign",
}  # fmt: skip


class Driver:
    """A browser that runs, and a hand on its keys."""

    def __init__(self, app: Browser, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def settle(self) -> None:
        """Wait until everything that was asked of the file is on the screen."""
        for _ in range(400):
            await self.pilot.pause()
            if not (self.app.shelf.busy or self.app.desk.busy):
                break
            await asyncio.sleep(0.005)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(NAMES.get(key, key))
            await self.settle()

    async def type(self, text: str) -> None:
        for char in text:
            await self.pilot.press(NAMES.get(char, char))
        await self.settle()

    async def click(self, selector: str, x: int, y: int) -> None:
        await self.pilot.click(selector, offset=(x, y))
        await self.settle()

    @property
    def screen(self) -> list[str]:
        """The lines of the terminal."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.screen)

    @property
    def selected(self) -> int:
        line = self.app.frames.selected
        assert line is not None
        return line.id

    @property
    def listed(self) -> list[int]:
        return [line.id for line in self.app.frames.window.lines]


def drive(
    path: Path,
    play: Callable[[Driver], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
    text: str = "",
) -> None:
    """Open a recording in a browser without a terminal, and let `play` use it."""

    async def run() -> None:
        app = Browser(path, VIEWER, text=text)
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot)
            await driver.settle()
            await play(driver)

    asyncio.run(run())
