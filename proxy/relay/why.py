"""Why a server cannot be reached, for a person: the system's words name neither fact nor cure."""

from __future__ import annotations

import errno
import socket

_CURES = {
    errno.ECONNREFUSED: "nothing listens there: start the server, or see to its address and port",
    errno.ETIMEDOUT: "it does not answer: see whether it runs, and to its address and port",
    errno.ENETUNREACH: "no network leads there: see to its address, and to this machine's network",
    errno.EHOSTUNREACH: "no network leads there: see to its address, and to this machine's network",
    errno.EMFILE: "too many files are open: raise the limit with `ulimit -n`",
    errno.EACCES: "this machine does not allow it: see to its firewall",
    errno.EPERM: "this machine does not allow it: see to its firewall",
}


def why(error: OSError) -> str:
    """The fact and the cure; the system's own words where we know none."""
    if isinstance(error, socket.gaierror):
        return "the name is not known: see to its spelling, or give the numeric address"
    number = errno.ECONNREFUSED if isinstance(error, ConnectionRefusedError) else error.errno
    return _CURES.get(number or 0) or error.strerror or str(error)
