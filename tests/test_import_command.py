"""understudy import, as a person uses it; and files that mean harm."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.captures.pcapng_writer import secrets
from recordings.writer import Recording
from tests.importing.making import Tape, directory_and_lobby, run
from tests.recordings.captures import making
from tests.recordings.making import rows
from tests.recordings.making import session as add_session


@pytest.fixture
def tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A capture in the folder in which the command runs."""
    monkeypatch.chdir(tmp_path)
    tape = Tape()
    directory_and_lobby(tape)
    return tape.write(tmp_path, "evening.pcap")


def test_a_recording_beside_the_capture(tape: Path) -> None:
    done = run("import", tape)
    assert done.exit_code == 0, done.output
    said = "imported evening.understudy.db: 1 session, 2 flows, 4 frames, 0 errors"
    assert done.output.strip() == said
    assert run("import", tape, "-q", "-w", "quiet.db").output == ""
    assert run("sessions", "evening.understudy.db").exit_code == 0


def test_a_recording_that_exists_is_appended_to(tape: Path, tmp_path: Path) -> None:
    with Recording.open(tmp_path / "old.db") as recording:
        add_session(recording)
    assert run("import", tape, "-w", "old.db").exit_code == 0
    assert rows(tmp_path / "old.db", "SELECT origin FROM sessions") == [("record",), ("import",)]


def test_a_damaged_capture_is_kept_as_far_as_it_goes(tape: Path, tmp_path: Path) -> None:
    tape.write_bytes(tape.read_bytes()[:-30])
    done = run("import", tape)
    assert done.exit_code == 0
    assert "evening.pcap: packet 16 is cut off" in done.output
    out = tmp_path / "evening.understudy.db"
    assert rows(out, "SELECT count(*) FROM frames") == [(4,)]
    assert rows(out, "SELECT count(*) FROM events WHERE kind = 'damaged'") == [(1,)]


def test_troubles_with_packets_are_said_once(tape: Path, tmp_path: Path) -> None:
    data = making.pcap([(making.AT, b"\x44" + bytes(30))] * 7)
    tape.write_bytes(data)
    done = run("import", tape)
    assert done.exit_code == 0
    assert "7 packets: it has an IPv4 header of 16 bytes in a packet of 0" in done.output
    found = rows(tmp_path / "evening.understudy.db", "SELECT kind, detail FROM events LIMIT 1")
    assert found == [("malformed", "packet 1: it has an IPv4 header of 16 bytes in a packet of 0")]


def test_comments_and_secrets_are_kept(tape: Path, tmp_path: Path) -> None:
    log = b"CLIENT_RANDOM 00 11\n" * 3000
    data = making.section() + making.interface()
    data += secrets(0x544C534B, log) + secrets(0x5A4E574B, b"\xff\0\1")
    data += making.enhanced(making.AT, b"\0", options=making.option(1, b"look here"))
    tape.write_bytes(data)
    assert run("import", tape).exit_code == 0
    out = tmp_path / "evening.understudy.db"
    found = "SELECT detail FROM events WHERE kind = "
    assert rows(out, f"{found} 'comment'") == [("packet 1: look here",)]
    kept = rows(out, f"{found} 'decryption-secrets'")
    assert kept == [(f"TLSK: {log.decode()}",), ("ZNWK: 0xff0001",)]
    assert run("export", out, "--pcapng", "-w", tape).exit_code == 0
    assert run("import", tape, "-w", tmp_path / "again.db").exit_code == 0
    assert rows(tmp_path / "again.db", f"{found} 'decryption-secrets'") == kept


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing.pcap",), "nothing.pcap cannot be read"),
        (("text.txt",), "is none of what can be read"),
        (("evening.pcap", "text.txt"), "is none of what can be read"),
        (("evening.pcap", "--as", "kaillera"), "not of the form PORT=PROTOCOL"),
        (("evening.pcap", "--as", "1=nothing"), "no protocol is named"),
        (("evening.pcap", "--game", "nothing"), "no game is named"),
        (("evening.pcap", "--key", "x"), "--key"),
    ],
)
def test_faults_are_one_sentence(words: tuple[str, ...], says: str, tape: Path) -> None:
    tape.with_name("text.txt").write_text("hello")
    done = run("import", *words, "-w", "out.db")
    assert done.exit_code == 1
    assert says in done.output
    assert done.output.count("\n") == 1


def seeds() -> list[bytes]:
    tape = Tape()
    directory_and_lobby(tape)
    raw = making.pcap(tape.packets)
    return [raw, making.pcapng(tape.packets), gzip.compress(raw), b'{"row": "session"}\n']


SEEDS = seeds()


@given(data=st.data())
def test_no_file_makes_more_than_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = bytearray(data.draw(st.sampled_from(SEEDS)))
    for place in data.draw(st.lists(st.integers(0, len(file) - 1), max_size=10)):
        file[place] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("harm")
    path = folder / "harm"
    path.write_bytes(bytes(file[: data.draw(st.integers(0, len(file)))]))
    done = run("import", path, "-w", folder / "out.db")
    assert done.exit_code in (0, 1)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception


def test_a_folder_is_no_file(tape: Path) -> None:
    os.mkdir("folder")
    assert "cannot be read" in run("import", "folder").output


def test_a_large_capture_is_written_by_a_second_process(
    tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run("import", tape, "-w", "small.db").output
    monkeypatch.setattr("proxy.commands.import_.LARGE", 0)
    done = run("import", tape, "-w", "large.db")
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.output == said.replace("small", "large")
    for sql in (
        "SELECT id, flow_id, number, direction, at, raw, kind, fields, error FROM frames",
        "SELECT id, session_id, parent_frame_id, protocol, client, server FROM flows",
        "SELECT name, key, frame_id FROM keys",
    ):
        assert rows(tmp_path / "large.db", sql) == rows(tmp_path / "small.db", sql)


SESSION = (
    '{"row":"session","uid":"u","client":"c","started_at":"2026-11-21T00:00:00Z"}\n'
    '{"row":"flow","flow":1,"protocol":"raw-udp","transport":"udp","client":"192.0.2.1:5",'
    '"server":"192.0.2.2:6","opened_at":0}\n'
)
FRAME = '{"row":"frame","flow":1,"direction":"c>s","at":0,"raw":"x",'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"row":"frame","fields":' + "[" * 200_000, "recursion"),
        (FRAME + '"fields":{"a":"\\udfff"},"kind":"\\udfff"}', ""),
        (FRAME.replace('"at":0', '"at":-1e16') + '"kind":"early"}', ""),
        (FRAME.replace('"at":0', '"at":1e99999999') + '"kind":"late"}', "line 3"),
    ],
)
def test_lines_of_json_that_mean_harm(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "evil.jsonl"
    path.write_text(SESSION + line + "\n", "utf-8")
    done = run("import", path, "-w", tmp_path / "a.db")
    assert isinstance(done.exception, SystemExit | None), done.exception
    assert said in done.output
    for form in ("--jsonl", "--pcapng"):
        again = run("export", tmp_path / "a.db", form, "-w", tmp_path / "again", "--session", "1")
        assert again.exit_code == 0, again.output
        back = run("import", tmp_path / "again", "-w", tmp_path / f"back{form}.db")
        assert back.exit_code == 0, back.output
        (tmp_path / "again").unlink()


def test_a_line_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.importing.files.LONGEST_LINE", 3 << 20)
    path = tmp_path / "endless.jsonl.gz"
    path.write_bytes(gzip.compress((SESSION + '{"row":"' + "A" * (9 << 20)).encode()))
    done = run("import", path, "-w", tmp_path / "a.db")
    assert "a line has more than 3,145,728 bytes" in done.output
    assert rows(tmp_path / "a.db", "SELECT count(*) FROM flows") == [(1,)]
