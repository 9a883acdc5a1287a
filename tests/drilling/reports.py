"""A report with one of everything, for the tests of how reports look."""

from __future__ import annotations

from msgspec.structs import replace

from drilling.definitions import SHOP, WELL, result_of, well
from pillion.core.plan.model import Notice
from pillion.drilling.faults import Case, Fault, matrix_of
from pillion.drilling.predicting import Blow, predict
from pillion.drilling.recording import Answer, Lines, Recording
from pillion.drilling.verdict import DrillReport, Result, Verdict


def report(*results: Result, url: str | None = None) -> DrillReport:
    """A report of these cases."""
    return DrillReport(
        spec=SHOP.plan.spec,
        name="drill-abc123",
        family="shop:1",
        engine="docker 20.10",
        url=url,
        well=well(SHOP.plan, WELL),
        trouble=None,
        results=results,
        left_out=matrix_of(SHOP.plan, local=True).left_out[:1],
        notices=(Notice(code="gpu", text="there is no <GPU> here", container="web"),),
        took_s=83.0,
    )


def _asked(recording: Recording) -> Recording:
    """With a URL that answers but for two seconds after the fault, and lines of which some were lost."""
    struck_s = recording.struck_at_s or 0.0
    return replace(
        recording,
        asked_at_s=struck_s + 8.0,
        ended_at_s=struck_s + 8.0,
        answers=tuple(
            Answer(
                at_s=struck_s + second,
                took_s=0.0,
                status=None if 0 <= second < 2 else 200,
                error="<refused>" if 0 <= second < 2 else "",
            )
            for second in range(-3, 8)
        ),
        lines=(Lines(container="web", written=10, arrived=7), Lines(container="cache", written=3, arrived=3)),
    )


def _everything() -> DrillReport:
    blow = Blow(age_s=20.0)
    web = Case(container="web", fault=Fault.KILL)
    cache = predict(SHOP.plan, WELL, Case(container="cache", fault=Fault.KILL), blow)
    return report(
        result_of("loader", Fault.EXIT_1, blow=Blow(age_s=0.1)),
        result_of("cache", Fault.KILL, seen=_asked(cache)),
        result_of("cache", Fault.NEVER_HEALTHY, blow=Blow()),
        result_of("cache", Fault.UNHEALTHY, blow=Blow(age_s=20.0, held_s=20.0)),
        replace(
            result_of("web", Fault.KILL, seen=predict(SHOP.plan, WELL, web, Blow(age_s=5.0))),
            notes=("a <note>",),
        ),
        result_of("web", Fault.EXIT_0, seen=predict(SHOP.plan, WELL, web, blow)),
        Result(case=Case(container="web", fault=Fault.EXIT_1), verdict=Verdict.IMPOSSIBLE, reason="no root"),
        Result(case=Case(container=None, fault=Fault.NETWORK), verdict=Verdict.NOT_RUN, reason="no time"),
        url="http://localhost:8080/",
    )


EVERYTHING = _everything()
"""Cases of every verdict and mark."""
