"""What commands tell of what a gateway answers."""

import asyncio
import json
import os
import sys
import termios
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from aiohttp import web
from click.testing import CliRunner
from tests.unit.client.gateway import json_answer, refusal, serving
from tests.unit.client.objects import (
    AGENT_ID,
    AGENT_JSON,
    MESSAGE_ID,
    MESSAGE_JSON,
    page_of,
    sample,
)
from tests.unit.client.test_streaming import frame, streaming

from ag2trust.__main__ import main

from .running_commands import run


def agent(name: str, progress: str, **said: Any) -> dict[str, Any]:
    return sample("JobAgent", name=name, progress=progress, **said)


async def test_agents_that_a_job_skipped_are_named_with_the_reason_and_the_fix() -> (
    None
):
    why = sample("Explanation", message="It did not start.", fix="Look at its log.")
    agents = [
        agent("ada", "restarted"),
        agent("bob", "skipped", explanation=why),
    ]
    job = sample("Job", kind="agent_type.restart", status="completed", agents=agents)

    async with serving(json_answer(job)) as gateway:
        said = await run(gateway, "jobs", "show", str(AGENT_ID))

    assert "1 of 2 restarted, 1 skipped" in said.output
    assert [line.split("  ") for line in said.output.splitlines()[-2:]] == [
        ["bob", "It did not start."],
        ["", "", " Look at its log."],
    ]


async def test_lines_are_followed_until_the_agent_is_deleted() -> None:
    async def stream(_: web.Request) -> web.Response:
        lines = 'event: lines\ndata: {"lines": ["One.", "Two."], "has_skipped": true}'
        return web.Response(text=f"{lines}\n\nevent: deleted\ndata: {{}}\n\n")

    async with serving(json_answer(page_of([AGENT_JSON])), stream) as gateway:
        said = await run(gateway, "agents", "logs", "ada", "--follow", "--json")

    assert said.stdout.splitlines() == ['"One."', '"Two."']
    assert said.stderr.splitlines() == ["(Lines are missing here.)", "ada is deleted."]


async def test_an_agents_lines_move_no_cursor() -> None:
    told = {"lines": ["done\x1b[2J\x1b]0;owned\x07"]}

    async with serving(
        json_answer(page_of([AGENT_JSON])), json_answer(told)
    ) as gateway:
        said = await run(gateway, "agents", "logs", "ada")

    assert said.stdout == "done\\u001b[2J\\u001b]0;owned\\u0007\n"


async def test_a_gateway_is_found_at_the_port_that_its_home_tells(
    tmp_path: Path,
) -> None:
    async with serving(json_answer(page_of([]))) as gateway:
        port = str(urlsplit(gateway.url).port)
        (tmp_path / "gateway-port").write_text(f"{port}\n")
        (tmp_path / "api-key").write_text("cust_" + "k" * 40)
        said = await asyncio.to_thread(
            CliRunner().invoke,
            main,
            ["providers", "list"],
            env={
                **dict.fromkeys(["AG2TRUST_URL", "AG2TRUST_API_KEY"]),
                **dict.fromkeys(["AG2TRUST_GATEWAY_PORT", "AG2TRUST_API_KEY_FILE"]),
                "AG2TRUST_HOME": str(tmp_path),
            },
        )

    assert said.exit_code == 0, said.output


@pytest.mark.parametrize(
    "kept", [b"cust_one\ncust_two\n", b"\x7fELF\xff\x00", "cust_ké".encode()]
)
async def test_a_file_that_holds_no_key_is_told_so(tmp_path: Path, kept: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(kept)

    async with serving() as gateway:
        said = await run(gateway, "agents", "list", "--key-file", str(file))

    assert said.exit_code == 2
    assert "What was given as API key is none" in said.stderr


@pytest.mark.parametrize(
    ("words", "given"), [((), b"\xff\xfe"), (("\udcff",), None)], ids=["read", "typed"]
)
async def test_what_is_no_text_is_no_question(
    words: tuple[str, ...], given: bytes | None
) -> None:
    async with serving() as gateway:
        said = await run(gateway, "ask", "helper", *words, given=given)

    assert said.exit_code == 65
    assert said.stderr == "ag2trust: What was given is no text in UTF-8.\n"


@pytest.mark.parametrize(
    ("words", "asked"), [((), "read"), (("-",), "read"), (("",), ""), (("no",), "no")]
)
async def test_standard_input_is_the_question_where_there_is_no_other(
    words: tuple[str, ...], asked: str
) -> None:
    refused = refusal(422, "VALIDATION_FAILED")
    async with serving(refused) as gateway:
        await run(gateway, "ask", "helper", *words, given="read")

    assert json.loads(gateway.asked[0].body)["content"] == asked


async def test_a_question_that_fails_is_told_so_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = {**MESSAGE_JSON, "status": "failed", "content": None}

    async with serving(streaming(frame("failed", failed))) as gateway:
        said = await run(gateway, "ask", "helper", "Hello?")

    assert said.exit_code == 1
    assert not caplog.records


async def test_a_question_without_an_answer_in_time_says_where_it_will_be() -> None:
    running = {
        **MESSAGE_JSON,
        "status": "running",
        "content": None,
        "finished_at": None,
    }

    async with serving(streaming(frame("pending", running))) as gateway:
        said = await run(gateway, "ask", "helper", "Hello?")

    assert said.exit_code == 1
    assert f"GET /api/messages/{MESSAGE_ID}" in said.stderr


async def test_a_time_that_no_clock_has_is_none() -> None:
    async with serving() as gateway:
        said = await run(gateway, "calls", "list", "--from", "0001-01-01T00:00+14:00")

    assert said.exit_code == 2
    assert "is no time" in said.stderr


async def test_the_old_provider_is_deleted_only_where_another_takes_its_place() -> None:
    async with serving() as gateway:
        said = await run(gateway, "providers", "rotate", "old", "--delete-old")

    assert said.exit_code == 2
    assert "--delete-old goes with --to" in said.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("alerts", "silence", str(AGENT_ID), "--hours", "1e9"),
        ("webhooks", "replay", "pager", "--failed-hours", "1e12"),
    ],
)
async def test_hours_lead_to_no_date_that_there_is_not(
    command: tuple[str, ...],
) -> None:
    async with serving() as gateway:
        said = await run(gateway, *command)

    assert said.exit_code == 2
    assert "is not in the range 0<x<=876000" in said.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("agent-types", "add", "helper", "--temperature", "nan"),
        ("agent-types", "change", "helper", "--temperature", "nan"),
        ("agent-types", "change", "helper", "--budget-usd", "inf"),
        ("alerts", "silence", str(AGENT_ID), "--hours", "nan"),
        ("ask", "helper", "Hello.", "--timeout", "nan"),
        ("budgets", "add", "--usd", "inf"),
        ("budgets", "change", "helpers", "--usd", "nan"),
        ("top", "--interval", "inf"),
    ],
)
async def test_a_number_is_finite(command: tuple[str, ...]) -> None:
    async with serving() as gateway:
        said = await run(gateway, *command)

    assert said.exit_code == 2
    assert f"{command[-1]!r} is not a finite number" in said.stderr


async def test_a_delivery_that_is_not_there_is_not_under_way_again() -> None:
    pager = sample("Webhook", name="pager")
    ids = (str(AGENT_ID), str(MESSAGE_ID))

    async with serving(
        json_answer(page_of([pager])), json_answer({"replayed": 1})
    ) as gateway:
        said = await run(gateway, "webhooks", "replay", "pager", *ids)

    assert said.exit_code == os.EX_NOINPUT
    assert "There is no such delivery to 'pager': 1 of 2." in said.stderr


async def test_usage_is_told_of_all_pages() -> None:
    rows = [sample("UsageOfModel", model=f"model-{n}") for n in range(2)]
    pages = [
        sample("UsagePageOfUsageOfModel", data=[row], next_cursor=cursor)
        for row, cursor in zip(rows, ("more", None), strict=True)
    ]

    async with serving(*map(json_answer, pages)) as gateway:
        said = await run(gateway, "stats", "--by", "model")

    assert [line.split()[0] for line in said.stdout.splitlines()] == [
        "MODEL",
        "model-0",
        "model-1",
    ]


async def test_a_field_that_the_sentence_names_is_not_named_again() -> None:
    fields = [
        {"field": "name", "message": "cannot be"},
        {"field": "usd", "message": "is below zero"},
    ]

    async with serving(refusal(422, "VALIDATION_FAILED", fields=fields)) as gateway:
        said = await run(gateway, "budgets", "list")

    assert said.stderr.splitlines()[:-1] == [
        "ag2trust: It cannot be.",
        "  usd: is below zero",
    ]


async def test_fields_that_options_became_are_called_as_they_were_typed() -> None:
    fields = [
        {"field": "aws_region", "message": "is none of AWS"},
        {"field": "labels.team", "message": "is too long"},
    ]

    async with serving(refusal(422, "VALIDATION_FAILED", fields=fields)) as gateway:
        said = await run(
            *(gateway, "providers", "add", "aws", "--type", "bedrock"),
            *("--region", "nowhere-1", "--incomplete"),
        )

    assert said.stderr.splitlines()[1:-1] == [
        "  --region: is none of AWS",
        "  labels.team: is too long",
    ]


async def test_the_gateways_address_is_no_field_of_what_is_added() -> None:
    fields = [{"field": "url", "message": "must look like https://host/path"}]

    async with serving(refusal(422, "VALIDATION_FAILED", fields=fields)) as gateway:
        said = await run(gateway, "webhooks", "add", "pager", given="nonsense")

    assert "  url: must look like https://host/path" in said.stderr.splitlines()


async def test_what_is_not_there_is_told_as_refusals_are() -> None:
    async with serving(json_answer(page_of([AGENT_JSON]))) as gateway:
        said = await run(gateway, "agents", "show", "bob")

    assert said.exit_code == 66
    assert said.stderr == "ag2trust: There is no agent 'bob'.\n"


@pytest.mark.parametrize(("status", "code"), [("delivered", 0), ("failed", 1)])
async def test_a_webhook_that_does_not_take_its_test_fails(
    status: str, code: int
) -> None:
    found = page_of([sample("Webhook", name="pager")])
    delivery = sample("Delivery", status=status)

    async with serving(json_answer(found), json_answer(delivery)) as gateway:
        said = await run(gateway, "webhooks", "test", "pager")

    assert said.exit_code == code


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("The field model is needed.", "--model is needed."),
        ("The field mode is needed.", "The field mode is needed."),
    ],
)
async def test_a_sentence_about_a_field_is_about_the_option(
    sentence: str, said: str
) -> None:
    answer = refusal(422, "VALIDATION_FAILED", sentence)

    async with serving(answer) as gateway:
        told = await run(gateway, "providers", "test", "aws")

    assert told.stderr.splitlines()[0] == f"ag2trust: {said}"


async def test_a_job_is_listed_with_the_names_of_what_it_is_about() -> None:
    old, new = UUID(int=1), UUID(int=2)
    job = sample(
        "Job",
        kind="provider.rotation",
        provider_id=str(old),
        to_provider_id=str(new),
        agent_type_id=None,
    )
    providers = [sample("Provider", id=str(old), name="old")]

    async with serving(
        json_answer(page_of([job])),
        json_answer(page_of(providers)),
        json_answer(page_of([])),
    ) as gateway:
        said = await run(gateway, "jobs", "list")

    assert f"old → {new}" in said.stdout


async def test_a_webhooks_url_is_read_and_its_secret_shown() -> None:
    made = sample("NewWebhookView", name="pager", secret="whsec_c2VjcmV0")
    took: list[Any] = []

    async def create(request: web.Request) -> web.Response:
        took.append(await request.json())
        return web.json_response(made, status=201)

    async with serving(create) as gateway:
        said = await run(
            gateway,
            "webhooks",
            "add",
            "pager",
            given="https://hooks.example.com/t\n",
        )

    assert took[0]["url"] == "https://hooks.example.com/t"
    assert took[0]["events"] == ["alert.opened", "alert.resolved"]
    assert "whsec_c2VjcmV0" in said.output


async def test_a_webhook_needs_a_url() -> None:
    async with serving() as gateway:
        said = await run(gateway, "webhooks", "add", "pager", given="")

    assert said.exit_code == 2
    assert "There is no URL" in said.stderr


async def test_a_delivery_that_failed_is_told_with_its_reason() -> None:
    attempt = sample("DeliveryAttempt", http_status=None, error="No connection.")
    delivery = sample("Delivery", status="failed", attempts=[attempt])
    webhook = sample("Webhook", name="pager")

    async with serving(
        json_answer(page_of([webhook])), json_answer(page_of([delivery]))
    ) as gateway:
        said = await run(gateway, "webhooks", "deliveries", "pager")

    assert "No connection." in said.output


async def test_a_budget_of_an_agent_that_is_gone_hinders_no_manifest(
    tmp_path: Path,
) -> None:
    file = tmp_path / "all.yaml"
    file.write_text("providers: []")
    gone = {"kind": "agent", "id": str(UUID(int=7))}
    budget = sample("Budget", name="adas", scope=gone)
    lists: list[list[Any]] = [[], [], [], [budget]]

    async with serving(*(json_answer(page_of(each)) for each in lists)) as gateway:
        said = await run(gateway, "apply", "-f", str(file), "--dry-run")

    assert said.exit_code == 0, said.output


@pytest.mark.parametrize("url", ["banana", "http://", "localhost:8080", "https://[x"])
def test_an_address_that_leads_nowhere_is_told_before_a_key_is_missed(url: str) -> None:
    said = CliRunner().invoke(main, ["providers", "list"], env={"AG2TRUST_URL": url})

    assert said.exit_code == 2
    assert f"{url} is no address of a gateway" in said.stderr


@pytest.mark.parametrize(("columns", "lines"), [(80, 6), (200, 2)])
async def test_a_table_fits_into_the_terminal(columns: int, lines: int) -> None:
    terminal, program = os.openpty()
    termios.tcsetwinsize(program, (24, columns))
    listed = page_of([AGENT_JSON | {"name": "a" * 50, "runner": "r" * 50}])
    async with serving(json_answer(listed), json_answer(page_of([]))) as gateway:
        command = ("-m", "ag2trust", "agents", "list", "--url", gateway.url)
        key = {"AG2TRUST_API_KEY": "cust_" + "k" * 40}
        asked = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=program, env=key
        )
        code = await asked.wait()

    said = os.read(terminal, 4096).decode()
    os.close(program)
    os.close(terminal)
    assert (code, len(said.splitlines())) == (0, lines)
    assert all(len(line) <= columns for line in said.splitlines())


async def test_a_table_that_no_terminal_shows_has_a_line_for_each_row() -> None:
    listed = page_of([AGENT_JSON | {"name": "a" * 50, "runner": "r" * 50}])
    async with serving(json_answer(listed), json_answer(page_of([]))) as gateway:
        said = await run(gateway, "agents", "list")

    assert len(said.stdout.splitlines()) == 2
