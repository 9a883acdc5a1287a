"""Environment files as ECS reads them, which is not as a shell does.

Quotes, backslashes, `export` and `$` mean nothing: a value is everything behind the first `=`, to the end of
the line. Source: "Use specific files to pass environment variables to Amazon ECS containers" in AWS's
developer guide, and the agent's behaviour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

LINE_BYTES_MAX: Final = 64 * 1024
"""The longest line the agent's reader takes, its end not counted."""


class EnvironmentFileError(ValueError):
    """A file the agent would give up on. The message has the line's number, never its text."""


def parse_environment_file(text: str) -> dict[str, str]:
    r"""Read one file.

    A line that begins with `#` is a comment, one without `=` or with nothing before it is passed over,
    and the last of two equal names wins. Nothing is trimmed, except the `\r` of a Windows line end.

    Raises:
        EnvironmentFileError: a line of 64 KiB or more.
    """
    variables: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line.encode(errors="surrogatepass")) >= LINE_BYTES_MAX:
            raise EnvironmentFileError(f"line {number} is longer than {LINE_BYTES_MAX} bytes")
        name, equals, value = line.removesuffix("\r").partition("=")
        if equals and name and not name.startswith("#"):
            variables[name] = value
    return variables


def merge_environment_files(files: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Lay files over one another in the order of the definition: the *earlier* file wins."""
    merged: dict[str, str] = {}
    for variables in files:
        merged = {**variables, **merged}
    return merged
