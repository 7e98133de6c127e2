"""Modes of GameSpy's chat: of rooms, of players in rooms, of oneself (gamespy 9).

Letters come in any order and sign, `+ok-v bob key bob`; what was done is told in one line to all in
the room. `+b` without a mask tells the bans.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proxy.protocols.gamespy_chat import ChatLine
from replay.servers._gs_chat import (
    FEW_PARAMS,
    MOST_BANS,
    MOST_MEMBERS,
    NAME_LENGTH,
    NO_MODE,
    NO_NICK,
    NO_ROOM,
    NOT_INSIDE,
    NOT_OP,
    ROOM_LENGTH,
    SERVER,
    Room,
    User,
    clean,
    fold,
)
from replay.servers._gs_chat_rooms import RoomRules
from replay.servers._gs_people import number
from replay.standin.rules import Act, Acts, Say, hears
from replay.standin.world import Client

FLAGS = frozenset("eimnpstu")
"""Letters of a room that have no parameter: e operators obey the limit, i invited only,
m moderated, n no words from outside, p private, s secret, t operators set the topic, u no names."""
OWN_FLAGS = frozenset("iqw")
"""Letters of a player: q wants no comings and goings."""
MOST_CHANGES = 12
"""Of one line."""
OTHER_NICK, BAD_FLAG = "502", "501"


@dataclass(slots=True)
class _Change:
    """One letter that is being carried out."""

    user: User
    room: Room
    add: bool
    letter: str
    params: deque[str]

    def param(self) -> str | None:
        """The next parameter."""
        return clean(self.params.popleft(), ROOM_LENGTH) if self.params else None


Result = tuple[str, str] | None
"""What to tell: an error's numeric and what it is about, or ("", parameter); None: nothing."""


def _flag(change: _Change) -> Result:
    flags = change.room.flags
    if (change.letter in flags) == change.add:
        return None
    (flags.add if change.add else flags.discard)(change.letter)
    return "", ""


def _key(change: _Change) -> Result:
    key = change.param()
    if change.add and not key:
        return FEW_PARAMS, "MODE"
    if not change.add and not change.room.key:
        return None
    change.room.key = key[:NAME_LENGTH].replace(",", "") if change.add and key else ""
    return "", key or "*"


def _limit(change: _Change) -> Result:
    if not change.add:
        had, change.room.limit = change.room.limit, 0
        return ("", "") if had else None
    most = min(number(change.param() or ""), MOST_MEMBERS)
    if most < 1:
        return FEW_PARAMS, "MODE"
    change.room.limit = most
    return "", str(most)


def _standing(change: _Change) -> Result:
    nick = change.param()
    if not nick:
        return FEW_PARAMS, "MODE"
    members = change.room.members
    found = next((one for one in members if fold(one.nick) == fold(nick)), None)
    if found is None:
        return NOT_INSIDE, nick
    setattr(members[found], "op" if change.letter == "o" else "voice", change.add)
    return "", found.nick


def _ban(change: _Change) -> Result:
    mask, bans = change.param() or "", change.room.bans
    mask = mask if "!" in mask or "@" in mask else f"{mask}!*@*"
    if change.add and mask not in bans and len(bans) < MOST_BANS:
        bans.append(mask)
    elif not change.add and mask in bans:
        bans.remove(mask)
    else:
        return None
    return "", mask


LETTERS: dict[str, Callable[[_Change], Result]] = {
    **dict.fromkeys(FLAGS, _flag),
    "k": _key,
    "l": _limit,
    "o": _standing,
    "v": _standing,
    "b": _ban,
}


class ModeRules(RoomRules):
    """MODE in all its forms."""

    @hears("MODE")
    def mode(self, client: Client, message: ChatLine) -> Acts:
        user, params = self.user(client), message.params
        target = "".join(params[:1])
        if not target:
            return [self.error(user, FEW_PARAMS, "MODE")]
        if not target.startswith("#"):
            return self._own(user, target, "".join(params[1:2]))
        room = self.crowd.room(target)
        if room is None or (room.hidden(user) and len(params) > 1):
            return [self.error(user, NO_ROOM, target)]
        letters = "".join(params[1:2])
        if not letters:
            shown = room.modes(inside=user in room.members)
            return [Say(client, ChatLine(SERVER, "324", (user.nick, room.name, *shown)))]
        if letters.strip("+") == "b" and not any(params[2:]):
            return self._bans(user, room)
        if user not in room.members or not room.members[user].op:
            return [self.error(user, NOT_OP, room.name)]
        return self._changes(user, room, letters, deque(one for one in params[2:] if one))

    def _bans(self, user: User, room: Room) -> Iterator[Act]:
        for mask in room.bans:
            yield Say(user.client, ChatLine(SERVER, "367", (user.nick, room.name, mask)))
        yield self.says(user, "368", room.name, "End of channel ban list")

    def _changes(self, user: User, room: Room, letters: str, params: deque[str]) -> Iterator[Act]:
        done: list[tuple[str, str, str]] = []
        add = True
        for letter in letters[: 4 * MOST_CHANGES]:
            if letter in "+-":
                add = letter == "+"
                continue
            act = LETTERS.get(letter)
            if act is None:
                yield self.error(user, NO_MODE, letter)
                continue
            if len(done) >= MOST_CHANGES:
                break
            told = act(_Change(user, room, add, letter, params))
            if told is None:
                continue
            wrong, about = told
            if wrong:
                yield self.error(user, wrong, about)
            else:
                done.append(("+" if add else "-", letter, about))
        if done:
            made = ChatLine(user.prefix, "MODE", (room.name, *_written(done)))
            yield from self.everybody(room, made)

    def _own(self, user: User, target: str, letters: str) -> Iterator[Act]:
        other = self.crowd.named(target)
        if other is None:
            yield self.error(user, NO_NICK, target)
            return
        if other is not user:
            yield self.says(user, OTHER_NICK, "Cannot change mode for other users")
            return
        if not letters:
            modes = "+" + "".join(sorted(user.modes))
            yield Say(user.client, ChatLine(SERVER, "221", (user.nick, modes)))
            return
        add, done, unquiet = True, [], False
        for letter in letters[:NAME_LENGTH]:
            if letter in "+-":
                add = letter == "+"
            elif letter not in OWN_FLAGS:
                yield self.says(user, BAD_FLAG, "Unknown MODE flag")
            elif (letter in user.modes) != add:
                (user.modes.add if add else user.modes.discard)(letter)
                unquiet = unquiet or (letter == "q" and not add)
                done.append(("+" if add else "-", letter, ""))
        if done:
            yield Say(user.client, ChatLine(user.prefix, "MODE", (user.nick, *_written(done))))
        if unquiet:  # it knows nobody yet, and waits for the names
            for room in list(user.rooms.values()):
                yield from self.names(user, room)


def _written(done: list[tuple[str, str, str]]) -> tuple[str, ...]:
    """Letters with their signs, then the parameters."""
    text, last = "", ""
    for sign, letter, _ in done:
        text += (sign if sign != last else "") + letter
        last = sign
    return text, *(about for _, _, about in done if about)
