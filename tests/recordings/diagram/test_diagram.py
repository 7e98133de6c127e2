"""Scenes, and what is drawn of them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from recordings.diagram import drawing, export, picture
from recordings.diagram.drawing import breadth, fit, place
from recordings.diagram.gathering import SERVERS, gather
from recordings.diagram.scene import PROXY, Arrow, Lane, Remark, Scene
from recordings.diagram.table import table
from recordings.diagram.timeline import BINS, draw_timeline, traffic
from recordings.filters import compile_filter
from recordings.model import Action
from recordings.reader import Reader
from recordings.writer import Recording
from tests.recordings.making import AT, TO_CLIENT, TO_SERVER, flow, frame, session
from tests.recordings.sample import HOSTILE, write_sample

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("diagram") / "sample.db")


def scene_of(path: Path, number: int = 1, **asked: object) -> Scene:
    with Reader.open(path) as reader:
        found = next(one for one in reader.sessions() if one.id == number)
        return gather(reader, found, None, **asked)  # type: ignore[arg-type]


def test_lanes_and_arrows(sample: Path) -> None:
    scene = scene_of(sample)
    assert scene.lanes == [
        Lane("client", "192.0.2.7"),
        Lane("Understudy", "proxy"),
        Lane("ps2nascar04.ea.com", "ea-lobby 203.0.113.9:10600"),
        Lane("203.0.113.9:10901", "ea-lobby"),
    ]
    assert [arrow.frame_id for arrow in scene.arrows] == [1, 2, 3, 4, 5, 6]
    first, redirect, _, login, _, lost = scene.arrows
    assert (first.upward, first.server, first.answered_by) == (True, 2, 2)
    assert redirect.opens == ((2, 3),)
    assert redirect.action == "changed"
    assert login.wrong
    assert "WRONG" in login.text
    assert lost.wrong
    assert "lost" in lost.text
    assert (scene.first, scene.last, scene.more) == (1, 6, False)


def test_remarks_stand_where_they_happened(sample: Path) -> None:
    rows = scene_of(sample).rows
    texts = [row.text for row in rows if isinstance(row, Remark)]
    assert texts[0].startswith("flow 1 opens")
    assert "led here by frame 2" in texts[1]
    assert texts[2] == "redirect: opened 127.0.0.1:40000"
    assert texts[-1] == "flow 2 closes: client closed"
    assert isinstance(rows[0], Remark)
    assert isinstance(rows[3], Arrow)


def test_a_stand_in_has_no_server_lane(sample: Path) -> None:
    scene = scene_of(sample, 2)
    assert scene.lanes[PROXY] == Lane("Understudy", "stand-in")
    alone = [arrow for arrow in scene.arrows if arrow.flow_id == 4]
    assert {arrow.server for arrow in alone} == {PROXY}


def test_pages(sample: Path) -> None:
    first = scene_of(sample, limit=2)
    assert (first.first, first.last, first.more) == (1, 2, True)
    second = scene_of(sample, after=2, limit=4)
    assert (second.first, second.last, second.more) == (3, 6, False)
    assert scene_of(sample, flow_id=2).first == 3


def test_a_page_knows_what_its_first_answer_answers(sample: Path) -> None:
    assert scene_of(sample, after=1).arrows[0].answers == 1


def test_a_filter_does_not_change_what_answers_what(sample: Path) -> None:
    scene = scene_of(sample, where=compile_filter("~d down"))
    assert scene.arrows[0].answers == 1
    assert not any(isinstance(row, Remark) and row.event for row in scene.rows)


def test_silence_is_said(tmp_path: Path) -> None:
    path = tmp_path / "silent.db"
    with Recording.open(path) as recording:
        flow(recording, session(recording))
        for seconds in (0, 1, 61):
            recording.append(1, frame(at=AT + seconds * 1_000_000))
    texts = [row.text for row in scene_of(path).rows if isinstance(row, Remark)]
    assert "1:00 of silence" in texts
    assert len([text for text in texts if "silence" in text]) == 1


def test_very_many_servers_share_the_last_lane(tmp_path: Path) -> None:
    path = tmp_path / "servers.db"
    with Recording.open(path) as recording:
        session(recording)
        for number in range(SERVERS + 20):
            recording.append(flow(recording, server=f"203.0.113.{number}:80"), frame())
    scene = scene_of(path)
    assert len(scene.lanes) == SERVERS + 3
    assert scene.lanes[-1].title == "others"
    assert max(arrow.server for arrow in scene.arrows) == len(scene.lanes) - 1


@pytest.mark.parametrize(
    ("action", "upward", "begins", "ends"),
    [
        (None, True, 0, 2), (None, False, 2, 0),
        (Action.DROPPED, True, 0, 1), (Action.DROPPED, False, 2, 1),
        (Action.INSERTED, True, 1, 2), (Action.INSERTED, False, 1, 0),
        (Action.CHANGED, True, 0, 2), (Action.DELAYED, False, 2, 0),
    ],
)  # fmt: skip
def test_an_arrow_goes_from_sender_to_receiver(
    action: Action | None, upward: bool, begins: int, ends: int
) -> None:
    arrow = Arrow(1, 1, AT, upward, 2, "kind", "text", 4, action=action)
    lanes = [Lane("client"), Lane("Understudy"), Lane("server")]
    scene = Scene("t", AT, lanes, [arrow])
    where = place(scene)
    root = ElementTree.fromstring(export.draw_svg(scene))
    line = next(one for one in root.iter(f"{SVG}path") if one.get("class") == "line")
    found = re.fullmatch(r"M(\d+) \d+H(\d+)", line.get("d") or "")
    assert found
    assert abs(int(found[1]) - where.lanes[begins]) <= 4
    assert int(found[2]) == where.lanes[ends]


def drawn(scene: Scene, class_: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(export.draw_svg(scene))
    return [one for one in root.iter() if class_ in (one.get("class") or "").split()]


def test_roles_look_different(sample: Path) -> None:
    scene = scene_of(sample)
    assert [len(drawn(scene, role)) for role in ("request", "answer", "push")] == [3, 2, 1]
    assert len(drawn(scene, "redirect")) == 1
    assert len(drawn(scene, "wrong")) == 2
    assert len(drawn(scene, "leads")) == 1
    assert len(drawn(scene, "touched")) == 1
    assert len([one for one in drawn(scene, "ring") if one.tag == f"{SVG}circle"]) == 2


def test_a_picture_is_one_whole_document(sample: Path) -> None:
    for number in (1, 2):
        with Reader.open(sample) as reader:
            text = export.svg(reader, reader.sessions()[number - 1], None)
        root = ElementTree.fromstring(text)
        assert root.tag == f"{SVG}svg"
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "<script" not in text
        assert HOSTILE not in text


def test_a_page_stands_alone_and_trusts_only_its_own_script(sample: Path) -> None:
    with Reader.open(sample) as reader:
        text = export.html(reader, reader.sessions()[1], None)
    assert text.count("<script>") == 1
    assert "src=" not in text
    assert "default-src 'none'" in text.replace("&#x27;", "'")
    assert "unsafe" not in text
    assert "</style>" not in picture.STYLE
    assert "</script" not in picture.SCRIPT
    assert HOSTILE not in text
    for number in range(7, 13):
        assert f'id="m{number}"' in text  # the row that the arrow leads to


def test_a_long_picture_repeats_its_lanes(tmp_path: Path) -> None:
    path = tmp_path / "long.db"
    with Recording.open(path) as recording:
        flow(recording, session(recording))
        for number in range(200):
            recording.append(1, frame(direction=(TO_SERVER, TO_CLIENT)[number % 2]))
    scene = scene_of(path)
    assert len(drawn(scene, "again")) == 3 * len(scene.lanes)
    assert not drawn(scene_of(path, limit=20), "again")


def test_an_export_is_bounded_and_says_so(sample: Path) -> None:
    with Reader.open(sample) as reader:
        scene = export.read(reader, reader.sessions()[0], None, limit=3)
    assert "3 messages; more follow frame 3" in export.draw_svg(scene)


def test_the_table_has_every_row(sample: Path) -> None:
    scene = scene_of(sample)
    root = ElementTree.fromstring(table(scene, lambda arrow: f"/frame/{arrow.frame_id}"))
    lines = list(root.iter("tr"))[1:]
    assert len(lines) == len(scene.rows)
    second = next(line for line in lines if line.get("id") == "m2")
    cells = ["".join(cell.itertext()) for cell in second]
    assert cells[0] == "2"
    assert cells[4:6] == ["ps2nascar04.ea.com", "client"]
    assert cells[6] == "answer, redirect, answers 1, changed, led to flow 2"


@pytest.mark.parametrize("text", ["", "abc", "W" * 500, "漢字" * 300, "i" * 500, "é" * 90])
def test_labels_fit(text: str) -> None:
    shown = fit(text, 200)
    assert breadth(shown) <= 200 + drawing.WIDE
    assert shown == text or shown.endswith("…")


def test_a_timeline_counts_every_byte(sample: Path) -> None:
    with Reader.open(sample) as reader:
        found = traffic(reader, 1)
        flows = {one.id: one for one in reader.flows(1)}
    assert [one.id for one in found.flows] == [1, 2]
    for number, bins in found.bins.items():
        for upward, total in ((True, flows[number].bytes_up), (False, flows[number].bytes_down)):
            assert sum(one.bytes for one in bins if one.upward is upward) == total
        assert all(0 <= one.number < BINS for one in bins)
    root = ElementTree.fromstring(draw_timeline(found))
    bars = [one for one in root.iter(f"{SVG}rect") if one.get("class") in ("up", "down")]
    assert len(bars) == sum(map(len, found.bins.values()))


def test_a_session_without_frames_has_an_empty_diagram(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    with Recording.open(path) as recording:
        session(recording)
    scene = scene_of(path)
    assert scene.rows == []
    assert ElementTree.fromstring(export.draw_svg(scene)).tag == f"{SVG}svg"
    with Reader.open(path) as reader:
        assert traffic(reader, 1).flows == []
