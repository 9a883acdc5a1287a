"""The command tree. Commands are imported when they are called, so that `pillion --version` is quick."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import TypeGuard

import click

from pillion import __version__
from pillion.cli.exits import NOT_RUN, OUTPUT_CLOSED, USAGE, UserError
from pillion.core.errors import raised_at

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("pillion.cli.run", "Run a task definition on this machine, as ECS would."),
    "ps": ("pillion.cli.ps", "List the tasks that run here, and what they wait for."),
    "describe": ("pillion.cli.describe", "Show tasks as DescribeTasks does."),
    "events": ("pillion.cli.events", "Show what happened to a task, and why."),
    "stop": ("pillion.cli.stop", "Stop a task in ECS's order."),
    "wait": ("pillion.cli.stop", "Wait for a task to end, and end as it did."),
    "rm": ("pillion.cli.rm", "Forget a task."),
    "prune": ("pillion.cli.rm", "Forget every task that has ended."),
    "serve": ("pillion.cli.serve", "Supervise detached tasks, and those whose process is gone."),
    "plan": ("pillion.cli.plan", "Show what starts when, who waits for whom, and what stops when."),
    "check": ("pillion.cli.check", "Say what AWS would refuse and what will hurt, before it is deployed."),
    "rehearse": ("pillion.cli.rehearse", "Run a task without containers, in no time; or all its mishaps."),
    "drill": ("pillion.cli.drill", "Let everything go wrong once, on the engine, and see what happens."),
    "logs": ("pillion.cli.logs", "Show what the containers of a task wrote, also while it runs."),
    "exec": ("pillion.cli.exec:exec_", "Run a command in a container of a running task."),
    "explain": ("pillion.cli.explain", "Say why a task is where it is, and what to change."),
    "stats": ("pillion.cli.stats", "Show what the containers of running tasks use, against their limits."),
    "top": ("pillion.cli.top", "Show tasks, containers and output of this machine on one screen."),
    "rightsize": ("pillion.cli.rightsize", "Propose cpu and memory from what containers were seen to use."),
    "firelens": ("pillion.cli.firelens", "Print the log router's configuration as ECS would generate it."),
    "completion": ("pillion.cli.completion", "Print the completion script of bash, zsh or fish."),
    "env": ("pillion.cli.env", "Point the AWS tools of this terminal at the local AWS of a run."),
}
"""Name of a command -> the module that has it under the same name (else behind a colon), and its help."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)

COMPLETION_VARIABLE = "_PILLION_COMPLETE"
"""Set by the shell that asks for completions; click wants this name."""


class _OutputClosedError(Exception):
    """Nobody reads what is printed any more. Not an OSError: click would end the process with 1."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _OutputClosedError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command and return it."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute or cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name} is not a command")
        if COMPLETION_VARIABLE in os.environ:
            from pillion.cli.completion import complete_words_of

            complete_words_of(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"pillion {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Say which."
)
def pillion() -> None:
    """Run Amazon ECS task definitions, sidecars and all, on any machine, exactly as ECS would."""


def _bug_words(error: Exception) -> str:
    return (
        f"this is a bug of pillion: {type(error).__name__}: {error}{raised_at(error)}\n"
        "  Please report it, with what PILLION_DEBUG=1 shows when you run the same command again."
    )


def _is_full_output(error: Exception) -> TypeGuard[OSError]:
    """Whether output could not be written; an error of a file that we opened ourselves has its name."""
    return isinstance(error, OSError) and error.filename is None and error.errno in _FULL


def _discard_output() -> None:
    """Let what is still to be written go nowhere: the interpreter tries once more when it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def run_cli() -> None:
    """Run the command line of this process; never returns, and never shows a traceback for a user's error."""
    try:
        code = pillion.main(standalone_mode=False)
    except UserError as error:
        click.echo(f"pillion: {error}", err=True)
        code = error.exit_code
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = USAGE
    except _OutputClosedError:
        _discard_output()
        code = OUTPUT_CLOSED
    except Exception as error:
        if _is_full_output(error):
            _discard_output()
            click.echo(f"pillion: what it prints cannot be written: {error.strerror}", err=True)
            sys.exit(NOT_RUN)
        if os.environ.get("PILLION_DEBUG"):
            raise
        click.echo(f"pillion: {_bug_words(error)}", err=True)
        code = NOT_RUN
    sys.exit(code if isinstance(code, int) else 0)
