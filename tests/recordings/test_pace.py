"""The scribe's share of the processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings import pace


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "autogroup"
    monkeypatch.setattr(pace, "AUTOGROUP", file)
    monkeypatch.setattr("os.nice", lambda more: more, raising=False)
    return file


def test_it_goes_behind_its_recorder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nicer: list[int] = []
    monkeypatch.setattr("os.nice", nicer.append, raising=False)
    pace.Pace()
    assert nicer == [pace.NICENESS]
    assert file.read_text() == "5"
    monkeypatch.delattr("os.nice")
    monkeypatch.setattr(pace, "AUTOGROUP", file.parent / "nowhere" / "autogroup")
    one = pace.Pace()
    one.keep(pace.LATE + 1)  # nothing happens
    assert nicer == [pace.NICENESS]


def test_it_steps_forward_while_much_waits_and_back_again(file: Path) -> None:
    one = pace.Pace()
    assert file.read_text() == "5"
    one.keep(pace.LATE)
    assert (one.late, file.read_text()) == (False, "5")
    one.keep(pace.LATE + 1)
    assert (one.late, file.read_text()) == (True, "0")
    one.keep(pace.LATE // 2)
    assert (one.late, file.read_text()) == (True, "0")
    one.keep(pace.LATE // 4)
    assert (one.late, file.read_text()) == (False, "5")


def test_what_the_system_refuses_is_tried_again(file: Path) -> None:
    one = pace.Pace()
    file.unlink()
    file.mkdir()
    one.keep(pace.LATE + 1)
    assert not one.late
    file.rmdir()
    one.keep(pace.LATE + 1)
    assert one.late
    assert file.read_text() == "0"
