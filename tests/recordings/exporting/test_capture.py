"""Exported captures: what goes out comes back, whatever the recording holds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path as File
from typing import Any

import pytest

from recordings.captures.compressed import Source
from recordings.captures.packet import Packet, Remark
from recordings.captures.pcapng_writer import WORD
from recordings.captures.reading import read_packets
from recordings.exporting.addresses import Addresses, endpoint
from recordings.exporting.capture import CaptureWriter
from recordings.exporting.choice import Choice, Content
from recordings.model import Action, Direction, Frame, Key, Origin, Transport
from recordings.reader import Reader
from recordings.rows import FlowRow
from recordings.writer import Recording
from tests.importing.making import run
from tests.recordings.captures.listening import Heard, hear
from tests.recordings.captures.making import ea, kaillera
from tests.recordings.making import AT, rows

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
SECOND = 1_000_000


def flow(recording: Recording, **values: Any) -> int:
    given: dict[str, Any] = {
        "session_id": 1,
        "protocol": "ea-lobby",
        "transport": Transport.TCP,
        "client": "192.0.2.2:4000",
        "server": "203.0.113.9:10600",
        "opened_at": AT,
    }
    return recording.add_flow(**given | values)


def evening(path: File) -> None:
    """Flows of every sort, two at once, one after another on the same ports."""
    with Recording.open(path) as recording:
        recording.add_session(game="nascar-thunder-2004", client="192.0.2.2", origin=Origin.RECORD)
        recording.add_key(1, Key("rc4", b"\1\2", "rc4", UP, "given"))
        recording.add_key(1, Key("seen", b"\3"))
        lobby = flow(recording, hostname="ps2nascar04.ea.com")
        chunks = flow(
            recording,
            protocol="raw-tcp",
            client="[2001:db8::2]:5000",
            server="[2001:db8::9]:9",
            opened_at=AT + 10,
        )
        game = flow(
            recording,
            protocol="kaillera",
            transport=Transport.UDP,
            server="203.0.113.9:34850",
            opened_at=AT + 20,
        )
        at = AT + SECOND
        for number in range(30):
            way = UP if number % 3 else DOWN
            for flow_id, raw in (
                (lobby, ea("+msg", f"N={number}\nTEXT={'x' * number * 100}\n")),
                (chunks, bytes([number]) * (1 + number * 5000)),
                (game, kaillera(number, "y" * number)),
            ):
                at += 1000
                recording.append(flow_id, Frame(way, at, raw))
        recording.append(game, Frame(DOWN, at, b""))
        recording.close_flow(lobby, at + 5, "closed")
        recording.close_flow(chunks, at + 5, "reset by the client")
        again = flow(recording, opened_at=at + SECOND)
        recording.append(again, Frame(UP, at + 2 * SECOND, ea("~png", "REF=1\n")))
        recording.close_flow(again, at + 3 * SECOND, "closed")
        recording.close_flow(game, at + SECOND, "stopped")
        soon = flow(
            recording,
            protocol="kaillera",
            transport=Transport.UDP,
            server="203.0.113.9:34850",
            opened_at=at + 4 * SECOND,
        )
        recording.append(soon, Frame(UP, at + 4 * SECOND, kaillera(9, "a new game")))


def export(path: File, out: File, choice: Choice | None = None, **options: Any) -> CaptureWriter:
    with Reader.open(path) as reader, out.open("wb") as file:
        writer = CaptureWriter(reader, choice or Choice(), **options)
        for block in writer.blocks():
            file.write(block)
    return writer


def packets(path: File) -> list[Packet | Remark]:
    with Source.open(path) as source:
        return list(read_packets(source))


SAID = """
SELECT flows.protocol, client, server, hostname, opened_at, number, direction, at, hex(raw)
FROM frames JOIN flows ON flows.id = flow_id ORDER BY frames.id
"""


def test_a_round_trip_keeps_frames_times_and_order(tmp_path: File) -> None:
    path, out, back = tmp_path / "a.db", tmp_path / "a.pcapng", tmp_path / "b.db"
    evening(path)
    export(path, out)
    done = run("import", out, "-w", back)
    assert done.exit_code == 0, (done.output, done.exception)
    assert rows(back, SAID) == rows(path, SAID)
    ends = "SELECT closed_at FROM flows WHERE transport = 'tcp' ORDER BY id"
    assert rows(back, ends) == rows(path, ends)
    assert rows(back, "SELECT game FROM sessions WHERE game NOT NULL") == [("nascar-thunder-2004",)]
    assert rows(back, "SELECT name, key FROM keys WHERE source = 'given' LIMIT 1") == [
        ("rc4", b"\1\2")
    ]
    assert rows(back, "SELECT kind FROM events WHERE kind = 'comment'") == [
        ("comment",)
    ]  # the file's


def test_other_programs_see_packets_and_what_they_say(tmp_path: File) -> None:
    path, out = tmp_path / "a.db", tmp_path / "a.pcapng"
    evening(path)
    writer = export(path, out)
    found = packets(out)
    assert writer.frames == 93
    assert all(
        one.kind in ("comment", "name", "custom") for one in found if isinstance(one, Remark)
    )
    assert ("name", "ps2nascar04.ea.com") in [one[:2] for one in found if isinstance(one, Remark)]
    heard = Heard()
    heard = hear([(one.at, one.data) for one in found if isinstance(one, Packet)])
    assert not heard.of("gap")
    assert not heard.of("trouble")
    reasons = sorted(one[1] for one in heard.of("closed"))
    assert reasons == ["closed", "closed", "reset", "the capture ends"]
    silent = export(path, out, comments=False)
    assert silent.frames == 93
    assert all(not one.comments for one in packets(out) if isinstance(one, Packet))


def test_tshark_counts_the_same_and_finds_no_fault(tmp_path: File) -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed")
    path, out = tmp_path / "a.db", tmp_path / "a.pcapng"
    evening(path)
    export(path, out)
    words = [tshark, "-r", str(out), "-T", "fields"]
    for name in ("ip", "tcp", "udp"):
        words += ["-o", f"{name}.check_checksum:TRUE"]
    fields = "tcp.stream udp.stream tcp.len udp.length tcp.analysis.flags tcp.analysis.reused_ports"
    sums = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status")
    for name in (*fields.split(), *sums):
        words += ["-e", name]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    sizes: dict[str, int] = {}
    noticed = 0
    for line in done.stdout.splitlines():
        tcp, udp, size, whole, flags, reused, *verdicts = line.split("\t")
        assert "0" not in verdicts, line
        if not tcp and not udp:
            continue  # a custom block
        assert bool(flags) is bool(reused), line  # nothing but that one flow is on old ports
        noticed += bool(reused)
        name = f"tcp {tcp}" if tcp else f"udp {udp}"
        sizes[name] = sizes.get(name, 0) + (int(size) if tcp else int(whole) - 8)
    assert noticed == 1
    ours = "SELECT transport, sum(length(raw)) FROM frames JOIN flows ON flows.id = flow_id"
    tcp_sizes = [size for name, size in sizes.items() if name.startswith("tcp")]
    by_flow = rows(path, f"{ours} WHERE transport = 'tcp' GROUP BY flow_id ORDER BY flow_id")
    assert tcp_sizes == [size for _, size in by_flow]
    assert sum(sizes.values()) - sum(tcp_sizes) == rows(path, f"{ours} GROUP BY 1")[1][1]


def changed(path: File) -> None:
    """A flow in which things were done to frames."""
    with Recording.open(path) as recording:
        recording.add_session(game=None, client="192.0.2.2", origin=Origin.RECORD)
        flow_id = flow(recording, protocol="raw-udp", transport=Transport.UDP, server=None)
        for number, frame in enumerate(
            (
                Frame(UP, AT, b"wire", plain=b"clear", cipher="x", kind="K", fields='{"A":"1"}'),
                Frame(UP, AT, b"was", sent=b"is", action=Action.CHANGED),
                Frame(UP, AT, b"gone", action=Action.DROPPED),
                Frame(DOWN, AT, None, sent=b"ours", action=Action.INSERTED),
            )
        ):
            frame.at += number
            recording.append(flow_id, frame)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (Content.RAW, [b"wire", b"was", b"gone"]),
        (Content.PLAIN, [b"clear", b"was", b"gone"]),
        (Content.SENT, [b"wire", b"is", b"ours"]),
    ],
)
def test_which_bytes_of_a_frame(content: Content, wanted: list[bytes], tmp_path: File) -> None:
    path, out = tmp_path / "a.db", tmp_path / "a.pcapng"
    changed(path)
    export(path, out, Choice(content=content))
    found = [one for one in packets(out) if isinstance(one, Packet)]
    assert [one.data[28:] for one in found] == wanted
    assert found[0].comments == ("K A=1",)
    assert any("[changed]" in one.comments[0] for one in found)
    assert found[0].data[16:20] == bytes((198, 51, 100, 1))  # a server that is not known


def test_a_filter_leaves_frames_out(tmp_path: File) -> None:
    path, out = tmp_path / "a.db", tmp_path / "a.pcapng"
    evening(path)
    writer = export(path, out, Choice(where="frames.direction = 's>c' AND flow_id = 1"))
    assert writer.frames == 10
    heard = hear([(one.at, one.data) for one in packets(out) if isinstance(one, Packet)])
    assert not heard.of("gap")


def test_synthetic_addresses(tmp_path: File) -> None:
    path, out = tmp_path / "a.db", tmp_path / "a.pcapng"
    evening(path)
    export(path, out, synthetic=True)
    heard = hear([(one.at, one.data) for one in packets(out) if isinstance(one, Packet)])
    hosts = {end[0] for one in heard.conversations for end in one.ends}
    assert hosts == {"192.0.2.1", "192.0.2.3", "198.51.100.2", "198.51.100.4"}
    about = [one.data for one in packets(out) if isinstance(one, Remark) and one.kind == "custom"]
    assert all(one.startswith(WORD) for one in about)
    assert b"203.0.113" not in b"".join(about)


def row(**values: Any) -> FlowRow:
    given: dict[str, Any] = dict.fromkeys(FlowRow.__dataclass_fields__)
    given |= dict.fromkeys(("session_id", "frames", "bytes_up", "bytes_down"), 1)
    given |= {
        "id": 1,
        "protocol": "raw-udp",
        "transport": "udp",
        "client": "192.0.2.2:5",
        "server": "203.0.113.9:6",
    }
    return FlowRow(**given | {"opened_at": AT, "closed_at": AT + 10} | values)


def test_two_flows_at_once_never_share_their_endpoints() -> None:
    addresses = Addresses()
    first, second, later = (
        addresses.of(row(id=1)),
        addresses.of(row(id=2, opened_at=AT + 5)),
        addresses.of(row(id=3, opened_at=AT + 20)),
    )
    assert first == later == (("192.0.2.2", 5), ("203.0.113.9", 6))
    assert second[0] != first[0]


def test_endpoints_that_are_no_numbers() -> None:
    assert endpoint("[2001:db8::1]:80") == ("2001:db8::1", 80)
    assert endpoint("lobby.example:80") is None
    assert endpoint(None) is None
    addresses = Addresses()
    ends = [addresses.of(row(id=n, server=f"lobby.example:{n}", opened_at=n)) for n in (80, 81)]
    assert [one[1] for one in ends] == [("198.51.100.1", 80), ("198.51.100.1", 81)]


def test_a_datagram_longer_than_a_packet_is_cut_and_counted(tmp_path: File) -> None:
    path, out = tmp_path / "a.db", tmp_path / "a.pcapng"
    with Recording.open(path) as recording:
        recording.add_session(game=None, client="192.0.2.2", origin=Origin.RECORD)
        flow_id = flow(recording, protocol="raw-udp", transport=Transport.UDP)
        recording.append(flow_id, Frame(UP, AT, bytes(70_000)))
    assert export(path, out).cut == 1
    (one,) = [one for one in packets(out) if isinstance(one, Packet)]
    assert len(one.data) == 65_535
