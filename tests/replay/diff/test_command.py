"""`understudy diff`: what is printed, the files, the exit codes."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import understudy
from proxy.viewer import VIEWER
from recordings.errors import UserError
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from replay.diff.opening import read_which
from replay.diff.page import to_page
from tests.recordings.sample import HOSTILE
from tests.replay.diff.sittings import compared

RULES = """
[[rule]]
filter = "~k +usr ~f N=InfieldPass"
set = { F = "H" }
[[rule]]
filter = "~k mesg ~d down"
skip = 1
count = 1
drop = true
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`a.db`, `b.db` (the same, changed), `both.db` (two sessions)."""
    home = tmp_path_factory.mktemp("diff")
    for name, times in (("a.db", 1), ("both.db", 2)):
        with Recording.open(home / name) as recording:
            for _ in range(times):
                load_sample(FOLDER / "nascar-thunder-2004-evening.jsonl", recording, VIEWER)
    (home / "rules.toml").write_text(RULES)
    done = run("mutate", home / "a.db", "--rules", home / "rules.toml", "-w", home / "b.db")
    assert done.exit_code == 0, done.output
    return home


def run(*arguments: object) -> Result:
    return CliRunner().invoke(understudy.cli, list(map(str, arguments)))


def test_the_same_sessions_exit_0(folder: Path) -> None:
    result = run("diff", folder / "a.db", f"{folder / 'both.db'}:2")
    assert result.exit_code == 0, result.output
    assert "no difference in 74 messages" in result.output


def test_the_first_difference_is_shown_with_what_was_around_it(folder: Path) -> None:
    result = run("diff", folder / "a.db", folder / "b.db")
    assert result.exit_code == 1
    out = result.output
    assert "first difference  ea-lobby lobby, a frame 40, b frame 40:  +usr from the server" in out
    assert re.search(r"^> - s>c  \+usr I=31 N=InfieldPass F=\"\"", out, re.MULTILINE)
    assert re.search(r"^> \+ s>c  \+usr I=31 N=InfieldPass F=H", out, re.MULTILINE)
    assert '        F: "" -> H' in out
    assert "a frame 51: mesg from the server never came" in out
    assert re.search(r"^mesg +3 +2 +\. +1 ", out, re.MULTILINE)
    assert out.splitlines()[-1].startswith("1 different, 1 missing of 74 messages")
    assert "\x1b[" not in out, "no colours but on a terminal"


def test_masks_take_a_difference_away(folder: Path) -> None:
    result = run("diff", folder / "a.db", folder / "b.db", "--mask", "+usr.F")
    assert "1 missing of 74 messages" in result.output


def test_colours_on_a_terminal(folder: Path) -> None:
    arguments = ["diff", str(folder / "a.db"), str(folder / "b.db")]
    result = CliRunner().invoke(understudy.cli, arguments, color=True)
    assert "\x1b[31m" in result.output
    plain = CliRunner(env={"NO_COLOR": "1"}).invoke(understudy.cli, arguments, color=True)
    assert "\x1b[" not in plain.output


def test_json(folder: Path) -> None:
    result = run("diff", folder / "a.db", folder / "b.db", "--json")
    report = json.loads(result.output)
    assert (report["same"], report["counts"]["different"]) == (False, 1)
    assert report["first"]["changes"] == [{"field": "F", "a": "", "b": "H"}]
    assert [one["frame_a"] for one in report["differences"]] == [40, 51]
    assert 0 < report["masked"]["share"] < 1


def test_junit(folder: Path) -> None:
    path = folder / "report.xml"
    assert run("diff", folder / "a.db", folder / "b.db", "-q", "--junit", path).output == ""
    root = ElementTree.parse(path).getroot()
    assert (root.tag, root.get("failures")) == ("testsuites", "2")
    (failed,) = [one for one in root.iter("testcase") if one.get("name") == "+usr from the server"]
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == "2 same, 1 different"
    assert "frame 40 of a, frame 40 of b" in (failure.text or "")


def test_the_page_needs_nothing_else(folder: Path) -> None:
    path = folder / "report.html"
    run("diff", folder / "a.db", folder / "b.db", "-q", "--html", path)
    page = path.read_text("utf-8")
    assert "2 of 74 messages differ" in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=|url\(|@import", page)


def test_a_page_shows_what_a_peer_sent_and_never_obeys_it() -> None:
    text = "<script>alert(1)</script>"
    report = compared(f"< +msg T={text}", "< +msg T=x")
    page = to_page(report)
    assert text not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    hostile = HOSTILE.replace(" ", "").replace("\r\n", "")
    shown = to_page(compared(f"< +msg T={hostile}", "< +msg T=x"))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("a.db", "none.db"), "does not exist"),
        (("a.db", "both.db"), "holds 2 sessions: choose one as"),
        (("a.db", "both.db:9"), "has no session 9"),
        (("a.db", "a.db:0"), "sessions count from 1"),
        (("a.db", "rules.toml"), "rules.toml"),
        (("a.db", "a.db", "--mask", "news"), "write KIND.FIELD"),
        (("a.db", "a.db", "--html", "no/such/folder.html"), "cannot be written"),
    ],
)
def test_what_cannot_be_compared_exits_2(
    folder: Path, arguments: tuple[str, ...], says: str
) -> None:
    given = [folder / one if one.partition(":")[0].endswith((".db", ".toml")) else one
             for one in arguments]  # fmt: skip
    result = run("diff", *given)
    assert result.exit_code == 2
    assert says in result.output
    assert run("diff", folder / "a.db").exit_code == 2


@pytest.mark.parametrize(
    ("text", "path", "session"),
    [
        ("evening.db", "evening.db", None),
        ("evening.db:3", "evening.db", 3),
        (r"C:\games\evening.db", r"C:\games\evening.db", None),
        (r"C:\games\evening.db:12", r"C:\games\evening.db", 12),
        (r"C:evening.db:1", "C:evening.db", 1),
        ("a:b.db", "a:b.db", None),
        ("a.db:", "a.db:", None),
    ],
)
def test_file_and_session(text: str, path: str, session: int | None) -> None:
    which = read_which(text)
    assert (str(which.path), which.session) == (path, session)


def test_a_file_whose_name_ends_in_a_number_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "odd:3"
    try:
        path.touch()
    except OSError:
        pytest.skip("this system allows no colon in names")
    assert read_which(str(path)).session is None
    with pytest.raises(UserError, match="count from 1"):
        read_which(f"{tmp_path / 'x'}:0")
