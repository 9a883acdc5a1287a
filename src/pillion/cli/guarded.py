"""Standard output and standard error of a run, which may fail under it: a closed pipe, a full disk.

What happens to a task is told from within its loop; a failure raised there would leave its containers behind.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Self, TextIO, cast


class GuardedOutput:
    """Puts guards in front of both streams while its context lasts; `error` is the first failure, or None.

    Args:
        failed: called once, with the first failure.
    """

    def __init__(self, failed: Callable[[OSError], object]) -> None:
        self._tell = failed
        self._streams = (sys.stdout, sys.stderr)
        self.error: OSError | None = None

    def __enter__(self) -> Self:
        self._streams = (sys.stdout, sys.stderr)
        sys.stdout, sys.stderr = (cast("TextIO", _Guard(item, self._fail)) for item in self._streams)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout, sys.stderr = self._streams

    def _fail(self, error: OSError) -> None:
        if self.error is None:
            self.error = error
            self._tell(error)


class _Guard:
    """A stream that notes its first failure; what is written to it later is lost."""

    def __init__(self, stream: TextIO, failed: Callable[[OSError], None]) -> None:
        self._stream = stream
        self._failed = failed
        self._is_broken = False

    def write(self, text: str) -> int:
        if not self._is_broken:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._break(error)
        return len(text)

    def flush(self) -> None:
        if not self._is_broken:
            try:
                self._stream.flush()
            except OSError as error:
                self._break(error)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)

    def _break(self, error: OSError) -> None:
        self._is_broken = True
        self._failed(error)
