"""The buffer of non-blocking mode drops the new line, never an old one."""

from hypothesis import given
from hypothesis import strategies as st

from pillion.core.awslogs.backlog import Backlog


@given(st.lists(st.text(min_size=1, max_size=8)), st.integers(1, 20))
def test_what_was_taken_comes_out_in_order_and_never_more_than_fits(lines: list[str], max_bytes: int) -> None:
    backlog: Backlog[str] = Backlog(max_bytes)
    taken = [line for line in lines if backlog.offer(line, len(line))]
    assert backlog.take() == taken
    assert len(taken) <= 1 or sum(map(len, taken)) <= max_bytes


def test_a_full_buffer_keeps_what_it_has() -> None:
    backlog: Backlog[str] = Backlog(4)
    assert [backlog.offer("old", 3), backlog.offer("new", 3)] == [True, False]
    assert (backlog.take(), len(backlog)) == (["old"], 0)


def test_an_empty_buffer_takes_a_line_of_any_length() -> None:
    backlog: Backlog[str] = Backlog(4)
    assert backlog.offer("far too long", 12)
