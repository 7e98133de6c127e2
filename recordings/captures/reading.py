"""Reads capture files of either format; see `recordings.captures.flows` for what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from recordings.captures import pcap, pcapng
from recordings.captures.compressed import Damaged, Source
from recordings.captures.packet import Packet, Remark
from recordings.errors import UserError

Reading = Callable[[bytes, Source], Iterator[Packet | Remark]]

FORMATS: dict[bytes, Reading] = {
    **dict.fromkeys(pcap.MAGICS, pcap.read_pcap),
    pcapng.MAGIC: pcapng.read_pcapng,
}
"""First four bytes -> what reads the rest."""


def first_bytes(source: Source, size: int = 4) -> bytes:
    """The beginning of a file, less when it is shorter; raises UserError when it is unreadable."""
    head = b""
    try:
        while len(head) < size and (more := source.read(size - len(head))):
            head += more
    except Damaged as error:
        raise UserError(f"{source.name}: {error}") from error
    return head


def read_packets(source: Source) -> Iterator[Packet | Remark]:
    """What a capture holds, in order; raises UserError for a file that is none.

    A file that breaks off ends with a remark `damaged`, which names the packet.
    """
    head = first_bytes(source)
    reading = FORMATS.get(head)
    if reading is None:
        raise UserError(f"{source.name} is no capture: give a pcap or pcapng file")
    return reading(head, source)
