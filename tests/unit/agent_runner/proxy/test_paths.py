import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.proxy.anthropic.wire_format import ANTHROPIC
from agent_runner.proxy.bedrock.wire_format import BEDROCK
from agent_runner.proxy.openai.wire_format import OPENAI
from agent_runner.proxy.paths import format_of, place_of
from agent_runner.proxy.wire_format import WireFormat
from shared.errors import AppError, PathNotAllowedError

FORMATS = [OPENAI, ANTHROPIC, BEDROCK]


@pytest.mark.parametrize(
    ("path", "token", "wire_format", "rest"),
    [
        ("/openai/v1/chat/completions", None, OPENAI, "chat/completions"),
        ("/a/agt_1/openai/v1/chat/completions", "agt_1", OPENAI, "chat/completions"),
        ("/anthropic/v1/messages", None, ANTHROPIC, "messages"),
        ("/a/agt_1/anthropic/v1/messages", "agt_1", ANTHROPIC, "messages"),
        ("/bedrock/model/m/invoke", None, BEDROCK, "model/m/invoke"),
        ("/a/A_0/bedrock/model/a%2Fb/invoke", "A_0", BEDROCK, "model/a%2Fb/invoke"),
        ("/openai/v1/", None, OPENAI, ""),
    ],
)
def test_a_path_says_who_calls_in_which_format(
    path: str, token: str | None, wire_format: WireFormat, rest: str
) -> None:
    place = place_of(path)

    assert place.token == token
    assert place.format is wire_format
    assert place.path == rest
    assert format_of(path) is wire_format
    assert token is None or token not in repr(place)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/a/agt_1",
        "/a/agt_1/",
        "/a//openai/v1/models",
        "//openai/v1/models",
        "/a/agt-1/openai/v1/models",
        "/a/agt_1%2Fopenai/v1/models",
        "/a/x/a/agt_1/openai/v1/models",
        "/A/agt_1/openai/v1/models",
        "/x/../openai/v1/models",
        "/openai/v2/models",
        "/openai/models",
        "/openai/v1",
        "/anthropic",
        "/anthropic/messages",
        "/bedrockx/model/m/invoke",
        "/OPENAI/v1/models",
        "/a/agt_1\n/openai/v1/models",
    ],
)
def test_what_is_no_such_path_is_refused_without_its_token(path: str) -> None:
    with pytest.raises(PathNotAllowedError) as refused:
        place_of(path)

    assert "agt" not in refused.value.message


@pytest.mark.parametrize(
    ("path", "wire_format"),
    [
        ("/anthropic/messages", ANTHROPIC),
        ("/a/agt-1/anthropic/x", ANTHROPIC),
        ("/bedrock", BEDROCK),
        ("/bedrockx", OPENAI),
        ("/x/anthropic/v1", OPENAI),
        ("", OPENAI),
    ],
)
def test_a_refusal_is_worded_in_the_format_that_was_meant(
    path: str, wire_format: WireFormat
) -> None:
    assert format_of(path) is wire_format


PATHS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            ["a", "agt_1", "openai", "v1", "anthropic", "bedrock", "model", "..", ""]
        )
    ).map(lambda parts: "/" + "/".join(parts)),
)


@given(path=PATHS, method=st.sampled_from(["GET", "POST", ""]), query=st.text())
def test_any_path_is_served_or_refused(path: str, method: str, query: str) -> None:
    try:
        place = place_of(path)
        route = place.format.route_of(method, place.path, query)
    except AppError as error:
        reply = format_of(path).refusal(error, "req-1")
        assert reply.status in {400, 403}
        return

    assert route.path.startswith("/")
    assert ".." not in route.path


@given(
    wire_format=st.sampled_from(FORMATS),
    fields=st.lists(
        st.tuples(
            st.sampled_from([b"Authorization", b"authorization", b"x-api-key", b"x"]),
            st.binary()
            | st.sampled_from(
                [
                    b"Bearer ",
                    b"Bearer a b",
                    b"AWS4-HMAC-SHA256 Credential=",
                    b"AWS4-HMAC-SHA256 Credential=a/b, Credential=c/d",
                ]
            ),
        )
    ),
)
def test_any_header_fields_have_a_key_of_ascii_or_none(
    wire_format: WireFormat, fields: list[tuple[bytes, bytes]]
) -> None:
    assert wire_format.key_of(fields).isascii()
