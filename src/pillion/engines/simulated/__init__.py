"""A world without containers: scripted behaviour in virtual time, with faults drawn from a seed.

`drive` runs a task in this world at once and returns all that happened; `engine` puts the same world behind
the engine's port, so that the real runtime can be run on it. Nothing here waits, reads a clock or opens a
file, except `engine`, which waits on its event loop.
"""
