"""From a definition to what an engine is asked for, in words that no engine owns.

A `TaskPlan` says everything about one run of a task: containers, namespaces, volumes, limits, and the
`TaskSpec` that the lifecycle follows. Engines translate it; nothing here knows Docker.
"""
