"""Measures archives: an archive of ten million frames is made here, and asked."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
FRAMES = 10_000_000
FILES = 20
KINDS = ("@dir", "addr", "skey", "~png", "auth", "news", "+usr", "+msg", "GameData", "Chat")
AT = 1_795_000_000_000_000
QUESTIONS = {
    "by kind": "SELECT kind, count(*) FROM frames GROUP BY kind",
    "by game, kind, direction": "SELECT game, kind, direction, count(*), sum(octet_length(raw))"
    " FROM frames GROUP BY ALL",
    "by a field": "SELECT fields ->> 'N' AS n, count(*) FROM frames WHERE kind = 'auth' GROUP BY n",
}


def make_archive(folder: Path) -> None:
    """An archive of `FRAMES` frames in `FILES` sessions of ten days and two games."""
    sys.path.insert(0, str(HOME))
    import pyarrow
    from pyarrow import parquet

    from recordings.archiving.building import prepare
    from recordings.exporting.parquet import COLUMNS, GROUP, schema_of

    prepare(folder)
    each = FRAMES // FILES
    kinds = [KINDS[i * 7919 % 65_521 % len(KINDS)] for i in range(each)]
    given: dict[str, Any] = {
        "frame_id": range(1, each + 1),
        "flow_id": [1 + i % 50 for i in range(each)],
        "number": [1 + i // 50 for i in range(each)],
        "direction": ["s>c" if i % 3 else "c>s" for i in range(each)],
        "kind": kinds,
        "fields": [f'{{"N": "{i % 100}"}}' for i in range(each)],
        "raw": [i.to_bytes(24, "big") for i in range(each)],
    }
    fixed = {"session_id": 1, "protocol": "ea-lobby", "transport": "tcp", "client": "192.0.2.2:1"}
    schema = schema_of(COLUMNS)
    for number in range(FILES):
        start = AT + number // 2 * 86_400_000_000
        rest = fixed | {"session_uid": f"{number:032x}"}
        columns = []
        for field in schema:
            if field.name == "at":
                values: Any = range(start, start + each * 100, 100)
            elif field.name in given:
                values = given[field.name]
            else:
                values = [rest.get(field.name)] * each
            columns.append(pyarrow.array(values, field.type))
        place = folder / "frames" / f"game=game-{number % 2}" / f"day=2026-11-{10 + number // 2}"
        place.mkdir(parents=True, exist_ok=True)
        table = pyarrow.Table.from_arrays(columns, schema=schema)
        path = place / f"{number:032x}.parquet"
        parquet.write_table(table, path, compression="zstd", row_group_size=GROUP)


def bench_archive(rounds: int, folder: Path) -> dict[str, Any]:
    """Seconds of each question, DuckDB's start included."""
    archive = folder / "archive"
    begun = time.perf_counter()
    make_archive(archive)
    out: dict[str, Any] = {
        "archived frames": FRAMES,
        "made in, s": round(time.perf_counter() - begun, 1),
        "size, MB": round(sum(p.stat().st_size for p in archive.rglob("*.parquet")) / 1e6),
    }
    from recordings.archiving.asking import ask

    for name, sql in QUESTIONS.items():
        times = []
        for _ in range(max(1, rounds)):
            begun = time.perf_counter()
            rows = list(ask(archive, sql).rows)
            times.append(time.perf_counter() - begun)
            assert rows
        out[f"group {name}, s (best, worst)"] = f"{min(times):.2f} {max(times):.2f}"
    return out
