"""EA frames through the recorder into a real recording, cut anywhere (design 5, the invariant)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.recorder import Recorder
from proxy.relay.clock import now
from recordings.writer import Recording
from tests.reference import captures
from tests.running import raw_of, rows
from tests.toy import DOWN, UP, MemoryOpener, listen, split

CLIENT, SERVER, LOCAL = ("198.51.100.5", 999), ("8.8.4.4", 10600), ("192.0.2.1", 10600)


def streams() -> tuple[bytes, bytes]:
    """What the retail client sent and what its servers answered, all in one stream each."""
    frames = [one for one in captures("ea-lobby")["frames"] if "NEGATIVE" not in one["name"]]
    up = [bytes.fromhex(one["hex"]) for one in frames if one["direction"] == "C->S"]
    down = [bytes.fromhex(one["hex"]) for one in frames if one["direction"] == "S->C"]
    return b"".join(up), b"".join(down)


def record(
    path: Path, up: bytes, down: bytes, cuts: list[int]
) -> tuple[bytes, dict[str, list[str]]]:
    """Record both streams, cut there; what was forwarded to the client, and the kinds."""
    with Recording.open(path) as recording:
        recorder = Recorder(recording, now=now)
        recorder.use(MemoryOpener())
        where = listen("ea-lobby", host=LOCAL[0], port=LOCAL[1])
        tap = recorder.opened(where, CLIENT, SERVER, LOCAL)
        out = bytearray()
        for chunk in split(down, cuts):
            out += b"".join(tap.through(DOWN, chunk))
        for chunk in split(up, cuts):
            tap.seen(UP, chunk)
        out += b"".join(tap.ended(DOWN))
        tap.closed("end")
        recorder.close()
    kinds: dict[str, list[str]] = {"c>s": [], "s>c": []}
    for row in rows(path, "SELECT kind, direction FROM frames ORDER BY number"):
        kinds[row["direction"]].append(row["kind"])
    return bytes(out), kinds


@given(st.lists(st.integers(0, 4000), max_size=30), st.binary(max_size=40))
def test_every_cut_is_recorded_the_same(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], tail: bytes
) -> None:
    up, down = streams()
    folder = tmp_path_factory.mktemp("lobby")
    whole, kinds = record(folder / "whole.db", up, down, [])
    assert "Opaque" not in kinds["c>s"] + kinds["s>c"]
    cut, cut_kinds = record(folder / "cut.db", up + tail, down, cuts)
    assert cut == whole
    assert cut_kinds["c>s"][: len(kinds["c>s"])] == kinds["c>s"]
    assert cut_kinds["s>c"] == kinds["s>c"]
    assert raw_of(folder / "cut.db", 1, "c>s") == up + tail
    assert raw_of(folder / "cut.db", 1, "s>c") == down


def test_only_announcements_are_changed(tmp_path: Path) -> None:
    up, down = streams()
    out, _ = record(tmp_path / "r.db", up, down, [100, 200, 300])
    changed = rows(tmp_path / "r.db", "SELECT kind, raw, sent FROM frames WHERE sent IS NOT NULL")
    assert {row["kind"] for row in changed} == {"@dir", "news"}
    for row in changed:
        assert b"192.0.2.1" in row["sent"]
        down = down.replace(row["raw"], row["sent"], 1)
    assert out == down


def test_a_login_is_clear_under_the_mask_that_the_directory_gave(tmp_path: Path) -> None:
    frames = {one["name"]: bytes.fromhex(one["hex"]) for one in captures("ea-lobby")["frames"]}
    # SESS and MASK of the reply are those of the login's session (ea-lobby 4.2)
    up = frames["nascar auth, PASS public-key path, MASK=int32(SESS)"]
    reply = frames["nascar @dir reply (emulator)"]
    record(tmp_path / "r.db", up, reply, [])
    (login,) = rows(tmp_path / "r.db", "SELECT * FROM frames WHERE kind = 'auth'")
    assert login["cipher"] == "mask"
    assert b"PASS=$" not in login["plain"]
    names = {row["name"] for row in rows(tmp_path / "r.db", "SELECT name FROM keys")}
    assert names == {"mask", "sess"}
