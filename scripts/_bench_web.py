"""Looking at a recording in the web browser: how long a person waits for a page.

A session of 2,000 messages, in headless Chromium and by the server alone. The terminal browser is
measured by `browse`.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
PAGES = {
    "the sessions": "/",
    "a session of 2,000 messages": "/session/1",
    "its timeline": "/session/1/timeline",
    "a frame": "/frame/1000",
    "the table of frames": "/recording/frames",
}


def bench_web(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Median seconds of each page: from the server, and until it is painted."""
    sys.path.insert(0, str(HOME))
    from _pytest.outcomes import Skipped

    from tests.recordings.web.chromium import Chromium
    from tests.recordings.web.many import write_many
    from tests.recordings.web.serving import Web, browsed

    def asked(web: Web, target: str) -> float:
        begun = time.perf_counter()
        assert web.get(target).status == 200
        return time.perf_counter() - begun

    def middle(times: list[float]) -> float:
        return round(statistics.median(times), 3)

    result: dict[str, Any] = {}
    with browsed(write_many(folder / "many.db")) as web:
        for name, target in PAGES.items():
            times = [asked(web, target) for _ in range(rounds)]
            result[f"{name}: seconds until it has come"] = middle(times)
        try:
            with Chromium(folder / "chromium") as chromium:
                for name, target in PAGES.items():
                    times = [chromium.open(web.address + target) for _ in range(rounds)]
                    result[f"{name}: seconds until it is painted"] = middle(times)
        except Skipped as missing:
            result["not painted"] = str(missing)
    return result
