"""SQL over an archive, by DuckDB, which may read the archive and do nothing else.

No other file, no extension, no network, no setting can be reached, and only one statement that
reads is run. `AT` is a word of DuckDB's SQL: the column is written `"at"`.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from recordings.archiving.building import check_archive
from recordings.archiving.columns import PARTITIONS, TABLES
from recordings.errors import UserError
from recordings.extras import how_to_install
from recordings.reader import Result

PAGE = 500
_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "binary": "BLOB", "timestamp": "TIMESTAMP"}
_LOCK = (
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
)


def load_duckdb() -> Any:
    """DuckDB; raises UserError when it is not installed."""
    try:
        return importlib.import_module("duckdb")
    except ImportError:
        raise UserError(
            f"archive query needs DuckDB: install it with {how_to_install('archive')}"
        ) from None


def ask(folder: Path, sql: str) -> Result:
    """Run one statement that reads; raises UserError with DuckDB's own words."""
    duckdb = load_duckdb()
    check_archive(folder)
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise UserError("the statement is no text in Unicode: write it anew") from error
    connection = _connect(duckdb, folder.resolve())
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise UserError("an archive is only read, by one statement: write a SELECT")
        cursor = connection.execute(statements[0])
    except duckdb.Error as error:
        raise _refused(error, sql) from error
    return Result([column[0] for column in cursor.description or ()], _rows(duckdb, cursor, sql))


def _rows(duckdb: Any, cursor: Any, sql: str) -> Iterator[tuple[Any, ...]]:
    try:
        while page := cursor.fetchmany(PAGE):
            for row in page:
                yield tuple(map(plain, row))
    except duckdb.Error as error:
        raise _refused(error, sql) from error


def _refused(error: Exception, sql: str) -> UserError:
    said = " ".join(str(error).split("\n\n")[0].split())
    cure = ""
    if "pytz" in said:
        return UserError("a time with a zone cannot be shown: write CAST(... AS VARCHAR)")
    if type(error).__name__ == "ParserException":
        cure = ': mind that the column at is written "at"' if " at" in sql.lower() else ""
    return UserError(f"DuckDB refuses the statement: {said}{cure}")


def _connect(duckdb: Any, folder: Path) -> Any:
    """DuckDB with the views, locked."""
    connection = duckdb.connect(":memory:")
    place, literal = _escaped(str(folder)), str(folder)
    connection.execute(f"SET allowed_directories = [{_quoted(literal)}, {_quoted(place)}]")
    spill = Path(tempfile.gettempdir(), f"understudy-{uuid4().hex}")  # DuckDB makes and removes it
    connection.execute(f"SET temp_directory = {_quoted(str(spill))}")
    for statement in _LOCK:
        connection.execute(statement)
    for table, columns in TABLES.items():
        connection.execute(_view(folder, place, table, columns))
    connection.execute("SET lock_configuration = true")
    return connection


def _view(folder: Path, place: str, table: str, columns: dict[str, str]) -> str:
    """The view of a table; one without a file has no rows, but its columns."""
    if next((folder / table).rglob("*.parquet"), None) is None:
        typed = [f'NULL::{_TYPES[kind]} AS "{name}"' for name, kind in columns.items()]
        typed += [f"NULL::VARCHAR AS {name}" for name in PARTITIONS]
        return f"CREATE VIEW {table} AS SELECT {', '.join(typed)} LIMIT 0"
    names = [
        f'make_timestamp(epoch_us("{name}")) AS "{name}"' if kind == "timestamp" else f'"{name}"'
        for name, kind in columns.items()
    ]
    types = ", ".join(f"'{name}': VARCHAR" for name in PARTITIONS)
    files = _quoted(f"{place}/{table}/*/*/*.parquet")
    return (
        f"CREATE VIEW {table} AS SELECT {', '.join([*names, *PARTITIONS])} FROM "
        f"read_parquet({files}, hive_partitioning = true, hive_types = {{{types}}})"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    """A path in which nothing is a pattern."""
    return "".join(f"[{sign}]" if sign in "[*?" else sign for sign in text)


def plain(value: Any) -> Any:
    """A value of DuckDB's as a listing has it: times as ISO 8601, lists and structs as JSON."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, default=_in_json, ensure_ascii=False)
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    return str(value) if not isinstance(value, timedelta) else value.total_seconds()


def _in_json(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else plain(value)
