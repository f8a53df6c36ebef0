"""What people do in the dashboard every day, done on the whole stack."""

import asyncio
import json
import re
from urllib.request import Request, urlopen

import pytest
from playwright.async_api import Browser, Page, expect

from .first_run import FirstRun
from .watched_page import WatchedPage, watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

_NEXT_KEY = "sk-browser-rotated-8842"
_NO_RECEIVER = "https://receiver.invalid/hook-canary-5521"
_TABS = 60
_FOCUSED = "document.activeElement.ariaLabel ?? document.activeElement.innerText"


async def test_a_provider_in_use_cannot_be_deleted_and_its_agents_are_named(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/settings/providers")
        await seen.page.get_by_role("link", name="openai-prod").click()
        await seen.page.get_by_role("button", name="More for openai-prod").click()
        await seen.page.get_by_role("menuitem", name="Delete provider").click()
        dialog = seen.page.get_by_role("dialog")

        await dialog.get_by_role("button", name="Delete provider").click()

        await expect(dialog.get_by_text("PROVIDER_IN_USE")).to_be_visible()
        await expect(dialog.get_by_role("link", name="support-1")).to_be_visible()
        assert await seen.barriers() == []


async def test_a_model_of_the_catalogue_is_chosen_by_task(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/agent-types/new")
        await seen.page.get_by_label("What for").select_option(
            "High volume, simple tasks"
        )
        first = seen.page.get_by_role("table").get_by_role("radio").first

        await first.check()

        chosen = await seen.page.get_by_label("Model", exact=True).input_value()
        row = seen.page.get_by_role("row").filter(has_text="Recommended").first
        await expect(row).to_contain_text(chosen)
        await expect(row).to_contain_text("$")


async def test_a_call_appears_on_an_open_page_as_soon_as_it_has_ended(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/calls")
        calls = seen.page.get_by_role("row")
        before = await calls.count()

        await _ask_in_another_tab(browser, first_run)

        await expect(calls).to_have_count(before + 1)
        assert seen.wrongs == []


async def test_an_agent_type_has_the_image_and_resources_it_was_given(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await seen.go("/agent-types/new")
        await page.get_by_label("Name", exact=True).fill("Own image")
        await page.get_by_label("Model", exact=True).fill("sandbox-echo")
        await page.get_by_label("Image").fill("own/agent:1")
        await page.get_by_label("Processes").fill("64")

        await page.get_by_role("button", name="Create agent type").click()

        await page.get_by_text("Version 1").wait_for()
        await page.reload()
        await expect(page.get_by_label("Image")).to_have_value("own/agent:1")
        await expect(page.get_by_label("Processes")).to_have_value("64")
        assert seen.wrongs == []


async def test_an_external_agent_is_connected_called_and_its_token_forgotten(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await seen.go("/agents/connect")
        await page.get_by_role("link", name="New external agent type").click()
        await page.get_by_label("Name", exact=True).fill("CI bot")
        await page.get_by_label("Model", exact=True).fill("sandbox-echo")
        await page.get_by_role("button", name="Create agent type").click()
        await page.get_by_text("Version 1").wait_for()
        await page.get_by_role("link", name="Agents", exact=True).click()
        await page.get_by_role("link", name="Connect external agent").click()
        await page.get_by_label("Name", exact=True).fill("ci-1")
        await page.get_by_role("button", name="Make token").click()
        await page.get_by_text("Waiting for its first call").wait_for()
        shell = await page.locator("pre").nth(1).inner_text()

        answer = await asyncio.to_thread(_call_as_the_shell_says, shell)

        assert "You said: Hello!" in answer
        await page.get_by_role("link", name="show the call").wait_for()
        await page.get_by_role("link", name="Open ci-1").click()
        await page.get_by_role("link", name="Connection").click()
        await page.get_by_text("$TOKEN stands for its token").wait_for()
        token = _exported(shell, "OPENAI_API_KEY")
        stored = await page.evaluate("() => JSON.stringify({...sessionStorage})")
        assert token not in await page.content()
        assert token not in stored
        assert seen.wrongs == []


async def test_a_price_is_set_where_the_book_knows_none(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/settings/prices")
        unpriced = seen.page.get_by_role("listitem").filter(has_text="sandbox-echo")
        await unpriced.get_by_role("button", name="Set price").click()
        await seen.page.get_by_label("Input", exact=True).fill("2.5")
        await seen.page.get_by_label("Output", exact=True).fill("10")

        await (
            seen.page.get_by_role("dialog")
            .get_by_role("button", name="Set price")
            .click()
        )

        row = (
            seen.page.get_by_role("table")
            .get_by_role("row")
            .filter(has_text="sandbox-echo")
        )
        await expect(row).to_contain_text("$2.50")
        await expect(row).to_contain_text("$10.00")


async def test_a_key_is_rotated_in_steps_that_are_told_as_they_are_done(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await seen.go("/settings/providers")
        await page.get_by_role("link", name="openai-prod").click()
        await page.get_by_role("button", name="Rotate key").click()
        await page.locator("input[name=api_key]").fill(_NEXT_KEY)

        await page.get_by_role("button", name="Start rotation").click()

        await page.get_by_role("heading", name="Rotation of a key").wait_for()
        await page.get_by_text("Completed").wait_for()
        await expect(page.get_by_text("Store the new key")).to_be_visible()
        assert _NEXT_KEY not in await page.content()
        assert await seen.barriers() == []
        assert seen.wrongs == []


async def test_a_budget_is_made_told_how_it_stands_changed_and_deleted(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/usage")
        await seen.page.get_by_role("button", name="New budget").click()
        dialog = seen.page.get_by_role("dialog")
        await dialog.get_by_label("Name", exact=True).fill("All together")
        await dialog.get_by_label("At most").fill("250")

        await dialog.get_by_role("button", name="Create budget").click()

        budget = seen.page.get_by_role("listitem").filter(has_text="All together")
        await expect(budget).to_contain_text("of $250.00 used this month")
        await expect(budget).to_contain_text("refuses calls once spent")

        await budget.get_by_role("button", name="More for All together").click()
        await seen.page.get_by_role("menuitem", name="Edit budget").click()
        await dialog.get_by_label("At most, in dollars").fill("300")
        await dialog.get_by_label("Warn at").fill("95")
        await dialog.get_by_label("Once it is spent").select_option("warn")
        await seen.fits("edit-budget")
        await dialog.get_by_role("button", name="Save changes").click()
        await expect(dialog).to_have_count(0)
        await expect(budget).to_contain_text("of $300.00 used this month")
        await expect(budget).to_contain_text("only tells when spent · warns at 95 %")

        await budget.get_by_role("button", name="More for All together").click()
        await seen.page.get_by_role("menuitem", name="Delete budget").click()
        await dialog.get_by_role("button", name="Delete budget").click()
        await expect(budget).to_have_count(0)


async def test_a_webhook_shows_its_secret_once_and_what_came_of_a_test(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        secret = await _make_webhook(seen, "pager")

        await page.get_by_role("button", name="Send test").click()

        await page.get_by_text("The test was not delivered").wait_for()
        delivery = page.get_by_role("row").filter(has_text="webhook.test")
        await expect(delivery).to_contain_text("Failed")
        assert secret.startswith("whsec_")
        assert secret not in await page.content()
        assert _NO_RECEIVER not in await page.content()
        await seen.fits("webhook")
        assert seen.wrongs == []


async def test_a_webhook_asks_for_other_events_and_what_failed_is_sent_again(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await _make_webhook(seen, "ops")
        await page.get_by_role("button", name="More for ops").click()
        await page.get_by_role("menuitem", name="Change webhook").click()
        await page.get_by_role("checkbox", name="budget.reached").check()
        await page.get_by_role("checkbox", name="alert.resolved").uncheck()
        assert await seen.barriers() == []

        await page.get_by_role("button", name="Save changes").click()

        await page.get_by_text("alert.opened, budget.reached").wait_for()
        await page.get_by_role("button", name="Send test").click()
        await page.get_by_text("The test was not delivered").wait_for()
        await page.get_by_role("button", name="Replay failed").click()
        await page.get_by_text("Under way again: 1 delivery.").wait_for()
        assert seen.wrongs == []


async def test_a_webhook_is_switched_off_and_on_and_deleted(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await _make_webhook(seen, "siem")
        await page.get_by_role("button", name="More for siem").click()
        await page.get_by_role("menuitem", name="Disable webhook").click()
        await page.get_by_role("button", name="Enable webhook").click()
        await page.get_by_text("Enabled", exact=True).wait_for()
        await page.get_by_role("button", name="More for siem").click()
        await page.get_by_role("menuitem", name="Delete webhook").click()

        await page.get_by_role("button", name="Delete webhook").click()

        await page.get_by_role("heading", name="Webhooks").wait_for()
        await expect(page.get_by_role("link", name="siem")).to_have_count(0)
        assert seen.wrongs == []


async def test_secrets_are_frozen_by_who_types_whose_they_are(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await seen.go("/settings/master-key")
        name = await page.evaluate(
            "() => fetch('/api/organization').then((answer) => answer.json())"
            ".then(({ name }) => name)"
        )
        await page.get_by_role("button", name="Freeze secrets").click()
        dialog = page.get_by_role("dialog")
        act = dialog.get_by_role("button", name="Freeze secrets")
        await act.click()
        await dialog.get_by_text(f"This is not {name}.").wait_for()
        await seen.picture("freeze-secrets")
        assert await seen.barriers() == []
        await dialog.get_by_label("Organization").fill(name)

        await act.click()

        await page.get_by_text("Every secret is closed", exact=True).wait_for()
        await page.get_by_role("button", name="Open secrets again").click()
        await page.get_by_role("heading", name="In an emergency").wait_for()
        assert seen.wrongs == []


async def test_an_alert_rule_that_is_switched_off_stays_off(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/alerts")
        rule = seen.page.get_by_role("checkbox", name="Slow responses")
        await expect(rule).to_be_checked()

        await rule.click()

        await expect(rule).not_to_be_checked()
        await seen.go("/alerts")
        await expect(rule).not_to_be_checked()


async def test_an_agent_is_found_changed_and_left_alone_by_keyboard_alone(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await seen.go("/agents")
        await _reach(page, "support-1")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        await _reach(page, "More for support-1")
        await page.keyboard.press("Enter")
        await page.get_by_role("menu").wait_for()
        await page.keyboard.press("End")
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Delete support-1?")

        await page.keyboard.press("Escape")

        await expect(dialog).to_have_count(0)
        await expect(
            page.get_by_role("button", name="More for support-1")
        ).to_be_focused()


async def _make_webhook(seen: WatchedPage, name: str) -> str:
    """Make one by hand, go to its page, and return the secret that was shown."""
    page = seen.page
    await seen.go("/settings/webhooks")
    await page.get_by_role("button", name="New webhook").first.click()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.locator("input[name=url]").fill(_NO_RECEIVER)
    await page.get_by_role("button", name="Create webhook").click()
    await page.get_by_text("This is the only time it is shown").wait_for()
    secret = await page.get_by_role("dialog").locator("pre").inner_text()
    await page.get_by_role("button", name="Close").last.click()
    await page.get_by_role("link", name=name).click()
    await page.get_by_role("heading", name=name).wait_for()
    return secret


async def _reach(page: Page, name: str) -> None:
    """Press Tab until what is called *name* has the focus."""
    for _ in range(_TABS):
        await page.keyboard.press("Tab")
        if await page.evaluate(_FOCUSED) == name:
            return
    raise AssertionError(f"Tab never leads to {name!r}")


async def _ask_in_another_tab(browser: Browser, first_run: FirstRun) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as other:
        await other.go("/agents")
        await other.page.get_by_role("link", name="support-1").click()
        await other.page.get_by_role("link", name="Chat").click()
        await other.page.get_by_label("Message", exact=True).fill("Once more!")
        await other.page.keyboard.press("Enter")
        await other.page.get_by_text("You said: Once more!").wait_for()


def _call_as_the_shell_says(shell: str) -> str:
    body = {
        "model": "sandbox-echo",
        "messages": [{"role": "user", "content": "Hello!"}],
    }
    request = Request(  # noqa: S310 - the stack's own address
        _exported(shell, "OPENAI_BASE_URL") + "/chat/completions",
        json.dumps(body).encode(),
        {
            "Authorization": f"Bearer {_exported(shell, 'OPENAI_API_KEY')}",
            "Content-Type": "application/json",
        },
    )
    with urlopen(request) as answer:  # noqa: S310
        content: str = json.load(answer)["choices"][0]["message"]["content"]
    return content


def _exported(shell: str, name: str) -> str:
    found = re.search(f'{name}="([^"]*)"', shell)
    assert found is not None
    return found[1]
