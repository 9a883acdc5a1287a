"""The output of tasks on disk: `logs/<task id>.jsonl` in the state folder, for as long as the task is known.

`lines` says what a file looks like, `writer` appends, `reader` reads and goes on reading, `changes` waits for
more. One process writes the output of a task; anybody may read it meanwhile.
"""
