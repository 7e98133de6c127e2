from __future__ import annotations

from proxy import registry
from proxy.protocols import ea_lobby
from recordings.model import Direction, Frame
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line
from replay.adaptive.matching import Matcher, explain
from replay.adaptive.memory import Memory
from tests.replay.servers.ea import tabbed

PROTOCOL = registry.protocol("ea-lobby")
DOWN = Direction.TO_CLIENT
_ids = iter(range(1, 10_000))


def line(kind: str, *items: str, ident: bytes = bytes(4)) -> Line:
    data = tabbed(kind, *items, ident=ident)
    frame = Frame(DOWN, 0, data, id=next(_ids))
    return Line(ea_lobby.read(data, DOWN), frame)


def matcher(*lines: Line) -> Matcher:
    return Matcher(lines, Masks(PROTOCOL))


NEWS = line("news", "NAME=0", "TEXT=first")
ROOM = line("news", "NAME=1", "TEXT=second")
AGAIN = line("news", "NAME=0", "TEXT=first", "X=1")


def test_the_nearest_of_the_kind() -> None:
    found = matcher(NEWS, ROOM).find(line("news", "NAME=1", "TEXT=other"), Memory())
    assert found.recorded is ROOM
    assert 0 < found.score < 1
    assert [one.path for one in found.differences] == ["TEXT"]


def test_of_equals_the_next_in_order() -> None:
    lines = [line("+msg", "N=x", "T=hi") for _ in range(3)]
    pool = matcher(*lines)
    live = line("+msg", "N=x", "T=hi")
    assert pool.find(live, Memory()).recorded is lines[0]
    assert pool.find(live, Memory(), after=lines[0]).recorded is lines[1]
    assert pool.find(live, Memory(), after=lines[2]).recorded is lines[0]  # from the first again


def test_volatile_fields_are_masked() -> None:
    recorded = line("@dir", "ADDR=192.0.2.1", "PORT=10601", "SESS=1", "MASK=abcd")
    live = line("@dir", "ADDR=127.0.0.1", "PORT=5000", "SESS=99", "MASK=1234")
    found = matcher(recorded).find(live, Memory())
    assert found.same
    assert found.score == 1


def test_what_was_learned_is_masked() -> None:
    memory = Memory()
    memory.learn("PERS", "alice", "bob")
    found = matcher(line("user", "PERS=x", "TITLE=alice")).find(
        line("user", "PERS=x", "TITLE=bob"), memory
    )
    assert found.same


def test_a_field_that_tells_messages_apart_weighs_more() -> None:
    pool = matcher(NEWS, ROOM, AGAIN)
    found = pool.compare(line("news", "NAME=7", "TEXT=first", "X=2"), AGAIN, Memory())
    assert found.differences[0].path == "NAME"
    weights = {one.path: one.weight for one in found.differences}
    assert weights["NAME"] >= weights["X"]


def test_a_refusal_has_another_form() -> None:
    recorded = line("auth", "NAME=alice", "PERSONAS=a,b", "TOS=1")
    found = matcher(recorded).find(line("auth", ident=b"pass"), Memory())
    assert not found.fits
    assert not found.formed
    told = found.sentence()
    assert "auth differs from frame" in told
    assert "ident is new: 'pass'" in told
    assert "PERSONAS is missing (recorded: 'a,b')" in told


def test_other_values_in_the_same_form() -> None:
    recorded = line("user", "PERS=x", "TITLE=1", "RANK=5")
    found = matcher(recorded).find(line("user", "PERS=x", "TITLE=2", "RANK=7"), Memory())
    assert found.formed
    assert not found.fits


def test_what_was_never_recorded() -> None:
    live = line("rank")
    assert matcher(NEWS).find(live, Memory()).sentence() == "rank s>c was never recorded"
    told = explain(live, NEWS, matcher(NEWS), Memory()).sentence()
    assert told == f"rank came where news (frame {NEWS.frame.id}) was recorded"


def test_only_among_candidates() -> None:
    found = matcher(NEWS, ROOM).find(line("news", "NAME=1", "TEXT=second"), Memory(), among=[NEWS])
    assert found.recorded is NEWS
