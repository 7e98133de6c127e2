"""A client under test, sound or with two defects planted; a process of its own, it imports nothing.

    python toy_client.py PORT [sound]

It says everything once (ea-lobby 1: kind, four bytes, length, NAME=VALUE lines) and waits for each
answer. What makes no sense, or does not come, ends it in good order.

Defects: it aborts on a value of more than 200 characters, and ends with exit code 7 on a negative
number in the answer to `rank`.
"""

import os
import re
import socket
import struct
import sys

HEAD = struct.Struct(">4s4sI")
TALK = (
    (b"auxi", b"TEXT=helmet\nCOLOUR=7\n"),
    (b"rank", b"NAME=driver48\nCOUNT=10\nSTART=0\n"),
    (b"mesg", b'TEXT="evening all"\nPRIV=""\nF=1\n'),
    (b"snap", b"INDEX=3\nFIND=driver\nRANGE=20\n"),
)


def answer(link: socket.socket, kept: bytearray) -> tuple[bytes, str] | None:
    """The next frame; None: it makes no sense or does not come."""
    while True:
        if len(kept) >= HEAD.size:
            kind, _, length = HEAD.unpack_from(kept)
            if not HEAD.size <= length <= 1 << 17:
                return None
            if len(kept) >= length:
                body = bytes(kept[HEAD.size : length])
                del kept[:length]
                return kind, body.decode("latin-1")
        try:
            data = link.recv(65536)
        except OSError:
            return None
        if not data:
            return None
        kept += data


def main(port: int, sound: bool) -> None:
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.settimeout(1.5)
        kept = bytearray()
        for kind, body in TALK:
            link.sendall(HEAD.pack(kind, bytes(4), HEAD.size + len(body) + 1) + body + b"\0")
            heard = answer(link, kept)
            if heard is None:
                return
            if not sound and re.search(r"=[^\n]{201,}", heard[1]):
                print("a value is too long\n", file=sys.stderr, flush=True)
                os.kill(os.getpid(), 9) if os.name == "posix" else os._exit(3)
            if not sound and kind == b"rank" and re.search(r"=-\d", heard[1]):
                sys.exit(7)


if __name__ == "__main__":
    main(int(sys.argv[1]), "sound" in sys.argv[2:])
