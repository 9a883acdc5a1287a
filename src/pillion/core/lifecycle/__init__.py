"""The life of one task: states, what can happen to it, and what has to be done about it.

Whatever can change the status of a container or of a task is decided in this folder and nowhere else.
`machine.handle` takes a state, an event and the time, and returns the next state with the commands to
perform. Nothing here waits, reads a clock or talks to an engine.
"""
