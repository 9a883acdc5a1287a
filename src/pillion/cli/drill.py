"""`pillion drill`: every fault on every container, on the real engine, compared with the simulation."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pillion.cli.aws_options import aws_options, aws_settings, aws_source
from pillion.cli.exits import INTERRUPTED, NOT_RUN, UserError

if TYPE_CHECKING:
    from pillion.core.plan.model import TaskPlan
    from pillion.drilling.faults import Matrix
    from pillion.drilling.verdict import DrillReport

_FORMATS = ("text", "json", "html")
_FAULTS = (
    *("kill", "exit-0", "exit-1", "memory", "freeze", "never-healthy", "unhealthy"),
    *("delay", "volume", "network"),
)
JOBS_MAX = 4


@click.command(
    epilog="Exit codes: 1 where a case differs from the prediction, a container that is not essential takes "
    "the task down or silences the URL, a task waits for ever, or a case did not come to its end; 125 when "
    "the task is not well without a fault, or there is no engine; 130 after Ctrl-C; 2 for bad usage; 0 else."
)
@click.argument("file")
@click.option("--family", metavar="NAME", help="Which definition of FILE: family, logical id or address.")
@click.option("--overrides", metavar="JSON|FILE", help="RunTask overrides, as ECS merges them.")
@click.option(
    "--only", multiple=True, metavar="CONTAINER", help="Only faults of this one; `task`: the task's."
)
@click.option("--fault", "faults", multiple=True, type=click.Choice(_FAULTS), help="Only this fault.")
@click.option("--accept", multiple=True, metavar="CASE", help="Do not fail for this case, e.g. web:volume.")
@click.option("--list", "listed", is_flag=True, help="List the cases, and what does not apply; run nothing.")
@click.option("--url", metavar="URL", help="Ask this all the time whether the application answers.")
@click.option("--after", metavar="DURATION", help="How long the task is well before a fault (1s).")
@click.option("--delay", metavar="DURATION", help="How late a container starts that starts late (5s).")
@click.option("--case-timeout", metavar="DURATION", help="How long one case may take (2m).")
@click.option("--timeout", metavar="DURATION", help="How long the whole drill may take (20m).")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 16),
    help="How many cases run at once (up to 4).",
)
@click.option("--image", "images", multiple=True, metavar="REF=OTHER", help="Run another image instead.")
@click.option("--build", "builds", multiple=True, metavar="REF=FOLDER", help="Build an image from a folder.")
@click.option("--volume", "volumes", multiple=True, metavar="NAME=PATH", help="Use a folder as a volume.")
@click.option("--mute", multiple=True, metavar="NAME", help="Leave a container out, as `run` does.")
@click.option("--stub", multiple=True, metavar="NAME", help="Replace a container, as `run` does.")
@aws_options
@click.option("--html", metavar="FILE", help="Also write the report as one page.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="text", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Do not show how it goes on.")
def drill(
    *,
    file: str,
    family: str | None,
    overrides: str | None,
    only: tuple[str, ...],
    faults: tuple[str, ...],
    accept: tuple[str, ...],
    listed: bool,
    url: str | None,
    after: str | None,
    delay: str | None,
    case_timeout: str | None,
    timeout: str | None,
    jobs: int | None,
    images: tuple[str, ...],
    builds: tuple[str, ...],
    volumes: tuple[str, ...],
    mute: tuple[str, ...],
    stub: tuple[str, ...],
    aws_endpoint: str | None,
    aws_state: str | None,
    aws_seed: str | None,
    html: str | None,
    style: str,
    quiet: bool,
) -> int:
    """Drill the task definition in FILE on the engine: let everything go wrong once, and see what happens.

    Every case runs the task anew: one container is killed, made to exit, frozen, … while the others run.
    Nothing is published but the port of --url, on any free port, and nothing is left behind. The first
    Ctrl-C ends the drill, with a report of what was done.
    """
    from pillion.app import docker_engine, docker_injector
    from pillion.around.serving import EndpointsSettingError
    from pillion.cli.definitions import read_overrides, read_task, run_options, settings_for
    from pillion.cli.drill_progress import Progress, Silence
    from pillion.cli.interrupts import Interrupts
    from pillion.control.claims import ClaimError
    from pillion.core.errors import OverridesError
    from pillion.core.plan.options import OptionError
    from pillion.drilling.asking import QuestionError, read_question
    from pillion.drilling.faults import matrix_of
    from pillion.drilling.pacing import Pace, jobs_allowed
    from pillion.drilling.running import DrillControl, DrillSettings, run_drill
    from pillion.ports.engine import EngineUnreachableError
    from pillion.ports.store import StoreError
    from pillion.preparing import PreparedTask, prepare_task
    from pillion.run_settings import RunSettings
    from pillion.sidecars.firelens.errors import FirelensError
    from pillion.stores.sqlite import state_folder

    settings = settings_for(file)
    options = run_options(settings, images=images, builds=builds, volumes=volumes, mute=mute, stub=stub)
    document = read_task(file, family)
    override = read_overrides(overrides)
    pace = Pace(
        case_timeout_s=_seconds("--case-timeout", case_timeout, 120.0),
        after_s=_seconds("--after", after, 1.0),
        delay_s=_seconds("--delay", delay, 5.0),
    )

    def prepare(cluster: str) -> PreparedTask:
        return prepare_task(document.definition, override, options, cluster=cluster)

    try:
        plan = prepare("drill").plan
        question = read_question(url, plan) if url else None
    except (OptionError, OverridesError, QuestionError) as error:
        raise UserError(str(error)) from error
    host = os.environ.get("DOCKER_HOST") or None
    is_local = host is None or host.startswith("unix:")
    whole = matrix_of(plan, local=is_local)
    _check_accepted(whole, accept)
    matrix = _chosen(whole, plan, only, faults)
    if listed:
        click.echo("\n".join(_listing(matrix)))
        return 0
    if not matrix.cases:
        reasons = "\n".join(
            f"  {item.container or 'task'}:{item.fault.value}: {item.reason}" for item in matrix.left_out
        )
        raise UserError(f"no case is left to run\n{reasons}")
    table = settings.table("run")
    folder = state_folder()
    source = aws_source(settings, aws_endpoint=aws_endpoint, aws_state=aws_state, aws_seed=aws_seed)
    run = DrillSettings(
        prepare=prepare,
        run=RunSettings(
            state_folder=folder,
            aws=aws_settings(settings, source),
            aws_source=source,
            endpoints=table.get("endpoints", "auto"),
            engine_host=host,
        ),
        matrix=matrix,
        pace=pace,
        question=question,
        accepted=frozenset(accept),
        jobs=jobs_allowed(plan, jobs or _usual_jobs(asks=question is not None)),
        timeout_s=_seconds("--timeout", timeout, 1200.0),
        engine=lambda: docker_engine(folder, host),
        injector=lambda: docker_injector(host),
        told=Silence() if quiet else Progress(sys.stderr),
    )

    async def run_here() -> DrillReport:
        control = DrillControl()
        with Interrupts(control) as interrupts, interrupts.within(asyncio.get_running_loop()):
            return await run_drill(run, control)

    try:
        report = asyncio.run(run_here())
    except (EngineUnreachableError, StoreError, ClaimError, FirelensError, EndpointsSettingError) as error:
        raise UserError(str(error), exit_code=NOT_RUN) from error
    click.echo(_rendered(report, style))
    if html is not None:
        _write(html, report)
    if report.interrupted:
        return INTERRUPTED
    return NOT_RUN if report.trouble is not None else report.exit_code


def _chosen(matrix: Matrix, plan: TaskPlan, only: Sequence[str], faults: Sequence[str]) -> Matrix:
    from pillion.core.lifecycle.states import ContainerKind
    from pillion.drilling.faults import Fault

    names = [item.name for item in plan.containers if item.kind is ContainerKind.NORMAL]
    for name in only:
        if name not in (*names, "task"):
            raise UserError(
                f"--only {name}: there is no such container: {', '.join(names)}; task is the task"
            )
    return matrix.only(frozenset(only), frozenset(Fault(name) for name in faults))


def _check_accepted(matrix: Matrix, accept: Sequence[str]) -> None:
    known = {case.name for case in matrix.cases}
    for name in accept:
        if name not in known:
            raise UserError(f"--accept {name}: there is no such case; pillion drill --list shows them all")


def _usual_jobs(*, asks: bool) -> int:
    """Cases mostly wait; but where answers are timed the machine must not be busy with too many others."""
    processors = os.cpu_count() or 1
    return min(processors if asks else 2 * processors, JOBS_MAX)


def _seconds(option: str, text: str | None, usual_s: float) -> float:
    from pillion.core.units import parse_duration_s

    try:
        return usual_s if text is None else parse_duration_s(text)
    except ValueError as error:
        raise UserError(f"{option}: {error}") from error


def _listing(matrix: Matrix) -> list[str]:
    width = max((len(item.name) for item in matrix.cases), default=0)
    lines = [f"{item.name:{width}}  {item.words}" for item in matrix.cases]
    if matrix.left_out:
        lines += ["", "left out:"]
        lines += [
            f"  {item.container or 'task'}:{item.fault.value}: {item.reason}" for item in matrix.left_out
        ]
    return lines


def _rendered(report: DrillReport, style: str) -> str:
    if style == "json":
        from pillion.drilling.values import drill_value

        return json.dumps(drill_value(report), indent=2, ensure_ascii=False)
    if style == "html":
        from pillion.drilling.page import drill_page

        return drill_page(report)
    from pillion.drilling.text import drill_text

    return drill_text(report)


def _write(html: str, report: DrillReport) -> None:
    from pillion.drilling.page import drill_page

    try:
        Path(html).write_text(drill_page(report), encoding="utf-8")
    except OSError as error:
        raise UserError(f"--html {html}: {error.strerror}") from error
