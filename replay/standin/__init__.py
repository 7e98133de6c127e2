"""The stand-in: Understudy plays the server, by rules, from a recording, or both.

rules    the contract of a protocol's rules (replay/servers): acts, handlers, how they are found
world    what rules see: the world of one run, and each client in it
stage    runs rules: messages in, acts carried out; several clients, timers, sans-io
"""
