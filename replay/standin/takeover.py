"""`record --else serve`: a tap while the server lives, and its stand-in when it is gone."""

from __future__ import annotations

from functools import partial

from replay.standin.cast import Cast, Show

RECORDER = partial(Cast, Show())
"""Makes the recorder; the rules of the protocols take over."""
