"""What the scripts share: an environment of the project's own, made on first use.

Only the standard library, and no Unix-only call: `python scripts/demo` works on Windows as well.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
NEWEST = (3, 14)
"""Interpreters of this range are looked for; a newer one is used when it runs the script."""


def version_of(python: str) -> tuple[int, int] | None:
    """(major, minor) of an interpreter, None when it does not run."""
    try:
        out = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor = out.split()
    return int(major), int(minor)


def interpreters() -> dict[tuple[int, int], str]:
    """Every usable interpreter on this machine, oldest first; the running one wins for its line."""
    found: dict[tuple[int, int], str] = {}
    if sys.version_info[:2] >= OLDEST:
        found[sys.version_info[:2]] = sys.executable
    homes = sorted((Path.home() / ".pyenv" / "versions").glob("3.*"), reverse=True)
    for minor in range(OLDEST[1], NEWEST[1] + 1):
        candidates = [shutil.which(f"python3.{minor}") or ""]
        candidates += [str(h / "bin" / f"python3.{minor}") for h in homes]
        for python in filter(None, candidates):
            if (3, minor) not in found and version_of(python) == (3, minor):
                found[3, minor] = python
    return dict(sorted(found.items()))


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environment(python: str | None = None, extras: str = "", name: str = ".venv") -> Path:
    """Path of the interpreter of an environment in the project's folder, with all it needs."""
    folder, inside = HOME / name, _python_in(HOME / name)
    wanted = hashlib.sha256((HOME / "pyproject.toml").read_bytes() + extras.encode()).hexdigest()
    stamp = folder / "understudy-stamp"
    if stamp.exists() and wanted in stamp.read_text() and version_of(str(inside)):
        return inside
    if python is None:
        known = interpreters()
        if not known:
            sys.exit(
                f"Understudy needs Python {OLDEST[0]}.{OLDEST[1]} or newer and found none: "
                "install one from python.org or your system's packages, then run this again"
            )
        python = known.get(sys.version_info[:2]) or next(iter(known.values()))
    print(f"setting up {name} (once, about a minute) ...", file=sys.stderr, flush=True)
    if python == sys.executable:
        venv.create(folder, clear=True, with_pip=True, symlinks=os.name != "nt")
    else:
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
    target = f"{HOME}[{extras}]" if extras else str(HOME)
    install = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*install, "-e", target], check=False)
    if done.returncode:
        sys.exit("the installation failed (see above): check the network, then run this again")
    stamp.write_text(wanted)
    return inside


def run(*command: object) -> int:
    """Run a command in the project's folder; its exit code."""
    return subprocess.run([str(word) for word in command], cwd=HOME, check=False).returncode
