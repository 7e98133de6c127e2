"""Errors for the person at the keyboard: one sentence that names the fact and the cure."""

from __future__ import annotations


class UserError(Exception):
    """Something that the user can mend. The front door prints the text and exits 1."""
