"""A sample to read, an empty recording, and a viewer that knows one simple protocol."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from recordings.migrations import migrations
from recordings.model import Frame, Span
from recordings.viewing import Shown
from tests.recordings.sample import write_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("commands") / "sample.db")


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that holds nothing at all."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    database = Database(path)
    migrations.apply(database)
    database.close()
    return path


class FakeViewer:
    """A protocol of two fields: the first byte, and the rest."""

    def view(self, protocol: str, frame: Frame) -> Shown:
        clear = frame.clear
        spans = [Span("tag", 0, 1), Span("rest", 1, len(clear))]
        fields = {"tag": clear[:1].hex(), "rest": clear[1:].decode("latin-1")}
        return Shown(f"Fake-{protocol}", fields, None, spans, {"tag": "what it is"})

    def kinds(self, protocol: str) -> list[str]:
        return []

    def answers(self, protocol: str) -> dict[str, tuple[str, ...]]:
        return {}

    def fields(self, protocol: str) -> dict[str, tuple[str, ...]]:
        return {}


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The front door hands out a viewer that reads every frame."""
    monkeypatch.setattr("recordings.viewing.LazyViewer", lambda module, name: FakeViewer())
