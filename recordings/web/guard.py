"""What every request and every answer goes through: reading only, only for this machine's user.

The server listens on 127.0.0.1 alone, but a browser there also shows pages of strangers. So the
Host must be ours (a stranger's name that resolves to 127.0.0.1 is refused), pages of other sites
may not ask, only GET and HEAD are answered, and every answer tells the browser to run no script
but our own files, to load nothing from elsewhere, and to keep nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

NAMES = ("127.0.0.1", "localhost", "[::1]")
"""Hosts that mean this machine, each with any port: the port was reached already."""

AT_HOME = frozenset({b"same-origin", b"none"})
"""Who may ask, as the browser says: our own pages, and the user. Other ports are other sites'."""

_SHARED = (
    "default-src 'none'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
STRICT = f"{_SHARED}; script-src 'self'; style-src 'self'"
"""For our own pages."""
TABLES = f"{_SHARED}; script-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'"
"""For Datasette's pages, which position a few things by style attributes and need no script."""
PICTURE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For a diagram that is opened as a file of its own."""

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_OURS = frozenset(name for name, _ in _HEADERS) | {b"content-security-policy"}


def refusal(scope: Scope) -> tuple[int, str] | None:
    """Status and sentence for a request that is not answered; None: it may be."""
    if scope["method"] not in ("GET", "HEAD"):
        return 405, "This server only reads: use GET."
    headers = [(name.lower(), value) for name, value in scope["headers"]]
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not _is_local(hosts[0]):
        return 421, "This server answers only to 127.0.0.1 and localhost: open it by that name."
    sites = [value for name, value in headers if name == b"sec-fetch-site"]
    if not AT_HOME.issuperset(sites) and scope["path"] != "/":
        return 403, "A page of another site asked for this: open it from the first page instead."
    return None


def _is_local(host: str) -> bool:
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        name, port = host, ""
    return name.lower() in NAMES and (not port or port.isdecimal())


def guarded(app: App) -> App:
    """The application, behind the checks and with the headers."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        policy = TABLES if scope["path"].startswith("/recording") else STRICT

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = dict(message)
                message["headers"] = _with_ours(message.get("headers", ()), policy)
            await send(message)

        refused = refusal(scope)
        if refused is not None:
            await answer(send_guarded, refused[0], refused[1].encode(), "text/plain; charset=utf-8")
            return
        await app(scope, receive, send_guarded)

    return guard


def _with_ours(headers: Iterable[tuple[bytes, bytes]], policy: str) -> list[tuple[bytes, bytes]]:
    given = [(name.lower(), value) for name, value in headers]
    own = [value for name, value in given if name == b"content-security-policy"]
    kept = [(name, value) for name, value in given if name not in _OURS]
    return [*kept, *_HEADERS, (b"content-security-policy", own[0] if own else policy.encode())]


async def answer(
    send: Send,
    status: int,
    body: bytes,
    content_type: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Send a whole answer."""
    start = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
