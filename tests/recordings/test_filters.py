"""Frame filters: what each expression finds, and what a wrong one says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import sql_functions
from recordings.errors import UserError
from recordings.filter_syntax import OPERATORS, Any, Every, Not, Term, parse
from recordings.filters import compile_filter
from recordings.reader import Reader
from tests.recordings.sample import write_sample


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    path = write_sample(tmp_path_factory.mktemp("filters") / "sample.db")
    with Reader.open(path) as opened:
        yield opened


def found(reader: Reader, text: str) -> list[int]:
    where = compile_filter(text)
    return [row["id"] for row in reader.rows(where.sql, where.parameters)]


ALL = list(range(1, 13))
CASES: list[tuple[str, list[int]]] = [
    ("~all", ALL),
    # kinds: whole names, * for anything, within bundles; a bare word is a kind
    ("~k auth", [4, 5]),
    ("~k AUTH", []),
    ("auth", [4, 5]),
    ("@dir", [1, 2]),
    ("~k aut", []),
    ("~k a*", [4, 5]),
    ("~k '*'", [n for n in ALL if n != 12]),
    ("~k Chat", [7]),
    ("~k Chat*", [7, 9]),
    ("~k [C]hat*", []),
    ("~k ?hat*", []),
    ("~k GameData", [8]),
    ("~k %", []),
    # fields
    ("~f NAME=alice", [4]),
    ("~f name=alice", [4]),
    ("~f NAME=Alice", [5]),
    ("~f NAME", [4, 5]),
    ("~f NAME!=alice", [5]),
    ("!~f NAME=alice ~k auth", [5]),
    ("~f NAME~^ALI", [4, 5]),
    ("~f NAME~(?-i:^Ali)", [5]),
    ("~f NAME~'^a.*e$'", [4, 5]),
    ("~f NAME = alice", [4]),
    ("~f NAME ~ alice", [4, 5]),
    ('~f NAME="alice"', [4]),
    ("~f MAC=", [4]),
    ("~f NAME[1]=x", [5]),
    ("~f auth.NAME=alice", [4]),
    ("~f a*.NAME=alice", [4]),
    ("~f AUTH.NAME=alice", []),
    ("~f ea-lobby.auth.NAME=alice", [4]),
    ("~f skey.NAME=alice", []),
    ("~f jazz2.auth.NAME=alice", []),
    ("~f PORT=10901", [2]),
    ("~f PORT=0x2a95", []),  # the field is a text, and not that one
    ("~f PORT>10900", [2]),
    ("~f PORT<10901", []),
    ("~f PORT<=10901", [2]),
    ("~f PORT>=0x2a95", [2]),
    ("~f ADDR>1", []),  # an address is no number
    # bundles: every message's fields, and paths into them
    ("~f username=bob", [7]),
    ("~f Chat.username=bob", [7]),
    ("~f kaillera.Chat.username=bob", [7]),
    ("~f ServerStatus.username=bob", []),
    ("~f users[0].name=bob", [7]),
    ("~f users[1].name=Carol", [7]),
    ("~f users[1].name=bob", []),
    ("~f USERS[1].PING>200", [7]),
    ("~f ServerStatus.users[1].ping=230", [7]),
    ("~f users~carol", [7]),
    ("~f messages[1].fields.text~there", [7]),
    ("~f text='hello there'", [7]),
    ("~f size=2", [8]),
    ("~f size=0x2", [8]),
    ("~f size=2.0", [8]),
    ("~f last=true", [8]),
    ("~f last=1", []),
    ("~f delay>1.4", [11]),
    ("~f none=null", [11]),
    # what the dissector derived
    ("~f checks.MAC~wrong", [4]),
    ("~f checks.PASS=ok", [4]),
    # directions, protocols, sessions, flows, ranges, errors
    ("~d up", [1, 3, 4, 8, 9, 12]),
    ("~d s>c", [2, 5, 6, 7, 10, 11]),
    ("~p ea-lobby", [1, 2, 3, 4, 5, 6]),
    ("~p EA-*", [1, 2, 3, 4, 5, 6]),
    ("~p raw-tcp", [12]),  # the frame's own, not the flow's
    ("~p gamespy-web", []),
    ("~s 2", [7, 8, 9, 10, 11, 12]),
    ("~flow 4", [9, 10, 11]),
    ("~n 3", [3]),
    ("~n 3-5", [3, 4, 5]),
    ("~n 11-", [11, 12]),
    ("~n -2", [1, 2]),
    ("~e", [6, 9]),
    ("~changed", [2, 11]),
    ("~udp", [7, 8, 9, 10, 11]),
    ("~tcp ~s 2", [12]),
    ("~src 2001:db8", [7, 8]),
    ("~dst ^203", [1, 2, 3, 4, 5, 6]),
    (r"~dst ea\.com$", [1, 2]),
    # bytes: after deciphering, in any case, exact bytes
    ("~b secret", [4]),
    ("~b SECRET", [4]),
    ("~b dpvtx", []),
    (r"~b \xff\xfe", [6]),
    (r"~b '^\xff.junk\x00$'", [6]),
    ("~b pong", [11]),  # an inserted frame is what was sent
    ("~b red|nascar", [1, 9, 12]),
    (r"~b 'red\|blue'", [12]),
    (r"~b (red\|)blue", [12]),
    ("~b '^$'", [10]),
    # and, or, not, brackets; side by side binds loosest, as in mitmproxy
    ("~k auth & ~d up", [4]),
    ("~k auth ~d up", [4]),
    ("~k auth&~d up", [4]),
    ("~k skey | ~k auth", [3, 4, 5]),
    ("~k skey|~k auth", [3, 4, 5]),
    ("~k skey | ~k auth ~d up", [3, 4]),
    ("~k skey | ~k auth & ~d down", [3, 5]),
    ("~s 1 !~d up", [2, 5, 6]),
    ("~s 1 & !(~k auth | ~k @dir)", [3, 6]),
    ("(~s 1 ~d down) | ~n 12", [2, 5, 6, 12]),
    ("!!~k skey", [3]),
    ("!~k nothing", ALL),
]


@pytest.mark.parametrize(("text", "ids"), CASES, ids=[text for text, _ in CASES])
def test_an_expression_finds_these_frames(reader: Reader, text: str, ids: list[int]) -> None:
    assert found(reader, text) == ids


def test_every_operator_is_tried() -> None:
    text = " ".join(text for text, _ in CASES)
    assert [name for name in OPERATORS if f"~{name}" not in text] == []


WRONG: list[tuple[str, int, str]] = [
    ("~k", 1, "needs a KIND"),
    ("~k login &", 11, "must follow"),
    ("~k login ~d", 10, "needs a DIRECTION"),
    ("~k ~d up", 1, "quote it, ~k '~d'"),
    ("~d sideways", 4, "use up"),
    ("~x foo", 1, "no operator ~x"),
    ("~png", 1, "~k ~png for a kind"),
    ("~chnged", 1, "did you mean ~changed"),
    ("~ k", 1, "no operator ~:"),
    ("(~k a", 1, "not closed"),
    ("~k a)", 5, "closes nothing"),
    ("~k a | | ~k b", 8, "missing before |"),
    ("& ~k a", 1, "missing before &"),
    ("()", 2, "missing before )"),
    ("~b 'abc", 4, "quote is not closed"),
    ("~b a(b", 7, "no regular expression"),
    ("~b [z-a]", 8, "no regular expression"),
    ("~f NAME~*x", 9, "no regular expression"),
    ("~f users[x]=1", 4, "is no field"),
    ("~f =1", 4, "is no field"),
    ("~f a..b=1", 4, "is no field"),
    ("~f PORT<abc", 4, "compares numbers"),
    ("~f " + "a." * 12 + "b=1", 4, "12 steps"),
    ("NAME=alice", 1, "write ~f NAME=alice"),
    ("~s one", 4, "understudy sessions"),
    ("~flow -1", 7, "understudy flows"),
    ("~n 5-3", 4, "write 3-5"),
    ("~n x", 4, "range of frame ids"),
    ("!" * 60 + "~e", 51, "50 deep"),
]


@pytest.mark.parametrize(("text", "column", "says"), WRONG, ids=[text[:30] for text, _, _ in WRONG])
def test_a_wrong_expression_points_at_the_column(text: str, column: int, says: str) -> None:
    with pytest.raises(UserError) as caught:
        compile_filter(text)
    message, picture, mark = str(caught.value).split("\n")
    assert message.startswith(f"filter, column {column}: ")
    assert says in message
    assert picture.strip() in text
    shown = mark.index("^") - 2
    assert (picture[2:] + " ")[shown] == (text + " ")[column - 1]


@pytest.mark.parametrize("text", ["", "  ", "~e " * 201, "x" * 10_001, "~b \udcff"])
def test_what_is_no_filter_at_all_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        compile_filter(text)


def test_a_kind_that_looks_like_an_operator() -> None:
    assert parse("~k ~png") == Term("k", "~png", 1, 4)
    assert parse("~k '~d'") == Term("k", "~d", 1, 4)
    assert parse("~k &lgr") == Term("k", "&lgr", 1, 4)


def test_the_tree_of_an_expression() -> None:
    tree = parse("!~e | ~tcp & ~udp ~all")
    assert isinstance(tree, Every)
    assert isinstance(tree.nodes[0], Any)
    assert tree.nodes[0].nodes[0] == Not(Term("e", "", 2, 2))


PIECES = st.sampled_from(
    [*(f"~{name}" for name in OPERATORS), *"&|!()'\"~=<[].", "a.b[0]=1", "1-2"]
)
TEXTS = st.one_of(
    st.text(max_size=40), st.lists(st.one_of(PIECES, st.text(max_size=5))).map(" ".join)
)


@given(text=TEXTS)
def test_any_text_is_a_filter_or_a_user_error(reader: Reader, text: str) -> None:
    try:
        where = compile_filter(text)
    except UserError:
        return
    assert isinstance(list(reader.rows(where.sql, where.parameters, limit=3)), list)


@given(value=st.text(max_size=20))
def test_a_quoted_value_means_itself(value: str) -> None:
    escaped = value.replace("'", "\\'")
    if value.endswith("\\") or "\\'" in value or any("\ud800" <= c <= "\udfff" for c in value):
        return  # a backslash before the quote would escape it
    assert parse(f"~k '{escaped}'") == Term("k", value, 1, 4)


def test_a_search_that_never_ends_is_ended(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_functions, "SEARCH_SECONDS", 0.05)
    with pytest.raises(UserError, match="use a simpler expression"):
        found(reader, "~f long~^(A+)+B")
    assert found(reader, "~k auth") == [4, 5]


def test_values_are_bound_and_never_sql(reader: Reader) -> None:
    hostile = "x' OR 1=1 --"
    where = compile_filter(f'~k "{hostile}" | ~f "NAME={hostile}"')
    assert hostile not in where.sql
    assert hostile in where.parameters
    assert list(reader.rows(where.sql, where.parameters)) == []


def test_the_filter_of_a_path_with_many_steps(reader: Reader) -> None:
    assert found(reader, "~f messages[0].fields.users[1].name=Carol") == [7]
