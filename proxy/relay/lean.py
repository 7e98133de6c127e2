"""How mitmproxy is imported: without warnings, and without the parts that nobody asked for."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec

PACKAGE = "mitmproxy.addons"
"""Imports every addon that there is, a web server and the parser of a language among them, where
one is needed: a third of the time until the relay is ready."""


@contextmanager
def lean_mitmproxy() -> Iterator[None]:
    """In the block, addons are imported by name and their package is not run."""
    with warnings.catch_warnings():  # its dependencies deprecate each other's ways
        warnings.simplefilter("ignore", DeprecationWarning)
        spec = None if PACKAGE in sys.modules else find_spec(PACKAGE)
        if spec is None:
            yield
            return
        sys.modules[PACKAGE] = module_from_spec(spec)
        try:
            yield
        finally:
            del sys.modules[PACKAGE]  # who imports all of it later gets all of it
