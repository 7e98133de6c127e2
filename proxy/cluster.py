"""The workers of a Dask cluster, and in one sentence what keeps them from their work."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from recordings.errors import UserError
from recordings.extras import how_to_install

PATIENCE = 10
"""Seconds until a scheduler that does not answer, or has no workers, is given up."""
RETRIES = 3
"""Further tries of a task whose worker died."""


@contextmanager
def workers(address: str) -> Iterator[Any]:
    """A client of a cluster that has workers.

    Raises UserError, also for whatever goes wrong on the cluster within the block.
    """
    with _client(address) as client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
            yield client
        except UserError:
            raise
        except Exception as error:  # of Dask, of the network, of a worker: all mean the same here
            said = " ".join(str(error).split())[:300] or type(error).__name__
            raise UserError(
                f"the cluster at {address} did not do it ({said}): see that its workers have "
                "this Understudy installed and find the files under the same paths"
            ) from error


def _client(address: str) -> Any:
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        raise UserError(
            f"--cluster needs Dask: install it with {how_to_install('cluster')}"
        ) from None
    try:
        return distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"no scheduler answers at {address}: start one with `dask scheduler` and give its "
            "address, for instance tcp://127.0.0.1:8786"
        ) from error
