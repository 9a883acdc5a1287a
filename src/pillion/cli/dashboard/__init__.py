"""`pillion top`: tasks, containers and output of this machine on one screen.

The core's `board` lays the lines out, `source` reads the state folder and the engine, `screen` shows them; it
alone touches Textual.
"""
