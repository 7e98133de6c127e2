"""Our content view in mitmproxy, whichever of the two lines is installed."""

# mitmproxy is typed in part only, and differs between its lines.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from proxy.exporting.addon import NAME, SCRIPT, Messages, addons_for
from tests.exporting.flowfile import kaillera_flow, lobby_flow, raw_flow, write_flows
from tests.recordings.web.chromium import Chromium

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mitmproxy import contentviews
    from mitmproxy.test import taddons


def shown(flow: Any, message: Any) -> str:
    """What mitmproxy shows of a message by itself."""
    if hasattr(contentviews, "prettify_message"):
        with taddons.context():
            return str(contentviews.prettify_message(message, flow).text)
    views: Any = contentviews
    _, lines, error = views.get_message_content_view("auto", message, flow)
    assert error is None
    return "\n".join("".join(text for _, text in line) for line in lines)


@pytest.fixture(autouse=True)
def view() -> None:
    assert addons_for(contentviews) == []


def test_a_lobby_is_shown_by_its_messages() -> None:
    flow = lobby_flow()
    texts = [shown(flow, message) for message in flow.messages]
    assert texts[0] == "(the frame goes on in the next message)"
    assert texts[1].splitlines() == ["ea-lobby @dir", "  PROD: NASCAR-PS2-2004"]
    assert texts[2].splitlines()[:2] == ["ea-lobby @dir", "  ADDR: 203.0.113.7"]
    assert shown(flow, flow.messages[1]) == texts[1]


def test_datagrams_are_shown() -> None:
    flow = kaillera_flow()
    assert "kaillera Chat" in shown(flow, flow.messages[0])
    assert "text: hello" in shown(flow, flow.messages[0])


def test_what_is_not_known_is_left_to_mitmproxy() -> None:
    flow = raw_flow()
    assert "just bytes" in shown(flow, flow.messages[0])
    assert Messages().text(flow, flow.messages[0]) is None


def test_flows_grow_and_are_forgotten() -> None:
    messages = Messages()
    flow = lobby_flow()
    rest, flow.messages[:] = flow.messages[1:], flow.messages[:1]
    assert messages.text(flow, flow.messages[0]) is not None
    flow.messages += rest
    assert "@dir" in (messages.text(flow, flow.messages[1]) or "")
    assert messages.text(flow, kaillera_flow().messages[0]) is None
    for _ in range(600):
        one = kaillera_flow()
        messages.text(one, one.messages[0])
    assert len(messages._flows) <= 512


def test_mitmdump_runs_the_script(tmp_path: Path) -> None:
    script, flows = tmp_path / "understudy_messages.py", tmp_path / "flows"
    script.write_text(SCRIPT)
    write_flows(flows, lobby_flow(), kaillera_flow())
    code = "import sys; from mitmproxy.tools.main import mitmdump; mitmdump(sys.argv[1:])"
    words = [sys.executable, "-W", "ignore", "-c", code, "-n", "-r", str(flows), "-s", str(script)]
    done = subprocess.run(
        [*words, "--set", "flow_detail=3"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "ea-lobby @dir" in done.stdout, done.stderr
    assert "text: hello" in done.stdout
    assert NAME


def web_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


ROWS = "[...document.querySelectorAll('.flow-table tbody tr')].filter(row => row.innerText)"


def seen(browser: Chromium, script: str, wanted: str) -> str:
    """What a page shows, once it shows that."""
    until = time.monotonic() + 30
    text = ""
    while wanted not in text:
        assert time.monotonic() < until, text
        text = str(browser.ask(script))
    return text


def test_a_page_of_mitmweb_shows_our_messages(tmp_path: Path) -> None:
    script, flows, port = tmp_path / "understudy_messages.py", tmp_path / "flows", web_port()
    script.write_text(SCRIPT)
    write_flows(flows, lobby_flow(), kaillera_flow())
    code = "import sys; from mitmproxy.tools.main import mitmweb; mitmweb(sys.argv[1:])"
    words = [sys.executable, "-W", "ignore", "-c", code, "-n", "-r", str(flows), "-s", str(script)]
    words += ["--no-web-open-browser", "--web-port", str(port), "--set", f"confdir={tmp_path}"]
    if hasattr(contentviews, "Contentview"):  # from 12 on, pages are behind a password
        words += ["--set", "web_password=secret"]
    with (
        Chromium(tmp_path / "browser") as browser,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as web,
    ):
        try:
            assert web.stdout is not None
            assert any("Web server listening" in line for line in web.stdout)
            browser.open(f"http://127.0.0.1:{port}/?token=secret")
            assert seen(browser, f"String({ROWS}.length)", "2") == "2"
            for row, wanted in enumerate(("ADDR: 203.0.113.7", "messages[0].fields.text: hello")):
                click = "dispatchEvent(new MouseEvent('click', {bubbles: true}))"
                browser.ask(f"{ROWS}[{row}].{click}")
                seen(browser, "document.body.innerText", wanted)
        finally:
            web.kill()
