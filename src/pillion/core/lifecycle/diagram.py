"""The lifecycle as a picture and as a table, for the docs: made from `table`, so that they cannot lie.

The picture leaves out what would hide its shape: an event that skips a status because an earlier one was
not seen. The table has everything.
"""

from __future__ import annotations

from collections.abc import Iterable

from pillion.core.lifecycle.events import CONTAINER_EVENT_TYPES
from pillion.core.lifecycle.states import CONTAINER_PROGRESS, ContainerStatus, next_status
from pillion.core.lifecycle.table import LEADS_TO, TABLE, Action

WANTED_STOPPED = "wanted STOPPED"
"""What the picture calls the one way that is no event: a stop reaches a container that never ran."""

_NEVER_RAN = CONTAINER_PROGRESS[: CONTAINER_PROGRESS.index(ContainerStatus.RUNNING)]


def mermaid() -> str:
    """Return the statuses of a container as a Mermaid state diagram, without a last newline."""
    lines = ["stateDiagram-v2", f"    [*] --> {CONTAINER_PROGRESS[0].value}"]
    for status in CONTAINER_PROGRESS[:-1]:
        for target in dict.fromkeys((next_status(status), ContainerStatus.STOPPED)):
            words = list(_events(status, target))
            if status in _NEVER_RAN and target is ContainerStatus.STOPPED:
                words.append(WANTED_STOPPED)
            if words:
                lines.append(f"    {status.value} --> {target.value}: {', '.join(words)}")
    return "\n".join([*lines, f"    {CONTAINER_PROGRESS[-1].value} --> [*]"])


def markdown_table() -> str:
    """Return what every event does in every status as a Markdown table, without a last newline.

    A cell has the name of the action, or nothing where the event is dropped.
    """
    rows = [("event", *(status.value for status in CONTAINER_PROGRESS))]
    rows.append(("---",) * len(rows[0]))
    rows += [
        (kind.__name__, *(_cell(TABLE[kind, status]) for status in CONTAINER_PROGRESS))
        for kind in CONTAINER_EVENT_TYPES
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def markdown_actions() -> str:
    """Return what the actions of the table mean as a Markdown list, without a last newline."""
    used = dict.fromkeys(TABLE.values())
    return "\n".join(
        f"- **{_words(action)}**: {action.value}" for action in Action if action in used and _cell(action)
    )


def _events(status: ContainerStatus, target: ContainerStatus) -> Iterable[str]:
    for kind in CONTAINER_EVENT_TYPES:
        action = TABLE[kind, status]
        missed = action is Action.EXIT_UNSEEN and next_status(status) is not ContainerStatus.RUNNING
        if target in LEADS_TO[action] and not missed:
            yield kind.__name__


def _cell(action: Action) -> str:
    return "" if action is Action.DROP else _words(action)


def _words(action: Action) -> str:
    return action.name.lower().replace("_", " ")
