"""docs/aws.md and docs/firelens.md know every setting, and their example of pillion.toml is one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pillion.aws import settings
from pillion.aws.seed import TABLES
from pillion.aws.settings import AwsMode, parse_settings
from pillion.cli.run import run
from pillion.run_settings import AUTO, RELAY

DOCS = Path(__file__).resolve().parents[2] / "docs"
AWS, FIRELENS = ((DOCS / name).read_text(encoding="utf-8") for name in ("aws.md", "firelens.md"))


def test_the_example_of_pillion_toml_is_understood_and_has_every_setting() -> None:
    found = re.search(r"```toml\n(.*?)```", AWS, re.DOTALL)
    assert found is not None
    table = tomllib.loads(found[1])["aws"]
    assert set(table) == {*settings._KEYS, *TABLES}
    assert parse_settings(table).mode is AwsMode.LOCAL


def test_every_mode_and_every_value_of_endpoints_is_explained() -> None:
    for value in (AwsMode.LOCAL, AwsMode.REAL, AwsMode.NONE, AUTO, RELAY):
        assert f"`{value}`" in AWS, value


def test_every_option_about_aws_and_logs_is_explained() -> None:
    options = [name for item in run.params for name in item.opts]
    wanted = [name for name in options if name.startswith(("--aws", "--firelens", "--count"))]
    assert len(set(wanted)) == 5
    assert [name for name in wanted if name not in AWS + FIRELENS] == []
