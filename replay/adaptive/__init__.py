"""Matching and adapting: what playback and stand-in both stand on. All of it is sans-io.

fields        a message's single values; which are volatile, and how each is renewed
lines         recorded frames as lines, one message each
memory        recorded value -> live value, for all flows of a session; keys; endpoints
matching      the nearest recorded message of a live one, and what differs
chance        fresh values and shifted times, seeded, the clock handed in
adapting      renewing a recorded message by the protocol's rules and by what was learned
manners       another form of a message, where the server chose another way
mutated       what rules of the user make of what is said
packing       numbers and repetitions of bundled messages
conversation  one live flow: hears, pairs, says
"""
