"""Pages: newest first, with a cursor that leads to what follows."""

from uuid import UUID

import pytest

from shared.errors import InvalidError
from shared.ids import new_id
from shared.pages import before, page_of


def _walk(ids: list[UUID], *, limit: int) -> list[list[UUID]]:
    """Read *ids* page by page, as a repository does."""
    pages: list[list[UUID]] = []
    cursor: str | None = None
    while True:
        below = before(cursor)
        rest = sorted((each for each in ids if not below or each < below), reverse=True)
        page = page_of(rest[: limit + 1], limit=limit, id_of=lambda each: each)
        pages.append(page.data)
        if page.next_cursor is None:
            return pages
        cursor = page.next_cursor


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7, 9])
def test_pages_hold_everything_once_and_newest_first(count: int) -> None:
    ids = [new_id() for _ in range(count)]

    pages = _walk(ids, limit=3)

    assert [each for page in pages for each in page] == ids[::-1]
    assert all(len(page) == 3 for page in pages[:-1])
    assert count == 0 or pages[-1]


def test_the_last_page_has_no_cursor_though_it_is_full() -> None:
    page = page_of([UUID(int=2), UUID(int=1)], limit=2, id_of=lambda each: each)

    assert page.next_cursor is None


def test_no_cursor_is_the_top() -> None:
    assert before(None) is None


@pytest.mark.parametrize(
    "cursor", ["", "x", "0" * 31, "0" * 33, "\0", "\ud800" * 32, "../" * 12, "é" * 32]
)
def test_a_cursor_that_is_none_of_ours_is_invalid_and_not_quoted(cursor: str) -> None:
    with pytest.raises(InvalidError) as caught:
        before(cursor)

    assert caught.value.details == {
        "fields": [{"field": "cursor", "message": "unknown cursor"}]
    }


def test_ids_sort_by_when_they_were_made() -> None:
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert {each.version for each in ids} == {7}
