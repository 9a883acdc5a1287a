from __future__ import annotations

from pillion.core.timeline.chart import ASCII, chart_lines
from pillion.core.timeline.tracks import Phase, Span, Track


def track(name: str, *spans: tuple[Phase, float], essential: bool = True, ending: str = "exit 0") -> Track:
    begins_s, found = 0.0, []
    for phase, ends_s in spans:
        found.append(Span(phase=phase, begins_s=begins_s, ends_s=ends_s))
        begins_s = ends_s
    return Track(name=name, essential=essential, spans=tuple(found), ending=ending)


TRACKS = (
    track("loader", (Phase.PULLS, 5), (Phase.RUNS, 10), essential=False),
    track(
        "web", (Phase.PULLS, 5), (Phase.WAITS, 10), (Phase.HEALTHY, 15), (Phase.STOPS, 20), ending="exit 143"
    ),
)
CHART = """\
          0s        10s
          ┬─────────┬─────────
loader    ░░░░░▬▬▬▬▬            exit 0
web *     ░░░░░·····█████▼▼▼▼▼  exit 143

· waits  ░ pulling  ▬ running  █ healthy  ▼ stopping  * essential"""
CUT = """\
       0s               1h
       +-----------/////+--
web *  ~~~~========#####vvv  exit 0

~ pulling  = running  # healthy  v stopping  / time left out  * essential"""


def test_a_chart_has_a_row_for_each_container() -> None:
    assert "\n".join(chart_lines(TRACKS, ends_s=20, columns=40)) == CHART


def test_long_times_are_cut_and_said_to_be() -> None:
    spans = ((Phase.PULLS, 3), (Phase.RUNS, 10), (Phase.HEALTHY, 3600), (Phase.STOPS, 3602))
    lines = chart_lines([track("web", *spans)], ends_s=3602, columns=33, alphabet=ASCII)
    assert "\n".join(lines) == CUT


def test_colours_wrap_runs_and_move_nothing() -> None:
    plain = chart_lines(TRACKS, ends_s=20, columns=40)
    painted = chart_lines(TRACKS, ends_s=20, columns=40, paint=lambda text, phase: f"<{text}>")
    assert "<░░░░░><·····><█████><▼▼▼▼▼>" in painted[3]
    assert [line.replace("<", "").replace(">", "") for line in painted] == plain


def test_a_long_name_is_cut() -> None:
    lines = chart_lines([track("n" * 200, (Phase.RUNS, 1))], ends_s=1, columns=80)
    assert max(map(len, lines)) <= 80
