"""How much containers have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.core.monitoring.figures import Written
from pillion.ports.engine import LogLine
from pillion.stores.output import writer as writing
from pillion.stores.output.counting import OutputCount
from pillion.stores.output.writer import OutputWriter


def line(container: str, message: str) -> LogLine:
    return LogLine(container=container, stream="stdout", message=message, at_s=1.0)


async def test_output_is_counted_by_container_and_goes_on(tmp_path: Path) -> None:
    count = OutputCount(tmp_path, "t")
    assert count.count() == {}
    writer = OutputWriter(tmp_path, "t", trouble=pytest.fail)
    for message in ("hello", "wörld"):
        writer.add(line("web", message))
    writer.flush()
    assert count.count() == {"web": Written(lines=2, bytes=11)}
    writer.add(line("db", "x"))
    writer.flush()
    assert count.count() == {"web": Written(lines=2, bytes=11), "db": Written(lines=1, bytes=1)}
    writer.close()
    count.close()


async def test_lines_of_files_that_are_gone_still_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES_MAX", 300)
    writer = OutputWriter(tmp_path, "t", trouble=pytest.fail)
    for number in range(20):
        writer.add(line("web", f"line {number:02}"))
        writer.flush()
    writer.close()
    count = OutputCount(tmp_path, "t")
    found = count.count()["web"]
    assert found.lines == 20
    assert 0 < found.bytes < 20 * 7
    count.close()
