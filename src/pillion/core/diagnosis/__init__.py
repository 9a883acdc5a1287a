"""Why a task is where it is: what ECS said of it, read by somebody who has seen it before.

Evidence (a DescribeTasks shape, pillion's own journal or output, the definition) goes in; findings, the chain
of causes and what to change come out. Nothing here opens a file; nothing here decides what a task does.
"""
