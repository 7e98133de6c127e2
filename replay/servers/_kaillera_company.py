"""The ghosts of one Kaillera server: who of a recording is here, and who makes room for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.servers._kaillera import Hall
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
        self._stands_in: list[KailleraGhost] = []  # for whom live players take a part

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
        for take, part in found.values():
            part.matches = [one for one in part.matches if one.frames and one.size]
            if part.matches or recast:
                made.append(KailleraGhost(stage, take, part, self._hall))
        self._ghosts += made
        if recast:
            self._stands_in += [ghost for ghost in made if ghost.part.client]
        return list(made)

    def in_place_of(self, name: str) -> KailleraGhost | None:
        """Who leaves when somebody alive comes: the one of his name, else whose part he plays."""
        here = [ghost for ghost in self._ghosts if ghost.client.open]
        free = [one for one in here if not (one.room and alive(one.room.users))]
        named = (one for one in here if one.part.name == name)
        return next(named, None) or next((one for one in free if one in self._stands_in), None)

    def talk(self) -> None:
        """Somebody alive has come: everybody says what he had said."""
        for ghost in self._ghosts:
            ghost.talk()
