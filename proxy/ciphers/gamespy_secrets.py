"""The secrets of games, by which several GameSpy ciphers are keyed.

They come from the user (`--game-key NAME=SECRET`). One ships: that of `gmtest`, the sample game of
the makers' public kit, whose source prints it (gamespy 15).
"""

from __future__ import annotations

from collections.abc import Mapping

SAMPLE_SECRETS = {"gmtest": "HA6zkS"}


def secret_for(secrets: Mapping[str, str], game: str) -> bytes | None:
    """The secret of a game: the user's, else the sample's, else None."""
    secret = secrets.get(game) or SAMPLE_SECRETS.get(game)
    return secret.encode("latin-1", "replace") if secret else None


def missing(game: str) -> str:
    """What to say when a frame needs a secret that nobody gave."""
    return f"the secret of game {game} is unknown: give it as --game-key {game}=SECRET"
