import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.proxy.json_text import (
    UnclearJsonError,
    decode,
    has_more_tokens,
    read_json,
    value_span,
)

SPACES = st.text(" \t\r\n", max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)


def written(fields: dict[str, object], space: str, *, ascii_only: bool) -> str:
    """Write an object with *space* wherever JSON allows some."""
    members = (
        f"{space}{json.dumps(name, ensure_ascii=ascii_only)}{space}:{space}"
        f"{json.dumps(value, ensure_ascii=ascii_only)}{space}"
        for name, value in fields.items()
    )
    return f"{space}{{{','.join(members) or space}}}{space}"


@given(
    fields=OBJECTS.filter(bool),
    space=SPACES,
    ascii_only=st.booleans(),
    data=st.data(),
)
def test_a_span_holds_the_value_of_its_member(
    fields: dict[str, object], space: str, *, ascii_only: bool, data: st.DataObject
) -> None:
    text = written(fields, space, ascii_only=ascii_only)
    name = data.draw(st.sampled_from([*fields]))

    start, end = value_span(text, name)

    assert json.loads(text[start:end]) == fields[name]


@given(fields=OBJECTS, space=SPACES, ascii_only=st.booleans())
def test_what_is_json_is_read(
    fields: dict[str, object], space: str, *, ascii_only: bool
) -> None:
    assert decode(written(fields, space, ascii_only=ascii_only)) == fields


def test_a_name_written_with_escapes_is_that_name() -> None:
    text = '{"mod\\u0065l": "a", "other": 1}'

    assert value_span(text, "model") == (15, 18)


def test_an_inner_object_is_searched_where_it_begins() -> None:
    text = '{"x": {"flag": 1}, "y": {"flag": 2}}'
    at, _ = value_span(text, "y")

    start, end = value_span(text, "flag", at=at)

    assert text[start:end] == "2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}{}",
        "\ufeff{}",
        '{"a": 1, "a": 2}',
        '{"a": 1, "\\u0061": 2}',
        '{"a": {"b": 1, "b": 1}}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 01}',
        '{"a": "\x01"}',
        '{"a": "\\x"}',
        "{'a': 1}",
        '{"a": 1,}',
        "[" * 100_000,
        '{"a":' * 100_000,
        f'{{"a": {"9" * 5000}}}',
    ],
)
def test_what_two_readers_could_take_differently_is_refused(text: str) -> None:
    with pytest.raises(UnclearJsonError):
        decode(text)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("7", 0),
        ('"a"', 1),
        ("{}", 1),
        ("[[],[]]", 4),
        ('{"a":1,"b":[true]}', 5),
        (r'"[{,\"[{,\\"', 1),
        ('"no end [{,', 1),
        ("]]}}::", 0),
    ],
)
def test_tokens_are_counted_outside_of_strings(text: str, tokens: int) -> None:
    assert not has_more_tokens(text.encode(), than=tokens)
    assert tokens == 0 or has_more_tokens(text.encode(), than=tokens - 1)


@given(value=VALUES)
def test_json_of_few_characters_has_few_tokens(value: object) -> None:
    text = json.dumps(value).encode()

    assert not has_more_tokens(text, than=len(text))


@pytest.mark.parametrize(
    "body",
    [
        b'{"content":"cut in half: \\ud83d","usage":{"prompt_tokens":1}}',
        b'\xef\xbb\xbf{"usage":null}',
        b'{"usage":1,"usage":2}',
        b'{"logprob":-Infinity}',
        b"[" * 500 + b"]" * 500,
    ],
)
def test_what_a_provider_sends_is_read_leniently(body: bytes) -> None:
    assert read_json(body) == json.loads(body)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{}}", b"[" * 100_000])
def test_what_a_provider_sends_and_is_no_json_is_nothing(body: bytes) -> None:
    assert read_json(body) is None


def test_what_would_hold_others_up_is_not_read() -> None:
    assert read_json(b"[" + b"1," * 2_100_000 + b"1]") is None
