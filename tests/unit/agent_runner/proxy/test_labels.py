import pytest

from agent_runner.proxy.labels import labels_in, laid_together
from shared.errors import MalformedError


def read(*values: str) -> dict[str, str]:
    return labels_in([(b"x-ag2trust-labels", each.encode()) for each in values])


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([], {}),
        ([""], {}),
        (["team=research"], {"team": "research"}),
        (
            [" team = research , stage=draft,"],
            {"team": "research", "stage": "draft"},
        ),
        (["a=1", "b=2"], {"a": "1", "b": "2"}),
        (["query=a=b"], {"query": "a=b"}),
        (["empty="], {"empty": ""}),
        (["a.b-c_d=1"], {"a.b-c_d": "1"}),
    ],
)
def test_labels_are_read(values: list[str], labels: dict[str, str]) -> None:
    assert read(*values) == labels


@pytest.mark.parametrize(
    "value",
    [
        "team",
        "=x",
        "1a=x",
        "a b=x",
        "a=1,a=2",
        "a=ä",
        "a=" + "x" * 201,
        "a" * 64 + "=x",
        ",".join(f"a{number}=x" for number in range(21)),
        ",".join(f"a{number}=" + "x" * 199 for number in range(6)),
    ],
)
def test_what_is_no_label_is_refused(value: str) -> None:
    with pytest.raises(MalformedError):
        read(value)


def test_a_label_of_two_fields_is_refused_too() -> None:
    with pytest.raises(MalformedError):
        read("a=1", "a=2")


def test_of_one_name_the_label_of_the_most_weight_holds() -> None:
    together = laid_together(
        {"team": "of the type"},
        {"team": "of the provider", "region": "eu"},
        {"team": "of the call", "region": "us", "stage": "draft"},
        room_bytes=1000,
    )

    assert together == {"team": "of the type", "region": "eu", "stage": "draft"}


def test_what_finds_no_room_is_left_out() -> None:
    together = laid_together(
        {"a": "1"}, {"b": "x" * 100}, {"c": "3"}, room_bytes=len('{"a": "1", "c": "3"}')
    )

    assert together == {"a": "1", "c": "3"}
    assert laid_together({"a": "1"}, room_bytes=-5) == {}
