"""Servers of our own for playback to play against, written from the references alone.

They import nothing of the product: what they check, they check by their own code. Every value that
a real server changes from run to run is drawn anew for each `World`.
"""
