"""What people read in a terminal."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ag2trust.commands.formats import (
    ago,
    counted,
    dollars,
    harmless,
    milliseconds,
    moment,
    number,
    percent,
    word,
)
from ag2trust.commands.tables import Column, facts, table

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_columns_are_as_wide_as_what_is_in_them_and_numbers_stand_right() -> None:
    columns = [
        Column[tuple[str, int]]("name", lambda it: it[0]),
        Column[tuple[str, int]]("calls", lambda it: number(it[1]), right=True),
    ]

    said = table(columns, [("ada", 7), ("archibald", 12_345)])

    assert said.splitlines() == [
        "NAME        CALLS",
        "ada             7",
        "archibald  12,345",
    ]


def test_a_cell_stays_on_its_line_and_is_cut_before_it_pushes_others_away() -> None:
    why = Column[str]("why", lambda it: it)
    said = table([why, Column[str]("is", lambda _: "so")], ["two\nlines", "x" * 99])

    assert [line.split("  ")[0] for line in said.splitlines()[1:]] == [
        "two lines",
        "x" * 59 + "…",
    ]


def test_columns_stand_below_each_other_where_characters_are_wide() -> None:
    name = Column[str]("name", lambda it: it)
    said = table([name, Column[str]("is", lambda _: "so")], ["東京🙂", "e\u0301a", "x"])

    assert said.splitlines() == [
        "NAME    IS",
        "東京🙂  so",
        "e\u0301a      so",
        "x       so",
    ]


def test_the_last_cell_of_a_line_is_whole() -> None:
    said = table([Column[str]("why", lambda it: it)], ["x" * 99])

    assert said.splitlines()[1:] == ["x" * 99]


def test_columns_without_room_go_on_in_a_line_below_and_nothing_is_lost() -> None:
    columns = [
        Column[str]("name", lambda it: it),
        Column[str]("model", lambda _: "gpt-5-mini"),
        Column[str]("calls", lambda it: str(len(it)), right=True),
        Column[str]("id", lambda _: "x" * 30),
    ]

    said = table(columns, ["ada", "archibald"], within=24)

    assert said.splitlines() == [
        "NAME       MODEL",
        "    CALLS",
        "    ID",
        "ada        gpt-5-mini",
        "        3",
        f"    {'x' * 30}",
        "archibald  gpt-5-mini",
        "        9",
        f"    {'x' * 30}",
    ]


@pytest.mark.parametrize(("within", "lines"), [(10, 2), (9, 4)])
def test_a_table_that_just_fits_stays_as_it_is(within: int, lines: int) -> None:
    columns = [Column[str]("one", lambda it: it), Column[str]("two", lambda it: it)]

    assert len(table(columns, ["four"], within=within).splitlines()) == lines


def test_more_lines_of_a_fact_stand_below_the_first() -> None:
    assert facts([("a", "one\ntwo"), ("long", "")]).splitlines() == [
        "\x1b[1ma   \x1b[0m  one",
        "\x1b[1m    \x1b[0m  two",
        "\x1b[1mlong\x1b[0m",
    ]


CLEARS, TITLES, TURNS, C1 = "\x1b[2J", "\x1b]0;it\x07", "\u202e", "\x9b31m"


@pytest.mark.parametrize("evil", [CLEARS, TITLES, TURNS, C1, "\r", "\b"])
def test_nothing_that_is_shown_has_a_terminal_do_anything(evil: str) -> None:
    columns = [Column[str]("a", lambda it: it), Column[str]("b", lambda it: it)]

    said = table(columns, [f"x{evil}y"]) + harmless(facts([("", f"x{evil}y")]))

    assert not set(said) & set("\x07\x08\r\x9b\u202e\x1b")


def test_what_is_shown_keeps_its_lines_its_tabs_and_its_letters() -> None:
    text = "one\ttwo\r\nthree 👩\u200d💻 é עברית"

    assert harmless(text) == text


def test_json_with_an_escape_in_it_is_the_same_json() -> None:
    told = json.dumps({"a": "x\x9b\u202ey"}, ensure_ascii=False)

    assert json.loads(harmless(told)) == json.loads(told)


def test_a_moment_says_in_which_zone() -> None:
    here = NOW.astimezone()

    assert moment(NOW) == f"{here:%Y-%m-%d %H:%M:%S} {here.tzname()}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        ({}, "-"),
        (False, "no"),
        (0, "0"),
        (["a", "b"], "a, b"),
        ({"a": 1}, "a=1"),
        ([{"a": 1, "b": None}, {"a": 2}], "(a=1, b=-), (a=2)"),
    ],
)
def test_a_plain_value_in_words(value: object, said: str) -> None:
    assert word(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (0, "$0.00"), (12.345, "$12.35"), (0.0042, "$0.0042")],
)
def test_small_sums_have_as_many_digits_as_say_something(
    value: float | None, said: str
) -> None:
    assert dollars(value) == said


def test_shares_and_times() -> None:
    assert [percent(0), percent(0.125), percent(None)] == ["0%", "12.5%", "-"]
    assert [milliseconds(7.4), milliseconds(1500)] == ["7 ms", "1.5 s"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "5 s ago"), (125, "2 min ago"), (7200, "2 h ago"), (-90000, "in 1 d")],
)
def test_how_long_ago_a_time_is(seconds: int, said: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), now=NOW) == said


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0 calls"), (1, "1 call"), (1200, "1,200 calls")]
)
def test_one_of_a_thing_is_not_many(value: int, words: str) -> None:
    assert counted(value, "call") == words
