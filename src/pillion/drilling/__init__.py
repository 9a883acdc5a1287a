"""Drills: every fault on every container of a task that runs for real, compared with the simulation.

Pure: `faults` (which fault applies to whom), `altering` (the plan of a case), `pacing`, `recording` and
`observing` (what was seen, as values), `learning` and `predicting` (what the simulation says to the same
fault), `comparing`, `verdict`, and the reports `text`, `values`, `page`, `chart`. At the edge: `engine` (an
engine that can hold a start), `recorder`, `striking`, `asking` (the URL), `case` (one run), `running` (all).
"""
