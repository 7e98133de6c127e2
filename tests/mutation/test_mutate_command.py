"""`understudy mutate`: a copy that decodes, in which only what was asked for is changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import understudy
from proxy.viewer import VIEWER
from recordings.model import Action, Direction, Frame
from recordings.reader import Reader
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording

SAMPLE = "nascar-thunder-2004-evening"


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evening") / "evening.db"
    with Recording.open(path) as recording:
        load_sample(FOLDER / f"{SAMPLE}.jsonl", recording, VIEWER)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(understudy.cli, list(map(str, arguments)))


def mutated(evening: Path, *arguments: object) -> tuple[Path, Result]:
    out = evening.parent / f"{hashlib.md5(str(arguments).encode()).hexdigest()}.db"
    out.unlink(missing_ok=True)
    return out, run("mutate", evening, *arguments, "-w", out)


def frames(path: Path) -> list[Frame]:
    with Reader.open(path) as reader:
        return list(reader.frames())


def test_only_what_was_asked_for_is_changed(evening: Path) -> None:
    before = evening.read_bytes()
    out, result = mutated(evening, "--set", "auth.NAME=zed", "--set", "+usr.F=U")
    assert result.exit_code == 0, result.output
    assert "--set auth.NAME=zed: changed 2 of 2 frames that it found" in result.output
    old, new = frames(evening), frames(out)
    assert len(old) == len(new)
    for was, now in zip(old, new, strict=True):
        assert (was.kind, was.direction, was.at) == (now.kind, now.direction, now.at)
        if now.kind in ("auth", "+usr"):
            fields = json.loads(now.fields or "")
            assert fields["NAME" if now.kind == "auth" else "F"] in ("zed", "U")
        else:
            assert (was.raw, now.action) == (now.raw, None)
    changed = [now for now in new if now.action is Action.CHANGED]
    assert [now.kind for now in changed] == ["auth", "auth", "+usr", "+usr"]
    mutation = (changed[0].derived or {})["mutation"]
    assert bytes.fromhex(mutation["was"]) == old[changed[0].id - 1].raw
    assert mutation["rules"] == ["--set auth.NAME=zed: set NAME: 'driver48' -> 'zed'"]
    assert evening.read_bytes() == before


def test_the_password_is_enciphered_under_the_sessions_own_key(evening: Path) -> None:
    out, _ = mutated(evening, "--set", "auth.PASS=another")
    login = next(f for f in frames(out) if f.kind == "auth" and f.direction is Direction.TO_SERVER)
    assert login.cipher == "ssc2"
    assert json.loads(login.fields or "")["PASS"] == "another"
    assert b"another" not in (login.raw or b"")


def test_session_flows_and_redirects_are_kept_with_a_uid_of_its_own(evening: Path) -> None:
    out, _ = mutated(evening, "--set", "auth.NAME=zed")
    with Reader.open(evening) as one, Reader.open(out) as two:
        (old,), (new,) = one.sessions(), two.sessions()
        assert (old.game, old.client, old.origin) == (new.game, new.client, new.origin)
        assert (old.started_at, old.ended_at) == (new.started_at, new.ended_at)
        assert old.uid != new.uid
        assert new.note == f"{old.note}; session 1 of evening.db changed by --set auth.NAME=zed"
        assert [flow.parent_frame_id for flow in one.flows()] == [
            flow.parent_frame_id for flow in two.flows()
        ]
        assert [event.frame_id for event in two.events()] == [8, 9]


RULES: Sequence[tuple[str, dict[str, list[str | None]]]] = (
    ("drop = true", {"mesg": []}),
    ("duplicate = 1", {"mesg": [None, "duplicated"] * 6}),
    ("reorder = 1", {"mesg": ["delayed"] * 6}),
    ("delay = 0.001", {"mesg": ["delayed"] * 6}),
    ('insert = { hex = "7e706e67000000000000000c" }', {"mesg": [None] * 6, "~png": ["inserted"]}),
)


@pytest.mark.parametrize(("action", "kinds"), RULES, ids=[action for action, _ in RULES])
def test_frames_as_a_whole(
    evening: Path, tmp_path: Path, action: str, kinds: dict[str, list[str | None]]
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(f'[[rule]]\nfilter = "~k mesg"\n{action}\n')
    out, result = mutated(evening, "--rules", rules, "--seed", 5)
    assert result.exit_code == 0, result.output
    for kind, actions in kinds.items():
        found: list[str | None] = [f.action for f in frames(out) if f.kind == kind]
        if kind == "~png":
            found = found[found.index("inserted") :][:1]
        assert found == actions
    assert not any(frame.error for frame in frames(out))
    assert run("frames", out).exit_code == 0
    with Reader.open(out) as reader:
        assert len(reader.events()) == 6


def test_the_same_seed_gives_the_same_copy(evening: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rule]]\nfuzz = true\nprobability = 0.3\n")
    copies = [mutated(evening, "--rules", rules, "--seed", seed)[0] for seed in (7, 8)]
    first = [frame.raw for frame in frames(copies[0])]
    again, _ = mutated(evening, "--rules", rules, "--seed", 7)
    assert [frame.raw for frame in frames(again)] == first
    assert [frame.raw for frame in frames(copies[1])] != first


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "there is nothing to change: give --set"),
        (("--set", "auth.NAM=x"), "auth has no field NAM; did you mean NAME?"),
        (("--set", "auth.NAME"), "write KIND.FIELD=VALUE"),
        (
            ("--set", "PRIVMSG.text=x"),
            "no rule found a frame in session 1: it has no kind PRIVMSG; ",
        ),
        (("--set", "chak.PERS=x"), "it has no kind chak, did you mean chal?; nothing is written"),
        (("--set", "auth.NAME=x", "--session", "2"), "has no session 2"),
        (("--rules", "none.toml"), "none.toml cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    evening: Path, arguments: tuple[str, ...], says: str
) -> None:
    out, result = mutated(evening, *arguments)
    assert result.exit_code == 1
    assert says in result.output
    assert not out.exists()


def test_the_recording_itself_is_never_written_to(evening: Path) -> None:
    result = run("mutate", evening, "--set", "auth.NAME=x", "-w", evening)
    assert result.exit_code == 1
    assert "is the recording itself" in result.output


def test_a_session_that_was_cut_off_is_copied_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = (FOLDER / f"{SAMPLE}.jsonl").read_text("utf-8").splitlines()
    path, out = tmp_path / "cut.db", tmp_path / "out.db"
    with Recording.open(path) as recording:
        load_sample([line.replace('"ended_at"', '"-"') for line in lines[:14]], recording, VIEWER)
    assert run("mutate", path, "--set", "auth.NAME=x", "-w", out).exit_code == 0
    assert len(frames(out)) == len(frames(path))
