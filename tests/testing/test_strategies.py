"""What the strategies promise about the definitions they make."""

import pytest
from hypothesis import given

from pillion.core.rules.check import check_definition
from pillion.core.taskdef.model import TaskDefinition
from pillion.core.taskdef.render import render_task_definition
from pillion.testing.strategies import runnable_definitions


@pytest.mark.slow
@given(runnable_definitions())
def test_a_runnable_definition_can_be_run(definition: TaskDefinition) -> None:
    findings = check_definition(render_task_definition(definition))

    assert [finding for finding in findings if finding.blocks_run] == []
