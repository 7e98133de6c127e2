"""understudy export, as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.viewer import VIEWER
from recordings.model import Direction, Frame, Origin, Transport
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from tests.importing.making import run

OWN = '''
from typing import Annotated, ClassVar

from understudy import DatagramDissector, Protocol, Transport
from understudy import U16BE, Magic, Struct, Table

TABLE = Table("my own notes")


@TABLE.message(0x07)
class Pos(Struct):
    """Where I am."""

    mark: ClassVar = Magic(b"\\x07")
    number: Annotated[U16BE, "counts"]


PROTOCOLS = (
    Protocol(
        name="own-game",
        title="a game of mine",
        transports=(Transport.UDP,),
        ports=(4001,),
        make_dissector=DatagramDissector,
        view_frame=lambda frame: TABLE[frame.direction][frame.clear[0]].decode(frame.clear),
        kinds=TABLE.kinds(),
    ),
)
'''


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with one recording."""
    monkeypatch.chdir(tmp_path)
    with Recording.open(tmp_path / "evening.understudy.db") as recording:
        load_sample(FOLDER / "nascar-thunder-2004-evening.jsonl", recording, VIEWER)
    return tmp_path


@pytest.mark.parametrize(
    ("option", "name", "beginning"),
    [
        ("--pcapng", "evening.pcapng", b"\n\r\r\n"),
        ("--jsonl", "evening.jsonl", b'{"row": "session"'),
        ("--sql", "evening.sql", b"PRAGMA application_id"),
        ("--python-vectors", "evening_vectors.py", b'"""Golden bytes'),
    ],
)
def test_a_format_has_a_file_of_its_name(
    option: str, name: str, beginning: bytes, here: Path
) -> None:
    done = run("export", "evening.understudy.db", option)
    assert done.exit_code == 0, done.output
    assert (here / name).read_bytes().startswith(beginning)
    assert f"wrote {name}" in done.output
    assert not list(here.glob("*.part"))


def test_standard_output(here: Path) -> None:
    done = run("export", "evening.understudy.db", "--jsonl", "-w", "-")
    assert json.loads(done.stdout.splitlines()[0])["row"] == "session"


def test_parquet(here: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    done = run("export", "evening.understudy.db", "~d up", "--parquet", here / "archive")
    assert done.exit_code == 0, done.output
    assert "frames below" in done.output
    for words, folder in ((("-w", "there"), "there"), ((), "evening-parquet")):
        done = run("export", "evening.understudy.db", "--parquet", *words)
        assert done.exit_code == 0, done.output
        assert list((here / folder).rglob("*.parquet"))
    done = run("export", "evening.understudy.db", "--parquet", "evening.understudy.db")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "is a file: give --parquet a folder" in done.output


def test_a_protocol_of_ones_own_is_read_everywhere(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that show what frames mean take --protocol-file, or the environment's."""
    (here / "my_own.py").write_text(OWN, "utf-8")
    assert "Where I am." in run("protocols", "own-game", "--protocol-file", "my_own.py").stdout
    with Recording.open(here / "own.db") as recording:
        session = recording.add_session(game=None, client="192.0.2.1", origin=Origin.RECORD)
        flow = recording.add_flow(
            session_id=session,
            protocol="own-game",
            transport=Transport.UDP,
            client="192.0.2.1:5000",
            server="192.0.2.2:4001",
            opened_at=1,
        )
        recording.append(flow, Frame(Direction.TO_SERVER, 2, b"\x07\x00\x05", kind="Opaque"))
    monkeypatch.setattr("proxy.registry._added", {})
    said = run("show", "own.db", "1").stdout
    assert "own-game is not known here: --protocol-file FILE brings it" in said
    monkeypatch.setenv("UNDERSTUDY_PROTOCOL_FILE", str(here / "my_own.py"))
    assert "a number  5  counts" in run("show", "own.db", "1").stdout


@pytest.mark.parametrize("option", ["--wireshark-lua=kaillera", "--mitmproxy-addon"])
def test_what_needs_no_recording(option: str, here: Path) -> None:
    done = run("export", option)
    assert done.exit_code == 0, done.output
    assert len(list(here.iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Choose one format"),
        (("--pcapng", "--sql"), "Choose one format"),
        (("--wireshark-lua", "kaillera"), "takes no FILE"),
        (("~d up", "--jsonl"), "leave the FILTER out"),
        (("--sql", "--session", "1"), "leave --session out"),
        (("--jsonl", "--deciphered"), "goes with --pcapng"),
        (("--pcapng", "--deciphered", "--forwarded"), "Choose one of"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(words: tuple[str, ...], says: str) -> None:
    done = run("export", "evening.understudy.db", *words)
    assert done.exit_code == 2
    assert says.lower() in done.output.lower()


def test_a_recording_is_never_overwritten(here: Path) -> None:
    before = (here / "evening.understudy.db").read_bytes()
    done = run("export", "evening.understudy.db", "--pcapng", "-w", "evening.understudy.db")
    assert done.exit_code == 1
    assert "is a database" in done.output
    assert (here / "evening.understudy.db").read_bytes() == before


def test_faults_are_one_sentence(here: Path) -> None:
    for words, says in (
        (("nothing.db", "--pcapng"), "nothing.db"),
        (("evening.understudy.db", "--pcapng", "-w", "no/such/folder.pcapng"), "cannot be written"),
        (("evening.understudy.db", "--session", "9", "--pcapng"), "has no session 9"),
    ):
        done = run("export", *words)
        assert done.exit_code == 1
        assert says in done.output
        assert "Traceback" not in done.output
