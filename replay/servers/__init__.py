"""The rules of a protocol's stand-in: one file for each protocol, found by its name.

`ea_lobby.py` serves `ea-lobby`. A file holds a subclass of `replay.standin.rules.Rules` and names
it `RULES`; that module tells the contract, with an example. Several protocols of one game share one
object of the world, `self.world.shared(Lounge)`; what they share lives in a file of this folder
whose name begins with `_`.
"""
