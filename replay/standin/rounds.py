"""One cast after the other on the same listeners: each round begins with the world as it was.

Between two rounds whoever comes is turned away. What a round opened by itself is shut behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from proxy.flow import Watch
from proxy.legs import Redirects
from proxy.mutation.engine import Mutations
from proxy.recorder import Recorder, Settings
from proxy.relay.api import Address, Listen, Opener, Pipe
from proxy.relay.flow import Mute
from proxy.tap import Tap
from replay.standin.cast import Cast, Keeper, Show

OVER = "the run is over"
"""Why a flow ends that a round ends."""


class Rounds(Recorder):
    """The recorder of a run that serves the same show again and again."""

    def __init__(
        self,
        show: Show,
        store: Keeper,
        *,
        now: Callable[[], int],
        settings: Settings,
        **recorder: object,
    ) -> None:
        super().__init__(store, now=now, settings=settings, **recorder)  # type: ignore[arg-type]
        self._show = show
        self._keeper = store
        self._cast: Cast | None = None
        self._doors: _Doors | None = None

    def use(self, opener: Opener) -> Redirects:
        """See `Recorder.use`."""
        self._doors = _Doors(opener)
        return super().use(opener)

    def begin(self, mutations: Mutations | None, watch: Watch, store: Keeper | None = None) -> None:
        """A round begins; `store` takes what is recorded of it, else the recording does."""
        assert self._doors is not None
        assert self.redirects is not None
        self._cast = Cast(
            self._show,
            store or self._keeper,
            now=self._now,
            settings=replace(self.settings, mutations=mutations),
            watch=watch,
            on_refused=self._on_refused,
        )
        self._cast.use(self._doors).own.update(self.redirects.own)

    def end(self) -> None:
        """The round is over: every flow is ended, what it opened is shut."""
        cast, self._cast = self._cast, None
        if cast is None:
            return
        for performer in cast.performers():
            performer.close(OVER, True)
        cast.close()
        assert self._doors is not None
        self._doors.shut_all()

    def opened(  # type: ignore[override]
        self,
        listen: Listen,
        client: Address,
        server: Address | None,
        local: Address | None = None,
    ) -> Tap | Away:
        """See `Sinks.opened`."""
        if self._cast is None:
            return Away()
        return self._cast.opened(listen, client, server, local)

    def tick(self, at: int) -> None:
        """See `Recorder.tick`."""
        if self._cast is not None:
            self._cast.tick(at)

    def close(self) -> None:
        """See `Recorder.close`."""
        self.end()
        super().close()


class Away(Mute):
    """Turns a client away that comes between two rounds."""

    def started(self, pipe: Pipe) -> None:
        """See `Actor.started`."""
        pipe.close("between two runs", reset=True)

    def takes_over(self, reason: str) -> bool:
        """See `Actor.takes_over`."""
        return False


class _Doors:
    """The relay, as one round uses it: knows what was opened."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._open: list[Listen] = []

    def open(self, listen: Listen) -> Address:
        """See `Opener.open`."""
        address = self._opener.open(listen)
        self._open.append(listen)
        return address

    def shut(self, listen: Listen) -> None:
        """See `Opener.shut`."""
        self._opener.shut(listen)

    def invite(self, listen: Listen, client: Address, local: str) -> Address | None:
        """See `Opener.invite`."""
        return self._opener.invite(listen, client, local)

    def call(self, listen: Listen, client: Address) -> bool:
        """See `Opener.call`."""
        return self._opener.call(listen, client)

    def shut_all(self) -> None:
        """Shut what was opened."""
        opened, self._open = self._open, []
        for listen in opened:
            self._opener.shut(listen)
