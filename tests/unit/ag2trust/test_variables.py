"""The launcher's variables are read whole or refused in plain words."""

import os
from pathlib import Path

import pytest

from ag2trust.errors import WrongVariableError
from ag2trust.variables import RuntimeWish, read_variables

GOOD_KEY = "cust_" + "a1B2" * 8


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = ("GATEWAY_PORT", "PROXY_PORT", "EXTERNAL_PORT", "METRICS_PORT")
    for name in ("HOME", *ports, "BOOTSTRAP_API_KEY", "RUNTIME"):
        monkeypatch.delenv(f"AG2TRUST_{name}", raising=False)


def test_without_variables_the_documented_defaults_hold() -> None:
    variables = read_variables()

    assert variables.home == Path(".ag2trust")
    assert (variables.gateway_port, variables.proxy_port) == (8080, 8090)
    assert variables.external_port == 8092
    assert variables.metrics_port is None
    assert variables.runtime is RuntimeWish.AUTO
    assert variables.bootstrap_api_key is None
    assert variables.allow_private_base_urls


@pytest.mark.parametrize("taken", ["8080", "8090", "8092"])
def test_a_port_is_wanted_by_one_alone(
    monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    monkeypatch.setenv("AG2TRUST_METRICS_PORT", taken)

    with pytest.raises(WrongVariableError, match="need a port each"):
        read_variables()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AG2TRUST_GATEWAY_PORT", "")

    assert read_variables().gateway_port == 8080


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AG2TRUST_GATEWAY_PORT", "0"),
        ("AG2TRUST_GATEWAY_PORT", "70000"),
        ("AG2TRUST_PROXY_PORT", "http"),
        ("AG2TRUST_RUNTIME", "podman"),
        ("AG2TRUST_ALLOW_PRIVATE_BASE_URLS", "perhaps"),
        ("AG2TRUST_BOOTSTRAP_API_KEY", "cust_short"),
        ("AG2TRUST_BOOTSTRAP_API_KEY", "key_" + "a" * 32),
        ("AG2TRUST_BOOTSTRAP_API_KEY", "cust_" + "a" * 31 + "-"),
        ("AG2TRUST_BOOTSTRAP_API_KEY", "cust_" + "ä" * 32),
        ("AG2TRUST_COLOUR", "blue"),
    ],
)
def test_a_wrong_or_unknown_variable_is_named_and_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(WrongVariableError, match=name) as refused:
        read_variables()

    assert value not in str(refused.value)


@pytest.mark.parametrize("taken", ["8090", "8092"])
def test_no_two_listeners_can_share_a_port(
    monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    monkeypatch.setenv("AG2TRUST_GATEWAY_PORT", taken)

    with pytest.raises(WrongVariableError, match="a port each"):
        read_variables()


def test_a_good_key_is_taken_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AG2TRUST_BOOTSTRAP_API_KEY", GOOD_KEY)

    variables = read_variables()

    assert variables.bootstrap_api_key is not None
    assert variables.bootstrap_api_key.get_secret_value() == GOOD_KEY
    assert GOOD_KEY not in repr(variables)
    assert "AG2TRUST_BOOTSTRAP_API_KEY" not in os.environ


def test_what_only_commands_that_ask_a_gateway_read_is_no_mistake_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AG2TRUST_API_KEY", GOOD_KEY)

    read_variables()

    assert "AG2TRUST_API_KEY" not in os.environ
