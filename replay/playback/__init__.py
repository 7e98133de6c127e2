"""Playback: Understudy plays the client of a recorded session against a live server.

loading   a recorded session, read again with the protocols and keys of today
steps     what a script is made of: open, say, hear, close
script    a session made into a script
player    the sans-io machine that goes through its steps, one per live session
hearing   which recorded message a live one stands for, and what a turn waits for
speaking  lines, answers, repetitions, keepalives
posting   what goes now, later, or behind other frames
pacing    when a step is due
places    where each flow goes this time
verdict   what came of it, for a person and for an exit code
scribe    the session is recorded again
wishes    what the user asks for: --to, --map, --set
The sockets are in replay/transport_playback.py.
"""
