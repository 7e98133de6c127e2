"""Pages of frames: every scope, both directions, every edge; and the lines that a list holds."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from recordings.browse.pages import Called, Line, Page, Pages, Scope, Ticket
from recordings.browse.window import HELD, Window
from recordings.filters import compile_filter
from recordings.reader import Reader
from recordings.writer import Recording
from tests.recordings import making

COUNT = 4_000


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Two sessions of two flows; every frame in a flow by chance; kind `rare` thrice."""
    path = tmp_path_factory.mktemp("pages") / "pages.db"
    chance = random.Random(7)
    with Recording.open(path) as recording:
        sessions = [making.session(recording) for _ in range(2)]
        flows = [making.flow(recording, sessions[number // 2]) for number in range(4)]
        for number in range(1, COUNT + 1):
            kind = "rare" if number in (1, 1_777, COUNT) else f"k{number % 3}"
            recording.append(chance.choice(flows), making.frame(b"x%d" % number, kind=kind))
    with Reader.open(path) as opened:
        yield opened


SCOPES = {
    "all": Scope(),
    "a session": Scope(2),
    "a flow": Scope(1, 2),
    "a filter": Scope(where=compile_filter("~k k1 | ~k rare")),
    "a filter in a flow": Scope(1, 1, compile_filter("~k k2")),
    "a rare kind": Scope(where=compile_filter("~k rare")),
    "nothing": Scope(2, where=compile_filter("~k nosuch")),
}


def expected(reader: Reader, scope: Scope) -> list[int]:
    found = reader.rows(
        scope.where.sql if scope.where else "",
        scope.where.parameters if scope.where else (),
        session_id=scope.session_id,
        flow_id=scope.flow_id,
    )
    return [row["id"] for row in found]


@pytest.mark.parametrize("name", SCOPES)
@pytest.mark.parametrize("count", [1, 7, 500, 10_000])
def test_pages_in_both_directions(reader: Reader, name: str, count: int) -> None:
    scope = SCOPES[name]
    wanted = expected(reader, scope)
    if count == 1:
        wanted = wanted[:40]
    pages = Pages(reader, scope)
    ids: list[int] = []
    place, page = 0, Page(whole=False)
    while not page.whole and len(ids) < len(wanted):
        page = pages.after(place, count)
        ids += [line.id for line in page.lines]
        place = scope.place(page.lines[-1]) if page.lines else place
    assert ids == wanted
    back: list[int] = []
    place, page = place + 1, Page(whole=False)
    while not page.whole and len(back) < len(wanted):
        page = pages.before(place, count)
        back = [line.id for line in page.lines] + back
        place = scope.place(page.lines[0]) if page.lines else place
    assert back == wanted


def test_the_place_of_a_frame(reader: Reader) -> None:
    inside = Pages(reader, Scope(1, 1)).after(10, 1).lines[0]
    assert Pages(reader, Scope()).place_of(inside.id) == inside.id
    assert Pages(reader, Scope(1, 1)).place_of(inside.id) == inside.number == 11
    assert Pages(reader, Scope(2)).place_of(inside.id) is None
    assert Pages(reader, Scope()).place_of(COUNT + 1) is None


def test_work_can_be_called_off(reader: Reader) -> None:
    shares: list[float] = []
    ticket = Ticket(progress=shares.append)
    Pages(reader, SCOPES["a rare kind"]).after(1_777, 1, ticket)
    assert shares == sorted(shares)
    assert len(shares) > 1
    ticket.cancelled = True
    with pytest.raises(Called):
        Pages(reader, SCOPES["a rare kind"]).after(0, 5, ticket)


def line(number: int) -> Line:
    return Line(number, number, 1, 1, 0, "c>s", "k", None, None, None, "p", None, b"", 0)


class Source:
    """A list of a given length, read as the browser reads one."""

    def __init__(self, length: int, height: int) -> None:
        self.length = length
        self.window = Window(height)

    def read(self, low: int, high: int) -> list[Line]:
        return [line(n) for n in range(max(1, low), min(self.length, high) + 1)]

    def fill(self) -> None:
        window = self.window
        while window.wants:
            if window.wants == "after":
                start = window.lines[-1].id + 1
                window.append(Page(self.read(start, start + 199), start + 199 >= self.length))
            else:
                end = window.lines[0].id - 1
                window.prepend(Page(self.read(end - 199, end), end - 199 <= 1))


def test_any_way_through_a_long_list() -> None:
    chance = random.Random(3)
    source = Source(10_000, 20)
    window = source.window
    window.replace(Page(), Page(source.read(1, 60), False))
    at = 1
    for _ in range(3_000):
        delta = chance.choice([1, -1, 19, -19, 150, -150])
        window.move(delta)
        source.fill()
        at = max(1, min(at + delta, source.length))
        assert window.selected == line(at)
        assert window.top <= window.cursor < window.top + window.height
        assert len(window.lines) <= HELD + 400
        ids = [one.id for one in window.lines]
        assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_turning_pages_and_scrolling() -> None:
    source = Source(100, 10)
    window = source.window
    window.replace(Page(), Page(source.read(1, 100), True))
    window.page(1)
    assert (window.top, window.cursor) == (9, 9)
    window.scroll(3)
    assert (window.top, window.cursor) == (12, 12)
    window.scroll(-100)
    assert (window.top, window.cursor) == (0, 9)
    window.move(1_000)
    assert window.cursor == 99
    window.resize(50)
    assert (window.top, window.cursor) == (50, 99)
