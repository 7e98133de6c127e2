"""The rules of GameSpy's chat by hand: floods, silence, bounds, and what is rarely asked."""

from __future__ import annotations

import random

import pytest

from proxy import registry
from proxy.message import Message, Opaque
from replay.servers._gs_chat import MOST_KEYS, PURSE, Crowd, Room, matches
from replay.servers._gs_chat_keys import answered, change
from replay.servers._gs_rooms import group_rooms
from tests.replay.rehearsal import Actor, Rehearsal

ROOM = "#GSP!gmtest!Mabc"


class Chat(Rehearsal):
    """A chat without sockets."""

    def comes(self, nick: str = "", address: str = "192.0.2.7") -> Actor:
        actor = self.enter("gamespy-chat", address=(address, 50_000))
        if nick:
            says(actor, "USER XaaaaaaaaX|1 127.0.0.1 peerchat.gamespy.com :none")
            assert says(actor, f"NICK {nick}")[-1].startswith(f":s 376 {nick} ")
        return actor

    @property
    def crowd(self) -> Crowd:
        return self.world.shared(Crowd)


def says(actor: Actor, *lines: str) -> list[str]:
    """Say lines; what is told at once, and what was told since the last time."""
    heard: list[Message] = []
    for line in lines:
        heard += actor.says(Opaque(line.encode("latin-1") + b"\r\n"))
    return texts(heard)


def told(actor: Actor) -> list[str]:
    return texts(actor.told())


def texts(messages: list[Message]) -> list[str]:
    return [one.encode().decode("latin-1").rstrip("\r\n") for one in messages]


def test_who_is_silent_is_asked_and_then_gone() -> None:
    chat = Chat()
    alice, bob, nobody = chat.comes("alice"), chat.comes("bob"), chat.comes()
    says(alice, f"JOIN {ROOM}")
    says(bob, f"JOIN {ROOM}")
    told(alice)
    chat.passes(70)
    assert nobody.closed is not None, "never came in"
    chat.passes(60)
    assert told(alice) == ["PING :s"]
    assert told(bob) == ["PING :s"]
    says(bob, "PONG :s")
    chat.passes(130)
    assert alice.closed == "Ping timeout"
    assert told(alice)[-1].startswith("ERROR :Closing Link")
    assert bob.closed is None
    assert ":alice!XaaaaaaaaX|1@* QUIT :Ping timeout" in told(bob)
    assert list(chat.crowd.nicks) == ["bob"]


def test_a_flood_is_told_to_wait_and_others_are_not() -> None:
    chat = Chat()
    crowd = [chat.comes(f"p{n}") for n in range(40)]
    for one in crowd:
        says(one, f"JOIN {ROOM}")
    loud, calm = crowd[0], crowd[1]
    told(loud)
    answers = [says(loud, f"PRIVMSG {ROOM} :{n}") for n in range(200)]
    assert answers[:100] == [[]] * 100
    assert f":s 263 p0 {ROOM} :Please wait a while and try again" in answers[-1]
    heard = [line for line in told(calm) if "PRIVMSG" in line]
    assert 100 < len(heard) <= PURSE / 40 + 1
    assert says(calm, f"PRIVMSG {ROOM} :I may") == []
    assert says(loud, f"GETCKEY {ROOM} * 001 0 :\\username")[-1].startswith(":s 263 ")
    chat.passes(5)
    assert says(loud, f"PRIVMSG {ROOM} :now") == []


def test_the_gate_before_everything() -> None:
    chat = Chat()
    one = chat.comes()
    for line in ("JOIN #x", "PRIVMSG a :b", "LIST", "WHAT"):
        assert says(one, line) == [":s 451 * :You have not registered"]
    assert says(one, "PING :abc") == [":s PONG s :abc"]
    assert says(one, "NICK #bad", "NICK") == [
        ":s 432 * #bad :Erroneous nickname",
        ":s 432 * * :Erroneous nickname",
    ]
    assert says(one, "USER x", "USER", "CRYPT des 1 gmtest")[-1].startswith(":s 705 * ")
    assert says(one, "CRYPT des 1 gmtest") == [":s 462 * CRYPT :You may not reregister"]
    assert says(one, "", "\x01\x02", "\rQUIT") == [":s 421 * * :Unknown command"] * 2
    assert one.closed is None
    stranger = chat.comes()
    assert says(stranger, "CRYPT des 1 nothing") == ["ERROR :Closing Link: No such game"]
    assert stranger.closed is not None
    assert "--game-key nothing=SECRET" in str(stranger.turn.unanswered)


def test_a_unique_nick_is_registered_and_taken() -> None:
    chat = Chat()
    one = chat.comes()
    assert says(one, "NICK *") == [":s 709 * :There is no unique nick"]
    (told_in,) = says(one, "LOGIN 1 * 900150983cd24fb0d6963f7d28e17f72 :kate@kate@example.com")
    assert told_in.startswith(":s 707 * ")
    assert says(one, "USER x 1 2 :y", "NICK *") == [":s 709 * :There is no unique nick"]
    assert says(one, "REGISTERNICK 1 kate-wins none") == [told_in]
    assert says(one, "NICK *")[0] == ":s 001 kate-wins :Welcome to the Matrix kate-wins"
    other = chat.comes()
    assert says(other, "LOGIN 1 kate-wins 00")[0].split()[4] == told_in.split()[4]
    assert says(other, "USER x 1 2 :y", "NICK *") == [
        ":s 433 * kate-wins :Nickname is already in use"
    ]
    assert says(other, "LOGIN", "LOGINPREAUTH a", "USER x")[-1].startswith(":s 461 ")


def test_small_questions() -> None:
    chat = Chat(options={"gamespy-chat.cdkeys": "no"})
    alice, bob = chat.comes("alice"), chat.comes("bob")
    assert says(alice, "ISON bob nobody ALICE") == [":s 303 alice :bob alice"]
    assert says(alice, "USERHOST bob") == [":s 302 alice :bob=+XaaaaaaaaX|1@*"]
    assert says(alice, "GETUDPRELAY #x") == [":s 712 alice #x 0 0 0"]
    assert says(alice, "CDKEY 1") == [":s 706 alice 0 :The CD key is not valid"]
    assert says(alice, "MODE alice") == [":s 221 alice +"]
    assert says(alice, "MODE alice +x", "MODE bob +q")[0].startswith(":s 501 ")
    assert says(alice, "WHO bob")[0] == ":s 352 alice * XaaaaaaaaX|1 192.0.2.7 s bob H :0 none"
    assert says(bob, "AWAY :out", "AWAY")[-1].startswith(":s 305 ")
    assert says(alice, "JOIN #a,#b,#a:c x,y")[-1].startswith(":s 476 ")
    assert says(alice, "NAMES")[-1] == ":s 366 alice * :End of NAMES list"
    assert says(alice, "SETGROUP #a 17", "TOPIC #a") == [":s 331 alice #a :No topic is set"]
    assert chat.crowd.rooms["#a"].group == "17"
    assert says(bob, "LISTLIMIT 1 #*") == [
        ":s 321 bob Channel :Users  Name",
        ":s 322 bob #a 1 :",
        ":s 323 bob :End of LIST",
    ]
    assert says(alice, "ATM #a :above", "UTM bob :x", "NOTICE bob :y") == []
    assert [line.split()[1] for line in told(bob)] == ["UTM", "NOTICE"]
    assert (
        says(bob, "KICK #a alice", "PART #a", "TOPIC #a :x", "INVITE alice #a")
        == [":s 442 bob #a :You're not on that channel"] * 4
    )
    alice.leaves()
    assert chat.crowd.rooms == {}


def test_a_game_sets_up_its_staging_room() -> None:
    """All in one line, as the makers' kit for lobbies does it."""
    chat = Chat()
    host, guest = chat.comes("host"), chat.comes("guest", "192.0.2.8")
    says(host, f"JOIN {ROOM} ")
    assert says(host, f"MODE {ROOM} -i-p-s+m-n-t+l+e 4") == [
        f":host!XaaaaaaaaX|1@* MODE {ROOM} +m-nt+le 4"
    ]
    assert says(guest, f"MODE {ROOM}") == [f":s 324 guest {ROOM} +eml 4"]
    says(host, f"MODE {ROOM} +b *!*@192.0.2.8")
    assert says(guest, f"JOIN {ROOM}") == [f":s 474 guest {ROOM} :Cannot join channel (+b)"]
    assert says(host, f"MODE {ROOM} +oz-v nobody host")[:2] == [
        ":s 441 host nobody :They aren't on that channel",
        ":s 472 host z :is unknown mode char to me",
    ]
    assert (
        says(host, f"MODE {ROOM} +k", f"MODE {ROOM} +l x")
        == [":s 461 host MODE :Not enough parameters"] * 2
    )


def test_long_lists_of_names_are_cut() -> None:
    chat = Chat()
    for n in range(60):
        actor = chat.comes(f"player-number-{n}")
        lines = says(actor, f"JOIN {ROOM}")
    names = [line for line in lines if line.split()[1] == "353"]
    assert len(names) > 1
    assert all(len(line) < 500 for line in names)
    assert sum(len(line.split(":", 2)[2].split()) for line in names) == 60


def test_group_rooms_know_who_is_in_them() -> None:
    chat = Chat(options={"gamespy-browser1.rooms": "East, West,"})
    says(chat.comes("alice"), "JOIN #GPG!2")
    rooms = list(group_rooms(chat.world, "gmtest"))
    assert [(one.number, one.name, one.waiting) for one in rooms] == [
        (1, "East", 0),
        (2, "West", 1),
    ]
    assert [one.name for one in group_rooms(Chat().world, "gmtest")] == ["Lobby"]


@pytest.mark.parametrize(
    ("mask", "text", "fits"),
    [
        ("*", "", True),
        ("*!*@*", "a!b@c", True),
        ("A?c*", "abcd", True),
        ("a*c", "abcb", False),
        ("a", "ab", False),
        ("*a" * 40, "a" * 39, False),
    ],
)
def test_masks(mask: str, text: str, fits: bool) -> None:
    assert matches(mask, text) is fits


def test_keys_have_bounds() -> None:
    keys: dict[str, str] = {}
    assert change(keys, "\\a\\1\\b_x\\2\\username\\me\\c") == {"a": "1", "b_x": "2", "c": ""}
    assert keys == {"a": "1", "b_x": "2"}
    change(keys, "".join(f"\\k{n}\\{'v' * 1000}" for n in range(1000)))
    change(keys, "".join(f"\\m{n}\\v" for n in range(1000)))
    assert len(keys) == MOST_KEYS
    assert max(map(len, keys.values())) == 255
    assert change(keys, "\\a\\") == {"a": ""}
    assert answered(["b_x", "none", "b_*"], {"b_x": "2"}) == "\\2\\\\b_x\\2"


def test_public_rooms_are_nobodys() -> None:
    for name, public in (("#GSP!gmtest", True), ("#GPG!12", True), (ROOM, False), ("#x", False)):
        assert Room(name).public is public, name


WORDS = ["#a", "#b", "#GSP!gmtest", "#GPG!1", "n1", "n2", "*", "", "+o", "-o", "+b", "+imnpstue"]
WORDS += ["+k", "+l", "5", "0", ":", "\\b_x\\1", "\\b_x", "\\b_*", "001", ",", "#a,#b", "n1,n2"]
WORDS += ["\xff", "\0", "\r", "x" * 300, "-b+v", "1", "@", "a" * 32]


@pytest.mark.parametrize("recorded", [False, True])
def test_no_line_is_a_defect(recorded: bool) -> None:
    """Any command with any words, also from who is not in; other people are not thrown out."""
    chat, draw = Chat(recorded=recorded), random.Random(7)
    quiet = chat.comes("quiet")
    says(quiet, "JOIN #quiet")
    actors = [chat.comes(f"n{n}") for n in range(4)] + [chat.comes()]
    commands = [kind.name for kind in registry.protocol("gamespy-chat").kinds] + ["AWAY", "ISON"]
    for number in range(800):
        actor = draw.choice(actors)
        if actor.closed is not None:
            actors.remove(actor)
            actor = chat.comes(f"m{number}")
            actors.append(actor)
        words = draw.choices(WORDS, k=draw.randrange(5))
        last = [" :" + " ".join(draw.choices(WORDS, k=2))] * draw.randrange(2)
        says(actor, " ".join([draw.choice(commands), *words]) + "".join(last))
    notes = [note for actor in (*actors, quiet) for note in actor.notes] + chat.notes
    assert [note for note in notes if note[0] == "defect"] == []
    assert quiet.closed is None
    assert list(chat.crowd.rooms["#quiet"].members) == [chat.crowd.nicks["quiet"]]
