"""A session that comes from a capture is replayed and served like a recorded one."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.viewer import VIEWER
from recordings.captures.compressed import Source
from recordings.captures.packet import Packet
from recordings.captures.reading import read_packets
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from tests.importing.making import run
from tests.recordings.captures.making import ethernet, pcap
from tests.running import Command


def bare(capture: Path) -> Path:
    """What somebody else would have captured: packets on Ethernet, and not a word about them."""
    with Source.open(capture) as source:
        packets = [one for one in read_packets(source) if isinstance(one, Packet)]
    path = capture.with_suffix(".pcap")
    path.write_bytes(pcap(((one.at, ethernet(one.data)) for one in packets), link=1))
    return path


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """An evening, captured by somebody else and imported."""
    live, capture = tmp_path / "live.understudy.db", tmp_path / "evening.pcapng"
    with Recording.open(live) as recording:
        load_sample(FOLDER / "nascar-thunder-2004-evening.jsonl", recording, VIEWER)
    out = tmp_path / "imported.understudy.db"
    done = run("export", live, "--pcapng", "-w", capture)
    assert done.exit_code == 0, done.output
    done = run("import", bare(capture), "-w", out, "--game", "nascar-thunder-2004")
    assert done.exit_code == 0, done.output
    return out


def test_it_does_not_differ_from_the_live_one(imported: Path) -> None:
    done = run("diff", imported.with_name("live.understudy.db"), imported)
    assert done.exit_code == 0, done.output
    assert "no difference in 74 messages" in done.output


def test_it_is_replayed_against_a_stand_in_that_it_feeds(imported: Path, tmp_path: Path) -> None:
    serving = ["serve", imported.name, "--relay", "ea-lobby:0", "--dns-port", "0"]
    serving += ["-w", "served.db"]
    with Command(tmp_path, *serving) as server:
        port = server.ready()["ea-lobby", "tcp"]
        playing = ["replay", imported.name, "--to", f"127.0.0.1:{port}", "--timing", "fast"]
        with Command(tmp_path, *playing) as player:
            code = player.wait()
            assert code == 0, (player.lines, player.said())
        assert server.stop() == 0
    assert "said 25 of 25 frames, every answer came" in player.lines[-1]
    assert server.lines[-1].endswith("everything answered")
