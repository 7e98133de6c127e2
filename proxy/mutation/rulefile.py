"""The TOML of rules, and one-liners of the command line, read into rules.

```toml
seed = 7                            # of all rules; --seed replaces it

[[rule]]
name = "everybody is a leader"      # optional, shown in notes
filter = "~d down"                  # a frame filter; left out: every frame
set = { "+usr.F" = "U" }            # one action
probability = 0.5                   # of the frames that the filter finds
count = 3                           # at most so many frames of a session
skip = 1                            # after leaving out so many
raw = true                          # lengths, counts, checksums, ciphers stay as they were
```
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.mutation.actions import ACTIONS
from proxy.mutation.occasion import Action
from proxy.mutation.places import Scope, read_name
from proxy.mutation.reading import Given
from recordings.errors import UserError
from recordings.filter_match import Matcher, compile_matcher, terms
from recordings.filter_syntax import Term, parse
from recordings.handed import read_toml
from recordings.model import Direction

OPTIONS = ("name", "filter", "probability", "count", "skip", "seed", "raw", "add")
RULES_LIMIT = 1000
EXAMPLE = '[[rule]], filter = "~k login", set = { NAME = "bob" }'


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule, ready for work; what it counts is kept elsewhere (`proxy.mutation.engine`)."""

    number: int
    """Counts from 1."""
    where: str
    """`rules.toml, rule 2`: for errors."""
    title: str
    """`rule 2 (everybody is a leader)`: for notes."""
    matches: Matcher
    terms: tuple[Term, ...]
    """Terms of the filter that must all hold."""
    given: Given
    act: Action
    probability: float = 1.0
    count: int | None = None
    skip: int = 0
    seed: str = ""

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions in which it may find something."""
        asked = {Direction.parse(term.value) for term in self.terms if term.operator == "d"}
        return tuple(way for way in Direction if asked <= {way})


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in their order, and the seed that all draws follow from."""

    rules: tuple[Rule, ...]
    seed: str = "0"


def read_rules(
    path: Path | None, sets: Sequence[str] = (), seed: int | None = None, *, live: bool = False
) -> RuleSet:
    """The rules of a file and of `--set`s, the file's first; raises UserError.

    `live` refuses at once what could only be refused in the midst of a game.
    """
    document = read_toml(path) if path is not None else {}
    rules = list(_of_file(path, document, live)) if path is not None else []
    for number, text in enumerate(sets, len(rules) + 1):
        rules.append(read_set(text, number, live=live))
    if seed is None:
        seed = document.get("seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise UserError(f"{path}: seed = {seed!r} is no whole number")
    return RuleSet(tuple(rules), str(seed))


def rules_of(
    tables: Iterable[dict[str, Any]], name: str = "rules", seed: int = 0, *, live: bool = False
) -> RuleSet:
    """Rules given as the tables that a TOML would hold; raises UserError."""
    rules = [_rule(table, f"{name}, rule {n}", n, live) for n, table in enumerate(tables, 1)]
    return RuleSet(tuple(rules), str(seed))


def split_set(text: str) -> tuple[str, str]:
    """`KIND.FIELD=VALUE` as name and value; raises UserError."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UserError(f"--set {text}: write KIND.FIELD=VALUE, such as auth.NAME=bob")
    return name.strip(), value


def read_set(text: str, number: int = 1, *, live: bool = False) -> Rule:
    """The rule that a `--set KIND.FIELD=VALUE` means; raises UserError."""
    name, value = split_set(text)
    kind = read_name(name).places[0].kind
    quoted = "" if kind is None else kind.replace("'", "\\'")
    table = {"set": {name: value}, "name": f"--set {text}"}
    if kind is not None:
        table["filter"] = f"~k '{quoted}'"
    return _rule(table, f"--set {text}", number, live)


def _of_file(path: Path, document: dict[str, Any], live: bool) -> Iterable[Rule]:
    for key in document:
        if key not in ("seed", "rule"):
            raise UserError(f"{path}: {key!r} means nothing here: write rules as {EXAMPLE}")
    tables = document.get("rule")
    if not isinstance(tables, list) or not tables:
        raise UserError(f"{path} holds no rule: write one such as {EXAMPLE}")
    if len(tables) > RULES_LIMIT:
        raise UserError(f"{path} holds {len(tables)} rules: {RULES_LIMIT} at most")
    for number, table in enumerate(tables, 1):
        yield _rule(table, f"{path.name}, rule {number}", number, live)


def _rule(table: Any, where: str, number: int, live: bool) -> Rule:
    if not isinstance(table, dict):
        raise UserError(f"{where}: a rule is a table such as {EXAMPLE}")
    given = Given(where, "rule", table, live=live)
    given.only(table, (*OPTIONS, *ACTIONS))
    actions = [key for key in table if key in ACTIONS]
    if len(actions) != 1:
        fact = f"has {len(actions)} actions ({', '.join(actions)})" if actions else "does nothing"
        given.fail(f"the rule {fact}: give it one of {', '.join(ACTIONS)}")
    matches, every = _filter(table.get("filter", "~all"), where, live)
    name = _typed(given, table, "name", str, "")
    action = Given(
        where,
        actions[0],
        table[actions[0]],
        Scope.of(every),
        raw=_typed(given, table, "raw", bool, False),
        add=_typed(given, table, "add", bool, False),
        live=live,
    )
    return Rule(
        number=number,
        where=where,
        title=name if name.startswith("--") else f"rule {number}{f' ({name})' if name else ''}",
        matches=matches,
        terms=every,
        given=action,
        act=ACTIONS[actions[0]](action),
        probability=_probability(given, table),
        count=_number(given, table, "count", 1),
        skip=_number(given, table, "skip", 0) or 0,
        seed=str(_typed(given, table, "seed", int, number)),
    )


def _filter(text: Any, where: str, live: bool) -> tuple[Matcher, tuple[Term, ...]]:
    if not isinstance(text, str):
        raise UserError(f'{where}: filter = {text!r} is no text: write one such as "~k login"')
    try:
        return compile_matcher(text, live=live), tuple(terms(parse(text)))
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _typed(given: Given, table: dict[str, Any], key: str, kind: type, otherwise: Any) -> Any:
    value = table.get(key, otherwise)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {str: "a text in quotes", bool: "true or false", int: "a whole number"}
        given.fail(f"{key} = {value!r} cannot be: give {words[kind]}")
    return value


def _number(given: Given, table: dict[str, Any], key: str, low: int) -> int | None:
    if key not in table:
        return None
    value: int = _typed(given, table, key, int, 0)
    if value < low:
        given.fail(f"{key} = {value} cannot be: give {low} or more")
    return value


def _probability(given: Given, table: dict[str, Any]) -> float:
    value = table.get("probability", 1.0)
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not 0 < value <= 1:
        given.fail(f"probability = {value!r} cannot be: give more than 0 and at most 1")
    return float(value)
