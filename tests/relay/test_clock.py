from __future__ import annotations

import time

from proxy.relay.clock import _started, now


def test_now_is_the_wall_clock_in_microseconds_and_never_goes_back() -> None:
    assert abs(now() - time.time_ns() // 1000) < 5_000_000
    seen = [now() for _ in range(1000)]
    assert seen == sorted(seen)
    assert isinstance(seen[0], int)


def test_it_starts_at_the_given_wall_time() -> None:
    clock = _started(5_000_000_000, time.monotonic_ns())
    assert 5_000_000 <= clock() < 6_000_000
