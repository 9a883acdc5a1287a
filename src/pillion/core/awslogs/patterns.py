"""Patterns of lines that begin an event: date formats and regular expressions of the awslogs driver.

The driver is a Go program, so its regular expressions are RE2's. Python's are nearly the same; what is
spelled differently is translated, and what Python would understand otherwise is refused.

Surprising: a date format is a *search*, not a match at the line's start, and knows no calendar: the 31st of
February begins an event.
"""

from __future__ import annotations

import re
from typing import Final

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def _any_of(*words: str) -> str:
    return f"(?:{'|'.join(words)})"


_DATE_CODES: Final = {
    "a": _any_of(*(day[:3] for day in _DAYS)),
    "A": _any_of(*_DAYS),
    "w": "[0-6]",
    "d": "(?:0[1-9]|[12][0-9]|3[01])",
    "b": _any_of(*(month[:3] for month in _MONTHS)),
    "B": _any_of(*_MONTHS),
    "m": "(?:0[1-9]|1[0-2])",
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "H": "(?:[01][0-9]|2[0-3])",
    "I": "(?:0[0-9]|1[0-2])",
    "p": "[AP]M",
    "M": "[0-5][0-9]",
    "S": "[0-5][0-9]",
    "L": r"\.[0-9]{3}",
    "f": "[0-9]{6}",
    "z": "[+-][0-9]{4}",
    "Z": "[A-Z]{1,4}T",
    "j": "(?:0[0-9][1-9]|[12][0-9][0-9]|3[0-5][0-9]|36[0-6])",
}
"""What Docker's driver makes of each code of `awslogs-datetime-format`; `%L` has its dot."""

_CODE: Final = re.compile(r"%(.)", re.DOTALL)

_POSIX_CLASSES: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_POSIX_CLASS: Final = re.compile(r"\[:([a-z]+):\]")
_PYTHON_ONLY: Final = re.compile(r"(?<!\\)(?:\\\\)*(\(\?(?:[=!#>(]|<[=!]|P=)|\\[1-9Z])")


class PatternError(ValueError):
    """Not a pattern that RE2 takes, or one that cannot be translated. The message says why."""


def datetime_pattern(format_: str) -> re.Pattern[str]:
    """Return the pattern of an `awslogs-datetime-format`.

    Text around the codes is a regular expression, as in Docker's driver: `[%Y` begins a character class.

    Raises:
        PatternError: what comes out is not a pattern.
    """
    return line_pattern(_CODE.sub(lambda match: _DATE_CODES.get(match[1], match[0]), format_))


def line_pattern(text: str) -> re.Pattern[str]:
    r"""Return the pattern of an `awslogs-multiline-pattern`.

    Raises:
        PatternError: RE2 refuses it (look-around, back references), or Python does.
    """
    if (found := _PYTHON_ONLY.search(text)) is not None:
        raise PatternError(f"error parsing regexp: invalid or unsupported syntax: `{found[1]}`")
    translated = _POSIX_CLASS.sub(lambda match: _POSIX_CLASSES.get(match[1], match[0]), text)
    translated = re.sub(r"(?<!\\)((?:\\\\)*)\\z", r"\1\\Z", translated)
    try:
        return re.compile(translated, re.ASCII)  # RE2's \d, \w, \s and \b know ASCII only
    except (re.error, OverflowError) as error:
        raise PatternError(f"error parsing regexp: {error}: `{text}`") from error
