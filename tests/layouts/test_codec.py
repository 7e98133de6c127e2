"""The declarative layer: both ways for every wire type, errors, paths, documentation."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.layouts.codec import (
    I8,
    I16BE,
    I16LE,
    I32BE,
    I32LE,
    U8,
    U16BE,
    U16LE,
    U32BE,
    U32LE,
    U64BE,
    U64LE,
    Array,
    Bytes,
    Choice,
    Count,
    CString,
    Decimal,
    Either,
    Int,
    Ipv4,
    Magic,
    Maybe,
    Padded,
    Prefixed,
    Rest,
    RestText,
    Struct,
    Table,
    Tagged,
    Text,
    describe,
)
from proxy.message import FieldError, WireError
from recordings.model import Direction, Span

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
TABLE = Table("the reference, section 3")


class Numbers(Struct):
    """Every width, sign and order."""

    a: U8
    b: U16LE
    c: U16BE
    d: U32LE
    e: U32BE
    f: U64LE
    g: U64BE
    h: I8
    i: I16LE
    j: I16BE
    k: I32LE
    m: I32BE


class User(Struct):
    name: CString
    ping: Annotated[U32LE, "round trip in ms"]
    status: U8
    user_id: U16LE
    conn: Annotated[int, Int("B"), {1: "LAN", 2: "Excellent"}]


class Game(Struct):
    rom: CString
    game_id: U32LE


@TABLE.message(0x04, DOWN)
class ServerStatus(Struct):
    """Everybody who is here.

    Sent once.
    """

    username: CString
    n_users: ClassVar = Count("users", Int("<I"))
    n_games: ClassVar = Count("games", Int("<I"))
    users: Annotated[tuple[User, ...], Array(User)]
    games: Annotated[tuple[Game, ...], Array(Game)]


@TABLE.message(0x07)
class Chat(Struct):
    """A line."""

    username: CString
    text: CString


class Other(Struct):
    tag_: U8
    body: Annotated[bytes, Rest()]


class Mixed(Struct):
    magic: ClassVar = Magic(b"\xfe\xfd")
    host: Annotated[str, Ipv4()]
    back: Annotated[str, Ipv4(reverse=True)]
    port: U16BE
    cookie: Annotated[bytes, Bytes(3)]
    label: Annotated[str, Padded(6)]
    name: Annotated[str, Prefixed(Int("B"), RestText())]
    whole: Annotated[bytes, Prefixed(Int("<H"), Rest(), extra=2)]
    price: Annotated[int, Decimal(b"$")]
    line: Annotated[str, Text(b"\r\n")]
    pair: Annotated[tuple[int, ...], Array(Int(">H"), 2)]
    few: Annotated[tuple[Game, ...], Array(Game, Int("B"))]
    inner: Chat
    body: Annotated[Struct, Tagged(Int("B"), TABLE[UP], Other)]


class Tail(Struct):
    size: U8
    extra: Annotated[int | None, Maybe(Int("<H"))] = None
    more: Annotated[str | None, Maybe(Text())] = None


class Items(Struct):
    items: Annotated[tuple[Game, ...], Array(Game)]


class Wide(Struct):
    first: U8
    second: U8
    text: CString


class Narrow(Struct):
    text: CString


class Ways(Struct):
    items: Annotated[tuple[Any, ...], Either(Array(Narrow, Int("B")), Array(Wide, Int("B")))]


def _chosen(data: bytes, offset: int, end: int) -> type[Struct]:
    return Narrow if data[offset] > 9 else Wide


class Chosen(Struct):
    part: Annotated[Narrow | Wide, Choice(_chosen, "narrow or wide")]


class Empty(Struct):
    rest: Annotated[bytes, Rest()]


class Many(Struct):
    n: ClassVar = Count("items", Int("<I"))
    items: Annotated[tuple[Empty, ...], Array(Empty)]


class Named(Struct, kw_only=True):
    mode: U8 = 7


class NamedMore(Named):
    text: CString


STATUS = ServerStatus(
    "",
    tuple(User(f"u{n}", n, 1, n, 1) for n in range(20)),
    tuple(Game(f"r{n}", n) for n in range(10)),
)
MIXED = Mixed(
    "192.0.2.7",
    "192.0.2.8",
    0x1234,
    b"abc",
    "ab",
    "bob",
    b"xyz",
    42,
    "hi",
    (1, 2),
    (Game("a", 5),),
    Chat("x", "y"),
    Chat("p", "q"),
)
MIXED_BYTES = bytes.fromhex(
    "fefd"  # magic
    "c0000207"  # host
    "080200c0"  # back
    "1234"  # port
    "616263"  # cookie
    "616200000000"  # label
    "03 626f62"  # name
    "0500 78797a"  # whole: the length counts its own two bytes
    "343224"  # price "42$"
    "6869 0d0a"  # line
    "0001 0002"  # pair
    "01 6100 05000000"  # few
    "7800 7900"  # inner
    "07 7000 7100"  # body: tag, username, text
)


# -- both ways -------------------------------------------------------------------------------------


def test_every_number() -> None:
    raw = bytes.fromhex(
        "01 0200 0003 04000000 00000005 0600000000000000 0000000000000007"
        "ff feff fffd fcffffff fffffffb"
    )
    message = Numbers.decode(raw)
    assert message == Numbers(1, 2, 3, 4, 5, 6, 7, -1, -2, -3, -4, -5)
    assert message.encode() == raw


def test_every_wire_type_against_golden_bytes() -> None:
    assert MIXED.encode() == MIXED_BYTES
    assert Mixed.decode(MIXED_BYTES) == MIXED


@pytest.mark.parametrize("message", [STATUS, MIXED, Items((Game("a", 1),)), NamedMore("a", mode=3)])
def test_back_and_forth(message: Struct) -> None:
    assert type(message).decode(message.encode()) == message


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("05", Tail(5)),
        ("05 0700", Tail(5, 7)),
        ("05 0700 6100", Tail(5, 7, "a")),
    ],
)
def test_a_tail_may_be_missing(raw: str, message: Tail) -> None:
    assert Tail.decode(bytes.fromhex(raw)) == message
    assert message.encode() == bytes.fromhex(raw)


@pytest.mark.parametrize("text", ["", "ab", "abcdef", "a\0b"])
def test_padded_text_keeps_what_is_inside(text: str) -> None:
    message = MIXED.set("label", text)
    assert Mixed.decode(message.encode()).label == text


@given(data=st.binary(max_size=80))
def test_whatever_is_read_encodes_back(data: bytes) -> None:
    for cls in (Numbers, ServerStatus, Chat, Mixed, Tail, Items, Ways, Chosen):
        for raw in (data, MIXED_BYTES[: len(data)] + data):
            try:
                message = cls.decode(raw)
            except WireError:
                continue
            assert cls.decode(message.encode()) == message


@given(
    rows=st.lists(
        st.builds(
            User,
            st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=9),
            *(st.integers(0, (1 << bits) - 1) for bits in (32, 8, 16, 8)),
        )
    )
)
def test_any_users_go_there_and_back(rows: list[User]) -> None:
    message = ServerStatus("", tuple(rows), ())
    assert ServerStatus.decode(message.encode()) == message


def test_text_is_latin_1_to_the_byte() -> None:
    every = bytes(range(1, 256))
    message = Chat.decode(every + b"\0\0")
    assert message.username.encode("latin-1") == every
    assert message.encode() == every + b"\0\0"


# -- unions ----------------------------------------------------------------------------------------


def test_an_unknown_tag_goes_to_the_other_class() -> None:
    raw = MIXED_BYTES[:-5] + b"\x99\xab"
    message = Mixed.decode(raw)
    assert message.body == Other(0x99, b"\xab")
    assert message.encode() == raw
    assert message.fields()["body"] == {"kind": "Other", "tag_": 0x99, "body": "ab"}


def test_an_unknown_tag_without_another_class_is_an_error() -> None:
    class Only(Struct):
        body: Annotated[Struct, Tagged(Int("B"), {})]

    with pytest.raises(WireError, match=r"Only.body at offset 0: no message has the tag 0x07"):
        Only.decode(b"\x07")


@pytest.mark.parametrize(
    ("raw", "first"), [("02 6100 6200", Narrow("a")), ("01 0100 6100", Wide(1, 0, "a"))]
)
def test_the_first_way_that_fits_is_taken(raw: str, first: Struct) -> None:
    message = Ways.decode(bytes.fromhex(raw))
    assert message.items[0] == first
    assert message.encode() == bytes.fromhex(raw)


@pytest.mark.parametrize(("raw", "kind"), [("6100", "Narrow"), ("0102 6100", "Wide")])
def test_a_choice_shows_its_kind(raw: str, kind: str) -> None:
    message = Chosen.decode(bytes.fromhex(raw))
    assert message.encode() == bytes.fromhex(raw)
    assert message.fields()["part"]["kind"] == message.get("part.kind") == kind
    assert message.set("part.kind", kind) == message
    assert message.set("part.text", "b").get("part.text") == "b"
    with pytest.raises(ValueError, match="follows from the fields"):
        message.set("part.kind", "Chat")


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "raw", "error"),
    [
        (
            ServerStatus,
            STATUS.encode()[:128],
            "ServerStatus.users[10].ping at offset 123: needs 8 bytes, 5 left",
        ),
        (Chat, b"a\0b", "Chat.text at offset 2: the text has no NUL at its end"),
        (Chat, b"a\0b\0c", "Chat at offset 4: 1 bytes left over"),
        (Chat, b"", "Chat.username at offset 0: the text has no NUL at its end"),
        (Numbers, b"\1", "Numbers.a at offset 0: needs 3 bytes, 1 left"),
        (Mixed, b"\xfe\xfe" + MIXED_BYTES[2:], "Mixed.magic at offset 0: the frame does not hold"),
        (Mixed, MIXED_BYTES[:26], "Mixed.whole at offset 25: needs 2 bytes, 1 left"),
        (Mixed, MIXED_BYTES[:29], "Mixed.whole at offset 27: needs 3 bytes, 2 left"),
        (Items, b"a\0\1\0\0\0b\0\1", "Items.items[1].game_id at offset 8: needs 4 bytes, 1 left"),
        (Ways, b"\1", "Ways.items[0].text at offset 1: the text has no NUL at its end"),
        (Tail, b"\1\2", "Tail.extra at offset 1: needs 2 bytes, 1 left"),
    ],
)
def test_an_error_names_path_offset_and_fact(cls: type[Struct], raw: bytes, error: str) -> None:
    with pytest.raises(WireError) as caught:
        cls.decode(raw)
    assert str(caught.value).startswith(error)


@pytest.mark.parametrize(
    ("at", "by", "error"),
    [
        (25, b"\1\0", "Mixed.whole at offset 25: a length of 1 is less than 2"),
        (30, b"4x$", "Mixed.price at offset 30: '4x' is no number"),
    ],
)
def test_a_spoilt_value_is_named(at: int, by: bytes, error: str) -> None:
    with pytest.raises(WireError) as caught:
        Mixed.decode(MIXED_BYTES[:at] + by + MIXED_BYTES[at + len(by) :])
    assert str(caught.value) == error


def test_a_lying_count_takes_no_time_and_no_memory() -> None:
    with pytest.raises(WireError, match=r"Many.items\[0\] at offset 4: an item is empty"):
        Many.decode(b"\xff\xff\xff\xff")
    with pytest.raises(WireError, match=r"ServerStatus.users\[0\].name at offset 9"):
        ServerStatus.decode(b"\0" + b"\xff" * 8)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (Chat("a\0", "b"), "Chat.username: 'a\\x00' holds a NUL"),
        (Chat("a", "\u20ac"), "Chat.text: "),
        (Game("a", 1 << 32), "Game.game_id: "),
        (Game("a", "1"), "Game.game_id: "),  # type: ignore[arg-type]
        (MIXED.set("label", "a"), None),
    ],
)
def test_what_cannot_be_written_is_named(message: Struct, error: str | None) -> None:
    if error is None:
        assert message.encode()
        return
    with pytest.raises(ValueError, match=error.replace("\\", "\\\\")):
        message.encode()


def test_a_doubled_tag_is_an_error_at_once() -> None:
    with pytest.raises(TypeError, match="tag 0x07 c>s is both Chat and Narrow"):
        TABLE.message(0x07, UP)(Narrow)


def test_a_layout_without_sense_is_an_error() -> None:
    class NoWire(Struct):
        text: str

    class NoList(Struct):
        n: ClassVar = Count("text", Int("B"))
        text: CString

    class NoName(Struct):
        get: CString  # type: ignore[assignment]

    with pytest.raises(TypeError, match=r"NoName.get has the name of a method"):
        NoName.decode(b"\0")
    with pytest.raises(TypeError, match=r"NoWire.text names 0 wire types"):
        NoWire.decode(b"")
    with pytest.raises(TypeError, match=r"NoList.n counts 'text', which is no list behind it"):
        NoList.decode(b"")


# -- paths -----------------------------------------------------------------------------------------


def test_get_and_set_by_path() -> None:
    assert STATUS.get("users[3].name") == "u3"
    assert STATUS.get("users[3]") == STATUS.users[3]
    changed = STATUS.set("users[3].ping", "0x20")
    assert (changed.get("users[3].ping"), STATUS.get("users[3].ping")) == (32, 3)
    assert changed != STATUS


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("host", "198.51.100.1", "198.51.100.1"),
        ("port", "0x10", 16),
        ("cookie", "616263", b"abc"),
        ("label", "abc", "abc"),
        ("name", "x" * 255, "x" * 255),
        ("whole", "00ff", b"\0\xff"),
        ("price", "7", 7),
        ("pair", "[3, 4]", (3, 4)),
        ("pair[1]", "9", 9),
        ("few", '[{"rom": "z", "game_id": 2}]', (Game("z", 2),)),
        ("few[0]", {"rom": "z", "game_id": 2}, Game("z", 2)),
        ("inner.text", "new", "new"),
        ("body.text", "new", "new"),
    ],
)
def test_text_is_taken_for_every_type(path: str, text: Any, value: Any) -> None:
    changed = MIXED.set(path, text)
    assert changed.get(path) == value
    assert Mixed.decode(changed.encode()) == changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("port", "65536"),
        ("port", "many"),
        ("port", 1.5),
        ("host", "1.2.3"),
        ("host", "1.2.3.256"),
        ("cookie", "61"),
        ("cookie", "xyz"),
        ("label", "abcdefg"),
        ("name", "x" * 256),
        ("line", "a\r\nb"),
        ("pair", "[1]"),
        ("few[0]", {"rom": "z"}),
        ("inner", "text"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(path: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^Mixed\.{path.replace('[', '.')[:4]}"):
        MIXED.set(path, value)


def test_a_named_value_can_be_set_by_its_name() -> None:
    assert STATUS.set("users[0].conn", "excellent").users[0].conn == 2
    assert STATUS.set("users[0].conn", 77).users[0].conn == 77, "unknown values are kept"


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("usrs", "users"),
        ("users[2].pin", "users[2].ping"),
        ("users[99].ping", "users["),
        ("n_users", "users"),
        ("users.name", "username"),
    ],
)
def test_a_wrong_path_names_the_nearest(path: str, near: str) -> None:
    for use in (STATUS.get, lambda path: STATUS.set(path, "1"), STATUS.delete):
        with pytest.raises(FieldError) as caught:
            use(path)
        assert f"ServerStatus has no field {path}; did you mean {near}" in str(caught.value)


def test_delete_takes_items_and_tails() -> None:
    assert [user.name for user in STATUS.delete("users[0]").users[:2]] == ["u1", "u2"]
    assert Tail(1, 2).delete("extra") == Tail(1)
    with pytest.raises(FieldError, match="can be left out"):
        STATUS.delete("users[1].ping")


def test_fields_are_ready_for_json() -> None:
    assert MIXED.fields() == {
        "host": "192.0.2.7",
        "back": "192.0.2.8",
        "port": 0x1234,
        "cookie": "616263",
        "label": "ab",
        "name": "bob",
        "whole": "78797a",
        "price": 42,
        "line": "hi",
        "pair": [1, 2],
        "few": [{"rom": "a", "game_id": 5}],
        "inner": {"username": "x", "text": "y"},
        "body": {"kind": "Chat", "username": "p", "text": "q"},
    }


def test_spans_cover_what_each_field_holds() -> None:
    spans = {span.path: MIXED_BYTES[span.start : span.end] for span in MIXED.spans()}
    assert spans["port"] == b"\x12\x34"
    assert spans["name"] == b"bob"
    assert spans["whole"] == b"xyz"
    assert spans["pair[1]"] == b"\0\2"
    assert spans["few[0].game_id"] == b"\5\0\0\0"
    assert spans["body.text"] == b"q\0"
    assert Span("users[0].name", 9, 12) in STATUS.spans()


# -- messages --------------------------------------------------------------------------------------


def test_messages_are_immutable_values() -> None:
    chat = Chat("a", "b")
    with pytest.raises(AttributeError):
        chat.text = "c"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        chat.other = 1  # type: ignore[attr-defined]
    assert chat == Chat("a", "b") != Chat("a", "c")
    assert hash(chat) == hash(Chat("a", "b"))
    assert not hasattr(chat, "__dict__")


def test_the_table_knows_tags_and_kinds() -> None:
    assert TABLE[UP] == {0x07: Chat}
    assert TABLE[DOWN] == {0x04: ServerStatus, 0x07: Chat}
    assert (Chat.tag, Chat.kind) == (0x07, "Chat")


def test_docs_derive_from_the_layout() -> None:
    chat, status = sorted(TABLE.kinds(), key=lambda kind: kind.name)
    assert (chat.name, chat.directions, chat.meaning) == ("Chat", (UP, DOWN), "A line.")
    assert (status.meaning, status.source) == (
        "Everybody who is here.",
        "the reference, section 3",
    )
    fields = {field.name: (field.type, field.meaning) for field in status.fields}
    assert fields["users"] == ("list of User", "")
    assert fields["users[].ping"] == ("u32le", "round trip in ms")
    assert fields["users[].conn"] == ("u8", "1 LAN, 2 Excellent")
    assert "n_users" not in fields
    inner = [field.name for field in describe(Mixed, (UP,)).fields]
    assert "inner.username" in inner


class Short(Struct):
    number: Annotated[U8, "which one"]


class Long(Struct):
    number: Annotated[U8, "which one"]
    text: Annotated[str, Text(), "what it says"]
    mark: U8


class Ending(Choice):
    options = (Short, Long)


class Several(Struct):
    many: Annotated[Any, Either(Array(Short, Int("B")), Array(Long, Int("B")))]
    end: Annotated[Any, Ending(lambda *_: Short, "short or long")]


def test_docs_name_the_fields_of_every_alternative() -> None:
    assert [(one.name, one.meaning) for one in describe(Several, (UP,)).fields] == [
        ("many", ""),
        ("many[].number", "which one"),
        ("many[].text", "Long: what it says"),
        ("many[].mark", "Long"),
        ("end", ""),
        ("end.number", "which one"),
        ("end.text", "Long: what it says"),
        ("end.mark", "Long"),
    ]


def test_docs_give_the_number_on_the_wire() -> None:
    assert {kind.name: kind.tag for kind in TABLE.kinds()} == {
        cls.kind: f"0x{tag:02x}" for way in Direction for tag, cls in TABLE[way].items()
    }
    assert describe(Short, (UP,)).tag == ""
