"""Fuzz runs: a recorded client says something that the server may not expect, and it is watched.

changes     what one run does otherwise, as values
planning    which message and which changes a run has: they follow from the seed
cutting     the script up to that message, and the short clean one that asks whether it answers
obeying     the changes at work on the message that is about to be said
minimising  the fewest changes that still do it
signs       what is wrong with a server, the weightiest first
draft       a session that is only recorded when something was found
finding     what a run found
campaign    run after run
servers     a server under test: a recorded client is played against it
The sockets, processes and clocks are in replay/transport_fuzzing.py.
"""
