"""The live view: few lines, nothing that drives a terminal, no passwords."""

from __future__ import annotations

from proxy.flow import Flow
from proxy.live import Live, brief, clean, in_brief
from proxy.message import Opaque
from recordings.model import Action, Frame, Json
from tests.toy import DOWN, TOY, UP, Line, listen

FLOW = Flow(3, 1, TOY, listen(), ("198.51.100.5", 999), None, ("192.0.2.1", 7))


def frame(at: int = 1_000_000, **facts: object) -> Frame:
    made = Frame(UP, at, b"LOGIN NAME=bob\n", kind="LOGIN")
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def test_a_frame_is_a_line() -> None:
    lines: list[str] = []
    live = Live(lines.append)
    live.frame(FLOW, frame(), Line("LOGIN", {"NAME": "bob"}))
    live.frame(FLOW, frame(error="cut off"), Line("LOGIN", {}))
    live.frame(FLOW, frame(action=Action.DROPPED, direction=DOWN), Line("LOGIN", {}))
    assert lines == [
        "00:00:01.000 flow 3 toy c>s LOGIN     15  NAME=bob",
        "00:00:01.000 flow 3 toy c>s LOGIN     15  cut off",
        "00:00:01.000 flow 3 toy s>c LOGIN     15  [dropped]",
    ]


def test_what_is_too_much_is_counted() -> None:
    lines: list[str] = []
    live = Live(lines.append, rate=2)
    for number in range(5):
        live.frame(FLOW, frame(1_000_000 + number), Line("A", {}))
    for number in range(3):
        live.frame(FLOW, frame(2_000_000 + number), Line("A", {}))
    live.rest()
    assert [line.split()[0] for line in lines] == [
        "00:00:01.000",
        "00:00:01.000",
        "...",
        "00:00:02.000",
        "00:00:02.000",
        "...",
    ]
    assert (lines[2], lines[-1]) == ("  ... 3 more frames", "  ... 1 more frame")


def test_of_a_frame_that_nobody_can_read_the_first_bytes_are_shown() -> None:
    lines: list[str] = []
    live = Live(lines.append)
    for data in (
        *(
            b"HELLO 1\r\n",
            b"\x00\x01\xff",
            bytes(100),
            b"x" * 200,
            b"",
            b"login PASSWORD daytona500",
        ),
        "caf\xe9 and some more text\x1b".encode(),
    ):
        made = Frame(UP, 1_000_000, data)
        live.frame(FLOW, made, Opaque(data))
    assert [line.split(None, 7)[7:] for line in lines] == [
        ["HELLO 1\\r\\n"],
        ["00 01 ff"],
        [" ".join(["00"] * 25) + " ..."],
        ["x" * 75 + "..."],
        [],
        ["login PASS***"],
        ["caf\\xc3\\xa9 and some more text\\x1b"],
    ]
    live.frame(FLOW, frame(), Opaque(b"x", "it is cut off"))
    assert lines[-1].endswith("it is cut off")


def test_on_a_terminal_a_frame_is_one_line() -> None:
    lines: list[str] = []
    live = Live(lines.append, columns=80)
    live.frame(FLOW, frame(), Line("LOGIN", {"NAME": "x" * 90}))
    for data in (b"y" * 90, bytes(90)):
        live.frame(FLOW, Frame(UP, 1_000_000, data), Opaque(data))
    assert [len(line) for line in lines[:2]] == [80, 80]
    assert 74 <= len(lines[2]) <= 80
    Live(lines.append, columns=20).frame(FLOW, frame(), Line("LOGIN", {"NAME": "bob"}))
    assert lines[-1].endswith("NAME=bob"), "something is always shown"


def test_events_are_lines_but_for_the_ordinary_end() -> None:
    lines: list[str] = []
    live = Live(lines.append)
    live.event(FLOW, "closed", "end")
    live.event(FLOW, "lost", "a\x1b[2J")
    live.event(None, "redirect", "x")
    assert lines == ["* flow 3 lost: a\\x1b[2J", "* redirect: x"]


def test_nothing_that_a_peer_sent_drives_the_terminal() -> None:
    assert clean("a\x1b]0;x\x07\x9b\u202e\n") == "a\\x1b]0;x\\x07\\x9b\\u202e\\n"


def test_secrets_are_not_shown() -> None:
    fields = {"NAME": "bob", "PASS": "hunter2", "passwordenc": "x", "SKEY": "1", "KEYS": "2"}
    assert brief(fields) == "NAME=bob PASS=*** passwordenc=*** SKEY=*** KEYS=2"


def test_of_a_bundle_the_newest_message_is_shown_and_what_else_is_new() -> None:
    fields: dict[str, Json] = {
        "messages": [
            {"number": 9, "kind": "Chat", "fields": {"username": "ann", "text": "hi all"}},
            {"number": 8, "kind": "Info", "fields": {"text": "welcome"}},
            {"number": 7, "kind": "ServerStatus", "fields": {"users": [{"name": "bob"}]}},
        ]
    }
    assert in_brief(fields, {"new": [9], "seen": [7, 8]}) == "username=ann text=hi all"
    assert in_brief(fields, {"new": [8, 9]}) == "username=ann text=hi all + Info"
    assert len(in_brief(fields, {"new": [7, 8, 9]}, 30)) <= 30
    assert in_brief({"users": [{"name": "bob"}], "end": None}, None) == "users=[1]"


def test_a_long_line_is_cropped() -> None:
    assert brief({"A": "x" * 500}, 20) == "A=" + "x" * 15 + "..."
    cut = brief({f"K{n}": "v" for n in range(100)}, 30)
    assert (len(cut), cut[-3:]) == (30, "...")
