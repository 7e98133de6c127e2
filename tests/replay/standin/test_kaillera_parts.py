"""What a recorded Kaillera session tells of its players, by hand."""

from __future__ import annotations

from proxy.layouts.codec import Struct
from proxy.protocols import kaillera as k
from recordings.model import Direction, Frame
from replay.adaptive.lines import Line
from replay.servers._kaillera_parts import Account, Part, Told

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
NONE = 0xFFFF


def lines(*said: tuple[Direction, Struct]) -> list[Line]:
    return [Line(one, Frame(way, at * 1_000_000, b"")) for at, (way, one) in enumerate(said)]


LOGIN = (
    (UP, k.UserInfo("alice", "MAME", 2)),
    (
        DOWN,
        k.ServerStatus(
            "",
            (k.User("bob", 20, 1, 7, 1), k.User("carol", 9, 1, 8, 6)),
            (k.Game("Duel", 5, "MAME", "bob", "1/2", 0),),
        ),
    ),
    (DOWN, k.UserJoined("alice", 9, 3, 2)),
    (DOWN, k.Info("Server", "hello")),
)
IN_BOBS_ROOM = (
    (UP, k.JoinGame("", 5, "", 0, NONE, 2)),
    (DOWN, k.PlayerInfo("", (k.Player("bob", 20, 7, 1),))),
    (DOWN, k.JoinGame("", 5, "alice", 3, 9, 2)),
    (DOWN, k.GameStatus("", 5, 0, 2, 4)),
    (UP, k.StartGame("", NONE, 255, 255)),
    (DOWN, k.StartGame("", 1, 2, 2)),
    (DOWN, k.AllReady("")),
)


def read(*said: tuple[Direction, Struct]) -> tuple[dict[str, Part], Told]:
    told = Told()
    return Account(told).read(lines(*said)), told


def test_inputs_of_both_sides_from_the_first_frame() -> None:
    """Alice sends two frames a packet; the server's rows begin with two of zeros."""
    parts, told = read(
        *LOGIN,
        *IN_BOBS_ROOM,
        (UP, k.GameData("", b"AaBb")),
        (UP, k.GameData("", b"CcDd")),
        (DOWN, k.GameData("", b"\0\0\0\0" + b"\0\0\0\0")),
        (UP, k.GameData("", b"EeFf")),
        (DOWN, k.GameData("", b"1!Aa" + b"2!Bb")),
        (DOWN, k.GameData("", b"3!Cc" + b"4!Dd")),
        (UP, k.CachedData("", 200)),
        (DOWN, k.Drop("bob", 1)),
        (DOWN, k.GameData("", b"\0\0Ee" + b"\0\0Ff")),
        (UP, k.Drop("", 0)),
        (UP, k.GameData("", b"zzzz")),
    )
    (mine,), (bobs,) = parts["alice"].matches, parts["bob"].matches
    assert (mine.rom, mine.owner, mine.size, mine.players) == ("Duel", False, 2, 2)
    assert mine.frames == [b"Aa", b"Bb", b"Cc", b"Dd", b"Ee", b"Ff", b"Ee", b"Ff"]
    assert mine.unknown == 1, "a slot that nobody knows: the packet before stands for it"
    assert (bobs.owner, bobs.frames) == (True, [b"1!", b"2!", b"3!", b"4!"])
    assert parts["carol"].matches == []
    assert [one.connection for one in parts.values()] == [2, 1, 6]
    assert [one.client for one in parts.values()] == [True, False, False]
    assert (told.motd, told.most_players) == (["hello"], 4)


def test_talk_several_games_and_an_owner_who_leaves() -> None:
    parts, told = read(
        *LOGIN,
        (UP, k.Chat("", "hi")),
        (DOWN, k.Chat("alice", "hi")),
        (DOWN, k.Chat("bob", "ho")),
        *IN_BOBS_ROOM,
        (UP, k.GameData("", b"1234")),
        (DOWN, k.StartGame("", 1, 2, 2)),
        (UP, k.GameData("", b"5678")),
        (DOWN, k.CloseGame("", 5)),
        (UP, k.GameData("", b"late")),
        (UP, k.CreateGame("", "Solo", "", 0xFFFFFFFF)),
        (DOWN, k.CreateGame("alice", "Solo", "MAME", 6)),
        (DOWN, k.JoinGame("", 6, "alice", 3, 9, 2)),
        (DOWN, k.Info("Server", "no line of the message of the day")),
        (DOWN, k.StartGame("", 1, 1, 1)),
        (UP, k.GameData("", b"90ab")),
        (UP, k.Quit("", NONE, "bye")),
    )
    matches = parts["alice"].matches
    assert [(one.rom, one.owner, b"".join(one.frames)) for one in matches] == [
        ("Duel", False, b"1234"),
        ("Duel", False, b"5678"),
        ("Solo", True, b"90ab"),
    ]
    assert parts["alice"].chats == [(4.0, "hi")]
    assert parts["bob"].chats == [(6.0, "ho")]
    assert told.motd == ["hello"]


def test_what_makes_no_sense_is_left_out() -> None:
    parts, _ = read(
        (DOWN, k.StartGame("", 1, 2, 2)),
        (DOWN, k.GameData("", b"x")),
        (UP, k.UserInfo("eve", "", 9)),
        (UP, k.GameData("", b"x")),
        (DOWN, k.StartGame("", 1, 200, 255)),
        (DOWN, k.GameData("", b"abc")),
        (DOWN, k.Drop("x", 99)),
        (DOWN, k.CloseGame("", 12)),
        (UP, k.Drop("", 0)),
    )
    assert list(parts) == ["eve"]
    assert parts["eve"].connection == 3
    assert not any(match.frames for match in parts["eve"].matches)
