from agent_runner.masking import MASK
from agent_runner.runtimes.last_words import LastWords

KEY = "sk-proj-0123456789"


def heard(*pieces: bytes, secrets: tuple[str, ...] = (), limit_bytes: int = 100) -> str:
    words = LastWords(secrets, limit_bytes=limit_bytes)
    for piece in pieces:
        words.hear(piece)
    return words.text()


def test_what_was_said_is_told() -> None:
    assert heard(b"one\n", b"two\n") == "one\ntwo\n"


def test_only_the_last_words_are_kept() -> None:
    lines = [f"line {number}\n".encode() for number in range(1000)]

    text = heard(*lines, limit_bytes=30)

    assert text == "line 997\nline 998\nline 999\n"


def test_one_endless_line_is_kept_to_the_limit() -> None:
    assert heard(b"x" * 10_000, limit_bytes=50) == "x" * 50


def since(words: LastWords, offset: int, *, is_over: bool = False) -> list[str]:
    return list(words.since(offset, is_over=is_over).lines)


def test_lines_are_told_once_to_who_goes_on_from_the_end() -> None:
    words = LastWords(())
    words.hear(b"one\ntwo\nthr")

    first = words.since(0, is_over=False)
    words.hear(b"ee\n")

    assert first.lines == ("one", "two")
    assert since(words, first.end) == ["three"]
    assert since(words, words.since(first.end, is_over=False).end) == []


def test_an_empty_line_is_a_line() -> None:
    words = LastWords(())
    words.hear(b"\n\n")

    assert since(words, 0) == ["", ""]


def test_a_line_without_an_end_is_told_when_all_is_over() -> None:
    words = LastWords(())
    words.hear(b"one\ntwo")

    assert since(words, 4) == []
    assert since(words, 4, is_over=True) == ["two"]


def test_a_line_that_grows_without_end_is_told_in_parts() -> None:
    words = LastWords(())
    words.hear(b"x" * 10_000)

    assert since(words, 0) == ["x" * 10_000]


def test_who_reads_too_slowly_is_told_that_lines_are_missing() -> None:
    words = LastWords((), limit_bytes=20)
    for number in range(100):
        words.hear(f"line {number}\n".encode())

    late = words.since(0, is_over=False)

    assert late.has_skipped
    assert late.lines == ("line 98", "line 99")
    assert not words.since(late.end, is_over=False).has_skipped


def test_lines_that_are_told_one_by_one_have_no_secret() -> None:
    words = LastWords({KEY})
    words.hear(f"{KEY[:9]}".encode())
    words.hear(f"{KEY[9:]} \x1b[2J\n".encode())

    assert since(words, 0) == [f"{MASK} \ufffd[2J"]


def test_a_secret_is_masked() -> None:
    assert heard(f"key {KEY}!\n".encode(), secrets=(KEY,)) == f"key {MASK}!\n"


def test_the_limit_cuts_no_secret_in_two() -> None:
    said = [f"{KEY} {number} ".encode() for number in range(100)]

    text = heard(*said, secrets=(KEY,), limit_bytes=75)

    assert KEY[-6:] not in text


def test_a_secret_half_said_is_masked_already() -> None:
    assert heard(b"key sk-proj-0123", secrets=(KEY,)) == f"key {MASK}"


def test_a_secret_is_masked_though_another_stream_cuts_in() -> None:
    words = LastWords({KEY})

    words.hear(KEY[:6].encode(), stream=1)
    words.hear(b"a warning\n", stream=2)
    words.hear(KEY[6:].encode() + b"\n", stream=1)

    assert words.text() == f"a warning\n{MASK}\n"


def test_what_would_steer_a_terminal_is_taken_out() -> None:
    assert heard(b"\x1b[2Jgone\x07\x00\x7f\n") == "\ufffd[2Jgone\ufffd\ufffd\ufffd\n"


def test_a_control_character_in_two_bytes_is_taken_out() -> None:
    assert heard("\x9b2J".encode()) == "\ufffd2J"


def test_line_ends_are_all_of_one_kind() -> None:
    assert heard(b"a\r\nb\r50%\r100%\n") == "a\nb\n50%\n100%\n"


def test_what_is_not_utf_8_is_told_as_unreadable() -> None:
    assert heard(b"\xe9t\xc3\xa9\n") == "\ufffdt\u00e9\n"
