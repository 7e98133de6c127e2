"""The real command, serving a recording to the tests; and requests made by hand."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.running import Command


@dataclass(frozen=True, slots=True)
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True, slots=True)
class Web:
    """A served recording."""

    port: int
    path: Path = field(default=Path())

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, target: str, method: str = "GET", **headers: str) -> Got:
        """Ask for an address; `Host` is ours unless it is given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, headers=given)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Got(answer.status, named, answer.read())
        finally:
            connection.close()


@contextmanager
def browsed(path: Path) -> Iterator[Web]:
    """`understudy browse PATH --web`, running."""
    with Command(path.parent, "browse", path.name, "--web", "--no-open") as command:
        line = command.until(lambda text: "http://" in text)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line
        yield Web(int(found[1]), path)
