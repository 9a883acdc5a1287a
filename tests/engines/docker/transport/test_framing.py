"""Where bodies end, wherever the network cuts them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.engines.docker.transport.framing import (
    LINE_BYTES_MAX,
    TRAILER_BYTES_MAX,
    ChunkedBody,
    Framing,
    FramingError,
    SizedBody,
    UnboundedBody,
    framing_of,
)

BEHIND = b"HTTP/1.1 behind"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


def fed(framing: Framing, parts: list[bytes]) -> tuple[bytes, bytes]:
    """Return body and what came behind it; parts behind the end are not fed, as nobody reads on."""
    body = b""
    for number, part in enumerate(parts):
        body += framing.feed(part)
        if framing.is_done:
            return body, framing.rest + b"".join(parts[number + 1 :])
    return body, b""


@st.composite
def chunked(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Draw a body and how it is sent, in all the ways that HTTP allows."""
    chunks = draw(st.lists(st.binary(min_size=1, max_size=40)))
    extensions = st.sampled_from([b"", b" ", b";a", b'; a="b"'])
    digits = st.sampled_from([b"%x", b"%X", b"0%x"])
    sent = b""
    for chunk in chunks:
        sent += draw(digits) % len(chunk) + draw(extensions) + b"\r\n" + chunk + b"\r\n"
    trailer = draw(st.sampled_from([b"", b"A: b\r\n", b"A: b\r\nC: d\r\n"]))
    return b"".join(chunks), sent + b"0" + draw(extensions) + b"\r\n" + trailer + b"\r\n"


@given(chunked(), st.lists(st.integers(min_value=0), max_size=12))
def test_a_chunked_body_is_the_same_wherever_it_is_cut(sent: tuple[bytes, bytes], places: list[int]) -> None:
    body, data = sent
    framing = ChunkedBody()
    assert fed(framing, cut(data + BEHIND, places)) == (body, BEHIND)
    framing.end()


@given(chunked(), st.integers(min_value=0))
def test_a_chunked_body_that_breaks_off_is_no_body(sent: tuple[bytes, bytes], place: int) -> None:
    body, data = sent
    framing = ChunkedBody()
    assert body.startswith(framing.feed(data[: place % len(data)]))
    with pytest.raises(FramingError, match="before its last chunk"):
        framing.end()


@given(st.binary(), st.lists(st.integers(min_value=0), max_size=5))
def test_a_body_of_a_told_length_is_the_same_wherever_it_is_cut(body: bytes, places: list[int]) -> None:
    framing = SizedBody(len(body))
    assert fed(framing, cut(body + BEHIND, places))[0] == body
    assert framing.is_done
    framing.end()


def test_what_came_behind_a_body_of_a_told_length_is_kept_apart() -> None:
    framing = SizedBody(3)
    assert (framing.feed(b"ab"), framing.feed(b"cde"), framing.rest) == (b"ab", b"c", b"de")


def test_a_body_that_is_shorter_than_told_is_none() -> None:
    framing = SizedBody(3)
    framing.feed(b"a")
    with pytest.raises(FramingError, match="2 bytes before its end"):
        framing.end()


def test_a_body_of_no_told_length_ends_with_the_connection() -> None:
    framing = UnboundedBody()
    assert framing.feed(b"abc") == b"abc"
    assert not framing.is_done
    framing.end()
    assert framing.is_done


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"g\r\nabc",
        b"-1\r\n",
        b"0x3\r\nabc\r\n",
        b"1_0\r\n",
        b"3 x\r\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\rd",
        b"3\r\nabc3\r\n",
        b"1" * 17 + b"\r\n",
        b"1;" + b"x" * LINE_BYTES_MAX,
    ],
)
def test_a_chunk_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(FramingError, match="broken chunk"):
        ChunkedBody().feed(data)


def test_a_trailer_without_end_is_refused() -> None:
    framing = ChunkedBody()
    framing.feed(b"0\r\n")
    with pytest.raises(FramingError, match="trailer has no end"):
        framing.feed(b"x" * (TRAILER_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (200, [(b"content-length", b"3")], SizedBody),
        (200, [(b"transfer-encoding", b"chunked")], ChunkedBody),
        (200, [(b"transfer-encoding", b"chunked"), (b"content-length", b"3")], ChunkedBody),
        (200, [], UnboundedBody),
        (204, [], SizedBody),
        (304, [(b"content-length", b"3")], SizedBody),
    ],
)
def test_the_head_tells_how_a_body_ends(
    status: int, headers: list[tuple[bytes, bytes]], kind: type[Framing]
) -> None:
    framing = framing_of(status, headers)
    assert isinstance(framing, kind)
    assert framing.is_done is (status != 200)
