"""The relay starts without the parts of its libraries that it does not need."""

from __future__ import annotations

import subprocess
import sys

from tests.running import ROOT

CODE = """
import sys
import proxy.relay.compat, recordings.writer
from recordings.scribe import _without
UNWANTED = ("mitmproxy.addons", "flask", "sqlite_utils", "pandas")
print([name for name in UNWANTED if name in sys.modules])
with _without("json.tool", "sys"):
    try:
        import json.tool
    except ImportError:
        print("hidden")
import json.tool
import warnings
warnings.simplefilter("ignore")
import mitmproxy.addons
print(proxy.relay.compat.Proxyserver in map(type, mitmproxy.addons.default_addons()))
"""


def test_what_is_not_needed_is_not_imported_and_still_there() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines() == ["[]", "hidden", "True"]
