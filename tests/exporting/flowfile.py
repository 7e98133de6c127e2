"""Flows as mitmproxy makes and saves them."""

# mitmproxy is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from tests.recordings.captures.making import ea, kaillera

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mitmproxy import io
    from mitmproxy.tcp import TCPMessage
    from mitmproxy.test import tflow
    from mitmproxy.udp import UDPMessage

AT = 1_795_000_000.0
DIRECTORY = b"".join([ea("@dir", "PROD=NASCAR-PS2-2004\n")])
ANSWER = ea("@dir", "ADDR=203.0.113.7\nPORT=10601\nSESS=7\nMASK=33\n")


def _at(flow: Any, port: int, at: float) -> Any:
    flow.client_conn.peername = ("192.0.2.2", 4000)
    flow.server_conn.address = ("ps2nascar04.ea.com", port)
    flow.server_conn.peername = ("203.0.113.9", port)
    flow.client_conn.timestamp_start, flow.client_conn.timestamp_end = at, at + 9
    return flow


def lobby_flow() -> Any:
    flow = _at(tflow.ttcpflow(), 10_600, AT)
    flow.messages = [
        TCPMessage(True, DIRECTORY[:9], AT + 1),
        TCPMessage(True, DIRECTORY[9:], AT + 2),
        TCPMessage(False, ANSWER, AT + 3.000_001),
    ]
    return flow


def kaillera_flow() -> Any:
    flow = _at(tflow.tudpflow(), 27_888, AT + 2)
    flow.messages = [UDPMessage(True, kaillera(1, "hello"), AT + 2.5)]
    return flow


def raw_flow() -> Any:
    flow = _at(tflow.ttcpflow(), 12_345, AT)
    flow.messages = [TCPMessage(True, b"just bytes", AT)]
    return flow


def list_flow() -> Any:
    """A game asks a web server for the list of Kaillera's servers."""
    flow = _at(tflow.tflow(resp=True), 80, AT + 20)
    flow.request.method, flow.request.path = "GET", "/raw_server_list2.php?version=0.9"
    flow.request.headers["Host"] = "www.kaillera.com"
    flow.request.content = b""
    flow.response.content = b"Anna\n203.0.113.5:27888;1/8;2;n02;home\n"
    return flow


def write_flows(path: Path, *flows: Any) -> None:
    with path.open("wb") as file:
        writer = io.FlowWriter(file)
        for flow in flows:
            writer.add(flow)
