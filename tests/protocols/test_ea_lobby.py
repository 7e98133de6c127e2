from __future__ import annotations

from proxy.protocols.ea_lobby import PROTOCOLS
from tests.protocols.harness import ProtocolProperties
from tests.vectors.ea_lobby import VECTORS

EA = PROTOCOLS[0]


class TestEaLobby(ProtocolProperties):
    protocol = EA
    vectors = VECTORS
