from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_runner.masking import MASK, SecretMask, StreamMask

KEY = "sk-proj-0123456789"


def fed(secrets: set[str], *pieces: str) -> str:
    """Feed *pieces* and then a line's end, which no secret has."""
    stream = StreamMask(SecretMask(secrets))
    return b"".join(stream.feed(piece.encode()) for piece in (*pieces, "\n")).decode()


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    mask = SecretMask({KEY})

    assert mask.hide(f"{KEY} and <{KEY}>{KEY}") == f"{MASK} and <{MASK}>{MASK}"


def test_text_without_a_secret_is_left_alone() -> None:
    assert SecretMask({KEY}).hide("nothing to see") == "nothing to see"


def test_without_secrets_nothing_is_hidden() -> None:
    assert SecretMask({""}).hide("all of it") == "all of it"


def test_a_secret_is_no_pattern() -> None:
    assert SecretMask({"a.c*"}).hide("abc a.c*") == f"abc {MASK}"


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    url = f"http://10.0.0.1/a/{KEY}/openai/v1"

    assert SecretMask({KEY, url}).hide(f"{url} {KEY}") == f"{MASK} {MASK}"


def test_half_a_character_survives() -> None:
    assert SecretMask({KEY}).hide(f"\ud800{KEY}") == f"\ud800{MASK}"


@pytest.mark.parametrize("cut", range(1, len(KEY)))
def test_a_secret_cut_in_two_is_hidden(cut: int) -> None:
    assert fed({KEY}, f"a {KEY[:cut]}", f"{KEY[cut:]} b") == f"a {MASK} b\n"


def test_a_secret_that_comes_byte_by_byte_is_hidden() -> None:
    assert fed({KEY}, *f"a {KEY} b") == f"a {MASK} b\n"


def test_the_beginning_of_a_secret_alone_is_shown_when_the_rest_never_comes() -> None:
    assert fed({KEY}, "sk-proj-", "elsewhere") == "sk-proj-elsewhere\n"


def test_a_short_secret_waits_for_a_longer_one_that_begins_with_it() -> None:
    assert fed({"abc", "abcdef"}, "abc", "def") == f"{MASK}\n"
    assert fed({"abc", "abcdef"}, "abc", "xyz") == f"{MASK}xyz\n"


def test_a_secret_whose_end_begins_another_is_hidden() -> None:
    assert fed({"xab", "abz"}, "xab", "c") == f"{MASK}c\n"


def test_little_is_held_back() -> None:
    stream = StreamMask(SecretMask({KEY}))

    stream.feed(b"x" * 100_000 + b"sk-")

    assert stream.holds_back
    assert stream.feed(b"y") == b"sk-y"
    assert not stream.holds_back


def test_what_overlaps_is_hidden_as_one() -> None:
    assert SecretMask({"xab", "abz"}).hide("-xabz-") == f"-{MASK}-"
    assert SecretMask({"aa"}).hide("aaaaa") == MASK
    assert SecretMask({"ab"}).hide("abab") == MASK + MASK


def test_a_long_secret_that_resembles_itself_is_hidden() -> None:
    secret = "a" * 4_000 + "b"
    longer, shorter = "a" * 60_000, "a" * 3_999

    shown = fed({secret}, *f"{longer}b{shorter}", f"c{secret}")

    assert shown == f"{longer[4_000:]}{MASK}{shorter}c{MASK}\n"


SECRETS = st.sets(st.text("ab", min_size=1, max_size=6), min_size=1, max_size=3)


@given(secrets=SECRETS, text=st.text("abc", max_size=40))
def test_whatever_is_of_a_secret_is_hidden_and_nothing_else(
    secrets: set[str], text: str
) -> None:
    shown, end = "", 0
    for start in range(len(text)):
        ends = [start + len(each) for each in secrets if text.startswith(each, start)]
        if ends and start >= end:
            shown += MASK
        end = max([end, *ends])
        if start >= end:
            shown += text[start]

    assert SecretMask(secrets).hide(text) == shown


@given(
    secrets=SECRETS,
    text=st.text("abc", max_size=40),
    cuts=st.lists(st.integers(0, 40)),
)
@example(secrets={"aab", "ab"}, text="aaab", cuts=[2, 3])
def test_a_stream_is_masked_as_if_it_were_whole(
    secrets: set[str], text: str, cuts: list[int]
) -> None:
    ends = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(ends)]

    assert fed(secrets, *pieces) == SecretMask(secrets).hide(text + "\n")
