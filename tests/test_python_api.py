"""docs/python-api.md: its examples run, and the objects give what the recording holds."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import understudy
from proxy.message import Opaque
from proxy.opened import OpenRecording
from proxy.viewer import VIEWER
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording

DOC = Path(__file__).resolve().parent.parent / "docs/python-api.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)
SAMPLE = FOLDER / "nascar-thunder-2004-evening.jsonl"

SAYS = (
    "ea-lobby",
    "auth {",
    "[('",
    "b'@dir'",
    "somebody",
)
"""Something of what each example prints."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recording that the examples read."""
    folder = tmp_path_factory.mktemp("api")
    with Recording.open(folder / "evening.understudy.db") as recording:
        load_sample(SAMPLE, recording, VIEWER)
    return folder


def test_there_are_five_examples() -> None:
    assert len(EXAMPLES) == len(SAYS) == 5


@pytest.mark.parametrize("number", range(5))
def test_an_example_runs(number: int, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EXAMPLES[number]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[number] in done.stdout


@pytest.fixture
def opened(folder: Path) -> OpenRecording:
    return understudy.open_recording(folder / "evening.understudy.db")  # closed by its finaliser


def test_sessions_and_flows(opened: OpenRecording) -> None:
    with opened:
        (session,) = opened.sessions
        assert session.game == "nascar-thunder-2004"
        assert session.started < (session.ended or datetime.max.replace(tzinfo=UTC))
        first, *others = session.flows
        assert [flow.id for flow in opened.flows] == [first.id, *(one.id for one in others)]
        assert first.parent is None
        parents = [one.parent for one in others]
        assert parents[0] is not None
        assert parents[0].kind == "@dir"
        assert session.keys == opened.keys
        assert session.events == opened.events
        assert opened.notes == []


def test_frames_and_messages(opened: OpenRecording) -> None:
    with opened:
        frames = list(opened.frames())
        assert [one.id for one in frames] == [one.id for one in opened.sessions[0].frames()]
        frame = frames[0]
        assert frame.message.kind == frame.kind == "@dir"
        assert frame.message.encode() == frame.clear
        assert frame.fields == frame.message.fields()
        assert frame.time.timestamp() == pytest.approx(frame.at / 1e6)
        assert opened.frame(frame.id).raw == frame.raw
        assert repr(frame) == f"<frame {frame.id}: ea-lobby @dir c>s>"
        with pytest.raises(LookupError, match="no frame 999999"):
            opened.frame(999_999)
        with pytest.raises(understudy.UserError):
            list(opened.frames("~nonsense"))


def test_a_stream_is_what_one_side_sent(opened: OpenRecording) -> None:
    with opened:
        flow = opened.flows[0]
        sent = b"".join(one.raw for one in flow.frames("~d up"))
        assert flow.stream("up") == flow.stream(understudy.Direction.TO_SERVER) == sent
        assert next(flow.messages("~d up")).kind == "@dir"


def test_an_unknown_protocol_gives_opaque_messages(tmp_path: Path) -> None:
    from tests.recordings.making import flow, frame, session

    path = tmp_path / "odd.understudy.db"
    with Recording.open(path) as recording:
        session(recording)
        recording.append(flow(recording, protocol="of-somebody-else"), frame(b"?"))
    with understudy.open_recording(str(path)) as odd:
        (one,) = odd.frames()
        assert isinstance(one.message, Opaque)
        assert "no protocol is named" in (one.message.error or "")
        assert one.fields == {}


@pytest.mark.parametrize("name", [name for names in understudy.SHOP.values() for name in names])
def test_what_authors_need_is_at_the_front_door(name: str) -> None:
    assert getattr(understudy, name).__name__ == name


def test_the_codec_is_at_the_front_door() -> None:
    from proxy.layouts import codec

    assert understudy.codec is codec
    assert all(getattr(understudy, name) is getattr(codec, name) for name in codec.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        understudy.nothing  # noqa: B018
