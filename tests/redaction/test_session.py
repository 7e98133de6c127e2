"""Redacted sessions decode, their proofs fit, and nothing of the players is left in the file."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from proxy import registry
from proxy.ciphers import gp_proof, passwordenc
from proxy.viewer import VIEWER
from recordings.model import Frame, Origin, Transport
from recordings.reader import Reader
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from tests.redaction.recording import AT, DOWN, UP, add, frames, redacted


def fields(frame: Frame) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(frame.fields or "{}")
    return found


def test_an_evening_of_the_ea_lobby(tmp_path: Path) -> None:
    path = tmp_path / "evening.db"
    with Recording.open(path) as recording:
        load_sample(FOLDER / "nascar-thunder-2004-evening.jsonl", recording, VIEWER)
    copy = redacted(path)
    before, after = frames(path), frames(copy)
    assert [f.kind for f in after] == [f.kind for f in before]
    assert [len(f.clear) for f in after[8:]] == [len(f.clear) for f in before[8:]]
    assert [f.error for f in after] == [f.error for f in before]
    login = next(f for f in after if f.kind == "auth")
    assert login.cipher == "ssc2"
    assert len(fields(login)["PASS"]) > 0
    assert b"WRONG" not in json.dumps([f.derived for f in after]).encode()
    content = copy.read_bytes()
    for name in (b"driver48", b"Turn4", b"BackStretch", b"00041f82bee5", b"192.0.2.20"):
        assert name in path.read_bytes()
        assert name not in content
    with Reader.open(copy) as reader:
        (session,) = reader.sessions()
        lobby = [flow for flow in reader.flows() if flow.parent_frame_id is not None]
    announced = fields(after[1])
    assert lobby[0].server == f"{announced['ADDR']}:{announced['PORT']}"
    assert session.client != "192.0.2.100"
    assert fields(login)["NAME"] != "driver48"
    assert fields(login)["PROD"] == "NASCAR-PS2-2004"


def presence(name: bytes, password: bytes) -> list[tuple[Any, bytes]]:
    """An account is made, then used; every proof fits."""
    server, client = b"ABCDEFGHIJ", b"x" * 32
    user = name + b"@" + name + b"@example.net"
    response = gp_proof.response(password, user, client, server)
    proof = gp_proof.proof(password, user, client, server)
    secret = passwordenc.encode(password)
    return [
        (DOWN, b"\\lc\\1\\challenge\\" + server + b"\\id\\1\\final\\"),
        (UP, b"\\newuser\\\\email\\" + name + b"@example.net\\nick\\" + name + b"\\passwordenc\\"
         + secret + b"\\productid\\1\\gamename\\gmtest\\namespaceid\\1\\id\\1\\final\\"),
        (UP, b"\\login\\\\challenge\\" + client + b"\\user\\" + user + b"\\response\\" + response
         + b"\\port\\6500\\productid\\1\\gamename\\gmtest\\namespaceid\\1\\id\\1\\final\\"),
        (DOWN, b"\\lc\\2\\sesskey\\12345\\proof\\" + proof
         + b"\\userid\\7\\profileid\\8\\uniquenick\\" + name + b"\\lt\\aaaaaaaaaaaaaaaaaaaaaaaa"
           b"\\id\\1\\final\\"),
        (UP, b"\\bm\\1\\sesskey\\12345\\t\\9\\msg\\this is " + name + b" speaking\\final\\"),
    ]  # fmt: skip


def test_proofs_are_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "gp.db"
    with Recording.open(path) as recording:
        add(recording, "gamespy-presence", presence(b"Wanderer", b"hunter22"))
    login = frames(path)[2]
    assert (login.derived or {})["checks"] == {"response": "ok"}
    copy = redacted(path)
    _, account, login, greeting, message = frames(copy)
    assert (login.derived or {})["checks"] == {"response": "ok"}
    assert (greeting.derived or {})["checks"] == {"proof": "ok"}
    name = fields(account)["nick"]
    assert len(name) == 8
    assert name[0].isupper()
    assert fields(login)["user"] == f"{name}@{fields(account)['email']}"
    assert fields(greeting)["uniquenick"] == name
    assert fields(message)["msg"] == f"this is {name} speaking"
    assert fields(account)["passwordenc"] != "hunter22"
    assert b"wanderer" not in copy.read_bytes().lower()
    assert b"hunter22" not in copy.read_bytes()


def test_what_is_kept_and_what_else_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "gp.db"
    with Recording.open(path) as recording:
        add(recording, "gamespy-presence", presence(b"Wanderer", b"hunter22"))
    (tmp_path / "one").mkdir()
    kept = redacted(path, keep=("name", "newuser.email", "address"))
    account = fields(frames(kept)[1])
    assert (account["nick"], account["email"]) == ("Wanderer", "Wanderer@example.net")
    with Reader.open(kept) as reader:
        assert reader.sessions()[0].client == "198.51.100.77"
    kept.unlink()
    more = redacted(path, also=("newuser.gamename", "login.port:hardware"))
    account, login = (fields(frame) for frame in frames(more)[1:3])
    assert account["gamename"] != "gmtest"
    assert login["port"] != "6500"
    assert len(login["port"]) == 4


def test_notes_and_events_stay_at_their_frames(tmp_path: Path) -> None:
    path = tmp_path / "gp.db"
    with Recording.open(path) as recording:
        flow = add(recording, "gamespy-presence", presence(b"Wanderer", b"hunter22"))
        recording.add_note("Wanderer says who he is", session_id=1, flow_id=flow, frame_id=3)
        recording.add_event("odd", "of Wanderer", at=AT, session_id=1, flow_id=flow, frame_id=2)
    with Reader.open(redacted(path)) as reader:
        (note,), (event,) = reader.notes(1), reader.events(1)
        told = {frame.id: frame.kind for frame in reader.frames()}
    with Reader.open(path) as reader:
        kinds = {frame.id: frame.kind for frame in reader.frames()}
    assert (told[note.frame_id or 0], told[event.frame_id or 0]) == (kinds[3], kinds[2])
    assert "Wanderer" not in note.text + event.detail


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "gp.db"
    with Recording.open(path) as recording:
        add(recording, "gamespy-presence", presence(b"Wanderer", b"hunter22"))
    raws = []
    for seed in ("a", "a", "b", None, None):
        copy = redacted(path, seed=seed)
        raws.append([frame.raw for frame in frames(copy)])
        copy.unlink()
    assert raws[0] == raws[1]
    assert len({str(raw) for raw in raws[1:]}) == 4


def test_frames_that_nobody_can_read(tmp_path: Path) -> None:
    path = tmp_path / "mixed.db"
    with Recording.open(path) as recording:
        add(recording, "gamespy-presence", presence(b"Wanderer", b"hunter22"))
        add(recording, "raw-tcp", [(UP, b"\x00\x01hello WANDERER, at 198.51.100.77\xff")])
    opaque = frames(redacted(path))[-1].raw or b""
    assert len(opaque) == 35
    assert opaque.startswith(b"\x00\x01hello ")
    assert opaque.endswith(b"\xff")
    assert b"WANDERER" not in opaque
    assert b"198.51.100.77" not in opaque


def test_what_was_sent_instead_and_what_was_inserted(tmp_path: Path) -> None:
    path = tmp_path / "ea.db"
    body = b"NAME=Wanderer\n\0"
    said = b"auth" + bytes(4) + (12 + len(body)).to_bytes(4, "big") + body
    with Recording.open(path) as recording:
        session = recording.add_session(game=None, client="::1", origin=Origin.RECORD, at=AT)
        flow = recording.add_flow(
            session_id=session, protocol="ea-lobby", transport=Transport.TCP, client="[::1]:5",
            server=None, opened_at=AT,
        )  # fmt: skip
        recording.append(flow, Frame(UP, AT, said, sent=said.replace(b"W", b"V")))
        recording.append(flow, Frame(UP, AT, None, sent=said))
        recording.add_event("x", "Wanderer came", at=AT, session_id=session, flow_id=flow)
        recording.add_note("on Wanderer", session_id=session, frame_id=1)
    copy = redacted(path)
    changed, inserted = frames(copy)
    assert changed.raw == inserted.sent
    assert inserted.raw is None
    for data in (changed.raw, changed.sent, inserted.sent):
        assert data is not None
        assert len(data) == len(said)
    assert b"anderer" not in copy.read_bytes()


def _vectors() -> list[Any]:
    found = []
    for name in registry.protocols():
        try:
            module = importlib.import_module(f"tests.vectors.{name.replace('-', '_')}")
        except ModuleNotFoundError:
            continue
        found += [pytest.param(name, one, id=f"{name} {one.name}") for one in module.VECTORS]
    return found


def test_every_golden_frame_still_decodes(tmp_path: Path) -> None:
    """All vectors of all protocols in one recording: kinds and sizes stay, no error is new."""
    path = tmp_path / "all.db"
    secrets: dict[str, str] = {}
    names = []
    with Recording.open(path) as recording:
        for parameter in _vectors():
            protocol, vector = parameter.values
            said = [*vector.before, (vector.direction, vector.raw)]
            secrets |= vector.secrets
            flow = add(
                recording, protocol, said, keys=vector.keys, secrets=dict(vector.secrets),
                transport=vector.transport,
            )  # fmt: skip
            names.append((flow, f"{protocol} {vector.name}"))
    given = tuple(f"{name}={secret}" for name, secret in secrets.items())
    copy = redacted(path, game_key=given)
    before: dict[int, list[Frame]] = {}
    after: dict[int, list[Frame]] = {}
    for into, file in ((before, path), (after, copy)):
        for frame in frames(file):
            into.setdefault(frame.flow_id, []).append(frame)
    wrong = {}
    for flow, name in names:
        old = [(f.kind, f.error is None) for f in before.get(flow, [])]
        new = [(f.kind, f.error is None) for f in after.get(flow, [])]
        if old != new:
            wrong[name] = (old, new, [f.error for f in after.get(flow, [])])
    assert not wrong, json.dumps(wrong, indent=1, default=str)
