"""Runs the rules of all protocols of a run: messages in, acts carried out. Sans-io.

The transport gives `later`, a clock that calls back; a test moves it by hand. A handler that fails
is told as a defect of its client, and nobody else notices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from proxy.message import Message
from replay.standin.rules import Act, Acts, Close, Later, Note, Rules, Say, rules_of
from replay.standin.world import Client, World

Scheduler = Callable[[float, Callable[[], None]], None]
"""Calls back after so many seconds."""
MOST_ACTS = 100_000
"""Acts of one handler; more is a handler that does not end."""


@dataclass(slots=True)
class Turn:
    """What rules made of one message."""

    known: bool = False
    """There is a handler for it."""
    unanswered: str | None = None
    """Why they have no answer."""
    spoke: bool = False
    """Something was, or will be, said to the client itself."""


@dataclass(slots=True)
class Stage:
    """The rules of one run."""

    world: World
    later: Scheduler
    find: Callable[[str], type[Rules] | None] = rules_of
    on_note: Callable[[Client | None, str, str], None] = lambda client, kind, detail: None
    _playing: dict[str, Rules | None] = field(default_factory=dict)
    _places: dict[Client, tuple[str, str]] = field(default_factory=dict)

    def rules(self, protocol: str) -> Rules | None:
        """The rules of a protocol, made when first asked for."""
        if protocol not in self._playing:
            found = self.find(protocol)
            self._playing[protocol] = found(self.world) if found else None
        return self._playing[protocol]

    # What happens to clients

    def opened(self, client: Client, *, mute: bool = False) -> None:
        """A client came; `mute`: a recording greets it."""
        self.world.enter(client)
        rules = self.rules(client.protocol.name)
        if rules is not None:
            self.run(client, lambda: rules.opened(client), mute=mute)

    def heard(
        self, client: Client, message: Message, *, protocol: str | None = None, mute: bool = False
    ) -> Turn:
        """A client said something; `mute`: somebody else answers it, the rules only listen."""
        rules = self.rules(protocol or client.protocol.name)
        handler = rules.handler(message.kind) if rules else None
        turn = Turn(known=handler is not None)
        if handler is not None:
            client.answered = mute
            self.run(client, lambda: handler(client, message), turn, mute=mute)
            client.answered = False
        return turn

    def told(self, client: Client, message: Message) -> None:
        """A recording has said something to a client."""
        rules = self.rules(client.protocol.name)
        if rules is not None and rules.beside:
            self.run(client, lambda: rules.told(client, message))

    def revised(self, client: Client, message: Message) -> Message:
        """What a recording is about to say to a client, as the rules want it said."""
        rules = self.rules(client.protocol.name)
        if rules is None or not rules.beside:
            return message
        try:
            return rules.revises(client, message)
        except Exception as error:  # a fault of the rules must not reach anybody else
            self._note(client, "defect", f"{type(error).__name__}: {error}")
            return message

    def closed(self, client: Client) -> None:
        """A client's flow is over."""
        if not client.open:
            return
        self.world.leave(client)
        if self._places.pop(client, None) is not None:
            client.port.note("where", f"{client.name} has left")
        rules = self.rules(client.protocol.name)
        if rules is not None:
            self.run(client, lambda: rules.closed(client))

    def end(self) -> None:
        """The run is about to end."""
        for rules in self._playing.values():
            if rules is not None:
                self.run(None, rules.kept)

    # Acts

    def run(
        self,
        client: Client | None,
        do: Callable[[], Acts],
        turn: Turn | None = None,
        *,
        mute: bool = False,
    ) -> None:
        """Do something and carry out its acts; `mute` says nothing to the client itself."""
        turn = turn or Turn()
        try:
            for act in self._limited(do()):
                self._carry_out(act, client, turn, mute)
        except Exception as error:  # a fault of the rules must not reach anybody else
            turn.unanswered = turn.unanswered or "the rules failed"
            self._note(client, "defect", f"{type(error).__name__}: {error}")
        if client is not None:
            self._look(client)

    def _limited(self, acts: Acts) -> Iterator[Act]:
        for number, act in enumerate(acts):
            if number >= MOST_ACTS:
                raise OverflowError(f"a handler has more than {MOST_ACTS} acts")
            yield act

    def _carry_out(self, act: Act, client: Client | None, turn: Turn, mute: bool) -> None:
        if isinstance(act, Say):
            turn.spoke = turn.spoke or act.to is client
            if act.live or not (mute and act.to is client):
                self._at(act.after, lambda: self._say(act))
        elif isinstance(act, Close):
            if not (mute and act.to is client):
                self._at(act.after, lambda: self._close(act))
        elif isinstance(act, Later):
            self.later(max(act.after, 0.0), lambda: self._due(act))
        elif isinstance(act, Note):
            self._note(act.client, act.kind, act.detail)
        else:
            turn.unanswered = act.why

    def _at(self, seconds: float, do: Callable[[], None]) -> None:
        if seconds > 0:
            self.later(seconds, do)
        else:
            do()

    def _say(self, act: Say) -> None:
        if act.to.open:
            try:
                act.to.port.say(act.message, act.cipher, act.digest)
            except Exception as error:  # a message that cannot be encoded
                detail = f"{act.message.kind} cannot be said: {type(error).__name__}: {error}"
                self._note(act.to, "defect", detail)

    def _close(self, act: Close) -> None:
        if act.to.open:
            act.to.port.close(act.reason, act.reset)

    def _due(self, act: Later) -> None:
        if not act.cancelled:
            self.run(None, act.do)

    def _note(self, client: Client | None, kind: str, detail: str) -> None:
        if client is not None and client.open:
            client.port.note(kind, detail)
        else:
            self.on_note(client, kind, detail)

    def _look(self, client: Client) -> None:
        """Say who is where, when that has changed."""
        if not client.open or not client.name:
            return
        now = client.name, client.place
        if self._places.get(client) != now:
            self._places[client] = now
            role = f" ({client.role})" if client.role else ""
            place = f"in {client.place}" if client.place else f"here{role}"
            client.port.note("where", f"{client.name} is {place}")
