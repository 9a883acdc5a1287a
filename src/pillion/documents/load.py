"""Opens a document: from a file, from standard input, or from a text at hand.

Which syntax a document has follows from the file's name, and from the text where the name does not say:
what starts with a bracket is JSON, anything else YAML.
"""

from __future__ import annotations

import codecs
import errno
import sys
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from pillion.core.errors import DocumentError
from pillion.core.likeness import closest
from pillion.documents.half_characters import find_half_character
from pillion.documents.json_text import parse_json, scan_json
from pillion.documents.source import Document, Lines, Syntax

__all__ = ["STANDARD_INPUT", "DocumentError", "load_document", "read_document"]

STANDARD_INPUT: Final = "-"

_SIZE_MAX: Final = 64 * 1024 * 1024
"""Bytes; Terraform's plans can have tens of megabytes, and a device file never ends."""

_JSON_STARTS: Final = ("{", "[", "//", "/*")
"""Comments are no JSON, but whoever starts with one has JSON in mind and gets told so."""

_SYNTAX_OF: Final = {
    ".json": Syntax.JSON,
    ".jsonc": Syntax.JSON,
    ".json5": Syntax.JSON,
    ".yaml": Syntax.YAML,
    ".yml": Syntax.YAML,
}


def load_document(path: str | Path, stdin: BinaryIO | None = None) -> Document:
    """Read a file, or standard input for `-`.

    Args:
        path: The file's name.
        stdin: What to read for `-`; the process's own standard input unless it is given.

    Raises:
        DocumentError: It cannot be read, is no UTF-8 text, is empty, or is not JSON or YAML that holds an
            object or a list.
    """
    if str(path) == STANDARD_INPUT:
        name = "<stdin>"
        data = _read_standard_input(stdin, name)
    else:
        name = str(path)
        data = _read_file(Path(path), name)
    if len(data) > _SIZE_MAX:
        what = f"this is larger than {_SIZE_MAX // 1024 // 1024} MiB"
        raise DocumentError(what, file=name, hint="Is this the right file?")
    return read_document(_decode(data, name), name, _SYNTAX_OF.get(Path(name).suffix.lower()))


def read_document(text: str, name: str, syntax: Syntax | None = None) -> Document:
    """Read a text.

    Args:
        text: The text; a byte order mark at its start is passed over.
        name: What to call the document in messages.
        syntax: How it is written, if that is known.

    Raises:
        DocumentError: It is empty, or not JSON or YAML that holds an object or a list, or no text at all.
    """
    text = text.removeprefix("\ufeff")
    stripped = text.lstrip()
    if not stripped:
        raise DocumentError("the document is empty", file=name, hint="Write a task definition into it.")
    if syntax is None:
        syntax = Syntax.JSON if stripped.startswith(_JSON_STARTS) else Syntax.YAML
    document = _read_json(text, name) if syntax is Syntax.JSON else _read_yaml(text, name)
    if not isinstance(document.value, dict | list):
        place = document.locate(())
        raise DocumentError(
            "this holds a single value, and a task definition is an object",
            file=name,
            line=place.line,
            column=place.column,
            hint='It starts like this: {"family": …, "containerDefinitions": […]}. Is this the right file?',
        )
    if (half := find_half_character(text, document.value)) is not None:
        place = document.locate(half.path, key=half.in_name)
        raise DocumentError(
            "this text has half of a character (one surrogate alone)",
            file=name,
            line=place.line,
            column=place.column,
            hint="Write the character itself, or both halves of it.",
        )
    return document


def _read_json(text: str, name: str) -> Document:
    value = parse_json(text, name)
    return Document(name=name, text=text, value=value, syntax=Syntax.JSON, make_tree=partial(scan_json, text))


def _read_yaml(text: str, name: str) -> Document:
    # Most definitions are JSON, and importing PyYAML takes longer than reading one.
    from pillion.documents.tree import plain_value
    from pillion.documents.yaml_text import parse_yaml

    tree = parse_yaml(text, name)
    return Document(name=name, text=text, value=plain_value(tree), syntax=Syntax.YAML, make_tree=lambda: tree)


def _read_standard_input(stdin: BinaryIO | None, name: str) -> bytes:
    if stdin is None and sys.stdin is None:  # it was closed before the process started
        raise DocumentError("standard input is closed", file=name, hint="Pipe a task definition into it.")
    try:
        return (stdin or sys.stdin.buffer).read(_SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(Path(name), name, error) from error


def _read_file(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, name, error) from error


def _unreadable(path: Path, name: str, error: OSError | ValueError) -> DocumentError:
    match error:
        case FileNotFoundError():
            return DocumentError("there is no such file", file=name, hint=_similar_file(path))
        case IsADirectoryError():
            return DocumentError(
                "this is a folder", file=name, hint="Name the file of a task definition in it."
            )
        case PermissionError():
            return DocumentError(
                "this file may not be read",
                file=name,
                hint="Check the permissions of it and of its folders.",
            )
        case OSError(errno=errno.ENOTDIR | errno.ENAMETOOLONG | errno.ELOOP):
            return DocumentError("this is not the name of a file", file=name)
        case OSError(strerror=reason):
            return DocumentError(f"this file cannot be read: {reason}", file=name)
        case _:
            return DocumentError("this is not the name of a file", file=repr(name))


def _similar_file(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in _SYNTAX_OF]
    except OSError:
        return f"There is no folder {path.parent} either."
    close = closest(path.name, names)
    return f"Did you mean {path.parent / close}?" if close else ""


def _decode(data: bytes, name: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DocumentError(
            "this text is UTF-16", file=name, hint="Save it as UTF-8. (PowerShell: Out-File -Encoding utf8)"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        place = Lines(before).position(len(before))
        raise DocumentError(
            f"this is not UTF-8: byte 0x{data[error.start]:02x}",
            file=name,
            line=place.line,
            column=place.column,
            hint="Save the file as UTF-8.",
        ) from error
