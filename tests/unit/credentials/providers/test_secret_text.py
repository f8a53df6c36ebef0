import pytest
from pydantic import SecretStr

from credentials.providers.secret_text import hint_of, trimmed
from shared.errors import InvalidError

KEY = "sk-proj-0123456789abcd"


@pytest.mark.parametrize("pasted", [KEY, f"  {KEY}\n", f"\t{KEY}\r\n", f"\u00a0{KEY} "])
def test_white_space_around_a_pasted_secret_is_dropped(pasted: str) -> None:
    assert trimmed(SecretStr(pasted), field="api_key").get_secret_value() == KEY


@pytest.mark.parametrize(
    "text", ["", " \n", "sk one", "sk\ntwo", "sk\x00", "sk-é", "sk\u200b", "s" * 8193]
)
def test_what_cannot_be_a_secret_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidError) as raised:
        trimmed(SecretStr(text), field="api_key")

    message = "must be 1 to 8192 printable ASCII characters without white space"
    assert raised.value.message == f"The field api_key {message}."
    assert raised.value.details == {
        "fields": [{"field": "api_key", "message": message}]
    }


def test_a_hint_is_the_last_four_characters() -> None:
    assert hint_of(SecretStr(KEY)) == "…abcd"


def test_a_short_secret_has_no_hint() -> None:
    assert hint_of(SecretStr("short-secret-15")) is None
