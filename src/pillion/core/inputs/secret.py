"""Secret values, and how ECS picks one key out of a JSON secret.

Surprising: a value that is not a string is not given back as JSON but as Go prints it, because the ECS agent
is a Go program: `1234567` becomes `1.234567e+06`, an object becomes `map[a:1 b:2]`.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final

_GO_PLAIN_EXPONENTS: Final = range(-4, 6)
"""Powers of ten for which Go prints a float without an exponent: 123456 is plain, 1234567 is not."""


class SecretError(ValueError):
    """A secret is there but cannot be used. The message has the key's name, never a value."""


class SecretValue:
    """A text that no `repr`, `str`, format or error message shows; `reveal` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself: for the container that needs it, and for nobody else."""
        return self._text

    def __repr__(self) -> str:
        return "SecretValue(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretValue) and self._text == other._text

    def __hash__(self) -> int:
        return hash((SecretValue, self._text))


def pick_json_key(secret: SecretValue, key: str) -> SecretValue:
    """Return one top-level value of a secret that is a JSON object, rendered as the ECS agent renders it.

    Raises:
        SecretError: the secret is not a JSON object, or has no such key (then with the agent's own text).
    """
    try:
        document = json.loads(secret.reveal(), parse_int=float)
    except (ValueError, RecursionError):
        document = None  # the parser's own message quotes the secret
    if not isinstance(document, dict):
        raise SecretError(f"secret of Secrets Manager is not a JSON object, so it has no key {key}")
    if key not in document:
        raise SecretError(f"retrieved secret from Secrets Manager did not contain json key {key}")
    return SecretValue(_go_text(document[key]))


def _go_text(value: object) -> str:
    """Render decoded JSON as Go's `%v` does."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case float():
            return _go_float(value)
        case list():
            return f"[{' '.join(map(_go_text, value))}]"
        case dict():
            return f"map[{' '.join(f'{key}:{_go_text(value[key])}' for key in sorted(value))}]"
        case _:
            return str(value)


def _go_float(value: float) -> str:
    shortest = Decimal(repr(value))  # the exponent of these digits; that of the value itself can be one less
    exponent = shortest.adjusted()
    if not value or exponent in _GO_PLAIN_EXPONENTS:
        return repr(value).removesuffix(".0")
    digits = "".join(map(str, shortest.as_tuple().digits)).rstrip("0")
    sign = "-" if shortest.is_signed() else ""
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{exponent:+03d}"
