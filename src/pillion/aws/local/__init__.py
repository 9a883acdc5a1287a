"""AWS on this machine: a moto server in a process of its own.

`process` starts and ends it from pillion's side. `server` is what runs there, with `names` (any account's
ARNs find what was seeded) and `journal` (state that outlives the run) around moto.
"""
