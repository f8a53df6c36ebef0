"""What a manifest may say, and what is to do for it."""

from dataclasses import replace
from typing import Any

import pytest

from ag2trust.manifests.manifest import Manifest, ManifestError, read_manifest
from ag2trust.manifests.planning import Change, Difference, State, plan_of

NOTHING = State(providers={}, agent_types={}, agents={})

PROVIDER = """
providers:
  - name: one
    type: openai
    api_key: {env: KEY}
    limits: {requests_per_minute: 60}
"""
ALL = f"""
{PROVIDER}
agent_types:
  - {{slug: helper, provider: one, model: m, labels: {{team: a}}}}
agents:
  - {{name: ada, type: helper, state: running}}
"""


def there(**changed: Any) -> State:
    """Return the state after `ALL` was applied, but for what *changed*."""
    provider = {
        "name": "one",
        "type": "openai",
        "limits": {"requests_per_minute": 60, "concurrent": 5},
        "credential": {"fields": ["api_key"]},
    }
    agent_type = {
        "slug": "helper",
        "name": "helper",
        "provider": "one",
        "model": "m",
        "labels": {"team": "a"},
        "temperature": 0.5,
    }
    agent = {"name": "ada", "type": "helper", "desired_state": "running"}
    return State(
        providers={"one": {**provider, **changed.get("provider", {})}},
        agent_types={"helper": {**agent_type, **changed.get("agent_type", {})}},
        agents={"ada": {**agent, **changed.get("agent", {})}},
    )


def done(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.verb, change.key) for change in changes]


def test_all_that_is_not_there_is_added_in_an_order_that_works() -> None:
    changes = plan_of(read_manifest(ALL), NOTHING)

    assert done(changes) == [
        ("add", "one"),
        ("add", "helper"),
        ("add", "ada"),
        ("start", "ada"),
    ]
    assert Difference("api_key", None, "(from KEY)") in changes[0].differences


def test_nothing_is_to_do_twice() -> None:
    assert plan_of(read_manifest(ALL), there()) == []


def test_what_a_manifest_does_not_name_is_left_alone() -> None:
    changed = {"limits": {"requests_per_minute": 1, "concurrent": 5}}

    [change] = plan_of(read_manifest(PROVIDER), there(provider=changed))

    [difference] = change.differences
    assert difference.after == {"requests_per_minute": 60, "concurrent": 5}


def test_labels_are_told_as_a_whole() -> None:
    state = there(agent_type={"labels": {"team": "a", "old": "x"}})

    [change] = plan_of(read_manifest(ALL), state)

    assert change.differences == (
        Difference("labels", {"team": "a", "old": "x"}, {"team": "a"}),
    )


def test_a_secret_is_given_where_there_is_none_or_all_are_replaced() -> None:
    manifest = read_manifest(PROVIDER)
    without = there(provider={"credential": {"fields": []}})

    [given] = plan_of(manifest, without)
    [replaced] = plan_of(manifest, there(), replaces_secrets=True)

    secret = Difference("api_key", None, "(from KEY)")
    assert given.differences == replaced.differences == (secret,)


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ({"desired_state": "stopped"}, [("start", "ada")]),
        ({"type": "other"}, [("change", "ada")]),
    ],
)
def test_an_agent_is_moved_and_started(
    state: dict[str, str], verbs: list[tuple[str, str]]
) -> None:
    assert done(plan_of(read_manifest(ALL), there(agent=state))) == verbs


def test_a_provider_does_not_change_its_type() -> None:
    with pytest.raises(ManifestError, match="cannot change"):
        plan_of(read_manifest(PROVIDER), there(provider={"type": "anthropic"}))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("[", "no YAML"),
        ("colour: red", "colour: is not known here"),
        ("providers: [{name: one}]", "providers.0.type: is required"),
        (
            "providers: [{name: one, type: openai, api_key: sk-secret}]",
            "providers.0.api_key: A secret has no place in a file",
        ),
        (
            "providers: [{name: one, type: openai, limits: {requests: 1}}]",
            "providers.0.limits.requests: is not known here",
        ),
        ("agent_types: [{slug: a}]", "agent_types.0.provider: is required"),
        ("words", "manifest: must be an object"),
        ("agents: [{name: a, type: b}, {name: a, type: b}]", "2 times the agent 'a'"),
        (
            "budgets: [{name: a, usd: 1, period: day, scope: {kind: agent}}]",
            "budgets.0.scope.name: must name one thing, or none for the organization",
        ),
        (
            "budgets: [{name: a, usd: 1, scope: {kind: organization, name: b}}]",
            "budgets.0.scope.name: must name one thing, or none for the organization",
        ),
        ("agents: [{name: a, type: b, state: odd}]", "agents.0.state: must be"),
    ],
)
def test_what_is_no_manifest_is_refused_with_its_place(said: str, why: str) -> None:
    with pytest.raises(ManifestError) as raised:
        read_manifest(said)

    assert why in str(raised.value)
    assert "sk-secret" not in str(raised.value)


@pytest.mark.parametrize(
    "said",
    [
        "agent_types: [{slug: a, provider: nobody, model: m}]",
        "agents: [{name: a, type: nobody}]",
        "budgets: [{name: a, scope: {kind: agent, name: nobody}, usd: 1, period: day}]",
    ],
)
def test_what_names_a_stranger_is_refused_before_anything_is_done(said: str) -> None:
    with pytest.raises(ManifestError, match="'nobody'; there is no"):
        plan_of(read_manifest(said), NOTHING)


def test_tools_are_told_in_part() -> None:
    tools = "tools: [current_time, {name: http_request, hosts: [A.example]}]"
    equipped = ALL.replace("model: m,", f"model: m, {tools},")
    http = {"name": "http_request", "methods": ["GET"], "hosts": ["a.example"]}
    state = there(agent_type={"tools": [{"name": "current_time"}, http]})

    assert plan_of(read_manifest(equipped), state) == []


def test_a_slash_at_the_end_is_no_other_address() -> None:
    said = PROVIDER + "    base_url: https://a.example/v1/\n"
    state = there(provider={"base_url": "https://a.example/v1"})

    assert plan_of(read_manifest(said), state) == []


def test_a_label_may_be_called_provider() -> None:
    labelled = ALL.replace("{team: a}", "{provider: acme}")
    labels = {"agent_type": {"labels": {"provider": "acme"}}}

    assert plan_of(read_manifest(labelled), there(**labels)) == []


def test_an_agent_type_without_a_slug_lacks_nothing_else() -> None:
    with pytest.raises(ManifestError) as raised:
        read_manifest("agent_types: [{provider: one, model: m}]")

    assert str(raised.value) == "agent_types.0.slug: is required"


def test_an_empty_manifest_is_one() -> None:
    assert read_manifest("") == Manifest((), (), ())


BUDGET = """
budgets:
  - name: helpers
    scope: {kind: agent_type, name: helper}
    usd: 20
    period: month
"""


def budget(**changed: Any) -> State:
    told = {
        "name": "helpers",
        "scope": {"kind": "agent_type", "name": "helper"},
        "usd": 20.0,
        "period": "month",
        "mode": "hard",
    }
    return replace(there(), budgets={"helpers": {**told, **changed}})


def test_a_budget_is_added_and_then_left_alone() -> None:
    manifest = read_manifest(BUDGET)

    assert done(plan_of(manifest, there())) == [("add", "helpers")]
    assert plan_of(manifest, budget()) == []


def test_a_budgets_amount_changes_and_whose_it_is_does_not() -> None:
    manifest = read_manifest(BUDGET)

    [change] = plan_of(manifest, budget(usd=5.0))

    assert change.differences == (Difference("usd", 5.0, 20),)
    with pytest.raises(ManifestError, match="scope of the budget 'helpers' cannot"):
        plan_of(manifest, budget(scope={"kind": "organization", "name": None}))


def with_budget(said: str) -> Manifest:
    return read_manifest(
        f"agent_types: [{{slug: helper, provider: one, model: m, budget: {said}}}]"
    )


def test_a_types_budget_is_completed_and_keeps_one_measure() -> None:
    now = {"name": "a", "tokens": 5, "usd": None, "period": "day", "mode": "warn"}
    state = there(agent_type={"budget": now})

    [change] = plan_of(with_budget("{usd: 20, period: day}"), state)

    wanted = {**now, "tokens": None, "usd": 20}
    assert change.differences == (Difference("budget", now, wanted),)
    assert plan_of(with_budget("{tokens: 5, period: day}"), state) == []


def test_a_types_budget_is_removed_when_it_is_told_to_be_none() -> None:
    now = {"name": "a", "tokens": 5, "usd": None, "period": "day", "mode": "warn"}

    [change] = plan_of(with_budget("null"), there(agent_type={"budget": now}))

    assert change.differences == (Difference("budget", now, None),)
    assert plan_of(with_budget("null"), there(agent_type={"budget": None})) == []


def test_a_types_budget_that_cannot_be_is_refused_with_its_place() -> None:
    with pytest.raises(ManifestError, match=r"agent_types\.0\.budget\.period"):
        with_budget("{usd: 20}")
