"""Plans of fuzz runs: the seed decides, and what is planned can be done."""

from __future__ import annotations

import pytest

from proxy.mutation.edits import DeleteField, Replaced, SetField
from recordings.choosing import one_session
from recordings.reader import Reader
from replay.fuzzing.changes import Changed, Move, changed, place_of, shown
from replay.fuzzing.cutting import probe, until
from replay.fuzzing.planning import EARLY, Planner, next_say
from replay.playback.loading import load
from replay.playback.script import read_script
from replay.playback.steps import Hear, Say, Script, Wait
from tests.replay import clients


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Script:
    taped = clients.ea_evening(tmp_path_factory.mktemp("tape") / "taped.db")
    with Reader.open(taped.path) as reader:
        row = one_session(reader, None)
        return read_script(load(reader, row.id), row)


def test_the_same_seed_gives_the_same_runs(script: Script) -> None:
    def plans(seed: int) -> list[str]:
        planner = Planner(script, seed)
        return [planner.plan(run).what for run in range(1, 60)]

    assert plans(7) == plans(7)
    assert plans(7) != plans(8)
    planner = Planner(script, 7)
    assert planner.plan(40).what == plans(7)[39]  # a run does not hang on those before it


def test_every_run_changes_something(script: Script) -> None:
    planner = Planner(script, 1)
    kinds, moves, unfit, bare = set(), set(), 0, 0
    for run in range(1, 400):
        plan = planner.plan(run)
        kinds.add(plan.line.kind)
        assert plan.changes
        edits = [one for one in plan.changes if isinstance(one, Changed)]
        moves |= {one for one in plan.changes if isinstance(one, Move)}
        unfit += any(one.unfit for one in edits)
        bare += any(isinstance(one.edit, Replaced) for one in edits)
        if edits:
            now = changed(plan.line.message, plan.changes)
            assert now.encode() != plan.line.message.encode()
    assert len(kinds) == len({k for s in script.steps if isinstance(s, Say) for k in _kinds(s)})
    assert moves == set(Move)
    assert unfit > 20
    assert bare > 20


def _kinds(say: Say) -> list[str]:
    return [line.kind for line in say.lines]


def test_late_messages_of_a_kind_are_left_alone(script: Script) -> None:
    planner = Planner(script, 1)
    places: dict[str, set[int]] = {}
    for run in range(1, 400):
        plan = planner.plan(run)
        places.setdefault(plan.line.kind, set()).add(plan.say.index)
    assert max(map(len, places.values())) <= EARLY * 2  # a kind may be of two protocols


def test_a_run_ends_a_moment_behind_its_message(script: Script) -> None:
    says = [step for step in script.steps if isinstance(step, Say)]
    cut = until(script, says[3], ())
    assert cut.steps[-2] is says[3]
    wait = cut.steps[-1]
    assert isinstance(wait, Hear)
    assert wait.wait is Wait.PUSH
    assert wait.line.kind not in {line.kind for role in script.roles for line in role.lines}
    say = next(one for one in says if next_say(script.steps, one))
    assert until(script, say, (Move.LATE,)).steps[-2] is next_say(script.steps, say)
    assert until(script, say, (Move.TWICE,)).steps[-2] is say


def test_the_clean_replay_ends_with_the_first_answer_of_a_flow(script: Script) -> None:
    for role in script.roles:
        steps = probe(script, role).steps
        last = steps[-1]
        assert isinstance(last, Hear)
        assert last.flow is role
        assert steps == script.steps[: len(steps)]
    short = probe(script, script.roles[0]).steps
    assert sum(isinstance(step, Say) for step in short) == 1


def test_changes_are_told_briefly() -> None:
    changes = (
        Changed(SetField("NAME", "A" * 4096)),
        Changed(DeleteField("AGE"), unfit=True),
        Move.SKIP,
    )
    text = "NAME = 'A' x 4,096; AGE deleted, the lengths as they were; left out"
    assert shown(changes) == text
    assert [place_of(one) for one in changes] == ["NAME", "unfit", "SKIP"]
    assert place_of(Changed(Replaced(8, 1, b"\xff"))) == "byte 8"


def test_an_edit_that_does_not_fit_is_left_out(script: Script) -> None:
    line = next(one for role in script.roles for one in role.lines if one.kind == "mesg")
    edits = (Changed(DeleteField("NOTHERE")), Changed(SetField("TEXT", "x")))
    now = changed(line.message, edits)
    assert now.get("TEXT") == "x"
