"""The same seed gives the same numbers, on every machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from proxy.mutation.chance import Chance
from tests.mutation.bench import DOWN, Bench

LINES = [f"A X={n} Y=some text {n}\n".encode().replace(b" text ", b"_text_") for n in range(200)]


def test_numbers_follow_from_the_seed() -> None:
    assert [Chance(7, "a").bits() for _ in range(2)] == [Chance(7, "a").bits()] * 2
    assert Chance("0", "1", 1).bits() == 7_288_534_116_142_804_341  # golden
    assert Chance(7, "a").bytes(11) == Chance(7, "a").bytes(11)
    assert Chance(8, "a").bits() != Chance(7, "a").bits() != Chance(7, "b").bits()


def test_numbers_are_spread() -> None:
    chance = Chance("spread")
    counts = Counter(chance.below(10) for _ in range(10_000))
    assert set(counts) == set(range(10))
    assert all(850 < count < 1150 for count in counts.values())
    assert 2_300 < sum(chance.happens(0.25) for _ in range(10_000)) < 2_700
    assert sorted(chance.shuffled(range(50))) == list(range(50))
    assert chance.happens(1.0)


@pytest.mark.parametrize(
    "given",
    [
        {"corrupt": 2},
        {"corrupt": 2, "raw": True},
        {"fuzz": True},
        {"drop": True, "probability": 0.5},
        {"set": {"X": "changed"}, "filter": "~k A", "add": True, "probability": 0.1},
    ],
)
def test_the_same_seed_gives_the_same_bytes(given: dict[str, Any]) -> None:
    def sent(seed: int, *before: dict[str, Any]) -> bytes:
        return Bench(*before, {"seed": 5, **given}, seed=seed).send(DOWN, *LINES)

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)
    idle = {"filter": "~k NONE", "drop": True}
    assert sent(1, idle) == sent(1), "a rule's draws do not depend on other rules"


def test_a_probability_is_kept() -> None:
    bench = Bench({"drop": True, "probability": 0.3})
    bench.send(DOWN, *LINES)
    assert 40 <= sum(frame.action is not None for frame in bench.frames) <= 80
