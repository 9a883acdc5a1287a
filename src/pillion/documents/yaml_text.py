"""YAML text to values with their places.

The syntax is read by PyYAML (by libyaml where it is there), event by event; what a plain word means follows
the core schema of YAML 1.2: only `true` and `false` are truth values, and `yes`, `on`, `1:30` and dates are
texts.

Surprising:

- A number with a leading zero (`0777`) is a text, because people who write one mean its digits.
- CloudFormation's short tags are read as what they stand for: `!Ref x` is `{"Ref": "x"}`.
- A key is always a text, as in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

from pillion.core.errors import DocumentError
from pillion.core.taskdef.problem import shown_text
from pillion.documents.source import Lines
from pillion.documents.tree import DEPTH_MAX, Member, Node, Object, Scalar, Sequence, Span, repeated

_NODES_MAX: Final = 200_000
"""Values in a document with all aliases followed; a few lines of aliases can make billions."""

_NULL: Final = re.compile(r"(?:~|null|Null|NULL)?")
_BOOLEAN: Final = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_OCTAL_OR_HEX: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_DIGITS_MAX: Final = 100

_PREFIX: Final = "tag:yaml.org,2002:"
_TEXT_TAGS: Final = frozenset({"!", f"{_PREFIX}str"})
_PLAIN_TAGS: Final = frozenset(_PREFIX + name for name in ("null", "bool", "int", "float", "seq", "map"))

_AS_THEY_ARE: Final = frozenset({"Ref", "Condition"})
_FUNCTIONS: Final = frozenset(
    {
        "And",
        "Base64",
        "Cidr",
        "Equals",
        "FindInMap",
        "GetAtt",
        "GetAZs",
        "If",
        "ImportValue",
        "Join",
        "Length",
        "Not",
        "Or",
        "Select",
        "Split",
        "Sub",
        "ToJsonString",
        "Transform",
    }
)
"""CloudFormation's intrinsic functions; the long form of `!Sub` is `Fn::Sub`."""


def parse_yaml(text: str, name: str) -> Node:
    """Read YAML text into a tree.

    Args:
        text: The text, without a byte order mark.
        name: What to call the document in messages.

    Raises:
        DocumentError: It is not YAML, has several documents, an object has a name twice, or it is nested too
            deeply.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Composer(text, name, yaml.parse(text, Loader=loader)).document()
    except yaml.MarkedYAMLError as error:
        raise _marked_error(error, name) from error
    except yaml.reader.ReaderError as error:
        raise _character_error(text, name, chr(error.character)) from error
    except UnicodeEncodeError as error:
        raise _character_error(text, name, text[error.start]) from error


Event = Any
"""An event of PyYAML; its type stubs leave out most of the attributes."""


class _Composed(NamedTuple):
    """A node, the levels below it, and how many nodes it has with all aliases followed."""

    node: Node
    height: int
    weight: int


class _Composer:
    """Makes a tree of the events of the YAML parser."""

    def __init__(self, text: str, name: str, events: Iterator[Event]) -> None:
        self._text = text
        self._name = name
        self._events = events
        self._anchors: dict[str, _Composed] = {}

    def document(self) -> Node:
        """The tree of the only document of the stream."""
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._error(0, "the document is empty", "Write a task definition into it.")
        root = self._node(next(self._events), 1).node
        next(self._events)  # the end of the document
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            what = "a second document starts here"
            raise self._error(_start(after), what, "Keep one document in a file; --- begins one.")
        return root

    def _node(self, event: Event, depth: int) -> _Composed:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if depth > DEPTH_MAX:
            raise self._too_deep(event)
        match event:
            case yaml.ScalarEvent():
                composed = _Composed(self._scalar(event), 0, 1)
            case yaml.SequenceStartEvent():
                composed = self._sequence(event, depth)
            case _:
                composed = self._mapping(event, depth)
        composed = composed._replace(node=self._tagged(event, composed.node))
        if composed.weight > _NODES_MAX:
            raise self._error(_start(event), f"more than {_NODES_MAX} values", "Is this the right file?")
        if event.anchor:
            self._anchors[event.anchor] = composed
        return composed

    def _alias(self, event: Event, depth: int) -> _Composed:
        composed = self._anchors.get(event.anchor)
        if composed is None:
            what = f"there is no &{event.anchor} before this"
            raise self._error(_start(event), what, "An alias repeats a value that was given a name above.")
        if depth + composed.height > DEPTH_MAX:
            raise self._too_deep(event)
        return composed

    def _scalar(self, event: Event) -> Scalar:
        start, end = _start(event), _end(event)
        if event.style in ("|", ">"):
            end = start + len(self._text[start:end].rstrip())
        plain = (event.tag is None and event.implicit[0]) or event.tag in _PLAIN_TAGS
        return Scalar(span=Span(start, end), value=_resolve(event.value) if plain else event.value)

    def _sequence(self, event: Event, depth: int) -> _Composed:
        items = []
        while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(inner, depth + 1))
        nodes = tuple(item.node for item in items)
        span = self._collection_span(event, inner, nodes[-1] if nodes else None)
        return _composed(Sequence(span=span, items=nodes), items)

    def _mapping(self, event: Event, depth: int) -> _Composed:
        members, merged, values = [], [], []
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise self._error(_start(key), "the name of a member must be a text", "")
            value = self._node(next(self._events), depth + 1)
            values.append(value)
            if key.value == "<<" and key.implicit[0]:
                merged += self._merged(key, value.node)
            else:
                span = Span(_start(key), _end(key))
                members.append(Member(name=key.value, key=span, value=value.node))
        self._refuse_duplicates(tuple(members))
        by_name = {member.name: member for member in (*reversed(merged), *members)}
        span = self._collection_span(event, key, values[-1].node if values else None)
        return _composed(Object(span=span, members=tuple(by_name.values())), values)

    def _merged(self, key: Event, value: Node) -> list[Member]:
        """The members that `<<` brings; of several objects, the first one wins."""
        sources = value.items if isinstance(value, Sequence) else (value,)
        found: list[Member] = []
        for source in sources:
            if not isinstance(source, Object):
                raise self._error(_start(key), "<< takes an object, or a list of objects", "")
            found += source.members
        return found

    def _collection_span(self, event: Event, end: Event, last: Node | None) -> Span:
        # In block style, the parser ends a collection where the next thing starts.
        start, after = _start(event), _end(end)
        if not event.flow_style and last is not None and start <= last.span.end <= after:
            after = last.span.end
        return Span(start, after)

    def _tagged(self, event: Event, node: Node) -> Node:
        tag = event.tag
        if tag is None or tag in _TEXT_TAGS or tag in _PLAIN_TAGS:
            return node
        function = tag.removeprefix("!")
        if function not in _AS_THEY_ARE and function not in _FUNCTIONS:
            shown = tag.replace(_PREFIX, "!!")
            raise self._error(_start(event), f"the tag {shown} is not known here", "Remove it.")
        if function == "GetAtt" and isinstance(node, Scalar):
            parts = str(node.value).split(".", 1)
            items = tuple(Scalar(span=node.span, value=part) for part in parts)
            node = Sequence(span=node.span, items=items)
        name = function if function in _AS_THEY_ARE else f"Fn::{function}"
        start = _start(event)
        key = Span(start, start + len(tag))
        return Object(span=node.span, members=(Member(name=name, key=key, value=node),))

    def _refuse_duplicates(self, members: tuple[Member, ...]) -> None:
        for duplicate in repeated(members):
            first = Lines(self._text).position(duplicate.first.start)
            what = f"{shown_text(duplicate.name)} is given twice in this object; first at {first}"
            raise self._error(duplicate.again.start, what, "Keep one of the two.")

    def _too_deep(self, event: Event) -> DocumentError:
        what = f"the document is nested more than {DEPTH_MAX} levels deep"
        return self._error(_start(event), what, "No task definition is; is this the right file?")

    def _error(self, offset: int, what: str, hint: str) -> DocumentError:
        place = Lines(self._text).position(offset)
        return DocumentError(what, file=self._name, line=place.line, column=place.column, hint=hint)


def _start(event: Event) -> int:
    offset: int = event.start_mark.index
    return offset


def _end(event: Event) -> int:
    offset: int = event.end_mark.index
    return offset


def _composed(node: Node, inner: list[_Composed]) -> _Composed:
    height = 1 + max((item.height for item in inner), default=0)
    return _Composed(node, height, 1 + sum(item.weight for item in inner))


def _resolve(word: str) -> object:
    """What a word without quotes means in the core schema of YAML 1.2."""
    if _NULL.fullmatch(word):
        return None
    if _BOOLEAN.fullmatch(word):
        return word.lower() == "true"
    if _INTEGER.fullmatch(word):
        return int(word[:_DIGITS_MAX])
    if _OCTAL_OR_HEX.fullmatch(word):
        return int(word[:_DIGITS_MAX], 0)
    if _FLOAT.fullmatch(word):
        return float(word)
    return word


def _marked_error(error: yaml.MarkedYAMLError, name: str) -> DocumentError:
    mark = error.problem_mark or error.context_mark
    what = f"this is not YAML: {error.problem or error.context}"
    if error.problem and error.context:
        what += f", {error.context}"
    return DocumentError(
        what,
        file=name,
        line=mark.line + 1 if mark else None,
        column=mark.column + 1 if mark else None,
        hint=_hint(error.problem or ""),
    )


def _hint(problem: str) -> str:
    if "tab" in problem or "cannot start any token" in problem:
        return "YAML is indented with spaces, and a text that starts with a special character needs quotes."
    if "mapping values are not allowed" in problem:
        return "Check the indentation; a text with a colon and a space in it needs quotes."
    return "Check the indentation and the brackets."


def _character_error(text: str, name: str, character: str) -> DocumentError:
    place = Lines(text).position(max(text.find(character), 0))
    what = f"this is not YAML: the character U+{ord(character):04X} is not allowed"
    return DocumentError(what, file=name, line=place.line, column=place.column, hint="Remove it.")
