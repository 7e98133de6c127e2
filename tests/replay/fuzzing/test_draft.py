"""A session kept until it is known whether it is worth recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recordings.model import Direction, Frame, Key, Origin, Transport
from recordings.reader import Reader
from recordings.writer import Recording
from replay.fuzzing.draft import Draft


def test_a_draft_is_written_as_it_was_told(tmp_path: Path) -> None:
    draft = Draft()
    session = draft.add_session(game="toy", client="192.0.2.1", origin=Origin.PLAYBACK, note="n")
    flow: dict[str, Any] = {"protocol": "raw-tcp", "transport": Transport.TCP, "client": "a:1"}
    first = draft.add_flow(session_id=session, server="192.0.2.2:7", opened_at=5, **flow)
    said = Frame(Direction.TO_SERVER, 6, b"raw", sent=b"sent")
    draft.append(first, said)
    second = draft.add_flow(
        session_id=session, parent_frame_id=said.id, server="192.0.2.2:8", opened_at=7, **flow
    )
    draft.add_key(session, Key("skey", b"k"), flow_id=first, frame_id=said.id)
    draft.add_event("mutation", "what", at=8, session_id=session, flow_id=first, frame_id=said.id)
    draft.close_flow(first, 9, "over")
    draft.end_session(session)
    path = tmp_path / "one.db"
    with Recording.open(path) as store:
        store.add_session(game="other", client="192.0.2.9", origin=Origin.RECORD)
        number = draft.write(store)
    assert second != first
    with Reader.open(path) as reader:
        (frame,) = reader.frames(session_id=number)
        one, two = reader.flows(number)
        (key,) = reader.keys(number)
        (event,) = [event for event in reader.events() if event.kind == "mutation"]
    assert number == 2
    assert (frame.raw, frame.sent, frame.flow_id) == (b"raw", b"sent", one.id)
    assert (one.close_reason, two.parent_frame_id) == ("over", frame.id)
    assert (key.key, key.frame_id) == (b"k", frame.id)
    assert (event.detail, event.frame_id, event.flow_id) == ("what", frame.id, one.id)
