"""Mutations: named, seeded changes to frames and fields, the same in `mutate`, `replay`, `record`.

chance       numbers that follow from a seed
places       fields by name, `[[PROTOCOL.]KIND.]PATH`, and the nearest one that exists
edits        one change of one message, as a value
fuzzing      changes that a reader may not expect, as edits
reading      values of a rule, checked
actions      what a rule may do: set, replace, delete, insert, drop, ...
rulefile     the TOML of rules, and `--set`
engine       the rules at work on the flows of a session
rewriting    a recorded session sent through the rules (virtual: without a relay)
copying      what came out, as a session of its own
"""
