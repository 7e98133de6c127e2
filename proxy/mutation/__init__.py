"""Mutations: named, seeded changes to frames and fields, the same in `mutate`, `replay`, `record`.

chance    numbers that follow from a seed
places    fields by name, `[[PROTOCOL.]KIND.]PATH`, and the nearest one that exists
edits     one change of one message, as a value
actions   what a rule may do: set, replace, delete, insert, drop, ...
fuzzing   changes that a protocol's reader may not expect
rulefile  the TOML of rules
engine    the rules at work on the flows of a session
rewriting a recorded session sent through the rules
"""
