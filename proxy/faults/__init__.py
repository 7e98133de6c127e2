"""Faults: named disturbances of the transport, on any flow, while it runs.

spec    what the user writes: `loss:5%@c>s,seed=7`, one or a file of them
fate    what happens to one chunk or datagram
stages  one fault at work on one direction of one flow
line    what of one direction waits for its time
sink    the sink that stands around a flow's own
"""
