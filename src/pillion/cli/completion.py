"""Completion in the shell: `pillion completion` prints the script, and what follows is what it asks for.

Which words fit is told by how a command names what it takes: an argument or metavar FILE is completed with
files, FOLDER with folders, TASK with the tasks of the state folder, `--container` with the containers of that
task. So a new command is completed without a word about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click import Context, Parameter
from click.shell_completion import CompletionItem

_SHELLS = ("bash", "zsh", "fish")

_ENDED = " (ended)"

ID_LENGTH = 8
"""As many characters of an id as other commands print."""


_HELP = """Print the script that completes pillion's commands, options, tasks and containers in SHELL.

\b
bash: pillion completion bash > ~/.local/share/bash-completion/completions/pillion
zsh:  pillion completion zsh > some-folder-of-your-fpath/_pillion
fish: pillion completion fish > ~/.config/fish/completions/pillion.fish
"""


@click.command(help=_HELP)
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(*, shell: str) -> None:
    """Print the script of a shell."""
    from click.shell_completion import get_completion_class

    from pillion.cli.main import COMPLETION_VARIABLE, pillion

    made = get_completion_class(shell)
    if made is None:  # click knows all that are offered
        raise click.UsageError(f"no script for {shell}")
    click.echo(made(pillion, {}, "pillion", COMPLETION_VARIABLE).source())


def complete_words_of(command: click.Command) -> None:
    """Have what a command takes completed by how it is named."""
    for param in command.params:
        if isinstance(param.type, click.Choice):
            continue
        found = _words_of(param)
        if found is not None:
            param.type = found


def _words_of(param: click.Parameter) -> _Words | None:
    names = {*param.opts, param.name}
    wanted = f"{param.metavar or ''} {param.name if isinstance(param, click.Argument) else ''}".upper()
    if names & {"task", "tasks"}:
        return _TaskName()
    if names & {"container", "--container"}:
        return _ContainerName()
    if "FILE" in wanted:
        return _PathName("file")
    return _PathName("dir") if wanted.strip() in ("FOLDER", "PATH") else None


if TYPE_CHECKING:
    _Words = click.ParamType[str]
else:
    _Words = click.ParamType  # generic since click 8.2 only


class _PathName(_Words):
    def __init__(self, kind: str) -> None:
        self.name = kind

    def shell_complete(self, ctx: Context, param: Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type=self.name)]


class _TaskName(_Words):
    name = "task"

    def shell_complete(self, ctx: Context, param: Parameter, incomplete: str) -> list[CompletionItem]:
        from pillion.stores.glance import glance
        from pillion.stores.place import state_folder

        tasks = glance(state_folder())
        items = [
            CompletionItem(
                item.task_id[:ID_LENGTH], help=f"{item.family}{' (ended)' if item.is_over else ''}"
            )
            for item in tasks
        ]
        families = dict.fromkeys(item.family for item in tasks)
        items = [*(CompletionItem(name, help="its newest task") for name in families), *items]
        return [item for item in items if item.value.startswith(incomplete)]


class _ContainerName(_Words):
    name = "container"

    def shell_complete(self, ctx: Context, param: Parameter, incomplete: str) -> list[CompletionItem]:
        from pillion.stores.glance import glance
        from pillion.stores.place import state_folder

        wanted = ctx.params.get("task") or ""
        tasks = [
            item
            for item in glance(state_folder())
            if not wanted or item.task_id.startswith(wanted) or item.family == wanted.partition(":")[0]
        ]
        names = tasks[0].containers if tasks else ()
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]
