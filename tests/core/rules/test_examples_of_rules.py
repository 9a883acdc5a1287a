"""Every rule carries a bad and a good definition; here each is put to the test."""

from __future__ import annotations

import re

import pytest

from pillion.core.rules.catalogue import RULES
from pillion.core.rules.check import check_definition
from pillion.core.rules.rule import Rule

EACH_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


@EACH_RULE
def test_a_rule_objects_to_its_bad_example(rule: Rule) -> None:
    assert rule.code in {finding.code for finding in check_definition(rule.bad)}


@EACH_RULE
def test_a_rule_is_content_with_its_good_example(rule: Rule) -> None:
    assert rule.code not in {finding.code for finding in check_definition(rule.good)}


@EACH_RULE
def test_aws_refuses_no_good_example_for_another_reason(rule: Rule) -> None:
    refused = [finding for finding in check_definition(rule.good) if finding.severity == "error"]
    assert refused == []


@EACH_RULE
def test_a_rule_says_what_why_and_what_to_do(rule: Rule) -> None:
    assert re.fullmatch(r"[EWS]\d{3}", rule.code)
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.why.endswith((".", "?"))
    assert rule.fix.endswith(".")
    assert rule.source.startswith("https://docs.aws.amazon.com/")


def test_codes_are_unique() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
