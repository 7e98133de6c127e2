from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.errors import UserError
from recordings.model import Frame
from recordings.notation import to_bytes, to_text
from recordings.reader import Reader
from recordings.samples import FOLDER, dump_sample, load_sample
from recordings.viewing import Shown
from recordings.writer import Recording

SAMPLE = """\
# an evening
{"row":"session","uid":"u1","game":"toy","client":"192.0.2.2","origin":"record","started_at":"2026-11-20T20:15:00Z","ended_at":12.5,"note":"evening"}
{"row":"event","at":0,"kind":"start","detail":"x"}

{"row":"flow","flow":"a","protocol":"toy","transport":"tcp","client":"192.0.2.2:4000","server":"203.0.113.9:10600","hostname":"h","opened_at":0.1,"closed_at":12.25,"close_reason":"fin"}
{"row":"event","at":0.5,"flow":"a","kind":"refused","detail":"\u00e9"}
{"row":"frame","id":"dir","flow":"a","direction":"up","at":1.000001,"raw":"@dir|00000011|A=1|0a00|"}
{"row":"key","frame":"dir","flow":"a","name":"skey","key":"|0102|","direction":"down","cipher":"ssc2"}
{"row":"flow","flow":"b","protocol":"toy","transport":"udp","client":"192.0.2.2:4001","parent":"dir","opened_at":2,"closed_at":4}
{"row":"frame","flow":"b","direction":"down","at":3,"raw":"","kind":"x","fields":{"a":1.5,"b":"\u00e4"},"derived":{"k":[1]}}
{"row":"frame","flow":"b","direction":"down","at":4,"sent":"hi","action":"inserted","kind":"y"}
{"row":"note","text":"hello","flow":"b","created_at":5}
"""


@given(st.binary())
def test_any_bytes_can_be_written_as_text(data: bytes) -> None:
    text = to_text(data)
    assert to_bytes(text) == data
    assert text.isascii()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"skey\0\0\0\0\0\0\0\x11SKEY=$12\n\0", "skey|0000000000000011|SKEY=$12\n|00|"),
        (b"a|b", "a|7c|b"),
        (b"\x01ab\x02", "|01616202|"),
        (b"\x01abc\x02", "|01|abc|02|"),
        (b"", ""),
    ],
)
def test_bytes_are_shown_as_text_where_they_are_text(data: bytes, text: str) -> None:
    assert to_text(data) == text


def load(path: Path, lines: list[str]) -> list[str]:
    """The dump of what was loaded."""
    with Recording.open(path) as recording:
        (session_id,) = load_sample(lines, recording)
    with Reader.open(path) as reader:
        return list(dump_sample(reader, session_id))


def test_a_sample_goes_both_ways(tmp_path: Path) -> None:
    first = load(tmp_path / "1.db", SAMPLE.splitlines())
    again = load(tmp_path / "2.db", first)
    assert again == first
    with Reader.open(tmp_path / "2.db") as reader:
        (session,) = reader.sessions()
        assert (session.uid, session.game, session.note) == ("u1", "toy", "evening")
        assert session.ended_at == "2026-11-20T20:15:12.500000Z"
        one, two = reader.flows()
        assert (one.close_reason, one.hostname, two.parent_frame_id) == ("fin", "h", 1)
        assert two.closed_at == two.opened_at + 2_000_000
        directory, empty, ours = reader.frames()
        assert directory.raw == b"@dir\0\0\0\x11A=1\n\0"
        assert directory.at == one.opened_at + 900_001
        assert (empty.raw, empty.fields) == (b"", '{"a":1.5,"b":"\u00e4"}')
        assert empty.derived == {"k": [1]}
        assert (ours.raw, ours.sent, ours.action) == (None, b"hi", "inserted")
        (key,) = reader.keys()
        assert (key.key, key.frame_id, key.flow_id, key.direction) == (b"\1\2", 1, 1, "s>c")
        assert [(event.kind, event.flow_id) for event in reader.events()] == [
            ("start", None),
            ("refused", 1),
        ]
        assert [note.created_at for note in reader.notes()] == ["2026-11-20T20:15:05.000000Z"]


def test_a_sample_may_be_a_file_and_be_added_to_a_recording(tmp_path: Path) -> None:
    source = tmp_path / "evening.jsonl"
    source.write_text(SAMPLE, "utf-8")
    with Recording.open(tmp_path / "a.db") as recording:
        assert load_sample(source, recording) == [1]
        assert load_sample(source, recording) == [2]
    with Reader.open(tmp_path / "a.db") as reader:
        one, two = (list(dump_sample(reader, number)) for number in (1, 2))
        assert [row.parent_frame_id for row in reader.flows()] == [None, 1, None, 4]
        assert len(one) == len(two) == 10


def test_a_viewer_fills_in_what_a_frame_means(tmp_path: Path) -> None:
    class Viewer:
        def view(self, protocol: str, frame: Frame) -> Shown:
            return Shown(f"{protocol}-{len(frame.clear)}", {"n": 1})

        def kinds(self, protocol: str) -> list[str]:
            return []

        def answers(self, protocol: str) -> dict[str, tuple[str, ...]]:
            return {}

        def fields(self, protocol: str) -> dict[str, tuple[str, ...]]:
            return {}

    with Recording.open(tmp_path / "a.db") as recording:
        load_sample(SAMPLE.splitlines(), recording, Viewer())
    with Reader.open(tmp_path / "a.db") as reader:
        assert [(one.kind, one.fields) for one in reader.frames()] == [
            ("toy-13", '{"n":1}'),
            ("x", '{"a":1.5,"b":"\u00e4"}'),
            ("y", None),
        ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2: Expecting property name"),
        ('{"row":"thing"}', "line 2: 'thing' is missing or unknown"),
        ('{"row":"frame","flow":9}', "line 2: 9 is missing or unknown"),
        ('{"row":"flow","flow":1}', "line 2: 'protocol' is missing or unknown"),
        ("[1]", "line 2: list indices"),
        ('{"row":"event","kind":"x","detail":"x","at":"soon"}', "line 2: "),
        ('{"row":"event","kind":"x","detail":"x","at":Infinity}', "line 2: "),
        ('{"row":"key","name":"x","key":"|01"}', "line 2: a | is not closed"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, line: str, why: str) -> None:
    head = '{"row":"session","client":"192.0.2.2","started_at":"2026-11-20T20:15:00Z"}'
    with Recording.open(tmp_path / "a.db") as recording, pytest.raises(UserError) as caught:
        load_sample([head, line], recording)
    assert why in str(caught.value)


def test_a_session_that_is_not_there_is_named(tmp_path: Path) -> None:
    Recording.open(tmp_path / "a.db").close()
    with Reader.open(tmp_path / "a.db") as reader, pytest.raises(UserError, match="no session 3"):
        list(dump_sample(reader, 3))
    with (
        pytest.raises(UserError, match="cannot be read"),
        Recording.open(tmp_path / "b.db") as recording,
    ):
        load_sample(tmp_path / "nothing.jsonl", recording)


@pytest.mark.parametrize("source", sorted(FOLDER.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_sample_that_comes_with_understudy_loads(source: Path, tmp_path: Path) -> None:
    with Recording.open(tmp_path / "a.db") as recording:
        assert load_sample(source, recording)
