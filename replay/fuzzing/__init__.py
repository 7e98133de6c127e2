"""Fuzz runs: one message is said that the other side may not expect, and it is watched.

Under test is a server, against which a recorded client is played, or a client that a stand-in
serves.

changes     what one run does otherwise, as values
planning    which message and which changes a run has: they follow from the seed
cutting     the script up to that message, and the short clean one that asks whether it answers
obeying     the changes at work on the message that is about to be said
minimising  the fewest changes that still do it
signs       what is wrong with a program under test, the weightiest first
draft       a session that is only recorded when something was found
finding     what a run found
campaign    run after run
servers     a server under test: a recorded client is played against it
clients     a client under test: a stand-in serves it in rounds
serving     the changes at work on what a stand-in says
audience    what was said while a client was served; of a rehearsal it is the script
The sockets, processes and clocks are in replay/transport_fuzzing.py and transport_serving.py.
"""
