from metrics.counting.just_counted import JustCounted
from shared.ids import new_id

from .records import SPOOL, call


def test_stretches_that_follow_one_another_are_taken_at_once() -> None:
    calls = [call() for _ in range(3)]
    just_counted = JustCounted()
    just_counted.add(SPOOL, after=5, through=7, records=calls[:2])
    just_counted.add(SPOOL, after=7, through=9, records=calls[2:])

    assert just_counted.take(SPOOL, after=5, through=9) == (9, calls)


def test_a_stretch_is_taken_once_and_whole_or_not_at_all() -> None:
    calls = [call(), call()]
    just_counted = JustCounted()
    just_counted.add(SPOOL, after=5, through=7, records=calls)

    assert just_counted.take(SPOOL, after=5, through=6) == (5, [])
    assert just_counted.take(SPOOL, after=5, through=7) == (7, calls)
    assert just_counted.take(SPOOL, after=5, through=7) == (5, [])


def test_places_without_anything_new_are_passed() -> None:
    just_counted = JustCounted()
    just_counted.add(SPOOL, after=0, through=4, records=[])

    assert just_counted.take(SPOOL, after=0, through=9) == (4, [])


def test_of_another_source_nothing_is_given() -> None:
    just_counted = JustCounted()
    just_counted.add(SPOOL, after=0, through=1, records=[call()])

    assert just_counted.take(new_id(), after=0, through=1) == (0, [])


def test_the_oldest_are_forgotten_first() -> None:
    calls = [call() for _ in range(3)]
    just_counted = JustCounted(records_at_most=2)
    for place, each in enumerate(calls):
        just_counted.add(SPOOL, after=place, through=place + 1, records=[each])

    assert just_counted.take(SPOOL, after=0, through=3) == (0, [])
    assert just_counted.take(SPOOL, after=1, through=3) == (3, calls[1:])


def test_what_is_counted_again_after_a_rewind_replaces_what_was_there() -> None:
    again = [call()]
    just_counted = JustCounted(records_at_most=2)
    just_counted.add(SPOOL, after=0, through=2, records=[call(), call()])
    just_counted.add(SPOOL, after=0, through=1, records=again)
    just_counted.add(SPOOL, after=1, through=2, records=again)

    assert just_counted.take(SPOOL, after=0, through=2) == (2, [*again, *again])
