"""The user's rules (`--rules`) for what the client says on one flow."""

from __future__ import annotations

from collections.abc import Callable

from proxy.flow import Flow
from proxy.mutation.engine import Mutations
from proxy.relay.api import Listen
from replay.playback.hearing import LiveFlow
from replay.playback.scribe import Scribe


def obey(
    flow: LiveFlow,
    mutations: Mutations,
    scribe: Scribe,
    now: Callable[[], int],
    failed: Callable[[str], None],
) -> None:
    """Run everything that is said on a flow, which is open, through the rules."""
    assert flow.server is not None
    row, server, client = flow.role.row, flow.server, flow.conversation.adapter.local
    listen = Listen(row.protocol, flow.role.transport, *server, hostname=row.hostname)
    facts = Flow(flow.number, scribe.session, flow.role.protocol, listen, client, server, server)

    def note(kind: str, detail: str, frame: int | None) -> None:
        scribe.event(kind, detail, at=now(), flow=flow.number, frame=frame)

    flow.conversation.obey(mutations.of(facts, note), failed)
