"""Serves the web application on 127.0.0.1 until Ctrl-C."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from recordings.errors import UserError
from recordings.opening import open_to_read
from recordings.viewing import Viewer
from recordings.web.app import application

HOST = "127.0.0.1"
GOODBYE = 1
"""Seconds that open connections get when it ends."""


class _Server(uvicorn.Server):
    """Tells its address once it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[int], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._listening(self.servers[0].sockets[0].getsockname()[1])


def serve(
    path: Path,
    viewer: Viewer | None,
    *,
    port: int = 0,
    listening: Callable[[str], None],
    open_browser: bool = True,
) -> None:
    """Serve until interrupted; `listening` gets the address. Raises UserError.

    Port 0 is any free one.
    """
    opened = open_to_read(path)  # says now what is wrong with the file
    try:
        # where only a copy can be read, one is made for all, not one for each query
        readable = Path(opened.copy.name, path.resolve().name) if opened.copy else path
        if opened.copy is None:
            opened.close()  # a recorder that ends wants the file to itself
        _run(readable, viewer, port, listening, open_browser)
    finally:
        opened.close()


def _run(
    path: Path,
    viewer: Viewer | None,
    port: int,
    listening: Callable[[str], None],
    open_browser: bool,
) -> None:
    def ready(bound: int) -> None:
        address = f"http://{HOST}:{bound}/"
        listening(address)
        if open_browser:
            webbrowser.open(address)

    config = uvicorn.Config(
        application(path, viewer),
        host=HOST,
        port=port,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GOODBYE,
    )
    server = _Server(config, ready)
    try:
        server.run()
    except KeyboardInterrupt:
        return
    except SystemExit as error:
        if server.started:
            raise
        raise UserError(
            f"port {port} of {HOST} is taken or may not be used: choose another by --port, "
            "or leave it out for any free one"
        ) from error
