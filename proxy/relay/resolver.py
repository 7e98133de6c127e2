"""Names of upstream servers to addresses, by name servers of our own choice."""

from __future__ import annotations

from collections.abc import Sequence


class Resolver:
    """Resolves upstream names; ignores the hosts file."""

    def __init__(self, name_servers: Sequence[str] = (), *, offline: bool = False) -> None: ...

    async def resolve(self, host: str) -> str:
        """The numeric address of `host`; UserError with the cure."""
        raise NotImplementedError
