"""Playback: Understudy plays the client of a recorded session against a live server.

script    the recorded session as steps: open, say, hear, close, in their order
player    the sans-io machine that goes through them, one per live session
hearing   which recorded message a live one stands for, and what a turn waits for
verdict   what came of it, for a person and for an exit code
scribe    the session is recorded again
wishes    what the user asks for: --to, --map, --set
The sockets are in replay/transport_playback.py.
"""
