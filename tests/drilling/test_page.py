from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from drilling.definitions import result_of
from drilling.reports import EVERYTHING, report
from pillion.drilling.chart import chart_svg
from pillion.drilling.faults import Fault
from pillion.drilling.page import drill_page
from pillion.drilling.predicting import Blow

PAGE = drill_page(EVERYTHING)
_WITHOUT_END = frozenset({"meta", "br"})


class Reader(HTMLParser):
    """Reads a page: which ids and links there are, and whether every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.charts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        self.loads += [found["src"]] if "src" in found else []
        self.charts += [found["aria-label"]] if tag == "svg" else []
        if tag not in _WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def test_the_page_is_well_formed_and_loads_nothing() -> None:
    found = read(PAGE)
    assert found.open == []
    assert found.loads == []
    assert not re.search(r"url\(|@import|<script|<link", PAGE)
    assert all(link.startswith("#") for link in found.links)


def test_every_case_has_an_article_and_every_link_leads_to_one() -> None:
    found = read(PAGE)
    assert found.ids == [item.case.name.replace(":", "-") for item in EVERYTHING.results]
    assert {link.removeprefix("#") for link in found.links} == set(found.ids)


def test_every_case_that_ran_has_its_chart_and_so_has_the_run_without_a_fault() -> None:
    ran = [item.case.words for item in EVERYTHING.results if item.observed is not None]
    assert read(PAGE).charts == ["the task without a fault", *ran]


def test_what_others_wrote_is_text_and_not_markup() -> None:
    assert "&lt;refused&gt;" in PAGE
    assert "a &lt;note&gt;" in PAGE
    assert "there is no &lt;GPU&gt; here" in PAGE
    assert not re.search("<refused>|<note>|<GPU>", PAGE)


def test_light_and_dark_follow_the_reader() -> None:
    assert "prefers-color-scheme:dark" in PAGE
    assert "color-scheme:light dark" in PAGE


def test_a_task_that_is_not_well_has_no_matrix_and_says_why() -> None:
    page = drill_page(replace(report(), trouble="it <stopped>"))
    assert "not well even without a fault: it &lt;stopped&gt;" in page
    assert '<table class="matrix">' not in page


def test_a_chart_marks_the_fault_draws_what_was_predicted_and_the_url() -> None:
    result = EVERYTHING.results[1]
    assert result.recording is not None
    chart = chart_svg(result.recording, title="t", struck="cache", prediction=result.prediction)
    assert chart.count('class="mark"') == 1
    assert '<text class="name struck"' in chart
    assert "<title>predicted healthy: " in chart
    assert chart.count('class="silent"') == 1
    assert ">9 of 11 looks</text>" in chart


def test_a_fault_that_is_taken_back_is_marked_twice() -> None:
    result = result_of("cache", Fault.UNHEALTHY, blow=Blow(age_s=20.0, held_s=20.0))
    assert result.recording is not None
    assert re.findall(r'class="mark-word"[^>]*>([^<]*)<', chart_svg(result.recording, title="t")) == [
        "fault",
        "taken back",
    ]


@pytest.mark.parametrize("fault", [Fault.KILL, Fault.EXIT_1, Fault.FREEZE, Fault.DELAY, Fault.NETWORK])
def test_a_chart_never_leaves_its_width(fault: Fault) -> None:
    result = result_of(None if fault is Fault.NETWORK else "web", fault, blow=Blow(age_s=2.0, delay_s=5.0))
    assert result.recording is not None
    chart = chart_svg(result.recording, title="t", prediction=result.prediction)
    spans = re.findall(r'<rect class="[a-z]+" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', chart)
    assert spans
    assert all(118 <= float(x) <= float(x) + float(width) <= 118 + 90 * 6.4 + 2 for x, width in spans)
