"""How faults are written, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.faults.spec import KINDS, read_fault, read_file
from proxy.faults.stages import STAGES
from recordings.errors import UserError
from recordings.model import Direction, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def test_every_kind_has_a_stage() -> None:
    assert set(KINDS) == set(STAGES)


@pytest.mark.parametrize(
    ("text", "name", "values", "direction"),
    [
        ("loss:5%@c>s,seed=7", "loss", {"probability": 0.05}, UP),
        ("loss:0.25", "loss", {"probability": 0.25}, None),
        ("loss:5%,seed=7@down", "loss", {"probability": 0.05}, DOWN),
        ("reorder:10%,behind=3", "reorder", {"probability": 0.1, "behind": 3.0}, None),
        ("corrupt:1%,bits=8", "corrupt", {"probability": 0.01, "bits": 8.0}, None),
        ("latency:100ms,jitter=20", "latency", {"latency": 0.1, "jitter": 0.02}, None),
        ("latency,latency=1000,jitter=1.5s", "latency", {"latency": 1.0, "jitter": 1.5}, None),
        ("bandwidth:56kbit", "bandwidth", {"rate": 7000.0}, None),
        ("bandwidth:10", "bandwidth", {"rate": 10_000.0}, None),
        (
            "slicer:40,size_variation=10,delay=50",
            "slicer",
            {"average_size": 40.0, "size_variation": 10.0, "delay": 50e-6},
            None,
        ),
        ("timeout:0", "timeout", {"timeout": 0.0}, None),
        ("reset-peer@s>c", "reset_peer", {"timeout": 0.0}, DOWN),
        ("slow_close:2s", "slow_close", {"delay": 2.0}, None),
        ("limit_data:64kB", "limit_data", {"bytes": 64_000.0}, None),
    ],
)
def test_faults_as_they_are_written(
    text: str, name: str, values: dict[str, float], direction: Direction | None
) -> None:
    spec = read_fault(text)
    assert (spec.name, spec.direction) == (name, direction)
    assert dict(spec.values) == pytest.approx(values)


def test_options_of_all_faults() -> None:
    spec = read_fault("latency:5ms@c>s,toxicity=50%,seed=x,on=kaillera")
    assert (spec.probability, spec.seed, spec.protocol) == (0.5, "x", "kaillera")
    assert spec.strikes(Transport.UDP, "kaillera", UP)
    assert spec.strikes(Transport.TCP, "kaillera", UP)
    assert not spec.strikes(Transport.UDP, "kaillera", DOWN)
    assert not spec.strikes(Transport.UDP, "jazz2", UP)
    assert not read_fault("loss:1").strikes(Transport.TCP, "kaillera", UP)
    assert not read_fault("slicer:1").strikes(Transport.UDP, "kaillera", UP)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("los:5%", "did you mean loss"),
        ("", "there is no fault ''"),
        ("loss", "lacks its value"),
        ("loss:5%,bits=3", "no option 'bits=3': it has probability"),
        ("loss:120%", "5%"),
        ("loss:5%@sideways", "is no direction"),
        ("latency:fast", "100ms"),
        ("latency:5ms,jitter", "no option 'jitter'"),
        ("reorder:5%,behind=0", "whole number"),
        ("bandwidth:0", "Bytes a second"),
    ],
)
def test_what_is_not_understood_is_said(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_fault(text)


def test_a_file_of_faults(tmp_path: Path) -> None:
    path = tmp_path / "faults.txt"
    path.write_text("# bad wireless\nloss:2%  # both ways\n\nlatency:30ms@up\n", "utf-8")
    assert [spec.name for spec in read_file(path)] == ["loss", "latency"]
    path.write_text("loss:2%\nwind:3\n", "utf-8")
    with pytest.raises(UserError, match=r"line 2: there is no fault 'wind'"):
        read_file(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_file(tmp_path / "missing")
