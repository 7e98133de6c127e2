"""What a comparison says: masks, learned values, order, keepalives, flows, answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recordings.model import Frame
from replay.diff.compare import compare
from replay.diff.report import Report, State
from replay.diff.said import Marks
from tests.replay.diff.sittings import DOWN, UP, compared, flow, frames, sitting

LOGIN = """
> auth NAME=alice TOS=1
< auth NAME=alice TOS=1
> mesg TEXT=hello
< mesg
< +msg N=alice T=hello
"""


def found(report: Report) -> list[tuple[str, str]]:
    return [(entry.kind, entry.state.value) for entry in report.differences]


def test_a_session_is_the_same_as_itself() -> None:
    report = compared(LOGIN, LOGIN)
    assert report.same
    assert (report.exit_code, report.first, report.counts) == (0, None, {State.SAME: 5})
    assert report.sentence().startswith("no difference in 5 messages")


def test_a_different_field_is_named_with_both_values() -> None:
    report = compared(LOGIN, LOGIN.replace("< auth NAME=alice TOS=1", "< auth NAME=alice TOS=0"))
    assert report.exit_code == 1
    assert report.first is not None
    assert report.first.sentence() == "auth from the server: TOS differs"
    (change,) = report.first.changes
    assert (change.path, change.a, change.b) == ("TOS", "1", "0")
    assert [entry.kind for entry in report.context] == ["auth", "auth", "mesg", "mesg", "+msg"]
    assert report.sentence().startswith("1 different of 5 messages")


@pytest.mark.parametrize(
    ("line", "instead", "wanted"),
    [
        ("< mesg\n", "", [("mesg", "missing")]),
        ("< mesg\n", "< mesg\n< PING\n", []),  # a keepalive more
        ("< mesg\n", "< mesg\n< mesg TEXT=again\n", [("mesg", "extra")]),
        ("> mesg TEXT=hello\n", "", [("mesg", "missing")]),
        ("< mesg\n", "< mesg X=1\n", [("mesg", "different")]),
    ],
)
def test_what_is_missing_and_what_is_extra(
    line: str, instead: str, wanted: list[tuple[str, str]]
) -> None:
    assert found(compared(LOGIN, LOGIN.replace(line, instead))) == wanted


# -- masks -----------------------------------------------------------------------------------------


def test_a_volatile_field_is_masked() -> None:
    one = "< @dir ADDR=192.0.2.1 PORT=10901 SESS=123456 DIRECT=0"
    other = "< @dir ADDR=192.0.2.7 PORT=40000 SESS=987654 DIRECT=0"
    report = compared(one, other)
    assert report.same
    assert (report.masked.fields, report.masked.declared) == (8, 6)
    assert not compared(one, other.replace("DIRECT=0", "DIRECT=1")).same


def test_the_user_masks_more() -> None:
    other = LOGIN.replace("< +msg N=alice T=hello", "< +msg N=alice T=HELLO")
    assert not compared(LOGIN, other).same
    assert compared(LOGIN, other, "+msg.T").same
    assert compared(LOGIN, other, "*.T").same
    assert compared(LOGIN, other, "ea-lobby.+msg.T").same
    assert not compared(LOGIN, other, "+msg.N").same


def test_what_the_client_calls_otherwise_is_no_difference_where_it_comes_again() -> None:
    report = compared(LOGIN, LOGIN.replace("alice", "bob"))
    assert found(report) == [("auth", "different")]
    assert report.first is not None
    assert report.first.said.direction is UP
    assert report.masked.learned == 2


def test_what_the_server_calls_otherwise_is_a_difference_wherever_it_comes() -> None:
    one = "< +rom I=1 N=Lobby\n> mesg PRIV=Lobby\n< +who R=Lobby\n"
    report = compared(one, one.replace("Lobby", "Foyer"))
    assert found(report) == [("+rom", "different"), ("+who", "different")]


def test_a_volatile_value_is_known_where_it_comes_again() -> None:
    one = "< @dir SESS=1189120374\n> user X=1189120374\n"
    assert compared(one, one.replace("1189120374", "2071199200")).same
    spoilt = "< @dir SESS=2071199200\n> user X=5550001111\n"
    assert found(compared(one, spoilt)) == [("user", "different")]


# -- order -----------------------------------------------------------------------------------------


def test_a_push_may_come_earlier_an_answer_may_not() -> None:
    one = "> user PERS=bob\n< user PERS=bob\n< +usr N=bob\n< +usr N=eve\n< news line=x\n"
    pushes = "> user PERS=bob\n< user PERS=bob\n< +usr N=eve\n< +usr N=bob\n< news line=x\n"
    assert compared(one, pushes).same
    answers = "> user PERS=bob\n< news line=x\n< user PERS=bob\n< +usr N=bob\n< +usr N=eve\n"
    assert found(compared(one, answers)) == [("news", "moved")]


def test_both_directions_are_in_order_by_themselves() -> None:
    one = "> auth NAME=a\n< auth NAME=a\n> pers PERS=b\n< pers PERS=b\n"
    early = "> auth NAME=a\n> pers PERS=b\n< auth NAME=a\n< pers PERS=b\n"
    assert compared(one, early).same


# -- flows -----------------------------------------------------------------------------------------


def on(flow_id: int, text: str, start: int) -> list[Frame]:
    made = []
    for number, frame in enumerate(frames(text, flow_id), start):
        frame.id = number
        made.append(frame)
    return made


def test_flows_are_paired_by_protocol_role_and_order() -> None:
    marks = Marks()
    directory, lobby = "< @dir ADDR=192.0.2.1 PORT=1\n", "> auth NAME=alice\n"
    one = sitting(
        [*on(1, directory, 1), *on(2, lobby, 2)],
        marks,
        [flow(1), flow(2, parent_frame_id=1)],
    )
    other = sitting(
        [*on(1, directory, 1), *on(2, "> auth NAME=bob\n", 2), *on(3, "> addr PORT=1\n", 3)],
        marks,
        [flow(1), flow(2, parent_frame_id=1), flow(3)],
    )
    report = compare(one, other, marks)
    assert [leg.label for leg in report.legs] == ["ea-lobby #1", "ea-lobby lobby", "ea-lobby #2"]
    assert found(report) == [("auth", "different"), ("addr", "extra")]


def test_a_flow_that_never_came() -> None:
    marks = Marks()
    flows = [flow(1), flow(2, "kaillera", transport="udp")]
    one = sitting([*on(1, LOGIN, 1), *on(2, "> PING\n< PONG\n", 6)], marks, flows)
    other = sitting(on(1, LOGIN, 1), marks, flows[:1])
    report = compare(one, other, marks)
    assert found(report) == [("PING", "missing"), ("PONG", "missing")]
    assert report.legs[1].frame_b == ""


# -- frames ----------------------------------------------------------------------------------------


def test_messages_of_bundles_count_once_and_by_themselves() -> None:
    def bundle(*texts: str) -> list[Frame]:
        made = []
        for number, _ in enumerate(texts, 1):
            held = [
                {"number": n, "kind": "Chat", "fields": {"username": "", "text": texts[n - 1]}}
                for n in range(number, max(0, number - 3), -1)
            ]
            frame = Frame(UP, number, b"", kind="Chat", derived={"new": [number]})
            frame.fields, frame.id, frame.flow_id = _json({"messages": held}), number, 1
            made.append(frame)
        return made

    marks, flows = Marks(), [flow(protocol="kaillera", transport="udp")]
    one = sitting(bundle("one", "two", "three"), marks, flows)
    assert [said.fields()["text"] for said in one.legs[0].said] == ["one", "two", "three"]
    other = sitting(bundle("one", "TWO", "three"), marks, flows)
    report = compare(one, other, marks)
    assert found(report) == [("Chat", "different")]
    assert report.first is not None
    assert [change.path for change in report.first.changes] == ["text"]


def _json(value: object) -> str:
    import json

    return json.dumps(value)


def test_borders_of_opaque_chunks_mean_nothing() -> None:
    def chunks(*datas: bytes) -> list[Frame]:
        made = [Frame(UP, n, data, kind="Opaque") for n, data in enumerate(datas, 1)]
        for frame in made:
            frame.id, frame.flow_id = frame.at, 1
        return made

    marks, flows = Marks(), [flow(protocol="raw-tcp")]
    one = sitting(chunks(b"hel", b"lo" * 4000), marks, flows)
    other = sitting(chunks(b"hello", b"lo" * 3999), marks, flows)
    report = compare(one, other, marks)
    assert report.same
    assert not compare(one, sitting(chunks(b"hello"), marks, flows), marks).same


def test_a_frame_that_was_recorded_without_a_view_gets_one_now() -> None:
    marks = Marks()
    body = b"NAME=alice\n\0"
    raw = b"auth" + bytes(4) + (12 + len(body)).to_bytes(4, "big") + body
    bare = replace(Frame(UP, 1, raw), id=1, flow_id=1)
    viewed = replace(bare, kind="auth", fields='{"NAME": "alice"}')
    assert compare(sitting([bare], marks), sitting([viewed], marks), marks).same


def test_frames_that_cannot_be_read_are_compared_as_bytes_and_counted() -> None:
    def unread(*datas: bytes) -> list[Frame]:
        return [
            replace(Frame(UP, n, data, kind="Opaque", error="the key is unknown"), id=n, flow_id=1)
            for n, data in enumerate(datas, 1)
        ]

    marks = Marks()
    one, other = sitting(unread(b"ab", b"cd"), marks), sitting(unread(b"ab", b"ce"), marks)
    report = compare(one, other, marks)
    assert found(report) == [("Opaque", "different")]
    assert report.first is not None
    assert [(c.path, c.a, c.b) for c in report.first.changes] == [("bytes", "6364", "6365")]
    assert "2 frames of x cannot be read and are compared as bytes" in report.notices[0]
    assert "the key is unknown" in report.notices[0]


def test_what_we_sent_ourselves_is_not_compared() -> None:
    marks = Marks()
    copy = replace(Frame(DOWN, 2, None, sent=b"x"), id=9, flow_id=1)
    copy.kind, copy.fields = "mesg", "{}"
    assert compare(sitting(LOGIN, marks), sitting([*frames(LOGIN), copy], marks), marks).same


# -- answers ---------------------------------------------------------------------------------------


def test_the_matrix_of_answers() -> None:
    one = (
        "> auth NAME=a\n< auth NAME=a\n> pers PERS=b\n< pers PERS=b\n> news NAME=1\n< news line=x\n"
    )
    other = (
        "> auth NAME=a\n< auth NAME=z\n> pers PERS=b\n> news NAME=1\n< news line=x\n< news line=y\n"
    )
    rows = {row.kind: row for row in compared(one, other).answers}
    auth, pers, news = rows["auth"], rows["pers"], rows["news"]
    assert (auth.asked, auth.answered, auth.differently, auth.never) == (1, 0, 1, 0)
    assert (pers.asked, pers.answered, pers.differently, pers.never) == (1, 0, 0, 1)
    assert (news.asked, news.answered, news.extra) == (1, 1, 0)
    assert not news.differs
