"""What the web services keep: records and files of players (SAKE), reports of matches (ATLAS).

All of it is on the shelf `gamespy-web`, which outlives the run with `--keep-state`. There are
bounds for everything, and one for all bytes together: a game that stores without end gets told
that the limit is reached.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from replay.standin.world import World

SHELF = "gamespy-web"
FIRST_ID, FIRST_BESIDE = 1000, 1 << 30
"""The first number of a record or file; where a recording has numbers of its own, far from them."""
MOST_IN_TABLE, MOST_TABLES, MOST_FILES, MOST_REPORTS = 5000, 200, 2000, 10_000
MOST_BYTES = 64 << 20
"""Bytes of everything that is kept, as JSON."""
ROWS, ROWS_A_SECOND = 200_000.0, 50_000.0
"""Records that one host may have looked through at once, and each second."""
MOST_HOSTS = 4096


@dataclass(slots=True, eq=False)
class Record:
    """One record of a table."""

    game: int
    table: str
    recordid: int
    ownerid: int
    fields: dict[str, list[str]] = field(default_factory=dict)
    """Name -> type (`intValue`) and text."""
    ratings: dict[str, int] = field(default_factory=dict)
    """Profile id -> its rating."""

    @property
    def average(self) -> float:
        """Of the ratings."""
        return sum(self.ratings.values()) / len(self.ratings) if self.ratings else 0.0

    def facts(self) -> dict[str, str]:
        """What a filter may ask for."""
        return {
            **{name: text for name, (_, text) in self.fields.items()},
            "recordid": str(self.recordid),
            "ownerid": str(self.ownerid),
            "num_ratings": str(len(self.ratings)),
            "average_rating": f"{self.average:.6g}",
        }


@dataclass(slots=True)
class File:
    """One stored file."""

    game: int
    ownerid: int
    name: str
    data: bytes


class Vault:
    """Everything that is kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shelf = world.shelf(SHELF)
        self._tables: dict[tuple[int, str], dict[int, Record]] = {}
        self._kinds: dict[tuple[int, str], dict[str, str]] = {}
        self._files: dict[int, None] = {}
        self._sizes: dict[str, int] = {}
        self._bytes = 0
        self._next = FIRST_BESIDE if world.recorded else FIRST_ID
        self._rows: dict[str, tuple[float, int]] = {}
        for key in self.shelf:
            self._load(key, self.shelf[key])

    def _load(self, key: str, kept: Any) -> None:
        kind, _, number = key.partition(":")
        self._next = max(self._next, int(number) + 1)
        self._count(key, kept)
        if kind == "record":
            self._place(Record(**kept))
        elif kind == "file":
            self._files[int(number)] = None

    def _count(self, key: str, kept: Any) -> None:
        self._bytes -= self._sizes.pop(key, 0)
        if kept is not None:
            self._sizes[key] = len(json.dumps(kept))
            self._bytes += self._sizes[key]

    def _place(self, record: Record) -> None:
        place = record.game, record.table
        self._tables.setdefault(place, {})[record.recordid] = record
        kinds = self._kinds.setdefault(place, {})
        for name, (kind, _) in record.fields.items():
            kinds.setdefault(name, kind)

    def _new_id(self) -> int:
        self._next += 1
        return self._next - 1

    def _keep(self, key: str, kept: Any) -> bool:
        """Put something on the shelf, if there is room."""
        grown = self._bytes - self._sizes.get(key, 0) + len(json.dumps(kept))
        if grown > MOST_BYTES:
            return False
        self.shelf[key] = kept
        self._count(key, kept)
        return True

    # records

    def table(self, game: int, table: str) -> dict[int, Record]:
        """The records of a table, in the order in which they were made."""
        return self._tables.get((game, table), {})

    def kind(self, game: int, table: str, name: str) -> str | None:
        """The type that a field of a table was stored with first."""
        return self._kinds.get((game, table), {}).get(name)

    def create(
        self, game: int, table: str, ownerid: int, fields: dict[str, list[str]]
    ) -> Record | None:
        """A new record; None: there is no room."""
        known = self._tables.get((game, table))
        if len(known or ()) >= MOST_IN_TABLE or (
            known is None and len(self._tables) >= MOST_TABLES
        ):
            return None
        record = Record(game, table, self._new_id(), ownerid, fields)
        if not self._keep(f"record:{record.recordid}", asdict(record)):
            return None
        self._place(record)
        return record

    def update(self, record: Record, fields: dict[str, list[str]], ratings: dict[str, int]) -> bool:
        """Set fields and ratings of a record; False: there is no room."""
        made = Record(
            record.game,
            record.table,
            record.recordid,
            record.ownerid,
            {**record.fields, **fields},
            {**record.ratings, **ratings},
        )
        if not self._keep(f"record:{record.recordid}", asdict(made)):
            return False
        record.fields, record.ratings = made.fields, made.ratings
        self._place(record)
        return True

    def delete(self, record: Record) -> None:
        """Forget a record."""
        table = self._tables[record.game, record.table]
        del table[record.recordid]
        if not table:
            del self._tables[record.game, record.table]
        self.shelf.pop(f"record:{record.recordid}", None)
        self._count(f"record:{record.recordid}", None)

    def owned(self, game: int, table: str, ownerid: int) -> Iterator[Record]:
        """Whose records they are."""
        return (one for one in self.table(game, table).values() if one.ownerid == ownerid)

    def affords(self, host: str, rows: int) -> bool:
        """Whether somebody may have so many records looked through now."""
        now = self.world.now()
        left, at = self._rows.pop(host, (ROWS, now))
        left = min(ROWS, left + (now - at) / 1e6 * ROWS_A_SECOND)
        enough = rows <= left
        self._rows[host] = (left - rows if enough else left), now
        if len(self._rows) > MOST_HOSTS:
            del self._rows[next(iter(self._rows))]
        return enough

    # files and reports

    def store(self, file: File) -> int | None:
        """Keep a file; its number, None: there is no room."""
        if len(self._files) >= MOST_FILES:
            return None
        number, data = self._new_id(), base64.b64encode(file.data).decode()
        kept = {"game": file.game, "ownerid": file.ownerid, "name": file.name, "data": data}
        if not self._keep(f"file:{number}", kept):
            return None
        self._files[number] = None
        return number

    def file(self, number: int) -> File | None:
        """A file by its number."""
        if number not in self._files:
            return None
        kept: Any = self.shelf[f"file:{number}"]
        data = base64.b64decode(kept["data"])
        return File(kept["game"], kept["ownerid"], kept["name"], data)

    def report(self, kept: dict[str, Any]) -> bool:
        """Keep the report of a match."""
        many = sum(key.startswith("report:") for key in self._sizes)
        return many < MOST_REPORTS and self._keep(f"report:{self._new_id()}", kept)
