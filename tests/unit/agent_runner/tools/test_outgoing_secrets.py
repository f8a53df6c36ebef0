"""What a tool would send out is searched for secrets."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.tools.outgoing_secrets import holds_secret

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
WORDS = f"user:{SECRET}".encode()


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"https://example.com/?key={SECRET}&more",
        f"https://example.com/?key={quote(SECRET, safe='')}",
        quote(quote(SECRET, safe=""), safe=""),
        "".join(f"%{ord(each):02x}" for each in SECRET),
        f"Basic {b64encode(WORDS).decode()}",
        f"Basic {b64encode(WORDS).decode().rstrip('=')}",
        urlsafe_b64encode(WORDS).decode(),
        json.dumps({"key": [SECRET]}),
        '{"key": "' + SECRET.replace("/", "\\/") + '"}',
        '{"key": "' + "".join(f"\\u{ord(each):04x}" for each in SECRET) + '"}',
    ],
)
def test_a_secret_is_found_in_the_usual_encodings(text: str) -> None:
    assert holds_secret(["nothing", text], ["another-secret", SECRET])


@pytest.mark.parametrize(
    "text",
    ["", SECRET[:-1], SECRET.lower(), "[" * 5000, "%zz%", "====", '{"a": 1}'],
)
def test_what_holds_none_may_go(text: str) -> None:
    assert not holds_secret([text], [SECRET])


def test_what_is_too_short_to_be_a_secret_refuses_nothing() -> None:
    assert not holds_secret(["the test of a key"], ["test", "", "a"])


@given(st.text(max_size=200))
def test_any_text_can_be_searched(text: str) -> None:
    assert holds_secret([text + SECRET + text], [SECRET])
