"""Every command against a stack that runs."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from ag2trust.ports import free_port
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox, Step
from ag2trust_sandbox.script import ToolCall

from .shell import Shell
from .transcript import missing, steps_of, typed
from .whole import Whole

pytestmark = [
    *(pytest.mark.stack, pytest.mark.timeout(180)),
    pytest.mark.asyncio(loop_scope="module"),
]

DOCS = Path(__file__).parents[2] / "docs"
KEY = f"sk-fake-{secrets.token_hex(12)}"


@pytest.fixture(scope="module")
def runtime() -> str:
    return "process"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shell(whole: Whole, sandbox: Sandbox) -> Shell:
    """Provide a shell beside a provider `sand`, a type `helper` and an agent `ada`."""
    shell = Shell(whole)
    await shell(
        *("providers", "add", "sand", "--type", "openai"),
        *("--base-url", sandbox.base_url, "--from-environment"),
        OPENAI_API_KEY=KEY,
    )
    await shell(
        *("agent-types", "add", "helper", "--provider", "sand"),
        *("--model", "sandbox-echo", "--system-prompt", "You are helpful."),
    )
    await shell("agents", "add", "ada", "--type", "helper", "--start")
    return shell


async def test_providers(shell: Shell, sandbox: Sandbox) -> None:
    other = ("providers", "add", "other", "--type", "openai", "--use-case", "tests")
    await shell(*other, "--base-url", sandbox.base_url, stdin=f"{KEY}abcd\n")
    changed = await shell(
        *("providers", "change", "other", "--disabled", "--concurrent", "3"), "--json"
    )
    lifted = await shell(
        *("providers", "change", "other", "--no-limits", "--tokens-per-minute", "9"),
        "--json",
    )
    replaced = await shell("providers", "replace-key", "other", stdin=f"{KEY}wxyz\n")
    listed = await shell("providers", "list")
    tested = await shell("providers", "test", "sand", "--json")
    models = await shell("providers", "models", "sand")
    await shell("providers", "delete", "other")
    refused = await shell("providers", "delete", "sand", fails=1)

    assert changed.json["limits"]["concurrent"] == 3
    assert lifted.json["limits"] == {
        "requests_per_minute": None,
        "tokens_per_minute": 9,
        "concurrent": None,
    }
    assert "…wxyz, version 2" in replaced.output
    assert [row[:4] for row in listed.rows] == [
        ["other", "openai", "disabled", "…wxyz"],
        ["sand", "openai", "ready", f"…{KEY[-4:]}"],
    ]
    assert tested.json["ok"] is True
    assert ["sandbox-echo", "-", "ag2trust-sandbox", "-"] in models.rows
    assert "agent ada" in refused.errors
    assert "PROVIDER_IN_USE" in refused.errors


async def test_a_bedrock_provider_and_its_policy(shell: Shell) -> None:
    await shell(
        *("providers", "add", "aws", "--type", "bedrock", "--region", "us-east-1"),
        stdin="AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY\n",
    )
    policy = await shell(
        *("providers", "iam-policy", "aws", "--models", "amazon.nova-lite-v1:0")
    )
    shown = await shell("providers", "show", "aws")
    await shell("providers", "delete", "aws")

    assert policy.json["Version"] == "2012-10-17"
    assert "us-east-1" in shown.output
    assert "wJalr" not in shown.output


async def test_models(shell: Shell) -> None:
    table = await shell("models", "--type", "anthropic")
    asked = await shell("models", "--task", "complex_reasoning", "--json")

    assert {row[1] for row in table.rows} == {"anthropic"}
    assert asked.json[0]["usd_per_million_tokens"]["input"] > 0
    assert asked.json[0]["context_window"] > 0


async def test_agent_types(shell: Shell) -> None:
    await shell(
        "agent-types", "add", "spare", "--provider", "sand", "--model", "sandbox-slow"
    )
    changed = await shell("agent-types", "change", "spare", "--model", "sandbox-echo")
    listed = await shell("agent-types", "list")
    shown = await shell("agent-types", "show", "spare", "--json")
    await shell("agent-types", "delete", "spare")

    assert "sandbox-echo" in changed.output
    assert [row[:4] for row in listed.rows] == [
        ["spare", "spare", "sand", "sandbox-echo"],
        ["helper", "helper", "sand", "sandbox-echo"],
    ]
    assert shown.json["version"] == 2


async def test_the_budget_of_an_agent_type(shell: Shell) -> None:
    made = await shell(
        *("agent-types", "add", "thrifty", "--provider", "sand"),
        *("--model", "sandbox-echo", "--budget-usd", "200"),
    )
    changed = await shell("agent-types", "change", "thrifty", "--budget-usd", "2.5")
    listed = await shell("budgets", "list", "--json")
    refused = await shell(
        *("agent-types", "change", "thrifty", "--budget-usd", "1", "--no-budget"),
        fails=2,
    )
    removed = await shell("agent-types", "change", "thrifty", "--no-budget", "--json")
    await shell("agent-types", "delete", "thrifty")

    assert "$200.00 a month, then calls are refused" in made.output
    assert "$2.50 a month" in changed.output
    assert [(each["name"], each["usd"]) for each in listed.json] == [("thrifty", 2.5)]
    assert "not both" in refused.errors
    assert removed.json["budget"] is None


async def test_tools_of_an_agent_type(shell: Shell) -> None:
    made = await shell(
        *("agent-types", "add", "tooled", "--provider", "sand"),
        *("--model", "sandbox-echo", "--tool", "current_time"),
    )
    changed = await shell(
        *("agent-types", "change", "tooled", "--tool", "http_request"),
        *("--tool-host", "api.example.com", "--tool-method", "post", "--json"),
    )
    refused = await shell(
        "agent-types", "change", "tooled", "--tool-host", "example.com", fails=2
    )
    forbidden = await shell(
        *("agent-types", "change", "tooled", "--tool", "http_request"),
        *("--tool-host", "169.254.169.254"),
        fails=65,
    )
    emptied = await shell("agent-types", "change", "tooled", "--no-tools", "--json")
    await shell("agent-types", "delete", "tooled")

    assert "current_time" in made.output
    [tool] = changed.json["tools"]
    assert (tool["hosts"], tool["methods"]) == (["api.example.com"], ["POST"])
    assert "http_request" in refused.errors
    assert "metadata" in forbidden.errors
    assert emptied.json["tools"] == []


async def test_agents(shell: Shell) -> None:
    await shell("agents", "add", "bob", "--type", "helper")
    started = await shell("agents", "start", "bob")
    restarted = await shell("agents", "restart", "bob", "--json")
    logs = await shell("agents", "logs", "bob")
    stopped = await shell("agents", "stop", "bob", "--json")
    listed = await shell("agents", "list")
    shown = await shell("agents", "show", "bob")
    await shell("agents", "delete", "bob")
    gone = await shell("agents", "show", "bob", fails=66)

    assert "running" in started.output
    assert restarted.json["status"] == "running"
    assert KEY not in logs.output
    assert stopped.json["status"] == "stopped"
    assert [row[:3] for row in listed.rows] == [
        ["bob", "helper", "stopped"],
        ["ada", "helper", "running"],
    ]
    assert "stopped" in shown.output
    assert "There is no agent 'bob'." in gone.errors


async def test_an_external_agents_token(shell: Shell) -> None:
    await shell(
        *("agent-types", "add", "outside", "--provider", "sand"),
        *("--model", "sandbox-echo", "--runtime", "external"),
    )
    made = await shell("agents", "add", "eve", "--type", "outside", "--json")
    other = await shell("agents", "replace-token", "eve", "--json")
    await shell("agents", "delete", "eve")

    assert made.json["agent_token"] != other.json["agent_token"]
    assert other.json["base_urls"]["openai"].endswith("/openai/v1")


async def test_a_question_its_call_and_what_it_used(shell: Shell, whole: Whole) -> None:
    streamed = await shell("ask", "helper", "--stream", "Hello?")
    told = await shell("ask", "ada", "--agent", "--json", stdin="Good day?")
    thread = told.json["thread_id"]
    again = await shell("ask", "helper", "--thread", thread, "And again?")
    ada = (await shell("agents", "show", "ada", "--json")).json["id"]
    await whole.operator.until(f"/api/agents/{ada}/stats", messages_processed=3)
    calls = await shell("calls", "list", "--agent", "ada")
    call = await shell("calls", "show", calls.rows[0][-1])
    as_json = await shell("calls", "list", "--limit", "1", "--json")
    stats = await shell("stats", "--agent", "ada", "--json")
    by_model = await shell("stats", "--by", "model", "--period", "7d")
    whole_usage = await shell("stats")
    live = await shell("top", "--count", "2", "--interval", "0.1")
    lines = await shell("top", "--count", "1", "--json")

    assert streamed.output.endswith("You said: Hello?\n")
    assert told.json["content"].endswith("You said: Good day?")
    assert again.output.endswith("You said: And again?\n")
    assert thread in again.errors
    assert [row[3:7] for row in calls.rows] == [
        ["ada", "sand", "sandbox-echo", "completed"]
    ] * 3
    assert "ATTEMPT" in call.output
    assert len(as_json.json) == 1
    assert stats.json["calls"] == 3
    assert by_model.rows[0][:2] == ["sandbox-echo", "3"]
    assert "3" in whole_usage.output.splitlines()[0]
    assert live.output.count("1 running") == 2
    assert [row["agent"] for row in lines.json["rows"]] == ["ada"]


async def test_an_answer_that_failed_is_explained(shell: Shell) -> None:
    await shell(
        *("agent-types", "add", "broken", "--provider", "sand"),
        *("--model", "sandbox-error-400"),
    )
    await shell("agents", "add", "eve", "--type", "broken", "--start")

    said = await shell("ask", "broken", "Hello?", fails=1)

    assert said.errors.splitlines()[-1].startswith("failed,")
    await shell("agents", "delete", "eve")
    await shell("agent-types", "delete", "broken")


async def test_tool_calls(shell: Shell, whole: Whole, sandbox: Sandbox) -> None:
    await shell(
        *("agent-types", "add", "punctual", "--provider", "sand"),
        *("--model", "sandbox-echo", "--tool", "current_time"),
    )
    await shell("agents", "add", "paul", "--type", "punctual", "--start")
    sandbox.play(
        Step(tool_calls=(ToolCall(name="current_time", arguments="{}"),)),
        Step(content="It is late."),
    )
    answer = await shell("ask", "punctual", "How late is it?")
    await until("a tool call", lambda: whole.operator.all_of("/api/tool-calls"))
    listed = await shell("tool-calls", "list", "--agent", "paul")
    shown = await shell("tool-calls", "show", listed.rows[0][-1])
    none = await shell("tool-calls", "list", "--status", "failed")
    unknown = await shell("tool-calls", "show", str(UUID(int=1)), fails=66)
    await shell("agents", "delete", "paul")
    await shell("agent-types", "delete", "punctual")

    assert answer.output.endswith("It is late.\n")
    assert [row[3:6] for row in listed.rows] == [["paul", "current_time", "completed"]]
    assert "punctual" in shown.output
    assert "There are no such tool calls." in none.errors
    assert "There is no tool call" in unknown.errors


async def test_keys(shell: Shell, whole: Whole) -> None:
    made = await shell(
        *("keys", "add", "ci", "--role", "viewer", "--scope", "agents:read"),
        *("--expires", "2099-01-01"),
    )
    key = next(
        line.split()[1] for line in made.output.splitlines() if line[:3] == "key"
    )
    file = whole.place.home.parent / "key"
    file.write_text(f"{key}\n")
    seen = await shell("agents", "list", "--key-file", str(file), "--json")
    forbidden = await shell("keys", "list", "--key-file", str(file), fails=77)
    listed = await shell("keys", "list")
    await shell("keys", "revoke", "ci")
    unknown = await shell("agents", "list", "--key-file", str(file), fails=77)

    assert [each["name"] for each in seen.json] == ["ada"]
    assert "FORBIDDEN" in forbidden.errors
    assert listed.rows[0][:4] == ["ci", "viewer", "agents:read", key[:9]]
    assert "INVALID_API_KEY" in unknown.errors


async def test_budgets(shell: Shell) -> None:
    await shell("budgets", "add", "all", "--usd", "100")
    await shell("budgets", "add", "adas", "--agent", "ada", "--tokens", "5000")
    changed = await shell("budgets", "change", "adas", "--mode", "warn", "--json")
    listed = await shell("budgets", "list")
    await shell("budgets", "delete", "adas")
    await shell("budgets", "delete", "all")
    none = await shell("budgets", "list")

    assert (changed.json["mode"], changed.json["tokens"]) == ("warn", 5000)
    assert [row[:4] for row in listed.rows] == [
        ["adas", "agent", "ada", "month"],
        ["all", "everything", "month", "$100.00"],
    ]
    assert "There are no budgets yet" in none.errors


async def test_alerts(shell: Shell) -> None:
    none = await shell("alerts", "list", "--rule", "credential_expiry")
    off = await shell("alerts", "rules", "--off", "error_rate", "--json")
    on = await shell("alerts", "rules", "--on", "error_rate")

    assert "There are no alerts." in none.errors
    assert [it["enabled"] for it in off.json if it["name"] == "error_rate"] == [False]
    assert ["error_rate", "yes"] in [row[:2] for row in on.rows]


async def test_jobs(shell: Shell, whole: Whole) -> None:
    now = datetime.now(UTC)
    period = {"from": (now - timedelta(hours=1)).isoformat(), "to": now.isoformat()}
    job = await whole.operator.made("/api/prices/reprice", period)

    ended = await shell("jobs", "show", job["id"], "--wait", "--json")
    shown = await shell("jobs", "show", job["id"])

    assert ended.json["status"] == "completed"
    assert "prices.reprice" in shown.output


async def test_a_rotation_and_a_restart_are_jobs_that_are_waited_for(
    shell: Shell,
) -> None:
    rotated = await shell("providers", "rotate", "sand", stdin=f"{KEY}2\n")
    restarted = await shell(
        *("agent-types", "change", "helper", "--max-tokens", "99"),
        *("--restart", "--json"),
    )
    listed = await shell("jobs", "list")
    answer = await shell("ask", "helper", "After all?")

    assert "completed" in rotated.output
    assert "STEP" in rotated.output
    assert restarted.json["status"] == "completed"
    assert [row[3:6] for row in listed.rows] == [
        ["agent_type.restart", "helper", "completed"],
        ["provider.rotation", "sand", "completed"],
    ]
    assert answer.output.endswith("You said: After all?\n")


async def test_a_manifest_is_shown_done_and_then_nothing_is_left(
    shell: Shell, sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(
        f"""
        providers:
          - name: written
            type: openai
            base_url: {sandbox.base_url}
            api_key: {{env: SAND_KEY}}
        agent_types:
          - slug: helper
            provider: sand
            model: sandbox-echo
            system_prompt: You are very helpful.
          - slug: writer
            provider: written
            model: sandbox-echo
            budget: {{tokens: 90000, period: day, mode: warn}}
        agents:
          - {{name: walt, type: writer, state: running}}
        budgets:
          - name: helpers
            scope: {{kind: agent_type, name: helper}}
            usd: 20
            period: month
        """
    )
    shown = await shell("apply", "-f", str(file), "--dry-run")
    unset = await shell("apply", "-f", str(file), "--yes", fails=65)
    applied = await shell("apply", "-f", str(file), "--yes", SAND_KEY=KEY)
    again = await shell("apply", "-f", str(file), "--yes", "--json")
    budgets = await shell("budgets", "list", "--json")
    answer = await shell("ask", "writer", "Well?")

    assert [line for line in shown.output.splitlines() if line[0] != " "] == [
        "+ add provider written",
        "~ change agent type helper",
        "+ add agent type writer",
        "+ add agent walt",
        "> start agent walt",
        "+ add budget helpers",
    ]
    assert "You are helpful. → You are very helpful." in shown.output
    assert "SAND_KEY, for the api_key of written, is not set." in unset.errors
    assert "Done: 6 changes." in applied.errors
    assert "ada runs as before" in applied.errors
    assert KEY not in shown.output + applied.output + applied.errors
    assert again.json == []
    assert {each["name"] for each in budgets.json} == {"helpers", "writer"}
    assert answer.output.endswith("You said: Well?\n")


async def test_a_configuration_of_litellm_becomes_providers_and_types(
    shell: Shell, sandbox: Sandbox, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        f"""
        model_list:
          - model_name: Quick one
            litellm_params:
              model: openai/sandbox-echo
              api_base: {sandbox.base_url}
              api_key: os.environ/SAND_KEY
              rpm: 60
        """
    )
    imported = await shell(
        "import", "litellm", str(config), "--yes", "--json", SAND_KEY=KEY
    )
    kind = await shell("agent-types", "show", "quick-one", "--json")

    assert [each["kind"] for each in imported.json] == ["provider", "agent type"]
    assert kind.json["name"] == "Quick one"


async def test_the_audit_is_listed_and_verified(shell: Shell) -> None:
    listed = await shell("audit", "list", "--limit", "3")
    verified = await shell.process("audit", "verify")

    assert len(listed.rows) == 3
    assert verified.output


async def test_completion_knows_the_commands(shell: Shell) -> None:
    script = await shell("completion", "bash")
    offered = await shell.process(
        _AG2TRUST_COMPLETE="bash_complete", COMP_WORDS="ag2trust pro", COMP_CWORD="1"
    )

    assert "_AG2TRUST_COMPLETE=bash_complete" in script.output
    assert offered.output.strip() == "plain,providers"


async def test_nobody_there_is_said_in_words(shell: Shell) -> None:
    nowhere = "http://127.0.0.1:9"

    said = await shell.process("agents", "list", "--url", nowhere, fails=69)

    assert said.errors.startswith("ag2trust: Nobody answers at http://127.0.0.1:9.")
    assert "Traceback" not in said.errors


@pytest.mark.parametrize(
    ("page", "gateway"),
    [("first-steps.md", ()), ("api.md", ("http://127.0.0.1:8080",))],
)
async def test_a_tutorial_leads_where_it_says(
    whole: Whole, page: str, gateway: tuple[str, ...]
) -> None:
    steps = steps_of((DOCS / page).read_text())
    port = free_port()
    listening = f"until curl --silent 127.0.0.1:{port} --output /dev/null; do :; done"
    places = {
        "_sandbox &": f"_sandbox --port {port} & {listening}",
        ":8091": f":{port}",
        **dict.fromkeys(gateway, whole.place.gateway_url),
    }

    said = await typed(
        steps, whole.place.environment(AG2TRUST_API_KEY=whole.key), places
    )

    assert {
        step.lines: missing(step, output)
        for step, output in zip(steps, said, strict=True)
        if missing(step, output)
    } == {}
