"""`pillion exec`: run a command in a container of a running task, as `docker exec` and ECS Exec do."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping

import click

from pillion.cli.exits import NOT_RUN, UserError


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("-i", "--interactive", is_flag=True, help="Give it standard input.")
@click.option("-t", "--tty", "terminal", is_flag=True, help="Give it a terminal.")
@click.option("-u", "--user", default="", metavar="USER[:GROUP]", help="Run it as another user.")
@click.option("-w", "--workdir", default="", metavar="PATH", help="Run it in another folder.")
@click.option("-e", "--env", "variables", multiple=True, metavar="NAME[=VALUE]", help="Give it a variable.")
@click.argument("task")
@click.argument("container")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(
    *,
    interactive: bool,
    terminal: bool,
    user: str,
    workdir: str,
    variables: tuple[str, ...],
    task: str,
    container: str,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND in CONTAINER of TASK, whoever supervises the task.

    For a shell: pillion exec -it web app -- sh. TASK is the beginning of a task's id, or its family. The exit
    code is the command's; 126 or 127 where it could not be run, 125 where the container does not run. Ctrl-C
    goes to the command; a second one ends pillion exec alone.
    """
    from pillion.cli.exec_session import run_in_container
    from pillion.cli.terminal import terminal_size
    from pillion.ports.execution import ExecutionRequest

    if command[0] == "--":
        command = command[1:]
    if not command:
        raise UserError("no command: pillion exec TASK CONTAINER -- COMMAND [ARGUMENT]…")
    if terminal and interactive and not sys.stdin.isatty():
        raise UserError("-t needs a terminal on standard input; leave it out to pipe something in with -i")
    request = ExecutionRequest(
        command=command,
        has_input=interactive,
        has_terminal=terminal,
        size=terminal_size() if terminal else None,
        user=user,
        working_directory=workdir,
        environment=_environment(variables),
    )
    runtime_id, engine_host = _place(task, container)
    return asyncio.run(run_in_container(runtime_id, container, request, engine_host=engine_host))


def _environment(variables: tuple[str, ...]) -> Mapping[str, str]:
    """Read `NAME=VALUE`, and `NAME` with the value that it has here; one that is not set here is left out."""
    pairs = (text.partition("=") for text in variables)
    return {
        name: value if sign else os.environ[name] for name, sign, value in pairs if sign or name in os.environ
    }


def _place(task: str, container: str) -> tuple[str, str | None]:
    """Return the engine's id of a container, and that engine. Raises UserError: it does not run."""
    from pillion.cli.known_tasks import known_containers, known_tasks
    from pillion.core.lifecycle.states import ContainerStatus
    from pillion.tasks.journals import find_task, read_task

    with known_tasks() as store:
        stored = find_task(store, task)
        known_containers(stored, (container,))
        remembered = read_task(store, stored)
    state, standing = remembered.state.containers[container], remembered.record.standing
    if state.known is ContainerStatus.STOPPED:
        ended = "never ran" if not state.has_run else f"ended with exit code {state.exit_code}"
        raise UserError(f"{container} does not run any more: it {ended}", exit_code=NOT_RUN)
    if state.runtime_id is None:
        raise UserError(
            f"{container} does not run yet: it is {state.known.value}; pillion explain says why",
            exit_code=NOT_RUN,
        )
    host = standing.how.get("engine_host") if standing is not None else None
    return state.runtime_id, host if isinstance(host, str) else None
