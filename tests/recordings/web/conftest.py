"""The web tests: skipped where the extra is missing; one browser for all."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings():  # Datasette's import leaves a connection for the collector
    warnings.simplefilter("ignore", ResourceWarning)
    pytest.importorskip("datasette.app", reason="the extra `web` (datasette) is not installed")
    gc.collect()

from tests.recordings.web.chromium import Chromium


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    folder: Path = tmp_path_factory.mktemp("chromium")
    with Chromium(folder) as browser:
        yield browser
