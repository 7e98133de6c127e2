"""Whatever a recording holds, the reading commands show it, and show it safely."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.model import Json
from tests.recordings.commands.running import run
from tests.recordings.sample import HOSTILE, write_sample

TEXT = st.one_of(st.text(max_size=30), st.just(HOSTILE), st.just("messages[9].x"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries({"kind": JSON, "number": JSON, "fields": JSON})
FIELDS = st.one_of(
    JSON,
    st.dictionaries(TEXT, JSON, max_size=4),
    st.fixed_dictionaries({"messages": st.lists(st.one_of(MESSAGE, JSON), max_size=3)}),
)
DERIVED = st.one_of(
    st.none(), JSON, st.fixed_dictionaries({"checks": st.dictionaries(TEXT, JSON, max_size=3)})
)
BYTES = st.one_of(st.none(), st.binary(max_size=40))


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("hostile") / "victim.db")


def put(path: Path, **values: Json) -> None:
    """Frame 6 as given."""
    columns = ", ".join(f"{name} = ?" for name in values)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE frames SET {columns} WHERE id = 6", list(values.values()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=FIELDS, derived=DERIVED, raw=BYTES, plain=BYTES, sent=BYTES,
    kind=st.one_of(st.none(), TEXT), error=st.one_of(st.none(), TEXT),
    action=st.one_of(st.none(), TEXT), protocol=st.one_of(st.none(), TEXT),
)  # fmt: skip
def test_any_content_is_shown(
    victim: Path, fields: Json, derived: Json, **values: bytes | str | None
) -> None:
    put(victim, fields=json.dumps(fields), derived=json.dumps(derived), **values)
    for command, *rest in (
        ["show", "6"],
        ["show", "6", "--json"],
        ["frames", "~n 6"],
        ["frames", "~f x.y[0]=1 | ~f KIND.a~b | ~k * | ~n 6", "--nl"],
        ["stats"],
    ):
        result = run(command, victim, *rest)
        assert result.exit_code == 0, (result.output, result.exception)
        assert result.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "message", [{"fields": HOSTILE}, {"fields": [1]}, {"kind": {}}, "x", 1, []]
)
def test_a_message_of_the_wrong_form_is_no_error(victim: Path, message: Json) -> None:
    put(victim, fields=json.dumps({"messages": [message]}), kind=None)
    for text in ("~f a.b=1", "~f NAME~x", "~k a*", "~f k.a[0]"):
        assert run("frames", victim, text).exit_code == 0


@pytest.mark.parametrize("depth", [60, 999])
def test_deep_content_is_shown(victim: Path, depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    put(victim, fields=deep, derived=deep, kind="auth", error=None)
    assert run("show", victim, "6").exit_code == 0
    assert deep.replace('"', '\\"') in run("frames", victim, "~n 6", "--nl").stdout
    assert run("frames", victim, "~f " + "a." * 11 + "a=1").exit_code == 0
