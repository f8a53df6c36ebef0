from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from agent_runner.hosting.launch_queue import LaunchQueue

A, B, C, D = (UUID(int=number) for number in range(4))

SOME_AGENTS = st.sets(st.integers(0, 9).map(lambda number: UUID(int=number)))


def test_no_more_than_the_most_begin_and_the_next_when_one_is_over() -> None:
    queue = LaunchQueue(2)

    first = queue.admit([A, B, C])
    still = queue.admit([C])
    queue.leave(A)

    assert first == [A, B]
    assert still == []
    assert queue.admit([C]) == [C]


def test_who_asked_first_is_first_whatever_the_order_of_later_asking() -> None:
    queue = LaunchQueue(1)
    queue.admit([A])
    queue.admit([B])

    queue.leave(A)

    assert queue.admit([D, C, B]) == [B]


def test_who_does_not_ask_again_holds_nobody_up() -> None:
    queue = LaunchQueue(1)
    queue.admit([A, B, C])

    queue.leave(A)

    assert queue.admit([C]) == [C]
    assert not queue.is_waited_for


@given(st.integers(1, 4), st.lists(st.tuples(SOME_AGENTS, SOME_AGENTS)))
def test_places_are_never_more_than_the_most_and_never_empty_while_one_waits(
    most: int, rounds: list[tuple[set[UUID], set[UUID]]]
) -> None:
    queue = LaunchQueue(most)
    under_way: set[UUID] = set()

    for over, asking in rounds:
        for each in over & under_way:
            queue.leave(each)
        under_way -= over
        begun = queue.admit(asking - under_way)
        assert under_way.isdisjoint(begun)
        under_way |= set(begun)
        assert len(under_way) <= most
        assert not queue.is_waited_for or len(under_way) == most
