"""Fuzzes the importer with atheris: python scripts/_fuzz_import.py [libFuzzer options ...].

For instance: python scripts/_fuzz_import.py -max_total_time=60. What must hold: a file of any bytes
is read to its end or refused by one sentence (UserError), and nothing else is raised. Needs the
package `atheris` (Linux and macOS).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit("this needs atheris: pip install atheris (it exists for Linux and macOS)")

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

with atheris.instrument_imports(include=["recordings.captures", "proxy.importing"]):
    from proxy.importing.files import import_files
    from proxy.importing.importer import Wishes
    from recordings.errors import UserError
    from tests.test_import_command import SEEDS


class Nowhere:
    """A recording that keeps nothing: a file for each input would only slow it down."""

    congested = annotates = False

    def __init__(self) -> None:
        self.count = 0

    def _next(self, *given: object, **named: object) -> int:
        self.count += 1
        return self.count

    def append(self, flow_id: int, frame: object) -> int:
        """Give the frame an id, as a recording does."""
        frame.id = self._next()  # type: ignore[attr-defined]
        return self.count

    add_session = add_flow = _next

    def __getattr__(self, name: str) -> object:
        return self._next


def one_input(data: bytes) -> None:
    """Import one file."""
    PLACE.write_bytes(data)
    try:
        import_files([PLACE], Nowhere(), Wishes(), lambda count: None)  # type: ignore[arg-type]
    except UserError as error:
        if "\n" in str(error):
            raise AssertionError("more than one sentence") from error


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PLACE = Path(folder) / "input"
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        for number, seed in enumerate(SEEDS):
            (seeds / str(number)).write_bytes(seed)
        atheris.Setup([*sys.argv, str(seeds)], one_input)
        atheris.Fuzz()
