"""The ghosts of one Kaillera server: who of a recording is here, and who makes room for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.servers._kaillera import Hall, User
from replay.servers._kaillera_ghosts import KailleraGhost, alive
from replay.servers._kaillera_parts import Account, Part, Told
from replay.standin.ghosts import Presence
from replay.standin.stage import Stage

if TYPE_CHECKING:
    from replay.adaptive.lines import Line
    from replay.standin.pool import Take

    Takes = list[tuple[Take, list[Line]]]


class Company:
    """All ghosts of one server."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._ghosts: list[KailleraGhost] = []
        self._stands_in: list[KailleraGhost] = []  # whose parts the living take
        self._plays: dict[User, KailleraGhost] = {}

    def gather(self, stage: Stage, takes: Takes, told: Told, *, recast: bool) -> list[Presence]:
        """Ghosts of the players of recorded flows: those who have played, with `recast` all."""
        found: dict[str, tuple[Take, Part]] = {}
        for take, lines in takes:
            for name, part in Account(told).read(lines).items():
                known = found.get(name)
                if known is None or (part.client and not known[1].client):
                    found[name] = take, part
                elif part.client:
                    known[1].matches += part.matches
        made = []
        here = {ghost.part.name for ghost in self._ghosts}
        for take, part in found.values():
            part.matches = [one for one in part.matches if one.frames and one.size]
            if (part.matches or recast) and part.name not in here:
                made.append(KailleraGhost(stage, take, part, self._hall))
        self._ghosts += made
        if recast:
            self._stands_in += [ghost for ghost in made if ghost.part.client]
        return list(made)

    def makes_room(self, user: User) -> KailleraGhost | None:
        """Who leaves now that somebody alive comes: the one of his name, else whose part he plays.

        A part is played by one at a time; one that nobody else is shown in comes first.
        """
        self._plays = {one: ghost for one, ghost in self._plays.items() if one.here}
        named = [one for one in self._ghosts if one.part.name == user.name and one.client.open]
        free = [one for one in self._stands_in if one not in self._plays.values()]
        free = [one for one in free if not (one.room and alive(one.room.users))]
        ghost = next(iter(named), None) or min(free, key=lambda one: one.client.open, default=None)
        if ghost is not None:
            self._plays[user] = ghost
        return ghost if ghost is not None and ghost.client.open else None

    def talk(self) -> None:
        """Somebody alive has come: everybody says what he had said."""
        for ghost in self._ghosts:
            ghost.talk()
