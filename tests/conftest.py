"""Settings for the whole suite."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from proxy import registry

# the program is started hundreds of times: it is compiled once, even where the shell asks for no
# compiled files (that would double the time of the suite)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile(
    "fast",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(autouse=True)
def _protocols_as_they_were() -> Iterator[None]:
    """What a command run in this process adds (--frame, --cipher) is of that test alone."""
    before = dict(registry._added)
    yield
    registry._added.clear()
    registry._added.update(before)
