"""What the manuals and the pages say to type is taken, and does what it should where it can."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import understudy
from recordings.manual import Sectioned, long_name
from recordings.samples import FOLDER, load_sample
from recordings.usage import manual_examples, named_files
from recordings.writer import Recording

HOME = Path(__file__).resolve().parent.parent
PAGES = [HOME / "README.md", HOME / "CONTRIBUTING.md", *sorted(HOME.glob("docs/*.md"))]
GOOD = {"diff": {0, 1}}
"""Exit codes of an example that went well; 0 where none are named."""
ELSEWHERE = {"archive", "browse", "demo", "doctor", "import", "record", "replay", "serve"}
"""Commands that need a network, a terminal, an extra or a file of somebody else's to run."""


def _commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def _words(line: str) -> list[str]:
    """The words of one command behind `understudy`, without what a shell does with its output."""
    words = shlex.split(line.replace("\\\n", " "), comments=True)
    ends = [i for i, word in enumerate(words) if word in {"|", ">", "&", "&&"}]
    return words[1 : min(ends, default=len(words))]


def _of_manuals() -> list[str]:
    assert isinstance(understudy.cli, click.Group)
    found = []
    for path, command in _commands(understudy.cli):
        lines = manual_examples(command)
        assert lines, f"the manual of {' '.join(path)} shows no example"
        if not isinstance(command, click.Group):
            start = " ".join(["understudy", *path])
            assert all(line.startswith(f"{start} ") or line == start for line in lines), lines
        found += lines
    return found


def _blocks() -> list[str]:
    """Every command in a block of the pages."""
    found = []
    for page in PAGES:
        text = re.sub(r" ?\\\n\s*", " ", page.read_text("utf-8"))
        lines = re.findall(r"^(?:\$ | *- run: | *)(?:sudo )?(understudy .+)$", text, re.MULTILINE)
        found += [line for line in lines if "`" not in line]
    return found


def _inline() -> list[str]:
    """The commands in sentences of the pages that leave nothing to be filled in."""
    left = re.compile(r"\b[A-Z]{3,}\b|\.\.\.|…|--help")
    found = [
        one
        for page in PAGES
        for one in re.findall(r"`(understudy [^`\n]+)`", page.read_text("utf-8"))
    ]
    return [line for line in found if line.count(" ") > 1 and not left.search(line)]


def _parse(words: list[str]) -> None:
    """What click would refuse fails here; files need not be there."""
    command: click.Command = understudy.cli
    context = click.Context(command, info_name="understudy")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, words = words[0], words[1:]
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        command, context = found, click.Context(found, context, name)
    given, rest, _ = command.make_parser(context).parse_args(words)
    assert isinstance(command, click.Group) or not rest, f"too much: {rest}"
    for param in command.get_params(context):
        value = given.get(param.name or "")
        said = isinstance(value, str) or (isinstance(value, tuple | list) and len(value) > 0)
        if isinstance(param, click.Argument):
            assert said or not param.required, f"{param.name} is missing"
        if said and not isinstance(param.type, click.Path):
            param.type_cast_value(context, value)


@pytest.mark.parametrize("line", sorted({*_of_manuals(), *_blocks(), *_inline()}))
def test_every_example_is_a_command_that_is_taken(line: str) -> None:
    _parse(_words(line))


def test_the_sections_of_a_manual_name_each_option_once() -> None:
    assert isinstance(understudy.cli, click.Group)
    found = [one for _, one in _commands(understudy.cli) if isinstance(one, Sectioned)]
    assert len(found) == 3
    for command in found:
        context = click.Context(command, info_name=command.name)
        options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
        listed = [name for names in command.sections.values() for name in names]
        assert len(listed) == len(set(listed))
        rest = {long_name(one) for one in options} - set(listed)
        assert set(listed) <= {long_name(one) for one in options}
        assert rest <= {"help", "quiet", "json", "keep-relaying"}, rest
        text = command.get_help(context)
        assert all(text.count(f"--{name} ") >= 1 for name in listed if name != "adapt")
        assert all(f"\n{title}:\n" in text for title in command.sections)


def test_the_pages_are_read() -> None:
    assert len(_blocks()) > 45
    assert len(_inline()) > 3
    assert len(_of_manuals()) > 60
    assert len(RUN) > 50


@pytest.fixture(scope="module")
def evenings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording of one evening, one of seven, and the rules that examples name."""
    folder = tmp_path_factory.mktemp("examples")
    for name, times in (("one.db", 1), ("seven.db", 7)):
        with Recording.open(folder / name) as recording:
            for _ in range(times):
                load_sample(FOLDER / "nascar-thunder-2004-evening.jsonl", recording)
    (folder / "storm.toml").write_text('[[rule]]\nset = { "mesg.TEXT" = "hi" }\n', "utf-8")
    return folder


NAMES = ("evening", "all", "again", "replayed", "mine", "changed", "share")


def _here(words: list[str]) -> bool:
    """Whether it reads what the fixture has; others are about recordings of another kind."""
    written = words[words.index("-w") + 1] if "-w" in words else ""
    read = {word.partition(".")[0] for word in words if ".understudy.db" in word} - {"*"}
    return words[0] not in ELSEWHERE and read <= {*NAMES, written.partition(".")[0]}


RUN = [line for line in sorted({*_of_manuals(), *_blocks()}) if _here(_words(line))]


@pytest.mark.parametrize("line", RUN)
def test_every_example_that_reads_a_recording_runs(
    line: str, evenings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = _words(line)
    if "--parquet" in words:
        pytest.importorskip("pyarrow")
    shutil.copytree(evenings, tmp_path, dirs_exist_ok=True)
    several = "--session" in words or any(re.search(r"\.db:\d", word) for word in words)
    written = words[words.index("-w") + 1] if "-w" in words else ""
    for name in NAMES:
        if written != f"{name}.understudy.db":
            source = tmp_path / ("seven.db" if several else "one.db")
            shutil.copy(source, tmp_path / f"{name}.understudy.db")
    monkeypatch.chdir(tmp_path)
    if words[:2] == ["note", "remove"]:
        for _ in range(4):
            note = ["note", "add", "evening.understudy.db", "--frame", "3", "here"]
            assert CliRunner().invoke(understudy.cli, note).exit_code == 0
    words = [word for word in named_files(words) if word != "--live"]  # that one waits
    result = CliRunner().invoke(understudy.cli, words, prog_name="understudy")
    assert result.exit_code in GOOD.get(words[0], {0}), result.output
    assert "Error" not in result.stderr
