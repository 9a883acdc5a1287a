"""Rehearsals: a task on the simulated engine, and what people and programs are told of it.

`rehearsal` runs tasks, `text` and `values` tell of a rehearsal and of a drill. No container engine is needed,
and no time passes.
"""
