"""What AWS refuses, and what experience advises against: rules over a task definition.

A rule lives in the file of its feature, with its words, its examples and its function together; `catalogue`
has the list, `check` runs them all, and `blocking` those that it takes to say whether a task can be run at
all. Nothing here reads files or knows CloudFormation.
"""
