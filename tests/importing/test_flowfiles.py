"""Flow files of mitmproxy, and their encoding."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.importing import tnetstrings
from tests.exporting.flowfile import (
    ANSWER,
    DIRECTORY,
    kaillera_flow,
    list_flow,
    lobby_flow,
    raw_flow,
    write_flows,
)
from tests.importing.making import flows, imported, run
from tests.recordings.making import rows


def test_flows_become_a_recording(tmp_path: Path) -> None:
    file = tmp_path / "saved.flows"
    write_flows(file, lobby_flow(), kaillera_flow())
    out = imported(file, tmp_path)
    assert flows(out) == [
        ("ea-lobby", "192.0.2.2:4000", "203.0.113.9:10600", 1),
        ("kaillera", "192.0.2.2:4000", "203.0.113.9:27888", 1),
    ]
    assert rows(
        out, "SELECT flow_id, at - 1795000000000000, raw FROM frames WHERE flow_id = 1"
    ) == [
        (1, 2_000_000, DIRECTORY),
        (1, 3_000_001, ANSWER),
    ]
    assert rows(out, "SELECT kind FROM frames") == [("@dir",), ("Chat",), ("@dir",)]  # by time


def test_http_is_put_together_again(tmp_path: Path) -> None:
    file = tmp_path / "saved.flows"
    write_flows(file, list_flow())
    out = imported(file, tmp_path)
    sql = "SELECT flows.protocol, kind, error FROM flows JOIN frames ON flow_id = flows.id"
    assert rows(out, sql) == [
        ("kaillera-list", "GetServers", None),
        ("kaillera-list", "Servers", None),
    ]
    assert ("reassembled",) in rows(out, "SELECT kind FROM events")


def test_packed_and_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "saved.flows"
    write_flows(file, lobby_flow(), kaillera_flow(), raw_flow())
    whole = file.read_bytes()
    packed = tmp_path / "saved.flows.gz"
    packed.write_bytes(gzip.compress(whole))
    assert len(flows(imported(packed, tmp_path, out="packed"))) == 3
    file.write_bytes(whole[:-10])
    done = run("import", file, "-w", tmp_path / "cut.db")
    assert done.exit_code == 0
    assert "saved.flows: its last flow is cut off" in done.output
    assert len(flows(tmp_path / "cut.db")) == 2


def test_flows_of_another_form_are_said(tmp_path: Path) -> None:
    file = tmp_path / "odd"
    file.write_bytes(b"12:4:type;3:dns;}2:1:;]9:1:a;1:b;}0:~")
    done = run("import", file, "-w", tmp_path / "odd.db")
    assert done.exit_code == 0, done.output
    assert "odd: " in done.output


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"5:hello,", b"hello"),
        (b"3:\xc3\xbc\xff;", "ü\ufffd"),
        (b"2:42#", 42),
        (b"3:1.5^", 1.5),
        (b"4:true!", True),
        (b"0:~", None),
        (b"8:1:1#1:a,]", [1, b"a"]),
        (b"8:1:k;1:v,}", {"k": b"v"}),
    ],
)
def test_elements_are_read(data: bytes, value: object) -> None:
    assert tnetstrings.loads(data) == (value, len(data))


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b":", b"5:abc,", b"3:abc?", b"99999999999:", b"4:1:1#}", b"5:9:1#,]", b"3:0:~}"],
)
def test_elements_that_are_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="byte"):
        tnetstrings.loads(data)


def test_depth_is_bounded() -> None:
    data = b"0:]"
    for _ in range(100):
        data = str(len(data)).encode() + b":" + data + b"]"
    with pytest.raises(ValueError, match="levels"):
        tnetstrings.loads(data)


@given(st.binary(max_size=60))
def test_nothing_else_is_raised(data: bytes) -> None:
    try:
        tnetstrings.loads(data)
    except ValueError:
        return
