"""What goes on later: delays, frames behind others, and the end of the flow."""

from __future__ import annotations

from collections.abc import Callable

from proxy.outbox import BEHIND_SECONDS, Outbox


class Bench:
    """An outbox in time that the test moves."""

    def __init__(self, *, stream: bool) -> None:
        self.sent: list[bytes] = []
        self.calls: list[tuple[float, Callable[[], None]]] = []
        self.box = Outbox(stream, self.sent.append, lambda s, call: self.calls.append((s, call)))

    def put(self, data: bytes) -> None:
        self.sent += self.box.put(data)
        self.sent += self.box.passed()

    def ring(self, number: int = 0) -> None:
        self.calls.pop(number)[1]()


def test_nothing_waits_behind_nothing() -> None:
    bench = Bench(stream=True)
    bench.put(b"a")
    assert bench.sent == [b"a"]


def test_a_stream_keeps_its_order_whichever_is_due_first() -> None:
    bench = Bench(stream=True)
    bench.box.delay(b"a", 2)
    bench.put(b"b")
    bench.box.delay(b"c", 1)
    bench.put(b"d")
    bench.ring(1)
    assert bench.sent == [], "c is due, but a is in front of it"
    bench.ring(0)
    assert bench.sent == [b"a", b"b", b"c", b"d"]
    bench.put(b"e")
    assert bench.sent[-1] == b"e"


def test_each_datagram_goes_on_by_itself() -> None:
    bench = Bench(stream=False)
    bench.box.delay(b"a", 2)
    bench.put(b"b")
    bench.box.delay(b"c", 1)
    bench.ring(1)
    bench.ring(0)
    assert bench.sent == [b"b", b"c", b"a"]


def test_a_kept_frame_is_sealed_when_its_turn_comes() -> None:
    bench, sealed = Bench(stream=True), []

    def seal() -> bytes:
        sealed.append(len(bench.sent))
        return b"kept"

    bench.box.keep(2, seal)
    bench.put(b"a")
    assert sealed == []
    bench.put(b"b")
    assert bench.sent == [b"a", b"b", b"kept"]
    bench.ring()
    assert bench.sent == [b"a", b"b", b"kept"], "its time is over too, and nothing happens"


def test_a_kept_frame_does_not_wait_for_ever() -> None:
    bench = Bench(stream=True)
    bench.box.keep(5, lambda: b"kept")
    assert bench.calls[0][0] == BEHIND_SECONDS
    bench.ring()
    assert bench.sent == [b"kept"]


def test_the_end_lets_everything_go() -> None:
    bench = Bench(stream=True)
    bench.box.delay(b"a", 9)
    bench.put(b"b")
    bench.box.keep(5, lambda: b"kept")
    assert bench.box.flush() == [b"a", b"b", b"kept"]
    for _ in range(2):
        bench.ring()
    assert bench.sent == []
    assert bench.box.flush() == []
