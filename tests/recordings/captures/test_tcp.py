"""TCP streams: sent again, out of order, overlapping, missing, wrapping; and how they end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recordings.captures import tcp
from recordings.captures.synthetic import LARGEST_PAYLOAD, Path
from recordings.captures.tcp import ACK, FIN, PSH, RST, SYN
from tests.recordings.captures.listening import Heard, hear
from tests.recordings.captures.making import AT, CLIENT, SERVER

UP, DOWN = Path(CLIENT, SERVER), Path(SERVER, CLIENT)
HELLO = [UP.segment(99, 0, SYN), DOWN.segment(499, 100, SYN | ACK), UP.segment(100, 500, ACK)]


def up(seq: int, data: bytes = b"", flags: int = ACK) -> bytes:
    return UP.segment(seq, 500, flags, data)


def down(seq: int, ack: int, data: bytes = b"", flags: int = ACK) -> bytes:
    return DOWN.segment(seq, ack, flags, data)


def stream(heard: Heard, side: int = 0) -> bytes:
    return bytes(heard.streams.get((0, side), b""))


def test_a_stream_that_nothing_befell() -> None:
    heard = hear([*HELLO, up(100, b"abc"), down(500, 103, b"xyz"), up(103, b"def")])
    assert heard.of("data") == [("0.0", "abc"), ("0.1", "xyz"), ("0.0", "def")]
    assert heard.conversations[0].initiator == 0
    assert heard.conversations[0].ends == (CLIENT, SERVER)


def test_sent_again_and_overlapping() -> None:
    heard = hear(
        [
            *HELLO,
            up(100, b"abc"),
            up(100, b"abc"),
            up(101, b"bcd"),
            up(99, b"?abcde"),
            up(105, b"f"),
        ]
    )
    assert stream(heard) == b"abcdef"


def test_what_came_first_counts() -> None:
    heard = hear([*HELLO, up(102, b"CD"), up(101, b"bcde"), up(100, b"abcdef")])
    assert stream(heard) == b"abCDef"


def test_out_of_order() -> None:
    heard = hear([*HELLO, up(106, b"ghi"), up(103, b"def"), up(100, b"abc"), up(109, b"j")])
    assert stream(heard) == b"abcdefghij"
    assert not heard.of("gap")


def test_the_sequence_number_wraps() -> None:
    start = (1 << 32) - 4
    packets = [UP.segment(start - 1, 0, SYN)]
    packets += [UP.segment(start + at, 0, ACK, bytes([65 + at])) for at in (0, 1, 5, 4, 3, 2, 6, 7)]
    assert stream(hear(packets)) == b"ABCDEFGH"


def test_a_hole_that_the_other_side_acknowledged_is_a_gap() -> None:
    packets = [(AT, one) for one in [*HELLO, up(100, b"abc"), up(105, b"fgh")]]
    soon = hear([*packets, (AT + 10_000, down(500, 108))], finish=False)
    assert stream(soon) == b"abc"  # it may only be late
    later = hear([*packets, (AT + tcp.ACKED + 1, down(500, 108))], finish=False)
    assert later.of("gap") == [("0.0", "2")]
    assert stream(later) == b"abcfgh"


def test_a_hole_that_nobody_acknowledged_is_waited_for() -> None:
    packets = [(AT, one) for one in [*HELLO, up(100, b"abc"), up(105, b"fgh")]]
    heard = hear([*packets, (AT + 30_000_000, down(500, 103)), (AT + 30_000_001, up(103, b"de"))])
    assert stream(heard) == b"abcdefgh"
    assert not heard.of("gap")
    silent = hear([*packets, (AT + tcp.PATIENCE + 1, up(108, b"i"))], finish=False)
    assert silent.of("gap") == [("0.0", "2")]


def test_what_waits_behind_a_hole_is_bounded() -> None:
    count = tcp.MOST_WAITING // 60_000 + 2
    packets = [up(200 + at * 60_000, bytes(60_000)) for at in range(count)]
    heard = hear([*HELLO, *packets], finish=False)
    assert heard.of("gap") == [("0.0", "100")]
    small = hear([*HELLO, *(up(200 + at * 2, b"x") for at in range(tcp.MOST_SEGMENTS + 1))])
    assert len(small.of("gap")) == tcp.MOST_SEGMENTS + 1


def test_a_hole_at_the_end() -> None:
    heard = hear([*HELLO, up(100, b"abc"), up(110, b"", FIN | ACK)])
    assert heard.of("gap") == [("0.0", "7")]
    assert heard.of("ended") == [("0.0",)]
    assert heard.of("closed") == [("0", "the capture ends")]


def test_both_fins_end_it() -> None:
    heard = hear([*HELLO, up(100, b"a", FIN | ACK), down(500, 102, b"b", FIN | ACK), up(102)])
    assert heard.said[-2:] == [("ended", "0.1"), ("closed", "0", "closed")]


def test_a_fin_that_comes_before_its_data() -> None:
    heard = hear([*HELLO, up(103, b"", FIN | ACK), up(100, b"abc")])
    assert heard.said[:2] == [("data", "0.0", "abc"), ("ended", "0.0")]


def test_a_reset_ends_it_unless_it_is_far_off() -> None:
    heard = hear([*HELLO, up(100, b"abc"), UP.segment(77_000_000, 0, RST), up(103, b"d")])
    assert stream(heard) == b"abcd"
    heard = hear([*HELLO, up(100, b"abc"), UP.segment(103, 0, RST), down(500, 103, b"late")])
    assert heard.of("closed") == [("0", "reset")]
    assert stream(heard, 1) == b""


def test_a_refused_connection() -> None:
    heard = hear([HELLO[0], DOWN.segment(0, 100, RST | ACK)])
    assert heard.said == [("closed", "-", "refused")]


def test_ports_that_are_used_again() -> None:
    again = [UP.segment(9_999, 0, SYN), DOWN.segment(7_777, 10_000, SYN | ACK)]
    heard = hear([*HELLO, up(100, b"one"), *again, UP.segment(10_000, 7_778, ACK, b"two")])
    assert heard.of("data") == [("0.0", "one"), ("1.0", "two")]
    assert heard.of("closed")[0] == ("0", "its ports were used again")


def test_ports_that_are_used_again_without_a_greeting() -> None:
    ending = [up(103, b"", FIN | ACK), down(500, 104, b"", FIN | ACK)]
    late = [up(100, b"one"), up(104)]
    heard = hear([*HELLO, up(100, b"one"), *ending, *late, up(900_000_000, b"two")])
    assert heard.of("data") == [("0.0", "one"), ("1.0", "two")]


def test_greetings_that_are_repeated_or_out_of_order() -> None:
    heard = hear([HELLO[1], HELLO[0], HELLO[0], HELLO[1], HELLO[2], up(100, b"abc"), HELLO[0]])
    assert heard.of("data") == [("0.1", "abc")]
    assert len(heard.conversations) == 1
    assert heard.conversations[0].initiator == 1


def test_data_in_the_greeting() -> None:
    assert stream(hear([UP.segment(99, 0, SYN, b"fast"), up(104, b" open")])) == b"fast open"


def test_a_capture_that_begins_in_the_middle() -> None:
    heard = hear([up(5000, b"ab"), down(700, 5002, b"xy"), up(5002, b"cd")])
    assert heard.streams == {(0, 0): b"abcd", (0, 1): b"xy"}
    assert heard.conversations[0].initiator is None


def test_a_segment_that_was_cut_at_capture() -> None:
    heard = hear([*HELLO, up(100, b"0123456789")[:-4], up(110, b"next"), up(100, b"0123456789")])
    assert heard.of("data") == [("0.0", "012345"), ("0.0", "next")]
    assert heard.of("gap") == [("0.0", "4")]


def test_a_frame_of_several_packets_comes_as_one() -> None:
    size = LARGEST_PAYLOAD[4]
    packets = [up(100, b"a" * size), up(100 + size, b"b" * size), up(100 + 2 * size, b"c", PSH)]
    (one,) = hear([*HELLO, *packets]).of("data")
    assert len(one[1]) == 2 * size + 1
    alone = hear([*HELLO, packets[0]])
    assert len(stream(alone)) == size


@given(
    data=st.binary(min_size=1, max_size=300),
    start=st.integers(0, (1 << 32) - 1),
    cuts=st.lists(st.tuples(st.integers(0, 299), st.integers(1, 80)), max_size=40),
    order=st.randoms(use_true_random=False),
)
def test_any_segments_in_any_order_give_the_stream(
    data: bytes, start: int, cuts: list[tuple[int, int]], order: object
) -> None:
    parts = [(at, data[at : at + size]) for at, size in cuts if at < len(data)]
    parts += [(at, data[at : at + 50]) for at in range(0, len(data), 50)]
    order.shuffle(parts)  # type: ignore[attr-defined]
    packets = [UP.segment(start - 1, 0, SYN)]
    packets += [UP.segment(start + at, 0, ACK, part) for at, part in parts]
    heard = hear(packets)
    assert stream(heard) == data
    assert not heard.of("gap")


def test_a_machine_that_greets_with_the_same_number_every_time() -> None:
    ending = [up(103, b"", FIN | ACK), down(500, 104, b"", FIN | ACK)]
    first = [(AT, one) for one in [*HELLO, up(100, b"one"), *ending]]
    again = [(AT + 61_000_000, one) for one in [*HELLO, up(100, b"two")]]
    assert hear([*first, *again]).of("data") == [("0.0", "one"), ("1.0", "two")]
