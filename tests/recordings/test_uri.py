from __future__ import annotations

import sqlite3
from pathlib import Path, PureWindowsPath
from typing import cast

from recordings.uri import uri


class Share(PureWindowsPath):
    """A path of a Windows share, on any system."""

    def absolute(self) -> PureWindowsPath:
        return PureWindowsPath(self)


def test_a_share_has_no_host() -> None:
    share = cast(Path, Share(r"\\nas\games\a b.db"))
    assert uri(share, "mode=ro") == "file:////nas/games/a%20b.db?mode=ro"


def test_sqlite_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%20.db"
    connection = sqlite3.connect(uri(path, "mode=rwc"), uri=True)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    assert path.exists()
