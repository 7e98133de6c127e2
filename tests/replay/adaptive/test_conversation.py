"""Both sides of the sample evening, adapted: what is said, and that a wrong place is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy import registry
from proxy.keys import SessionKeys
from recordings.model import Direction, Frame, Transport
from recordings.reader import Reader
from replay.adaptive.chance import Chance
from replay.adaptive.conversation import Conversation
from replay.adaptive.lines import Line, lines_of
from replay.adaptive.matching import Matcher
from replay.adaptive.memory import Memory
from replay.playback.loading import Loaded, load
from tests.replay import clients
from tests.replay.servers import ea, kaillera

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
EA = registry.protocol("ea-lobby")


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    path = tmp_path_factory.mktemp("evening") / "taped.db"
    clients.ea_evening(path)
    with Reader.open(path) as reader:
        return load(reader, 1)


def lobby(evening: Loaded) -> list[Line]:
    return lines_of(EA, evening.frames[2])


def stage(side: Direction, memory: Memory) -> Conversation:
    return Conversation(EA, side, memory, Chance(1, lambda: 1_700_000_000_000_000))


@pytest.mark.parametrize("side", list(Direction))
def test_every_live_message_finds_its_recorded_one(side: Direction, evening: Loaded) -> None:
    lines, memory = lobby(evening), Memory(recorded=evening.keys)
    conversation = stage(side, memory)
    matcher = Matcher(lines, conversation.masks)
    last: Line | None = None
    for line in lines:
        if line.direction is side:
            (said,) = conversation.say([line], 1).frames
            assert said.message.kind == line.kind
            continue
        (heard,) = conversation.hear(line.frame.raw or b"", 1)
        (live,) = heard.lines
        match = matcher.find(live, memory, after=last)
        assert match.recorded is line
        last = line
        conversation.pair(live, line)


def test_the_password_is_enciphered_under_the_live_key(evening: Loaded) -> None:
    lines, memory = lobby(evening), Memory(recorded=evening.keys)
    conversation = stage(UP, memory)
    key = bytes(range(1, 17))
    conversation.hear(ea.tabbed("skey", f"SKEY=${key.hex()}"), 1)
    auth = next(line for line in lines if line.kind == "auth" and line.direction is UP)
    said = conversation.say([auth], 1)
    wire = ea.values(said.wire[12:])["PASS"]
    assert wire[0] == "~"
    assert ea.open_password(key, wire[1:]) == "daytona500"
    assert (said.frames[0].frame.derived or {})["checks"] == {"PASS": "ok"}


def test_learned_names_go_both_ways_and_into_later_messages(evening: Loaded) -> None:
    lines, memory = lobby(evening), Memory(recorded=evening.keys)
    conversation = stage(DOWN, memory)
    pers = next(line for line in lines if line.kind == "pers" and line.direction is UP)
    (heard,) = conversation.hear(ea.frame("pers", "PERS=Speedy\n"), 1)
    conversation.pair(heard.lines[0], pers)
    who = next(line for line in lines if line.kind == "+who")
    assert conversation.say([who], 1).frames[0].message.get("N") == "Speedy"
    ses = next(line for line in lines if line.kind == "+ses")
    message = conversation.say([ses], 1).frames[0].message
    assert {message.get(path) for path in ("NAME", "SELF", "HOST", "P1")} == {"Speedy"}
    assert message.get("OPPO") == "InfieldPass"


def test_an_echo_repeats_the_live_request(evening: Loaded) -> None:
    lines, memory = lobby(evening), Memory(recorded=evening.keys)
    conversation = stage(DOWN, memory)
    asked = next(line for line in lines if line.kind == "snap" and line.direction is UP)
    answer = next(line for line in lines if line.kind == "snap" and line.direction is DOWN)
    (heard,) = conversation.hear(ea.frame("snap", "INDEX=3\nCHAN=7\nSTART=9\nRANGE=3\n"), 1)
    conversation.pair(heard.lines[0], asked)
    message = conversation.say([answer], 1).frames[0].message
    assert message.fields() == {"INDEX": "3", "CHAN": "7", "START": "9", "RANGE": "3"}


def test_an_answer_repeats_what_the_recorded_one_repeated(evening: Loaded) -> None:
    lines, memory = lobby(evening), Memory(recorded=evening.keys)
    conversation = stage(UP, memory)
    asked, answer = [line for line in lines if line.kind == "~png"][:2]
    (heard,) = conversation.hear(ea.frame("~png", "REF=77\tTIME=0\tSESS=4711"), 1)
    conversation.pair(heard.lines[0], asked)
    said = conversation.answer(asked, heard.lines[0], answer, 1).frames[0].message
    assert (said.get("REF"), said.get("SESS")) == ("77", "4711")


def test_fresh_values_are_the_same_wherever_the_recording_repeats_them(evening: Loaded) -> None:
    lines, memory = lines_of(EA, evening.frames[1]), Memory(recorded=evening.keys)
    directory = next(line for line in lines if line.direction is DOWN)
    said = stage(DOWN, memory).say([directory], 1).frames[0].message
    assert said.get("SESS") != "1189120374"
    ping = next(line for line in lobby(evening) if line.kind == "~png")
    assert stage(DOWN, memory).say([ping], 1).frames[0].message.get("SESS") == said.get("SESS")


def test_an_unreadable_message_is_said_as_it_was() -> None:
    frame = Frame(UP, 1, b"mesg" + bytes(7) + b"\x0e\xff\x00", error="lost: nobody knows")
    (line,) = lines_of(EA, [frame])
    assert line.opaque
    assert stage(UP, Memory()).say([line], 1).wire == frame.raw


class TestBundles:
    """A protocol that numbers its messages and repeats the last ones."""

    protocol = registry.protocol("kaillera")

    def recorded(self, tmp_path: Path) -> list[Line]:
        clients.kaillera_game(tmp_path / "taped.db", inputs=12)
        with Reader.open(tmp_path / "taped.db") as reader:
            loaded = load(reader, 1)
        return lines_of(self.protocol, loaded.frames[2])

    def test_a_line_is_a_new_message(self, tmp_path: Path) -> None:
        up = [line for line in self.recorded(tmp_path) if line.direction is UP]
        assert [line.number for line in up] == list(range(len(up)))
        data = [line.message.get("data") for line in up if line.kind == "GameData"]
        assert data == [bytes([number % 7, 0x10]) for number in range(12)]  # none by its slot

    def test_numbers_and_repetitions_are_our_own(self, tmp_path: Path) -> None:
        up = [line for line in self.recorded(tmp_path) if line.direction is UP]
        conversation = Conversation(
            self.protocol, UP, Memory(SessionKeys()), Chance(1, lambda: 1), transport=Transport.UDP
        )
        wires = [conversation.say([line], 1).wire for line in up[3:7]]
        assert [wire[0] for wire in wires] == [1, 2, 3, 3]
        assert [int.from_bytes(wire[1:3], "little") for wire in wires] == [0, 1, 2, 3]
        again = conversation.say_again(2)
        assert again is not None
        assert again.wire == wires[-1]
        assert again.frames[0].lines == []  # nothing new in it

    def test_a_datagram_of_several_new_messages(self) -> None:
        session = kaillera.Session(kaillera.World(1))
        session._next_out = 0
        several = session._bundle([(7, b"x\0one\0"), (7, b"x\0two\0")])
        conversation = Conversation(self.protocol, UP, Memory(), Chance(1, lambda: 1))
        (heard,) = conversation.hear(several, 1)
        assert [line.message.get("text") for line in heard.lines] == ["one", "two"]
        assert conversation.hear(several, 2)[0].lines == []


def line_of(protocol: str, side: Direction, data: bytes) -> Line:
    frame = Frame(side, 1, data)
    (line,) = lines_of(registry.protocol(protocol), [frame])
    assert not line.opaque, line.message
    return line


def test_a_cookie_that_came_by_another_protocol() -> None:
    memory, chance = Memory(), Chance(1, lambda: 1)
    told = b"\xfe\xfd\x06KEY!MSG!\xfd\xfc\x1e\x66\x6a\xb2"
    query = Conversation(registry.protocol("gamespy-query"), UP, memory, chance)
    (heard,) = query.hear(told + b"\x11\x22\x33\x44", 1)
    query.pair(heard.lines[0], line_of("gamespy-query", DOWN, told + b"\x00\x00\x30\x39"))
    init = b"\xfd\xfc\x1e\x66\x6a\xb2\x03\x00\x00\x00\x30\x39" + bytes([0, 1, 1])
    init += bytes([192, 168, 0, 9]) + b"\x19\x64" + b"gmtest\0"
    natneg = Conversation(
        registry.protocol("gamespy-natneg"), UP, memory, chance, local=("127.0.0.1", 6500)
    )
    (said,) = natneg.say([line_of("gamespy-natneg", UP, init)], 1).frames
    assert said.message.get("cookie") == 0x11223344
    assert (said.message.get("local_ip"), said.message.get("local_port")) == ("127.0.0.1", 6500)


def test_a_proof_that_cannot_be_made_stands_with_what_it_proves() -> None:
    protocol = registry.protocol("gamespy-cdkey")
    resp = "0123456789abcdef0123456789abcdef" + "00001234" + "fedcba9876543210fedcba9876543210"
    clear = (f"\\auth\\\\pid\\10\\ch\\abcdefgh\\resp\\{resp}\\ip\\16777343\\skey\\4711").encode()
    key = b"gamespy"
    wire = bytes(byte ^ key[at % 7] for at, byte in enumerate(clear))
    (heard,) = protocol.dissector(SessionKeys()).feed(UP, wire, 1)
    (line,) = lines_of(protocol, [heard])
    conversation = Conversation(protocol, UP, Memory(), Chance(1, lambda: 1))
    message = conversation.say([line], 1).frames[0].message
    assert (message.get("ch"), message.get("resp")) == ("abcdefgh", resp)
