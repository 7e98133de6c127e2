"""The stand-in: Understudy plays the server, by rules, from a recording, or both. All sans-io.

rules      the contract of a protocol's rules (replay/servers): acts, handlers, how they are found
world      what rules see: the world of one run, and each client in it
stage      runs rules: messages in, acts carried out; several clients, timers
pool       recorded sessions as a pool of answers
finding    which recorded message a live one is taken for
role       which recorded session a client plays, and what is called differently now
tape       one flow answered from the pool
live       a live server beside it, that says what is not recorded
ghosts     recorded players who are present
performer  the sink of one flow: hears, has answered, records
speech     what goes to a client: by rules of the user, and no faster than it reads
pacing     how much a client may say
doors      the endpoints that are announced, and who is expected there
cast       the recorder that makes the performers; the house of the world
rounds     one cast after the other, each with the world as it was (fuzz runs)
planning   what to listen on
takeover   `record --else serve`
"""
