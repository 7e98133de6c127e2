"""The web tests: skipped where the extra is missing; one browser for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("datasette", reason="the extra `web` (datasette) is not installed")

from tests.recordings.web.chromium import Chromium


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    folder: Path = tmp_path_factory.mktemp("chromium")
    with Chromium(folder) as browser:
        yield browser
