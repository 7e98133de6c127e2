"""Rules as text: what is read, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.mutation.engine import Mutations
from proxy.mutation.rulefile import read_rules, rules_of, split_set
from recordings.errors import UserError
from tests.mutation.bench import UP, Bench
from tests.recordings.sample import ea

WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "the rule does nothing: give it one of set, replace"),
    ({"dorp": True}, "knows no 'dorp': did you mean drop"),
    ({"drop": True, "delay": 1}, "has 2 actions (drop, delay)"),
    ({"drop": False}, "write drop = true"),
    ({"drop": True, "probability": 0}, "probability = 0 cannot be"),
    ({"drop": True, "probability": 1.5}, "probability = 1.5 cannot be"),
    ({"drop": True, "count": 0}, "count = 0 cannot be: give 1 or more"),
    ({"drop": True, "skip": -1}, "skip = -1 cannot be: give 0 or more"),
    ({"drop": True, "seed": "x"}, "seed = 'x' cannot be: give a whole number"),
    ({"drop": True, "name": 5}, "name = 5 cannot be: give a text in quotes"),
    ({"drop": True, "raw": "yes"}, "raw = 'yes' cannot be: give true or false"),
    ({"drop": True, "filter": "~q x"}, "filter, column 1: there is no operator ~q"),
    ({"drop": True, "filter": "~b '('"}, "no regular expression"),
    ({"drop": True, "filter": "~n 5"}, "a number not known before"),
    ({"drop": True, "filter": 5}, "filter = 5 is no text"),
    ({"set": {}}, "set needs a table of fields"),
    ({"set": {"": 1}}, "'' is no field"),
    ({"set": {"auth.NAM": "x"}}, "auth has no field NAM; did you mean NAME?"),
    ({"set": {"ea-lobby.auth.NAM": "x"}}, "auth has no field NAM; did you mean NAME?"),
    ({"filter": "~k auth", "set": {"NAM": "x"}}, "auth has no field NAM; did you mean NAME?"),
    ({"filter": "~p jazz2", "set": {"uptme": 1}}, "no kind of message has a field uptme; did you "
     "mean uptime?"),
    ({"set": {"ServerStatus.user": 1}}, "ServerStatus has no field user; did you mean users?"),
    ({"set": {"jazz2.Ping.index": 256}}, "does not fit u8: give 0 to 255"),
    ({"set": {"jazz2.Ping.index": -1}}, "does not fit u8"),
    ({"delete": []}, "delete needs the name of a field"),
    ({"delete": "auth.NAM"}, "did you mean NAME?"),
    ({"replace": {"regex": "(", "with": ""}}, "is no regular expression (missing )"),
    ({"replace": {"regex": "a", "with": r"\3"}}, "invalid group reference"),
    ({"replace": {"regex": "a"}}, "replace needs one of regex, hex and text, and with"),
    ({"replace": {"hex": "6", "with": ""}}, "write two hex digits a byte"),
    ({"replace": {"hex": "", "with": "00"}}, "hex is empty"),
    ({"replace": {"text": "a", "with": "b", "times": 0}}, "not a number of times"),
    ({"replace": {"text": "a", "with": "b", "field": "auth.NAM"}}, "did you mean NAME?"),
    ({"insert": {"hex": "0a", "text": "a"}}, "insert needs one of hex and text"),
    ({"insert": {"hex": "0a", "at": "x"}}, 'write "before" or "after"'),
    ({"insert": {"text": "\u20ac"}}, "use hex for other characters"),
    ({"duplicate": 0}, "duplicate = 0 is not the number of copies"),
    ({"duplicate": True, "filter": ""}, "the filter is empty"),
    ({"delay": -1}, "delay cannot be -1 s"),
    ({"delay": 0}, "delay = 0 delays nothing"),
    ({"delay": {"second": 1}}, "delay knows no 'second': did you mean seconds?"),
    ({"reorder": "x"}, "reorder = 'x' is not the number of frames"),
    ({"truncate": -1}, "truncate = -1 is not the number of bytes"),
    ({"corrupt": True}, "corrupt = True is not the number of bits"),
    ({"fuzz": {"ways": ["nope"]}}, "'nope' is no way to fuzz: there are numbers"),
    ({"fuzz": {"changes": 0}}, "not a number of changes"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "says"), WRONG, ids=[str(given)[:60] for given, _ in WRONG])
def test_a_wrong_rule_is_refused_by_file_and_number(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as caught:
        rules_of([{"drop": True}, given], "rules.toml", live=True)
    assert str(caught.value).startswith("rules.toml, rule 2: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[rule", "is no TOML"),
        ("", "holds no rule"),
        ("x = 1", "'x' means nothing here"),
        ("rule = 5", "holds no rule"),
        ("rule = [5]", "a rule is a table"),
        ("seed = 'x'\n[[rule]]\ndrop = true", "seed = 'x' is no whole number"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=says):
        read_rules(path)
    with pytest.raises(UserError, match=r"none\.toml cannot be read"):
        read_rules(tmp_path / "none.toml")


def test_a_file_of_rules_then_what_set_says(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('seed = 4\n[[rule]]\nname = "one"\nset = { "+usr.F" = "U" }\ncount = 2\n')
    made = read_rules(path, ["auth.NAME=bob=2"])
    assert [rule.title for rule in made.rules] == ["rule 1 (one)", "--set auth.NAME=bob=2"]
    assert made.seed == "4"
    assert made.rules[0].count == 2
    assert read_rules(path, seed=9).seed == "9"


@pytest.mark.parametrize("text", ["auth.NAME", "=x", ""])
def test_a_set_without_a_value_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"write KIND\.FIELD=VALUE"):
        split_set(text)


def test_a_name_that_no_table_has_is_an_error_only_if_it_is_nowhere() -> None:
    bench = Bench({"filter": "~k auth", "set": {"ODDITY": "2"}}, protocol="ea-lobby")
    assert bench.send(UP, ea("auth", "ODDITY=1\n")) == ea("auth", "ODDITY=2\n")
    bench.mutations.check()
    nowhere = Mutations(rules_of([{"filter": "~k auth", "set": {"ODDITI": "2"}}], "rules.toml"))
    with pytest.raises(UserError, match=r"rule 1: auth has no field ODDITI; did you mean ODDITY\?"):
        nowhere.check(["ODDITY"])


def test_a_declared_field_that_a_message_lacks_is_added_and_no_other() -> None:
    login = ea("auth", "TOS=1\n")
    assert b"NAME=bob" in Bench({"set": {"auth.NAME": "bob"}}, protocol="ea-lobby").send(UP, login)
    loose = {"filter": "~d up", "set": {"NAME": "bob"}}
    assert Bench(loose, protocol="ea-lobby").send(UP, login) == login
    added = {"filter": "~k auth", "set": {"NEW": "1"}, "add": True}
    assert b"NEW=1" in Bench(added, protocol="ea-lobby").send(UP, login)


def test_a_rule_holds_only_the_flows_and_directions_that_it_may_change() -> None:
    bench = Bench({"set": {"auth.NAME": "x"}, "filter": "~d up"}, protocol="ea-lobby")
    assert [bench.tap.held(way) for way in (UP, UP.other)] == [True, False]
    for given in ({"filter": "~p jazz2", "drop": True}, {"filter": "~k Ping", "drop": True}):
        assert not Bench(given, protocol="ea-lobby").tap.held(UP)
    assert Bench({"filter": "~k zzzz", "drop": True}, protocol="ea-lobby").tap.held(UP)
