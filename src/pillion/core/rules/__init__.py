"""What AWS refuses, and what experience advises against: rules over a task definition.

`check_definition` runs them all. A rule lives in the file of its feature, with its words, its examples and
its function together; `catalogue` holds the list. Nothing here reads files or knows CloudFormation.
"""

from pillion.core.rules.catalogue import BY_CODE, RULES
from pillion.core.rules.check import check_definition
from pillion.core.rules.rule import Rule

__all__ = ["BY_CODE", "RULES", "Rule", "check_definition"]
