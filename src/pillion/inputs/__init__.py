"""Finds task definitions in what people have: ECS JSON, container lists, CloudFormation, Terraform.

A reader turns a document's plain value into subjects: definitions spelt as the ECS API spells them, with
`UNKNOWN` for what only the deployment knows, and a way back to the document. Nothing here opens files.
"""

from pillion.inputs.choose import ChoiceError, choose_definition
from pillion.inputs.complete import Completed, UnknownValuesError, complete_definition
from pillion.inputs.find import KNOWN_KINDS, find_definitions
from pillion.inputs.subject import Road, Subject

__all__ = [
    "KNOWN_KINDS",
    "ChoiceError",
    "Completed",
    "Road",
    "Subject",
    "UnknownValuesError",
    "choose_definition",
    "complete_definition",
    "find_definitions",
]
