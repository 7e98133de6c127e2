"""Which flow of one session is which of another: by protocol, by role, and then in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from replay.diff.said import Leg, Sitting

MANY = 200
"""Flows of one protocol and role up to which the likeliest pairs are looked for."""


@dataclass(frozen=True, slots=True)
class LegPair:
    """A flow of each session; None: the other one has no such flow."""

    a: Leg | None
    b: Leg | None
    label: str

    @property
    def leg(self) -> Leg:
        """The one that there is, of the first session if it can be."""
        leg = self.a or self.b
        assert leg is not None
        return leg


def pair_legs(one: Sitting, other: Sitting) -> list[LegPair]:
    """All flows of both, in the order of the first, what only the second has at the end."""
    groups: dict[tuple[str, str, str], tuple[list[Leg], list[Leg]]] = defaultdict(lambda: ([], []))
    for number, sitting in enumerate((one, other)):
        for leg in sitting.legs:
            groups[leg.row.protocol, leg.row.transport, leg.role][number].append(leg)
    _join_strays(groups)
    found: list[LegPair] = []
    for (protocol, _, role), (ours, theirs) in groups.items():
        pairs = _in_order(ours, theirs)
        for number, (a, b) in enumerate(pairs, 1):
            label = f"{protocol} {role}".strip()
            found.append(LegPair(a, b, f"{label} #{number}" if len(pairs) > 1 else label))
    order = {id(leg): place for place, leg in enumerate(one.legs)}
    found.sort(key=lambda pair: order.get(id(pair.a), len(order)))
    return found


def _join_strays(groups: dict[tuple[str, str, str], tuple[list[Leg], list[Leg]]]) -> None:
    """Flows whose role only one side knows (it was not announced there) are paired all the same."""
    for key in list(groups):
        protocol, transport, role = key
        if not role or key not in groups:
            continue
        plain = (protocol, transport, "")
        ours, theirs = groups[key]
        if plain not in groups or (ours and theirs):
            continue
        place = 0 if theirs else 1
        strays = groups[plain][place]
        needed = len(groups[plain][1 - place])
        missing = ours if theirs else theirs
        while len(strays) > needed and len(missing) < len(ours or theirs):
            missing.append(strays.pop())
        missing.sort(key=lambda leg: leg.row.opened_at)


def _in_order(ours: list[Leg], theirs: list[Leg]) -> list[tuple[Leg | None, Leg | None]]:
    if len(ours) == len(theirs) or max(len(ours), len(theirs)) > MANY:
        short = min(len(ours), len(theirs))
        both: list[tuple[Leg | None, Leg | None]] = list(zip(ours, theirs, strict=False))
        both += [(leg, None) for leg in ours[short:]]
        return both + [(None, leg) for leg in theirs[short:]]
    return _likeliest(ours, theirs)


def _likeliest(ours: list[Leg], theirs: list[Leg]) -> list[tuple[Leg | None, Leg | None]]:
    """Pairs in order that have most kinds in common."""
    kinds_a = [Counter(one.kind for one in leg.said[:500]) for leg in ours]
    kinds_b = [Counter(one.kind for one in leg.said[:500]) for leg in theirs]
    best = [[0.0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]

    def common(a: int, b: int) -> float:
        shared = sum((kinds_a[a] & kinds_b[b]).values())
        return 0.5 + shared / max(1, sum((kinds_a[a] | kinds_b[b]).values()))

    for a in range(len(ours) - 1, -1, -1):
        for b in range(len(theirs) - 1, -1, -1):
            best[a][b] = max(best[a + 1][b], best[a][b + 1], best[a + 1][b + 1] + common(a, b))
    pairs: list[tuple[Leg | None, Leg | None]] = []
    a = b = 0
    while a < len(ours) or b < len(theirs):
        if a < len(ours) and b < len(theirs) and best[a][b] == best[a + 1][b + 1] + common(a, b):
            pairs.append((ours[a], theirs[b]))
            a, b = a + 1, b + 1
        elif a < len(ours) and (b == len(theirs) or best[a][b] == best[a + 1][b]):
            pairs.append((ours[a], None))
            a += 1
        else:
            pairs.append((None, theirs[b]))
            b += 1
    return pairs
